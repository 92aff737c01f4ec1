/** A peer of the node protocol that says exactly what a test wants, over real sockets. */
import { randomUUID } from 'node:crypto';
import { Dealer, XPublisher } from 'zeromq';
import type {
  Assign,
  HeldExecution,
  Hello,
  NodeMessage,
  OrchestratorMessage,
  Output,
  ReportState,
  ToNode,
  Welcome,
} from '../../src/model/protocol.js';
import { PROTOCOL_VERSION } from '../../src/model/protocol.js';
import { decodeToNode, encodeOutputs, encodeToOrchestrator } from '../../src/wire/codec.js';
import { outputTopic } from '../../src/wire/topics.js';
import type { OrchestratorProcess } from './orchestrator.js';
import type { Scene } from './processes.js';

type Message<K extends OrchestratorMessage['kind']> = Extract<OrchestratorMessage, { kind: K }>;

/** When it was there, on the clock of `process.hrtime.bigint()`. */
export interface Received<M = OrchestratorMessage> {
  readonly message: M;
  readonly frame: ToNode;
  readonly at: bigint;
}

/** How a peer encrypts. */
export interface PeerCurve {
  readonly serverKey: string;
  readonly publicKey: string;
  readonly secretKey: string;
}

const WAIT_MS = 30_000;
const BEAT_MS = 300;

export class RawPeer {
  readonly module: string;
  readonly instance: string;
  readonly bootId: string;
  /** What the heartbeats name. */
  readonly running = new Set<string>();
  nodeId = '';
  incarnation = 0;
  /** How many have come. */
  frames = 0;
  readonly #dealer: Dealer;
  readonly #curve: { curveServerKey: string; curvePublicKey: string; curveSecretKey: string } | undefined;
  #publisher: XPublisher | undefined;
  #inbox: Received[] = [];
  readonly #waiting = new Set<() => void>();
  #beating: NodeJS.Timeout | undefined;
  #sending: Promise<unknown> = Promise.resolve();

