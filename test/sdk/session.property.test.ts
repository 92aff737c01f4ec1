import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NodeMessage, OrchestratorMessage } from '../../src/model/protocol.js';
import { assign, Driver, PRODUCED, welcome } from './session-driver.js';

const IDS = ['e1', 'e2', 'e3', 'e4'];
const WINDOW = 2;

const executionId = fc.constantFrom(...IDS);
const seq = fc.integer({ min: 0, max: 6 });
const commandId = fc.constantFrom('c1', 'c2', 'c3', 'c4', 'c5', 'c6');
const graceMs = fc.constantFrom(0, 100, 5_000);

const message: fc.Arbitrary<OrchestratorMessage> = fc.oneof(
  executionId.map((id) => assign(id, { timeoutMs: 3_000 })),
  fc
    .record({ executionId, seq, ended: fc.boolean() })
    .map((ack): OrchestratorMessage => ({ kind: 'output_acks', acks: [ack] })),
  fc
    .record({
      commandId,
      executionId,
      graceMs,
      cmd: fc.constantFrom('STOP', 'RESET', 'PREEMPT', 'TERMINATE'),
    })
    .map((command): OrchestratorMessage => ({ kind: 'task_command', reason: '', ...command })),
  fc
    .record({ commandId, graceMs, cmd: fc.constantFrom('START', 'STOP', 'RESET') })
    .map((command): OrchestratorMessage => ({ kind: 'node_command', reason: '', ...command })),
  fc
    .record({
      code: fc.constantFrom(
        'say_hello',
        'stale_incarnation',
        'too_many',
        'blob_missing',
        'stale_execution',
        'bad_payload',
      ),
      executionId,
      seq,
    })
    .map((refused): OrchestratorMessage => ({ kind: 'refused', message: '', ...refused })),
  fc.subarray(IDS).map((drop): OrchestratorMessage => welcome({ drop, outputWindow: WINDOW })),
);

type Act = (driver: Driver) => void;

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.array(message, { maxLength: 3 }).map(
      (all): Act =>
        (driver) =>
          driver.receive(all),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.integer({ min: 0, max: 4_000 }).map(
      (ms): Act =>
        (driver) =>
          driver.pass(ms),
    ),
  },
  executionId.map(
    (id): Act =>
      (driver) =>
        driver.publish(id),
  ),
  executionId.map(
    (id): Act =>
      (driver) =>
        driver.succeed(id),
  ),
  executionId.map(
    (id): Act =>
      (driver) =>
        driver.fail(id),
  ),
  executionId.map(
    (id): Act =>
      (driver) =>
        driver.step({ kind: 'begun', executionId: id }),
  ),
);

/** What holds of any node, whatever its peer and its handlers do. */
class Checks {
  #isJoined = true;
  readonly #runs = new Map<string, number>();

  check(driver: Driver): void {
    for (const { assign: run } of driver.effects('run')) {
      this.#runs.set(run.executionId, (this.#runs.get(run.executionId) ?? 0) + 1);
      expect(this.#runs.get(run.executionId)).toBe(1);
    }
    // Hooks answer at once.
    for (let hooks = driver.effects('hook'); hooks.length > 0; hooks = driver.effects('hook')) {
      for (const { hook } of hooks) driver.step({ kind: 'hook_done', hook });
    }
    for (const upload of driver.effects('upload')) driver.step({ ...upload, kind: 'uploaded' });
    if (driver.effects('welcomed').length > 0) this.#isJoined = true;
    const { messages, outputs } = driver.said();
    const hellos = messages.filter(({ kind }) => kind === 'hello');
    if (hellos.length > 0) {
      this.#isJoined = false;
      expect([messages.length, outputs.length]).toEqual([1, 0]);
    } else if (!this.#isJoined) {
      expect([messages.length, outputs.length]).toEqual([0, 0]);
    }
  }
}

/** Ends everything as a good orchestrator does, and says whether that was possible. */
function windUp(driver: Driver): readonly string[] {
  for (const id of IDS) driver.fail(id);
  for (let round = 0; round < 40; round += 1) {
    driver.pass(1_000);
    for (const { hook } of driver.effects('hook')) driver.step({ kind: 'hook_done', hook });
    const { messages, outputs } = driver.said();
    const answers: OrchestratorMessage[] = [];
    if (messages.some(({ kind }) => kind === 'hello')) answers.push(welcome({ outputWindow: WINDOW }));
    for (const output of outputs) {
      answers.push({
        kind: 'output_acks',
        acks: [{ executionId: output.executionId, seq: output.seq, ended: output.last }],
      });
    }
    for (const said of messages) {
      if (isFinal(said)) answers.push(endOf(said.executionId));
      // Whatever it still names has ended long ago: an end that was acknowledged by halves is acknowledged again.
      else if (said.kind === 'heartbeat' && round > 20) answers.push(...said.running.map(endOf));
    }
    driver.receive(answers);
  }
  return driver.running();
}

function isFinal(said: NodeMessage): said is NodeMessage & { kind: 'execution_report' } {
  return said.kind === 'execution_report' && ['FAILED', 'CANCELLED', 'PREEMPTED'].includes(said.state);
}

function endOf(id: string): OrchestratorMessage {
  return { kind: 'output_acks', acks: [{ executionId: id, seq: 0, ended: true }] };
}

describe('a session, whatever its peer says and its handlers do', () => {
  it('never starts an execution twice, says only hello until it is welcomed, and comes to an end', () => {
    let worked = 0;
    fc.assert(
      fc.property(fc.array(act, { maxLength: 40 }), (acts) => {
        const driver = Driver.idle({ capacity: 3 }, { outputWindow: WINDOW });
        const checks = new Checks();
        for (const each of acts) {
          each(driver);
          checks.check(driver);
        }
        if (driver.session.status === 'IDLE' || driver.session.status === 'RUNNING') worked += 1;
        expect(windUp(driver)).toEqual([]);
      }),
      { numRuns: 500 },
    );
    expect(worked).toBeGreaterThan(50);
  });

  it('has nothing left to say of an execution once it is told of its end', () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 30 }), (acts) => {
        const driver = Driver.idle({ capacity: 4 }, { outputWindow: WINDOW });
        for (const each of acts) each(driver);
        driver.pass(3_000);
        driver.receive([welcome({ outputWindow: WINDOW })]);
        driver.receive(IDS.map(endOf));
        driver.said();
        for (const id of IDS) {
          driver.step({ kind: 'publish', executionId: id, ticket: 1, produced: PRODUCED });
          driver.succeed(id);
        }
        driver.pass(40_000);
        const { messages, outputs } = driver.said();
        expect(outputs).toEqual([]);
        expect(messages.filter(({ kind }) => kind === 'execution_report')).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});
