/**
 * The buses' twin in one process: a network without sockets, for tests and for the seeded simulation.
 *
 * 1. As over ZeroMQ: every connection is a new route, frames of one connection keep their order, a handler's promise pauses its
 *    socket, a peer that takes nothing more or is gone is reported and delays nobody.
 * 2. What is under way on a connection that ends is gone.
 * 3. Nothing is delivered inside the call that sent it: `schedule` decides when, how often, and whether at all.
 */
import { TuttiError } from '../base/errors.js';
import {
  type BusGauges,
  type Endpoints,
  NO_GAUGES,
  type NodeBus,
  type NodeBusHandlers,
  type OrchestratorBus,
  type OrchestratorBusHandlers,
  type Peer,
  type Route,
} from './bus.js';
import { Inbox } from './memory-inbox.js';
import { TopicSubscribers } from './topic-subscribers.js';

/** One frame under way. */
export interface Delivery {
  readonly plane: 'to_orchestrator' | 'to_node' | 'outputs' | 'events';
  /** The name of the node or the subscriber at the other end. */
  readonly peer: string;
  readonly frame: Uint8Array;
  /** Hands the frame over; may be called never (a loss), later (a delay), or again (a duplicate). */
  deliver(): void;
}

export interface MemoryNetworkOptions {
  /** @default each in a microtask of its own, in order */
  readonly schedule?: (delivery: Delivery) => void;
  /** A larger frame from a node ends its connection. @default no limit */
  readonly maxFrameBytes?: number;
  /** Frames that may be under way to one peer, each way. @default 1000 */
  readonly queueFrames?: number;
  /** Frames that a node keeps while it has no connection; the oldest are dropped. @default 64 */
  readonly pendingFrames?: number;
}

export interface MemoryOrchestratorBus extends OrchestratorBus {
  /** As if the process had been killed: nothing more goes in or out, and what was under way is gone. */
  kill(): void;
}

export interface MemoryNodeBus extends NodeBus {
  /** Ends the connection, as a broken cable does; it stays so until `mend`. */
  cut(): void;
  mend(): void;
  /** As if the process had been killed. */
  kill(): void;
  /** A message that is not of the agreed form. */
  sendMalformed(socket: 'control' | 'outputs'): void;
}

export interface MemorySubscriber {
  close(): void;
}

export interface MemoryNetwork {
  /** One at a time may be started; a later one is the restarted process. */
  orchestratorBus(): MemoryOrchestratorBus;
  nodeBus(name: string): MemoryNodeBus;
  /** Somebody on the events plane, over any number of orchestrators. */
  subscribe(prefix: string, listener: (topic: string, frame: Uint8Array) => void): MemorySubscriber;
}

/** One connection of one node. A stopped peer closes its own direction of hearing only: what it said before still arrives. */
interface Connection extends Peer {
  readonly node: Node;
  isKnown: boolean;
  /** Whether the orchestrator still hears the node. */
  up: boolean;
  /** Whether the node still hears the orchestrator. */
  down: boolean;
}

interface Node {
  readonly name: string;
  readonly inbox: Inbox;
  handlers?: NodeBusHandlers;
  connection?: Connection | undefined;
  pending: Uint8Array[];
  cut: boolean;
  stopped: boolean;
  outputsConnected: boolean;
}

interface Orchestrator {
  readonly handlers: OrchestratorBusHandlers;
  readonly control: Inbox;
  readonly outputs: Inbox;
  readonly connections: Map<Route, Connection>;
}

interface Subscription {
  readonly name: string;
  readonly listener: (topic: string, frame: Uint8Array) => void;
  closed: boolean;
}

const OUTPUTS_PREFIX = 'output/';
const QUEUE_FRAMES = 1_000;
const PENDING_FRAMES = 64;

export function createMemoryNetwork(options: MemoryNetworkOptions = {}): MemoryNetwork {
  const wires = new Wires(options);
  return {
    orchestratorBus: () => new OrchestratorEnd(wires),
    nodeBus: (name) => new NodeEnd(wires, name),
    subscribe: (prefix, listener) => wires.subscribe(prefix, listener),
  };
}

/** The link between the two ends: the connected peers, and the frames in flight. */
class Wires {
  readonly nodes = new Set<Node>();
  readonly subscribers = new TopicSubscribers<Subscription>();
  orchestrator: Orchestrator | undefined;
  readonly #schedule: (delivery: Delivery) => void;
  readonly #queueFrames: number;
  readonly #pendingFrames: number;
  readonly #maxFrameBytes: number;
  #routes = 0;