  constructor(
    scene: Scene,
    orchestrator: Pick<OrchestratorProcess, 'ready'>,
    who: {
      readonly module?: string;
      readonly instance?: string;
      readonly bootId?: string;
      /** What it asks ZeroMQ to be called. */
      readonly routingId?: string;
      /** Keys as Z85. @default NULL */
      readonly curve?: PeerCurve;
    } = {},
  ) {
    this.module = who.module ?? 'work';
    this.instance = who.instance ?? 'raw';
    this.bootId = who.bootId ?? randomUUID();
    const { routingId, curve } = who;
    this.#curve = curve && {
      curveServerKey: curve.serverKey,
      curvePublicKey: curve.publicKey,
      curveSecretKey: curve.secretKey,
    };
    const name = routingId === undefined ? {} : { routingId };
    this.#dealer = new Dealer({ linger: 0, reconnectInterval: 50, ...name, ...this.#curve });
    this.#dealer.connect(orchestrator.ready.control);
    void this.#read();
    scene.atEnd(() => this.close());
  }

  /** One frame with these messages, as the node that it was welcomed as. */
  say(...messages: readonly NodeMessage[]): void {
    const { nodeId, incarnation } = this;
    this.sendFrames(
      encodeToOrchestrator({ protocolVersion: PROTOCOL_VERSION, nodeId, incarnation, messages }),
    );
  }

  /** Whatever bytes, as one message of so many frames. */
  sendFrames(...frames: readonly Uint8Array[]): void {
    this.#sending = this.#sending.then(() => this.#dealer.send([...frames])).catch(() => {});
  }

  sayHello(more: Partial<Hello> = {}): void {
    const { module, instance, bootId } = this;
    const nothing = { version: '', capacity: 1, outputType: '', token: '', held: [] };
    const labels = { instance };
    this.say({ kind: 'hello', module, instance, bootId, status: 'INACTIVE', labels, ...nothing, ...more });
  }

  /** Says hello, gets its welcome, connects its outputs until somebody listens there, is started, and reports IDLE. */
  async join(more: Partial<Hello> = {}): Promise<Welcome> {
    this.sayHello(more);
    const { message: welcome, frame } = await this.next('welcome');
    this.nodeId = welcome.nodeId;
    this.incarnation = frame.incarnation;
    await this.connectOutputs(welcome.outputsEndpoint.replace('*', '127.0.0.1'));
    const { message: start } = await this.next('node_command', ({ cmd }) => cmd === 'START');
    this.say(
      { kind: 'command_ack', commandId: start.commandId, executionId: '', accepted: true },
      { kind: 'node_report', status: 'INITIALIZING' },
      { kind: 'node_report', status: 'IDLE' },
    );
    this.#beating ??= setInterval(() => this.beat(), BEAT_MS);
    return welcome;
  }

  beat(): void {
    const status = this.running.size > 0 ? 'RUNNING' : 'IDLE';
    this.say({ kind: 'heartbeat', status, running: [...this.running] });
  }

  /** Settles when the orchestrator's subscription has come: nothing that is published then is lost. */
  async connectOutputs(endpoint: string): Promise<void> {
    this.#publisher?.close();
    this.#publisher = new XPublisher({ linger: 0, reconnectInterval: 50, ...this.#curve });
    this.#publisher.connect(endpoint);
    await this.#publisher.receive();
  }

  /** Takes the assignment that comes next; accepts it unless told not to. */
  async assignment({ accept = true } = {}): Promise<Assign> {
    const { message: assign } = await this.next('assign');
    if (accept) {
      this.running.add(assign.executionId);
      this.report(assign, 'ACCEPTED');
    }
    return assign;
  }

  report(
    { executionId, lease }: Pick<Assign, 'executionId' | 'lease'>,
    state: ReportState,
    lastSeq = 0,
    code?: string,
  ): void {
    const error = code === undefined ? {} : { error: { code, message: `it ${code}`, retryable: false } };
    this.say({
      kind: 'execution_report',
      ...{ executionId, lease, state, lastSeq, progress: 0, message: '', ...error },
    });
  }

  /** A line in the execution's log: what was said before it has been dealt with once its event is there. */
  log({ executionId, lease }: Pick<Assign, 'executionId' | 'lease'>, message: string): void {
    this.say({ kind: 'log', executionId, lease, at: Date.now(), level: 'info', message, fields: {} });
  }

  publish(
    { executionId, lease }: Pick<Assign, 'executionId' | 'lease'>,
    seq: number,
    more: Partial<Output> & { readonly text?: string } = {},
  ): void {
    const { text = '{"from":"raw"}', ...rest } = more;
    const payload = { kind: 'inline', bytes: Buffer.from(text) } as const;
    const output: Output = { executionId, lease, seq, last: false, type: 'json', payload, ...rest };
    this.publishFrames(
      Buffer.from(outputTopic(this.module)),
      encodeOutputs({ protocolVersion: PROTOCOL_VERSION, outputs: [output] }),
    );
  }

  publishFrames(...frames: readonly Uint8Array[]): void {
    const publisher = this.#publisher!;
    this.#sending = this.#sending.then(() => publisher.send([...frames])).catch(() => {});
  }

  /** The first message of this kind that matches and was not taken yet, already there or to come; takes it. */
  next<K extends OrchestratorMessage['kind']>(
    kind: K,
    match: (message: Message<K>) => boolean = () => true,
  ): Promise<Received<Message<K>>> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const index = this.#inbox.findIndex(
          ({ message }) => message.kind === kind && match(message as Message<K>),
        );
        if (index < 0) return;
        settle();
        resolve(this.#inbox.splice(index, 1)[0] as Received<Message<K>>);
      };
      const settle = () => {
        clearTimeout(timeout);
        this.#waiting.delete(look);
      };
      const timeout = setTimeout(() => {
        settle();
        const got = this.#inbox.map(({ message }) => JSON.stringify(message).slice(0, 300)).join('\n');
        reject(new Error(`${kind} did not come to ${this.instance}; untaken:\n${got}`));
      }, WAIT_MS);
      this.#waiting.add(look);
      look();
    });
  }

  /** Until it is known that this much of an execution is committed, or that it has ended. */
  acked(executionId: string, seq: number, ended: boolean): Promise<Received<Message<'output_acks'>>> {
    return this.next('output_acks', ({ acks }) =>
      acks.some((ack) => ack.executionId === executionId && ack.seq === seq && ack.ended === ended),
    );
  }

  /** What has come and was not taken. */
  untaken<K extends OrchestratorMessage['kind']>(kind: K): Message<K>[] {
    return this.#inbox.flatMap(({ message }) => (message.kind === kind ? [message as Message<K>] : []));
  }

  held(assign: Assign, state: HeldExecution['state']): HeldExecution {
    return { executionId: assign.executionId, lease: assign.lease, state };
  }

  /** No more heartbeats; the connections stay. */
  fallSilent(): void {
    clearInterval(this.#beating);
    this.#beating = undefined;
  }

  close(): void {
    this.fallSilent();
    if (!this.#dealer.closed) this.#dealer.close();
    if (this.#publisher && !this.#publisher.closed) this.#publisher.close();
  }

  async #read(): Promise<void> {
    try {
      for await (const [bytes] of this.#dealer) {
        const at = process.hrtime.bigint();
        this.frames += 1;
        const decoded = decodeToNode(bytes!);
        if (!decoded.ok) throw new Error(decoded.message);
        for (const message of decoded.value.messages) this.#inbox.push({ message, frame: decoded.value, at });
        for (const look of [...this.#waiting]) look();
      }
    } catch (error) {
      if (!this.#dealer.closed) throw error;
    }
  }
}
