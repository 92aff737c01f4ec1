/**
 * One node process and the conductor that plays its orchestrator: what the cases are written with.
 *
 * 1. A case asks only for what it is about. A step on the way takes any sign that will do: a node that forgets one message fails the
 *    case of that message, and no other.
 * 2. What a case leaves behind is ended by `tidy`, so that the next one can play with the same node.
 */
import { randomUUID } from 'node:crypto';
import type {
  Assign,
  ExecutionReport,
  Input,
  NodeCommand,
  ReportState,
  TaskCommand,
  Welcome,
} from '../../model/protocol.js';
import { Conductor, type Heard, type HeardOf, type PublishedOutput, Unmet } from '../conductor.js';
import { describeEnd, NodeProcess, type ProcessEnd } from '../node-process.js';

export interface StageOptions {
  readonly command: readonly string[];
  readonly module: string;
  /** How long a step may take. */
  readonly patienceMs: number;
  /** The input of the node at the level *minimal*. */
  readonly inputs: readonly Input[];
}

/** An interpreter starts, and imports all that it needs. */
const START_MS = 20_000;

/** The first may be lost, since nobody had subscribed yet; the repeats come after 1 s, 2 s and 4 s more. */
const OUTPUT_MS = 10_000;

/** Messages sent before an answer may still arrive. */
export const ON_ITS_WAY_MS = 1_000;

/** The request to the node of the level *full*, see `docs/node-protocol.md`. */
export interface Wish {
  readonly echo?: unknown;
  readonly sleep_ms?: number;
  readonly deaf_ms?: number;
  readonly partials?: number;
  readonly names?: readonly string[];
  readonly size?: number;
  readonly fail?: { readonly code: string; readonly message: string; readonly retryable?: boolean };
}

export interface Execution {
  readonly executionId: string;
  readonly lease: string;
}

/** The output of the node of the level *full*. */
export interface Answer {
  readonly echo?: unknown;
  readonly runs?: number;
  readonly filler?: string;
  readonly part?: number;
}

export class Stage {
  readonly conductor: Conductor;
  readonly process: NodeProcess;
  readonly instance: string;
  readonly token: string;
  readonly patienceMs: number;
  readonly #options: StageOptions;
  #executions: Execution[] = [];
  #commands = 0;

  private constructor(options: StageOptions, conductor: Conductor) {
    this.#options = options;
    this.conductor = conductor;
    this.patienceMs = options.patienceMs;
    this.instance = `conform-${randomUUID().slice(0, 8)}`;
    this.token = randomUUID();
    this.process = new NodeProcess({
      command: options.command,
      env: {
        TUTTI_CONTROL: conductor.control,
        TUTTI_MODULE: options.module,
        TUTTI_INSTANCE: this.instance,
        TUTTI_TOKEN: this.token,
      },
    });
  }

  static async open(options: StageOptions): Promise<Stage> {
    return new Stage(options, await Conductor.open());
  }

  get module(): string {
    return this.#options.module;
  }

  async close(): Promise<void> {
    await this.process.kill();
    await this.conductor.close();
  }

  // Registering

  /** The first hello takes as long as the node's interpreter does. */
  async firstHello(): Promise<HeardOf<'hello'>> {
    const expected = 'a hello after the start of the process';
    const hello = this.conductor.next('hello', START_MS, expected);
    const ended = this.process.ended.then((end) => {
      throw new Unmet(`${expected}: ${this.process.failure ?? describeEnd(end)} before it said hello`);
    });
    return await Promise.race([hello, ended]);
  }

  /** Welcomes the node, tells it to start, and waits for any sign that it has. */
  async join(over: Partial<Welcome> = {}): Promise<void> {
    await this.firstHello();
    await this.start(over);
  }

  async start(over: Partial<Welcome> = {}): Promise<void> {
    this.conductor.send(this.conductor.welcome(over), this.nodeCommand('START'));
    await this.conductor.any(
      (heard) => (heard.kind === 'node_report' || heard.kind === 'heartbeat') && heard.status === 'IDLE',
      this.patienceMs,
      'a sign that the node is IDLE after its START (a node_report or a heartbeat)',
    );
  }

  /** Has the node register again, and welcomes it: with other numbers, or after the conductor was gone. */
  async rejoin(over: Partial<Welcome> = {}): Promise<HeardOf<'hello'>> {
    this.conductor.forget((heard) => heard.kind === 'hello');
    this.askForHello();
    const hello = await this.conductor.next('hello', this.patienceMs, 'a hello after the refusal say_hello');
    this.conductor.send(this.conductor.welcome(over), this.nodeCommand('START'));
    return hello;
  }

  askForHello(): void {
    const { incarnation } = this.conductor;
    this.conductor.send({ kind: 'refused', code: 'say_hello', message: 'register again', incarnation });
  }

  // Commands

  nodeCommand(cmd: NodeCommand['cmd'], graceMs: number = this.patienceMs): NodeCommand {
    this.#commands += 1;
    return { kind: 'node_command', commandId: this.#commandId(), cmd, reason: 'conformance', graceMs };
  }

  taskCommand(
    cmd: TaskCommand['cmd'],
    { executionId }: Execution,
    graceMs: number = this.patienceMs,
  ): TaskCommand {
    this.#commands += 1;
    const commandId = this.#commandId();
    return { kind: 'task_command', commandId, cmd, executionId, reason: 'conformance', graceMs };
  }

  #commandId(): string {
    return `command-${this.instance}-${this.#commands}`;
  }