  constructor(options: MemoryNetworkOptions) {
    this.#schedule = options.schedule ?? (({ deliver }: Delivery) => queueMicrotask(deliver));
    this.#queueFrames = options.queueFrames ?? QUEUE_FRAMES;
    this.#pendingFrames = options.pendingFrames ?? PENDING_FRAMES;
    this.#maxFrameBytes = options.maxFrameBytes ?? Number.POSITIVE_INFINITY;
  }

  connect(node: Node): void {
    const to = this.orchestrator;
    if (!to || !node.handlers || node.connection || node.cut || node.stopped) return;
    this.#routes += 1;
    const route = `memory-${this.#routes}`;
    const connection = { route, address: node.name, isKnown: false, node, up: true, down: true };
    node.connection = connection;
    to.connections.set(connection.route, connection);
    const { pending } = node;
    node.pending = [];
    for (const frame of pending) this.sendUp(node, frame);
    node.handlers.onLine?.(true);
    node.handlers.onRoom?.();
  }

  /** Forgets a connection on both sides; which directions go on to deliver is the caller's. */
  disconnect(connection: Connection): void {
    if (connection.node.connection === connection) connection.node.connection = undefined;
    const to = this.orchestrator;
    if (to?.connections.delete(connection.route))
      queueMicrotask(() => to.handlers.onDisconnect(connection.route));
  }

  breakOff(connection: Connection | undefined): void {
    if (!connection) return;
    connection.up = false;
    connection.down = false;
    this.disconnect(connection);
    connection.node.handlers?.onLine?.(false);
  }

  /** A frame too large ends the connection, and the node connects again. */
  #isTooLarge(node: Node, frame: Uint8Array): boolean {
    if (frame.byteLength <= this.#maxFrameBytes) return false;
    this.breakOff(node.connection);
    queueMicrotask(() => this.connect(node));
    return true;
  }

