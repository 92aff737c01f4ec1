import type {
  Assign,
  ExecutionReport,
  NodeMessage,
  OrchestratorMessage,
  Output,
  ToNode,
  Welcome,
} from '../../src/model/protocol.js';
import type { Effect, Produced, SessionEvent } from '../../src/sdk/session/events.js';
import { type Identity, Session } from '../../src/sdk/session.js';

export const PROBLEM_ID = '0197a000-0000-7000-8000-000000000001';
export const IDENTITY: Identity = {
  module: 'ml_model',
  instance: 'ml-1',
  bootId: '0197a000-0000-7000-8000-0000000000b0',
  version: '1.0',
  capacity: 2,
  labels: {},
  outputType: '',
  token: '',
};

export function welcome(over: Partial<Welcome> = {}): Welcome {
  return {
    kind: 'welcome',
    nodeId: '0197a000-0000-7000-8000-0000000000a0',
    incarnation: 3,
    heartbeatIntervalMs: 1_000,
    deadAfterMs: 10_000,
    outputsEndpoint: 'tcp://*:7401',
    blobUrl: 'http://*:7480/v1/blobs',
    inlineMaxBytes: 65_536,
    maxFrameBytes: 8_388_608,
    outputWindow: 4,
    storeId: 'store-1',
    drop: [],
    outputType: 'json',
    descriptors: new Uint8Array(),
    ...over,
  };
}

export function assign(executionId: string, over: Partial<Assign> = {}): Assign {
  return {
    kind: 'assign',
    executionId,
    lease: `lease-${executionId}`,
    taskId: { problemId: PROBLEM_ID, iterationId: 1 },
    module: 'ml_model',
    attempt: 1,
    timeoutMs: 60_000,
    inputs: [],
    ...over,
  };
}

export const PRODUCED: Produced = { type: 'json', payload: { kind: 'inline', bytes: Buffer.from('{}') } };

/** A session, its time, and everything that it has said. */
export class Driver {
  now = 1_000;
  readonly session: Session;
  /** All effects since the last `effects()`. */
  #effects: Effect[] = [];

  constructor(over: Partial<Identity> = {}) {
    this.session = new Session({ ...IDENTITY, ...over });
  }

  step(event: SessionEvent): readonly Effect[] {
    const effects = this.session.step(event, this.now);
    this.#effects.push(...effects);
    return effects;
  }

  effects<K extends Effect['kind']>(kind: K): Extract<Effect, { kind: K }>[] {
    const chosen = this.#effects.filter((effect) => effect.kind === kind);
    this.#effects = this.#effects.filter((effect) => effect.kind !== kind);
    return chosen as Extract<Effect, { kind: K }>[];
  }

  receive(messages: OrchestratorMessage[], over: Partial<ToNode> = {}): void {
    const frame = { protocolVersion: 1, epoch: 1, incarnation: 3, messages, ...over };
    this.step({ kind: 'frame', frame });
  }

  /** Lets time pass, ticking whenever the session asks for it. */
  pass(ms: number): void {
    const end = this.now + ms;
    while (this.session.wakeAt <= end) {
      this.now = Math.max(this.now, this.session.wakeAt);
      const before = this.session.wakeAt;
      this.step({ kind: 'tick' });
      if (this.session.wakeAt <= before && this.session.wakeAt <= this.now) {
        throw new Error(`the session asks to be woken at ${before} again and again`);
      }
    }
    this.now = end;
  }

  /** What leaves now. */
  said(): { messages: readonly NodeMessage[]; outputs: readonly Output[] } {
    const { control, outputs } = this.session.take();
    return { messages: control?.messages ?? [], outputs };
  }

  saidKinds(): string[] {
    return this.said().messages.map((message) =>
      message.kind === 'execution_report' ? message.state : message.kind,
    );
  }

  reports(): ExecutionReport[] {
    return this.said().messages.filter((message) => message.kind === 'execution_report');
  }

  running(): readonly string[] {
    this.pass(1_000);
    const beat = this.said().messages.find((message) => message.kind === 'heartbeat');
    if (!beat) throw new Error('no heartbeat');
    return beat.running;
  }

  /** Registered, IDLE, and everything said so far taken away. */
  static idle(over: Partial<Identity> = {}, welcomeOver: Partial<Welcome> = {}): Driver {
    const driver = new Driver(over);
    driver.step({ kind: 'open' });
    driver.said();
    driver.receive([
      welcome(welcomeOver),
      { kind: 'node_command', commandId: 'start', cmd: 'START', reason: '', graceMs: 0 },
    ]);
    driver.step({ kind: 'hook_done', hook: 'start' });
    driver.said();
    driver.effects('hook');
    driver.effects('note');
    driver.effects('welcomed');
    return driver;
  }

  /** As `idle`, with these executions running. */
  static running(...executionIds: string[]): Driver {
    const driver = Driver.idle();
    for (const executionId of executionIds) {
      driver.receive([assign(executionId)]);
      driver.step({ kind: 'begun', executionId });
    }
    driver.said();
    driver.effects('run');
    return driver;
  }

  succeed(executionId: string): void {
    this.step({ kind: 'returned', executionId, result: { ok: true, produced: PRODUCED } });
  }

  fail(executionId: string): void {
    const error = { code: 'handler_error', message: 'it broke', retryable: true };
    this.step({ kind: 'returned', executionId, result: { ok: false, error } });
  }

  publish(executionId: string, ticket = 1): void {
    this.step({ kind: 'publish', executionId, ticket, produced: PRODUCED });
  }

  ack(executionId: string, seq: number, ended = false): void {
    this.receive([{ kind: 'output_acks', acks: [{ executionId, seq, ended }] }]);
  }

  task(cmd: 'STOP' | 'RESET' | 'PREEMPT' | 'TERMINATE', executionId: string, graceMs = 500): void {
    const commandId = `${cmd}-${executionId}`;
    this.receive([
      { kind: 'task_command', commandId, cmd, executionId, reason: 'the user says so', graceMs },
    ]);
  }

  command(cmd: 'START' | 'STOP' | 'RESET' | 'TERMINATE', graceMs = 500): void {
    const commandId = `${cmd}-${this.now}-${this.#commands++}`;
    this.receive([{ kind: 'node_command', commandId, cmd, reason: 'the operator says so', graceMs }]);
  }

  #commands = 0;

  statuses(): string[] {
    return this.said().messages.flatMap((message) =>
      message.kind === 'node_report' ? [message.status] : [],
    );
  }
}

/** The moments at which something of this kind is said within `ms`. */
export function momentsOf(driver: Driver, ms: number, isIt: (kind: string) => boolean): number[] {
  const start = driver.now;
  const moments: number[] = [];
  for (let passed = 0; passed <= ms; passed += 50) {
    if (driver.saidKinds().some(isIt)) moments.push(driver.now - start);
    driver.pass(50);
  }
  return moments;
}

/** The moments at which outputs are sent within `ms`. */
export function outputMoments(driver: Driver, ms: number): number[] {
  const start = driver.now;
  const moments: number[] = [];
  for (let passed = 0; passed <= ms; passed += 50) {
    if (driver.said().outputs.length > 0) moments.push(driver.now - start);
    driver.pass(50);
  }
  return moments;
}