  acked(command: { readonly commandId: string }, of = ''): Promise<HeardOf<'command_ack'>> {
    return this.conductor.next(
      'command_ack',
      this.patienceMs,
      `a command_ack of ${of || command.commandId}`,
      (ack) => ack.commandId === command.commandId,
    );
  }

  async status(status: HeardOf<'node_report'>['status'], because: string): Promise<void> {
    await this.conductor.next(
      'node_report',
      this.patienceMs,
      `a node_report ${status} ${because}`,
      (report) => report.status === status,
    );
  }

  // Executions

  newExecution(): Execution {
    const execution = { executionId: randomUUID(), lease: `lease-${randomUUID()}` };
    this.#executions.push(execution);
    return execution;
  }

  /** `wish`: for the level *full*; nothing: whatever the node takes at the level *minimal*. */
  assignment(execution: Execution, wish?: Wish, over: Partial<Assign> = {}): Assign {
    const bytes = Buffer.from(JSON.stringify(wish ?? {}));
    const input: Input = { name: 'input', type: 'json', value: { kind: 'inline', bytes }, previous: false };
    return {
      kind: 'assign',
      ...execution,
      taskId: { problemId: '01970000-0000-7000-8000-000000000001', iterationId: 1 },
      module: this.module,
      attempt: 1,
      timeoutMs: 300_000,
      inputs: wish === undefined ? this.#options.inputs : [input],
      ...over,
    };
  }

  assign(wish?: Wish, over: Partial<Assign> = {}): Execution {
    const execution = this.newExecution();
    this.conductor.send(this.assignment(execution, wish, over));
    return execution;
  }

  /** Any sign that the node works on it. */
  async begun(execution: Execution): Promise<void> {
    const signs: readonly ReportState[] = ['ACCEPTED', 'RUNNING', 'PROGRESS'];
    await this.conductor.any(
      (heard) =>
        isAbout(heard, execution) &&
        (heard.kind === 'output' || (heard.kind === 'execution_report' && signs.includes(heard.state))),
      this.patienceMs,
      'a sign that the node works on its assignment (ACCEPTED, RUNNING or an output)',
    );
  }

  report(
    execution: Execution,
    state: ReportState,
    withinMs: number = this.patienceMs,
  ): Promise<HeardOf<'execution_report'>> {
    return this.conductor.next(
      'execution_report',
      withinMs,
      `an execution_report ${state}`,
      (report) => report.executionId === execution.executionId && report.state === state,
    );
  }

  output(
    execution: Execution,
    seq: number,
    expected: string = `the output with seq ${seq}`,
  ): Promise<HeardOf<'output'>> {
    return this.conductor.next(
      'output',
      OUTPUT_MS,
      expected,
      (output) => output.executionId === execution.executionId && output.seq === seq,
    );
  }

  /** The value of the last output, of which there is to be only one. */
  async answer(execution: Execution): Promise<Answer> {
    return this.valueOf(await this.output(execution, 1));
  }

  valueOf({ payload }: PublishedOutput): Answer {
    const bytes =
      payload.kind === 'inline' ? payload.bytes : this.conductor.shelf.blobs.get(payload.blob.sha256);
    try {
      return JSON.parse(Buffer.from(bytes ?? new Uint8Array()).toString()) as Answer;
    } catch {
      throw new Unmet('an output that is JSON: it is not');
    }
  }

  ack(execution: Execution, seq: number, ended: boolean): void {
    this.conductor.send({ kind: 'output_acks', acks: [{ executionId: execution.executionId, seq, ended }] });
  }

  /** Ends an execution that is answered with one output. */
  async finish(execution: Execution): Promise<Answer> {
    const answer = await this.answer(execution);
    this.ack(execution, 1, true);
    return answer;
  }

  async exit(withinMs: number, because: string): Promise<ProcessEnd> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Unmet(`the end of the process ${because}: it still runs after ${withinMs} ms`)),
        withinMs,
      );
    });
    try {
      return await Promise.race([this.process.ended, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends what the case has left: the node holds nothing then, and nothing that was said is left over. */
  tidy(): void {
    const acks = this.#executions.map(({ executionId }) => ({ executionId, seq: 0, ended: true }));
    if (acks.length > 0) this.conductor.send({ kind: 'output_acks', acks });
    this.#executions = [];
    this.conductor.forget();
  }
}

export function isAbout(heard: Heard, { executionId }: Execution): boolean {
  return (
    (heard.kind === 'output' || heard.kind === 'execution_report' || heard.kind === 'log') &&
    heard.executionId === executionId
  );
}

export function isFinal({ state }: ExecutionReport): boolean {
  return state === 'FAILED' || state === 'CANCELLED' || state === 'PREEMPTED';
}

/** Fails the case unless it holds. */
export function demand(holds: boolean, expected: string): asserts holds {
  if (!holds) throw new Unmet(expected);
}

/** As JSON compares. */
export function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