  sendUp(node: Node, frame: Uint8Array, supersedes = false): void {
    if (node.stopped || !node.handlers) return;
    const { connection } = node;
    const to = this.orchestrator;
    if (!connection || !to) {
      const over = Math.max(0, node.pending.length + 1 - this.#pendingFrames);
      const dropped = node.pending.splice(0, supersedes ? node.pending.length : over);
      node.pending.push(frame);
      for (const each of dropped) node.handlers.onDropped?.(each);
      return;
    }
    if (this.#isTooLarge(node, frame)) return;
    const deliver = () => {
      if (to.control.length >= this.#queueFrames) return;
      to.control.push(() =>
        connection.up ? to.handlers.onControl(connection.route, frame, connection) : undefined,
      );
    };
    this.#schedule({ plane: 'to_orchestrator', peer: node.name, frame, deliver });
  }

  publishUp(node: Node, topic: string, frame: Uint8Array): void {
    const { connection } = node;
    const to = this.orchestrator;
    if (!connection || !to || !node.outputsConnected || node.stopped || !topic.startsWith(OUTPUTS_PREFIX))
      return;
    if (this.#isTooLarge(node, frame)) return;
    const deliver = () => {
      if (to.outputs.length >= this.#queueFrames) return;
      to.outputs.push(() => (connection.up ? to.handlers.onOutputs(topic, frame, connection) : undefined));
    };
    this.#schedule({ plane: 'outputs', peer: node.name, frame, deliver });
  }

  sendDown(from: Orchestrator, route: Route, frame: Uint8Array): void {
    const unreachable = () => queueMicrotask(() => from.handlers.onUnreachable(route));
    const connection = from.connections.get(route);
    if (!connection) {
      unreachable();
      return;
    }
    const { node } = connection;
    const deliver = () => {
      if (!connection.down) return;
      if (node.inbox.length >= this.#queueFrames) unreachable();
      else node.inbox.push(() => (connection.down ? node.handlers?.onControl(frame) : undefined));
    };
    this.#schedule({ plane: 'to_node', peer: node.name, frame, deliver });
  }

  publishDown(topic: string, frame: Uint8Array): void {
    for (const subscription of this.subscribers.of(topic)) {
      const deliver = () => {
        if (!subscription.closed) subscription.listener(topic, frame);
      };
      this.#schedule({ plane: 'events', peer: subscription.name, frame, deliver });
    }
  }

  subscribe(prefix: string, listener: Subscription['listener']): MemorySubscriber {
    const { subscribers } = this;
    const subscription = { name: `subscriber of ${prefix}`, listener, closed: false };
    subscribers.add(prefix, subscription);
    return {
      close() {
        subscription.closed = true;
        subscribers.remove(prefix, subscription);
      },
    };
  }
}

class OrchestratorEnd implements MemoryOrchestratorBus {
  readonly #wires: Wires;
  #self: Orchestrator | undefined;
  #ended = false;

  constructor(wires: Wires) {
    this.#wires = wires;
  }

  async start(handlers: OrchestratorBusHandlers): Promise<Endpoints> {
    const wires = this.#wires;
    if (this.#self || this.#ended) throw new TuttiError('bus_started', 'this bus was started before');
    if (wires.orchestrator)
      throw new TuttiError('port_in_use', 'control: memory://control is already in use');
    this.#self = { handlers, control: new Inbox(), outputs: new Inbox(), connections: new Map() };
    wires.orchestrator = this.#self;
    for (const node of wires.nodes) wires.connect(node);
    return { control: 'memory://control', outputs: 'memory://outputs', events: 'memory://events' };
  }

  send(route: Route, frame: Uint8Array): void {
    if (this.#self && !this.#ended) this.#wires.sendDown(this.#self, route, frame);
  }

  admit(route: Route): void {
    const connection = this.#self?.connections.get(route);
    if (connection) connection.isKnown = true;
  }

  end(route: Route): void {
    const connection = this.#self?.connections.get(route);
    if (!connection) return;
    // Frames to it are still under way.
    connection.up = false;
    this.#wires.disconnect(connection);
    queueMicrotask(() => this.#wires.connect(connection.node));
  }

  publish(topic: string, frame: Uint8Array): void {
    if (this.#self && !this.#ended) this.#wires.publishDown(topic, frame);
  }

  isWanted(topic: string): boolean {
    return this.#wires.subscribers.isWanted(topic);
  }

  /** A sent frame arrives at once: only frames that the receiver has not read are waiting. */
  gauges(): BusGauges {
    return NO_GAUGES;
  }

  async stop(): Promise<void> {
    this.#end((connection) => {
      connection.up = false;
    });
  }

  kill(): void {
    this.#end((connection) => {
      connection.up = false;
      connection.down = false;
    });
  }

  #end(connectionEnds: (connection: Connection) => void): void {
    this.#ended = true;
    const self = this.#self;
    if (!self || this.#wires.orchestrator !== self) return;
    this.#wires.orchestrator = undefined;
    self.control.close();
    self.outputs.close();
    for (const connection of self.connections.values()) {
      connectionEnds(connection);
      connection.node.connection = undefined;
      connection.node.handlers?.onLine?.(false);
    }
  }
}

class NodeEnd implements MemoryNodeBus {
  readonly #wires: Wires;
  readonly #node: Node;

  constructor(wires: Wires, name: string) {
    this.#wires = wires;
    this.#node = {
      name,
      inbox: new Inbox(),
      pending: [],
      cut: false,
      stopped: false,
      outputsConnected: false,
    };
  }

  async start(handlers: NodeBusHandlers): Promise<void> {
    const node = this.#node;
    if (node.handlers || node.stopped) throw new TuttiError('bus_started', 'this bus was started before');
    node.handlers = handlers;
    this.#wires.nodes.add(node);
    this.#wires.connect(node);
  }

  /** All of its addresses are those of the one orchestrator of the network. */
  dial(): void {
    const node = this.#node;
    const dropped = node.pending.splice(0);
    node.outputsConnected = false;
    this.#wires.breakOff(node.connection);
    this.#wires.connect(node);
    for (const each of dropped) node.handlers?.onDropped?.(each);
  }

  send(frame: Uint8Array, supersedes?: boolean): void {
    this.#wires.sendUp(this.#node, frame, supersedes);
  }

  get hasRoom(): boolean {
    return this.#node.connection !== undefined;
  }

  connectOutputs(): void {
    this.#node.outputsConnected = true;
  }

  publish(topic: string, frame: Uint8Array): void {
    this.#wires.publishUp(this.#node, topic, frame);
  }

  async stop(): Promise<void> {
    this.#end();
    if (this.#node.connection) this.#wires.disconnect(this.#node.connection);
  }

  kill(): void {
    this.#end();
    this.#wires.breakOff(this.#node.connection);
  }

  cut(): void {
    this.#node.cut = true;
    this.#wires.breakOff(this.#node.connection);
  }

  mend(): void {
    this.#node.cut = false;
    this.#wires.connect(this.#node);
  }

  sendMalformed(socket: 'control' | 'outputs'): void {
    const { connection, name } = this.#node;
    const to = this.#wires.orchestrator;
    if (!connection || !to) return;
    const peer = socket === 'control' ? connection.route : name;
    queueMicrotask(() => to.handlers.onMalformed(socket, peer));
  }

  #end(): void {
    this.#node.stopped = true;
    this.#node.inbox.close();
    this.#wires.nodes.delete(this.#node);
  }
}
