/**
 * A node's two sockets: DEALER for control, PUB for outputs. Both only dial out.
 *
 * 1. Control frames that libzmq does not take yet wait in a queue of the node's own, which drops its oldest. One loop owns the
 *    DEALER's sending, so sends never overlap.
 * 2. Without a connection only few frames are kept, and by this queue only (libzmq gets a frame when there is a connection to take
 *    it): after a long outage the orchestrator is not flooded with what is stale.
 * 3. Outputs are handed to a connection that is up (`immediate`) or to nobody.
 */
import { curveKeyPair, Dealer, Publisher } from 'zeromq';
import { TuttiError } from '../base/errors.js';
import type { NodeBus } from './bus.js';
import {
  atMost,
  badEndpoint,
  HEARTBEATS,
  isIpv6,
  LINGER_MS,
  lossy,
  type Open,
  QUEUE_FRAMES,
  readAll,
  watched,
} from './zeromq-sockets.js';

export interface ZeromqNodeOptions {
  /** The orchestrator's control endpoint: `tcp://127.0.0.1:7400`. */
  readonly control: string;
  /** How long frames that were sent may still take after `stop`. @default 500 */
  readonly lingerMs?: number;
  /** A larger frame ends the connection. @default no limit: the orchestrator is trusted */
  readonly maxFrameBytes?: number;
  /** The first wait before connecting again; it doubles each time. @default 100 */
  readonly reconnectIntervalMs?: number;
  /** @default 2000 */
  readonly reconnectMaxIntervalMs?: number;
  /** Frames that are kept without a connection; the oldest are dropped. @default 64 */
  readonly pendingFrames?: number;
  /** CURVE, with keys as Z85. @default NULL: everything is in the clear */
  readonly curve?: NodeCurve;
  /** Frames that wait in each direction of a connection; beyond it the oldest are dropped. @default 1000 */
  readonly queueFrames?: number;
}

export interface NodeCurve {
  /** The orchestrator's, by which it is recognised. */
  readonly serverKey: string;
  readonly publicKey: string;
  readonly secretKey: string;
}

/** A new pair for a node, as Z85. */
export function newKeyPair(): Pick<NodeCurve, 'publicKey' | 'secretKey'> {
  return curveKeyPair();
}

/** About as much as a busy node says during one reconnect; all of it is repeated anyway. */
const PENDING_FRAMES = 64;

/** A host that does not answer at all is tried again after this, not after the minutes of the system's own limit. */
const CONNECT_TIMEOUT_MS = 5_000;

const UNLIMITED = -1;

export function createZeromqNodeBus(options: ZeromqNodeOptions): NodeBus {
  const linger = options.lingerMs ?? LINGER_MS;
  const queueFrames = options.queueFrames ?? QUEUE_FRAMES;
  const pendingFrames = options.pendingFrames ?? PENDING_FRAMES;
  const common = {
    ...HEARTBEATS,
    linger,
    connectTimeout: CONNECT_TIMEOUT_MS,
    reconnectInterval: options.reconnectIntervalMs ?? 100,
    reconnectMaxInterval: options.reconnectMaxIntervalMs ?? 2_000,
    ...(options.curve && {
      curveServerKey: options.curve.serverKey,
      curvePublicKey: options.curve.publicKey,
      curveSecretKey: options.curve.secretKey,
    }),
  };
  let connected = false;
  let onRoom: (() => void) | undefined;
  let onDropped: ((frame: Uint8Array) => void) | undefined;
  /** Wakes the sending when there is a connection. */
  let wake: (() => void) | undefined;
  let pending: Uint8Array[] = [];
  let sending: Promise<void> | undefined;
  let dealer: Open<Dealer> | undefined;
  let publisher: Open<Publisher> | undefined;
  let connectedOutputs: string | undefined;
  let stopping: Promise<void> | undefined;

  /** Sends what is pending, one frame at a time; a send waits until there is a connection that takes it. */
  async function drain(socket: Dealer): Promise<void> {
    try {
      while (pending.length > 0) {
        if (!connected) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
        const frame = pending.shift();
        if (frame !== undefined) await socket.send(frame);
        if (pending.length === 0) onRoom?.();
      }
    } catch (error) {
      if (!socket.closed) throw error;
    }
    sending = undefined;
  }

  async function close(): Promise<void> {
    if (sending) await atMost(linger, sending);
    pending = [];
    await Promise.all([dealer?.close(), publisher?.close()]);
  }

  return {
    async start({ onControl, ...handlers }) {
      if (dealer || stopping) throw new TuttiError('bus_started', 'this bus was started before');
      onRoom = handlers.onRoom;
      onDropped = handlers.onDropped;
      const socket = new Dealer({
        ...common,
        ipv6: isIpv6(options.control),
        sendHighWaterMark: pendingFrames,
        receiveHighWaterMark: queueFrames,
        maxMessageSize: options.maxFrameBytes ?? UNLIMITED,
      });
      dealer = watched(socket, {
        onConnect() {
          connected = true;
          wake?.();
          if (pending.length === 0) onRoom?.();
        },
        onDisconnect() {
          connected = false;
        },
      });
      try {
        socket.connect(options.control);
      } catch (error) {
        stopping = dealer.close();
        await stopping;
        throw badEndpoint('control', options.control, error);
      }
      void readAll(socket, (parts) => (parts.length === 1 ? onControl(parts[0]!) : undefined));
    },

    send(frame, supersedes = false) {
      if (!dealer || stopping) return;
      const limit = connected ? queueFrames : pendingFrames;
      const excess = supersedes && !connected ? pending.length : Math.max(0, pending.length + 1 - limit);
      const dropped = pending.splice(0, excess);
      pending.push(frame);
      sending ??= drain(dealer.socket);
      for (const each of dropped) onDropped?.(each);
    },

    get hasRoom() {
      return connected && pending.length === 0;
    },

    connectOutputs(endpoint) {
      if (stopping || endpoint === connectedOutputs) return;
      const socket = new Publisher({
        ...common,
        ipv6: isIpv6(endpoint),
        immediate: true,
        sendTimeout: 0,
        sendHighWaterMark: queueFrames,
      });
      try {
        socket.connect(endpoint);
      } catch (error) {
        socket.close();
        throw badEndpoint('outputs_endpoint', endpoint, error);
      }
      void publisher?.close();
      publisher = watched(socket);
      connectedOutputs = endpoint;
    },

    publish(topic, frame) {
      if (publisher && !stopping) lossy(publisher.socket.send([topic, frame]));
    },

    stop() {
      stopping ??= close();
      return stopping;
    },
  };
}
