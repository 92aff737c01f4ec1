/**
 * The bus ports: frames in, frames out. What a frame says is `wire`'s.
 *
 * 1. `send` and `publish` never block and never throw; the order of the frames to one peer is kept.
 * 2. A handler that returns a promise stops the reading of its socket until the promise settles: that is how a full
 *    mailbox slows its producers down. Handlers must not throw.
 * 3. A frame that was handed over belongs to the bus: the caller does not touch its bytes again.
 * 4. Nothing is guaranteed to arrive. The protocol repeats until it is answered.
 * 5. A peer is unregistered until it is admitted. The bus limits unregistered peers to few connections, a short time and small
 *    frames.
 * 6. A bus is started once: a second `start`, or one after `stop`, throws `TuttiError` `bus_started`.
 */

/** One connection of one node to the control socket; a reconnect is another route. Opaque. */
export type Route = string;

/** Whose frame it is. */
export interface Peer {
  readonly route: Route;
  /** Where it came from. */
  readonly address: string;
  /** Whether it was admitted. */
  readonly isKnown: boolean;
  /** The public key whose secret it has proved to hold, as Z85. Nothing where connections are not encrypted. */
  readonly key?: string;
}

export interface Endpoints {
  /** As bound, with real ports: `tcp://127.0.0.1:7400`. */
  readonly control: string;
  readonly outputs: string;
  readonly events: string;
}

/**
 * Why a connection was ended from our side. `bad_frame`: it does not speak ZeroMQ, sent too large a frame, subscribed to too much.
 * `no_hello`: it did not register in time. `too_many_connections`: a newer one replaced it. `not_reading`: it read nothing
 * of what was sent to it. `unknown_key`: the key that it holds is not enrolled for this socket.
 */
export type CutCode = 'bad_frame' | 'no_hello' | 'too_many_connections' | 'not_reading' | 'unknown_key';

export interface OrchestratorBusHandlers {
  onControl(route: Route, frame: Uint8Array, peer: Peer): void | Promise<void>;
  /** `topic` as sent; invalid UTF-8 is replaced. Of which node it is shows only in the frame. */
  onOutputs(topic: string, frame: Uint8Array, peer: Peer): void | Promise<void>;
  /** A message had the wrong number of frames. On the control socket, `peer` is the route. */
  onMalformed(socket: 'control' | 'outputs', peer: string): void;
  /** A connection was ended from our side because of the behaviour of its peer at this address. */
  onCut(socket: 'control' | 'outputs' | 'events', code: CutCode, why: string, peer: string): void;
  /** A frame could not be handed to this route: its connection is gone or no longer takes. */
  onUnreachable(route: Route): void;
  /** This connection of the control socket ended. */
  onDisconnect(route: Route): void;
}

/** The sizes of the sockets' queues. */
export interface BusGauges {
  readonly control: {
    readonly connections: number;
    /** Those among them that were not admitted. */
    readonly unregistered: number;
    /** Frames that wait for their peers. */
    readonly queuedFrames: number;
    /** Bytes that have come and are not a whole message yet, or wait for the mailbox. */
    readonly heldBytes: number;
  };
  readonly outputs: {
    readonly connections: number;
    readonly unregistered: number;
    readonly heldBytes: number;
  };
  readonly events: {
    readonly connections: number;
    readonly queuedFrames: number;
    readonly subscriptions: number;
    /** A count since the start: frames that a subscriber did not get since it did not take those before. */
    readonly missedFrames: number;
  };
}

/** Of a bus whose sockets are not open. */
export const NO_GAUGES: BusGauges = {
  control: { connections: 0, unregistered: 0, queuedFrames: 0, heldBytes: 0 },
  outputs: { connections: 0, unregistered: 0, heldBytes: 0 },
  events: { connections: 0, queuedFrames: 0, subscriptions: 0, missedFrames: 0 },
};

export interface OrchestratorBus {
  /** Binds the three sockets. Throws `TuttiError` `port_in_use` (naming option and endpoint) or `bad_endpoint`. */
  start(handlers: OrchestratorBusHandlers): Promise<Endpoints>;
  send(route: Route, frame: Uint8Array): void;
  /** From now on the peer of this connection, of the control or the outputs socket, is known. */
  admit(route: Route): void;
  /** Ends a connection of the control socket, after the frames that were sent to it before. */
  end(route: Route): void;
  publish(topic: string, frame: Uint8Array): void;
  /** Whether anybody subscribes to a prefix of this topic. */
  isWanted(topic: string): boolean;
  gauges(): BusGauges;
  /** Idempotent; what was sent before is handed to the network first, for at most `lingerMs`. */
  stop(): Promise<void>;
}

export interface NodeBusHandlers {
  onControl(frame: Uint8Array): void | Promise<void>;
  /** The connection for control is there, or was lost. */
  onLine?(isUp: boolean): void;
  /** `hasRoom` has become true. */
  onRoom?(): void;
  /** A frame that was handed to `send` was dropped for newer ones. */
  onDropped?(frame: Uint8Array): void;
}

export interface NodeBus {
  /** Connects (and goes on reconnecting) to the first control endpoint. Throws `TuttiError` `bad_endpoint`. */
  start(handlers: NodeBusHandlers): Promise<void>;
  /**
   * Leaves the connections for those to another address of the node; what waits to leave is dropped.
   *
   * @param at its place among the addresses. Throws `TuttiError` `bad_endpoint`.
   */
  dial(at: number): void;
  /** `supersedes`: of the frames that wait for a connection none is still worth sending. @default false */
  send(frame: Uint8Array, supersedes?: boolean): void;
  /** Whether a frame that is sent now leaves soon: there is a connection, and it takes frames. Deferrable frames wait until then. */
  readonly hasRoom: boolean;
  /** Connects the outputs socket; another endpoint than before replaces the connection. Throws `TuttiError` `bad_endpoint`. */
  connectOutputs(endpoint: string): void;
  /** Lossy: before `connectOutputs`, and until the subscription has arrived, it goes nowhere. */
  publish(topic: string, frame: Uint8Array): void;
  /** Idempotent; what was sent before is handed to the network first, for at most `lingerMs`. */
  stop(): Promise<void>;
}
