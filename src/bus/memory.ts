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
  const schedule = options.schedule ?? (({ deliver }: Delivery) => queueMicrotask(deliver));
  const queueFrames = options.queueFrames ?? QUEUE_FRAMES;
  const pendingFrames = options.pendingFrames ?? PENDING_FRAMES;
  const maxFrameBytes = options.maxFrameBytes ?? Number.POSITIVE_INFINITY;
  const nodes = new Set<Node>();
  const subscribers = new TopicSubscribers<Subscription>();
  let orchestrator: Orchestrator | undefined;
  let routes = 0;

  function connect(node: Node): void {
    if (!orchestrator || !node.handlers || node.connection || node.cut || node.stopped) return;
    routes += 1;
    const route = `memory-${routes}`;
    const connection = { route, address: node.name, isKnown: false, node, up: true, down: true };
    node.connection = connection;
    orchestrator.connections.set(connection.route, connection);
    const { pending } = node;
    node.pending = [];
    for (const frame of pending) sendUp(node, frame);
    node.handlers.onRoom?.();
  }

  /** Forgets a connection on both sides; which directions go on to deliver is the caller's. */
  function disconnect(connection: Connection): void {
    if (connection.node.connection === connection) connection.node.connection = undefined;
    const to = orchestrator;
    if (to?.connections.delete(connection.route))
      queueMicrotask(() => to.handlers.onDisconnect(connection.route));
  }

  function breakOff(connection: Connection | undefined): void {
    if (!connection) return;
    connection.up = false;
    connection.down = false;
    disconnect(connection);
  }

  /** A frame too large ends the connection, and the node connects again. */
  function isTooLarge(node: Node, frame: Uint8Array): boolean {
    if (frame.byteLength <= maxFrameBytes) return false;
    breakOff(node.connection);
    queueMicrotask(() => connect(node));
    return true;
  }

  function sendUp(node: Node, frame: Uint8Array, supersedes = false): void {
    if (node.stopped || !node.handlers) return;
    const { connection } = node;
    const to = orchestrator;
    if (!connection || !to) {
      const excess = supersedes ? node.pending.length : Math.max(0, node.pending.length + 1 - pendingFrames);
      const dropped = node.pending.splice(0, excess);
      node.pending.push(frame);
      for (const each of dropped) node.handlers.onDropped?.(each);
      return;
    }
    if (isTooLarge(node, frame)) return;
    const deliver = () => {
      if (to.control.length >= queueFrames) return;
      to.control.push(() =>
        connection.up ? to.handlers.onControl(connection.route, frame, connection) : undefined,
      );
    };
    schedule({ plane: 'to_orchestrator', peer: node.name, frame, deliver });
  }

  function publishUp(node: Node, topic: string, frame: Uint8Array): void {
    const { connection } = node;
    const to = orchestrator;
    if (!connection || !to || !node.outputsConnected || node.stopped || !topic.startsWith(OUTPUTS_PREFIX))
      return;
    if (isTooLarge(node, frame)) return;
    const deliver = () => {
      if (to.outputs.length >= queueFrames) return;
      to.outputs.push(() => (connection.up ? to.handlers.onOutputs(topic, frame, connection) : undefined));
    };
    schedule({ plane: 'outputs', peer: node.name, frame, deliver });
  }

  function sendDown(from: Orchestrator, route: Route, frame: Uint8Array): void {
    const unreachable = () => queueMicrotask(() => from.handlers.onUnreachable(route));
    const connection = from.connections.get(route);
    if (!connection) {
      unreachable();
      return;
    }
    const { node } = connection;
    const deliver = () => {
      if (!connection.down) return;
      if (node.inbox.length >= queueFrames) unreachable();
      else node.inbox.push(() => (connection.down ? node.handlers?.onControl(frame) : undefined));
    };
    schedule({ plane: 'to_node', peer: node.name, frame, deliver });
  }

  function publishDown(topic: string, frame: Uint8Array): void {
    for (const subscription of subscribers.of(topic)) {
      const deliver = () => {
        if (!subscription.closed) subscription.listener(topic, frame);
      };
      schedule({ plane: 'events', peer: subscription.name, frame, deliver });
    }
  }

  function orchestratorBus(): MemoryOrchestratorBus {
    let self: Orchestrator | undefined;
    let ended = false;

    function end(connectionEnds: (connection: Connection) => void): void {
      ended = true;
      if (!self || orchestrator !== self) return;
      orchestrator = undefined;
      self.control.close();
      self.outputs.close();
      for (const connection of self.connections.values()) {
        connectionEnds(connection);
        connection.node.connection = undefined;
      }
    }

    return {
      async start(handlers) {
        if (self || ended) throw new TuttiError('bus_started', 'this bus was started before');
        if (orchestrator) throw new TuttiError('port_in_use', 'control: memory://control is already in use');
        self = { handlers, control: new Inbox(), outputs: new Inbox(), connections: new Map() };
        orchestrator = self;
        for (const node of nodes) connect(node);
        return { control: 'memory://control', outputs: 'memory://outputs', events: 'memory://events' };
      },
      send(route, frame) {
        if (self && !ended) sendDown(self, route, frame);
      },
      admit(route) {
        const connection = self?.connections.get(route);
        if (connection) connection.isKnown = true;
      },
      end(route) {
        const connection = self?.connections.get(route);
        if (!connection) return;
        // Frames to it are still under way.
        connection.up = false;
        disconnect(connection);
        queueMicrotask(() => connect(connection.node));
      },
      publish(topic, frame) {
        if (self && !ended) publishDown(topic, frame);
      },
      isWanted: (topic) => subscribers.isWanted(topic),
      // What is sent here is there: nothing waits but what its receiver has not taken.
      gauges: () => NO_GAUGES,
      async stop() {
        end((connection) => {
          connection.up = false;
        });
      },
      kill() {
        end((connection) => {
          connection.up = false;
          connection.down = false;
        });
      },
    };
  }

  function nodeBus(name: string): MemoryNodeBus {
    const node: Node = {
      name,
      inbox: new Inbox(),
      pending: [],
      cut: false,
      stopped: false,
      outputsConnected: false,
    };

    function end(): void {
      node.stopped = true;
      node.inbox.close();
      nodes.delete(node);
    }

    return {
      async start(handlers) {
        if (node.handlers || node.stopped) throw new TuttiError('bus_started', 'this bus was started before');
        node.handlers = handlers;
        nodes.add(node);
        connect(node);
      },
      send: (frame, supersedes) => sendUp(node, frame, supersedes),
      get hasRoom() {
        return node.connection !== undefined;
      },
      connectOutputs() {
        node.outputsConnected = true;
      },
      publish: (topic, frame) => publishUp(node, topic, frame),
      async stop() {
        end();
        if (node.connection) disconnect(node.connection);
      },
      kill() {
        end();
        breakOff(node.connection);
      },
      cut() {
        node.cut = true;
        breakOff(node.connection);
      },
      mend() {
        node.cut = false;
        connect(node);
      },
      sendMalformed(socket) {
        const { connection } = node;
        const to = orchestrator;
        if (!connection || !to) return;
        const peer = socket === 'control' ? connection.route : node.name;
        queueMicrotask(() => to.handlers.onMalformed(socket, peer));
      },
    };
  }

  function subscribe(prefix: string, listener: Subscription['listener']): MemorySubscriber {
    const subscription = { name: `subscriber of ${prefix}`, listener, closed: false };
    subscribers.add(prefix, subscription);
    return {
      close() {
        subscription.closed = true;
        subscribers.remove(prefix, subscription);
      },
    };
  }

  return { orchestratorBus, nodeBus, subscribe };
}
