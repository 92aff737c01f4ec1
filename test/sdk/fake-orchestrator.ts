import { setImmediate as nextTurn } from 'node:timers/promises';
import type { OrchestratorBus, Route } from '../../src/bus/bus.js';
import type {
  NodeMessage,
  OrchestratorMessage,
  Output,
  ToOrchestrator,
  Welcome,
} from '../../src/model/protocol.js';
import { decodeOutputs, decodeToOrchestrator, encodeToNode } from '../../src/wire/codec.js';
import { welcome } from './session-driver.js';

type Kind = NodeMessage['kind'];

interface Waiter {
  readonly matches: (message: NodeMessage | Output) => boolean;
  readonly resolve: (message: never) => void;
}

/** The peer: records what a node says, and says what the test tells it to. It has no mind of its own. */
export class FakeOrchestrator {
  readonly frames: ToOrchestrator[] = [];
  readonly outputFrames: (readonly Output[])[] = [];
  readonly bus: OrchestratorBus;
  route: Route = '';
  epoch = 1;
  incarnation = 3;
  #unread: (NodeMessage | Output)[] = [];
  #waiters: Waiter[] = [];

  constructor(bus: OrchestratorBus) {
    this.bus = bus;
  }

  async start(): ReturnType<OrchestratorBus['start']> {
    return await this.bus.start({
      onControl: (route, frame) => {
        const decoded = decodeToOrchestrator(frame);
        if (!decoded.ok || decoded.faults.length > 0) throw new Error(JSON.stringify(decoded));
        this.route = route;
        this.frames.push(decoded.value);
        for (const message of decoded.value.messages) this.#arrived(message);
      },
      onOutputs: (_topic, frame) => {
        const decoded = decodeOutputs(frame);
        if (!decoded.ok || decoded.faults.length > 0) throw new Error(JSON.stringify(decoded));
        this.outputFrames.push(decoded.value.outputs);
        for (const output of decoded.value.outputs) this.#arrived(output);
      },
      onMalformed: () => {
        throw new Error('malformed');
      },
      onCut: () => {},
      onUnreachable: () => {},
      onDisconnect: () => {},
    });
  }

  /** The next message of this kind that no one has taken yet. */
  next<K extends Kind>(
    kind: K,
    matches: (message: Extract<NodeMessage, { kind: K }>) => boolean = () => true,
  ): Promise<Extract<NodeMessage, { kind: K }>> {
    return this.#next(
      (message) =>
        'kind' in message && message.kind === kind && matches(message as Extract<NodeMessage, { kind: K }>),
    );
  }

  nextOutput(): Promise<Output> {
    return this.#next((message) => 'seq' in message);
  }

  /** The next report of this state. */
  report(state: string): Promise<Extract<NodeMessage, { kind: 'execution_report' }>> {
    return this.next('execution_report', (message) => message.state === state);
  }

  send(...messages: OrchestratorMessage[]): void {
    const { epoch, incarnation } = this;
    this.bus.send(this.route, encodeToNode({ protocolVersion: 1, epoch, incarnation, messages }));
  }

  /** Answers the next hello, and starts the node. */
  async welcomeNode(over: Partial<Welcome> = {}): Promise<void> {
    await this.next('hello');
    this.send(welcome({ incarnation: this.incarnation, ...over }), {
      kind: 'node_command',
      commandId: `start-${this.epoch}`,
      cmd: 'START',
      reason: '',
      graceMs: 0,
    });
    await this.next('command_ack');
  }

  #arrived(message: NodeMessage | Output): void {
    const index = this.#waiters.findIndex(({ matches }) => matches(message));
    if (index < 0) this.#unread.push(message);
    else this.#waiters.splice(index, 1)[0]!.resolve(message as never);
  }

  #next<M>(matches: (message: NodeMessage | Output) => boolean): Promise<M> {
    const index = this.#unread.findIndex(matches);
    if (index >= 0) return Promise.resolve(this.#unread.splice(index, 1)[0] as M);
    return new Promise<M>((resolve) => {
      this.#waiters.push({ matches, resolve });
    });
  }
}

/** Lets everything run that is not waiting for time or for a socket. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await nextTurn();
}
