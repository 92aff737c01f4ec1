import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import type { AssignOrder } from '../../src/orchestrator/core/journal.js';
import { Core, graphOf, INLINE_MAX_BYTES, moduleSpec, type Peer } from './core.js';

const GRAPH = graphOf('chain', moduleSpec('a', ['source']), moduleSpec('b', ['a']));

let core: Core;
let a: Peer;
let task: string;
let order: AssignOrder;

beforeEach(async () => {
  core = await Core.open([GRAPH]);
  a = core.peer('a');
  await a.join();
  const turned = await core.turn(core.submits('chain'));
  order = turned.only(a.route, 'assign order')[0]!;
  task = `${order.taskId.problemId}/1`;
});

const observed = (): string | undefined => core.state.executions.get(order.executionId)?.observed;

describe('an assignment', () => {
  it('leaves in the batch of the submission, and the output that unlocks the next one in the batch of that output', async () => {
    const b = core.peer('b');
    await b.join();
    const turned = await a.publish(order, 1);
    expect(turned.only(b.route, 'assign order')[0]).toMatchObject({
      module: 'b',
      attempt: 1,
      inputs: [{ name: 'a', ref: { owner: order.executionId, seq: 1 } }],
    });
    expect(turned.types).toEqual([
      'execution.accepted',
      'execution.running',
      'output.recorded',
      'execution.succeeded',
      'execution.assigned',
    ]);
  });

  it('is repeated with growing pauses until it is accepted', async () => {
    const repeats = async (ms: number): Promise<number> =>
      (await core.pass(ms)).flatMap((turned) => turned.only(a.route, 'assign order')).length;
    expect(await repeats(1020)).toBe(1);
    expect(await repeats(1000)).toBe(0);
    expect(await repeats(1020)).toBe(1);
    await a.report(order, 'ACCEPTED');
    expect(await repeats(20_000)).toBe(0);
  });

  it('is repeated under the same id and the same lease', async () => {
    const again = (await core.pass(1020)).flatMap((turned) => turned.only(a.route, 'assign order'));
    expect(again).toEqual([order]);
  });

  it('an assignment that is rejected is placed again after a short pause, without using an attempt up', async () => {
    await a.report(order, 'REJECTED', { error: { code: 'busy', message: 'busy', retryable: true } });
    expect(observed()).toBe('rejected');
    const orders = (await core.pass(600)).flatMap((turned) => turned.only(a.route, 'assign order'));
    expect(orders.map(({ attempt }) => attempt)).toEqual([2]);
    expect(core.state.tasks.get(task)?.runs[0]?.attempts).toBe(0);
  });

  it('an assignment that is rejected for want of a slot waits until a heartbeat no longer names the ended execution that holds it', async () => {
    await a.report(order, 'ACCEPTED');
    const retryable = { code: 'uncaught_error', message: 'thrown', retryable: true };
    await a.report(order, 'FAILED', { error: retryable });
    const assigned = (turns: Awaited<ReturnType<typeof core.pass>>): AssignOrder[] =>
      turns.flatMap((turned) => turned.only(a.route, 'assign order'));
    const [second] = assigned(await core.pass(2_000));
    await a.report(second!, 'REJECTED', { error: { ...retryable, code: 'no_free_slot' } });
    for (let beats = 0; beats < 10; beats += 1) {
      expect(assigned([await a.beat([order.executionId])])).toEqual([]);
      expect(assigned(await core.pass(1_000))).toEqual([]);
    }
    expect(assigned([await a.beat()])).toHaveLength(1);
  });
});

describe('an output', () => {
  it('is in time when it comes in the very batch in which its time is over', async () => {
    await a.report(order, 'ACCEPTED');
    core.nowMs += 61_000;
    expect((await core.turn(a.publishes(order, 1))).types).toContain('execution.succeeded');
  });

  it('implies the acceptance and the beginning that it has overtaken', async () => {
    const turned = await a.publish(order, 1, { last: false });
    expect(turned.types).toEqual(['execution.accepted', 'execution.running', 'output.recorded']);
    expect(turned.acks(a.route)).toEqual([[1, false]]);
    expect((await a.report(order, 'ACCEPTED')).types).toEqual([]);
  });

  it('is recorded with the SHA-256 of its bytes', async () => {
    const bytes = Buffer.from('{"seq":1}');
    const turned = await a.publish(order, 1, { payload: { kind: 'inline', bytes } });
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    expect(turned.detail('output.recorded')).toMatchObject({ size: bytes.length, sha256 });
  });

  it('an output that comes too early is dropped, and recorded after those before it', async () => {
    const early = await a.publish(order, 2);
    expect([early.types, early.to(a.route)]).toEqual([[], []]);
    await a.publish(order, 1, { last: false });
    const turned = await a.publish(order, 2);
    expect(turned.types).toContain('execution.succeeded');
    expect(turned.acks(a.route)).toEqual([[2, true]]);
  });

  it('an output that comes again is acknowledged again and recorded once', async () => {
    await a.publish(order, 1, { last: false });
    const again = await a.publish(order, 1, { last: false });
    expect([again.types, again.acks(a.route)]).toEqual([[], [[1, false]]]);
    await a.publish(order, 2);
    const ended = await a.publish(order, 2);
    expect([ended.types, ended.acks(a.route)]).toEqual([[], [[2, true]]]);
  });

  it('an output of a finished task is acknowledged from the store', async () => {
    await a.publish(order, 1);
    const b = core.peer('b');
    const [next] = (await b.join()).only(b.route, 'assign order');
    await b.publish(next!, 1);
    expect(core.state.tasks.size).toBe(0);
    expect((await b.publish(next!, 1)).acks(b.route)).toEqual([[1, true]]);
    expect((await b.report(next!, 'FAILED')).acks(b.route)).toEqual([[1, true]]);
  });

  it('an output with a wrong lease is counted and dropped without an answer', async () => {
    const turned = await a.publish({ ...order, lease: 'made.up' }, 1);
    expect([turned.types, turned.journal.sendings]).toEqual([[], []]);
    expect(Object.fromEntries(core.state.counters.entries()).outputs_dropped).toBe(1);
    // The log says where it came from: whose it is, it only claims.
    const noted = { via: 'outputs', peer: a.route, code: 'outputs_dropped', times: 1 };
    expect([...turned.journal.refusals]).toMatchObject([noted]);
    expect(observed()).toBe('assigned');
  });

  it('an output of a node that has not registered again is dropped without an answer', async () => {
    await core.restart();
    const turned = await a.publish(order, 1);
    expect([turned.types, turned.journal.sendings]).toEqual([[], []]);
  });

  it('an output that its type cannot decode fails the execution for good, and the refusal says why', async () => {
    const turned = await a.publish(order, 1, { payload: { kind: 'inline', bytes: Buffer.from('{') } });
    expect(turned.refusals(a.route)).toEqual(['bad_payload']);
    expect(turned.only(a.route, 'refused')[0]).toMatchObject({ executionId: order.executionId, seq: 1 });
    expect(turned.types).toContain('iteration.failed');
    expect((await core.row(task)).error).toMatchObject({ code: 'bad_payload', module: 'a', attempt: 1 });
  });

  it('an output of another type than the graph declares fails the execution', async () => {
    const turned = await a.publish(order, 1, { type: 'bytes' });
    expect(turned.refusals(a.route)).toEqual(['bad_payload']);
    expect((await core.row(task)).modules.a?.executions[0]?.state).toBe('failed');
  });

  it('an inline output that is too large fails the execution', async () => {
    const bytes = Buffer.alloc(INLINE_MAX_BYTES + 1, 32);
    const turned = await a.publish(order, 1, { payload: { kind: 'inline', bytes } });
    expect(turned.refusals(a.route)).toEqual(['too_large']);
    expect((await core.row(task)).state).toBe('failed');
  });

  it.each([0, 8, 10, 2 ** 40])(
    'an output whose blob has another size than it says (%i for 9) is bad',
    async (size) => {
      const blob = { sha256: 'a'.repeat(64), size: 9 };
      await core.turn({ kind: 'blob', id: 98, ...blob });
      const turned = await a.publish(order, 1, { payload: { kind: 'blob', blob: { ...blob, size } } });
      expect(turned.refusals(a.route)).toEqual(['bad_payload']);
      expect(turned.detail('execution.failed')).toMatchObject({
        error: { code: 'bad_payload', message: expect.stringContaining(`has 9 bytes, not ${size}`) },
      });
      expect(turned.types).not.toContain('output.recorded');
    },
  );

  it('an output whose blob is missing is refused for the moment, and recorded once the blob is there', async () => {
    const blob = { sha256: 'a'.repeat(64), size: 9 };
    const refused = await a.publish(order, 1, { payload: { kind: 'blob', blob } });
    expect([refused.refusals(a.route), refused.types]).toEqual([['blob_missing'], []]);
    await core.turn({ kind: 'blob', id: 99, ...blob });
    const turned = await a.publish(order, 1, { payload: { kind: 'blob', blob } });
    expect(turned.detail('output.recorded')).toMatchObject({ blob, sha256: blob.sha256 });
    expect(turned.acks(a.route)).toEqual([[1, true]]);
  });

  it('is not recorded once the execution is being stopped, and what was committed before is acknowledged still', async () => {
    await a.publish(order, 1, { last: false });
    await core.ask({ kind: 'task_command', taskId: order.taskId, command: 'stop' });
    const late = await a.publish(order, 2);
    expect([late.refusals(a.route), late.types]).toEqual([['stale_execution'], ['output.refused']]);
    const known = await a.publish(order, 1, { last: false });
    expect([known.acks(a.route), known.types]).toEqual([[[1, false]], []]);
  });

  it('is not recorded in the very batch that stops its task, when it comes after the stop', async () => {
    const stop = core.asks({ kind: 'task_command', taskId: order.taskId, command: 'stop' });
    const turned = await core.turn(stop, a.publishes(order, 1));
    expect(turned.types).not.toContain('output.recorded');
  });
});

describe('a final report', () => {
  const failed = { error: { code: 'broken', message: 'it broke', retryable: false } };

  it('a final report that overtakes the last outputs ends the execution when they are all committed', async () => {
    const early = await a.report(order, 'FAILED', { lastSeq: 2, ...failed });
    expect([early.types, early.to(a.route)]).toEqual([['execution.ending'], []]);
    await a.publish(order, 1, { last: false });
    const turned = await a.publish(order, 2, { last: false });
    expect(turned.types).toContain('execution.failed');
    expect(turned.acks(a.route)).toEqual([[2, true]]);
  });

  it('a final report that waits for outputs still waits for them after a restart', async () => {
    await a.report(order, 'FAILED', { lastSeq: 1, ...failed });
    await core.restart();
    await a.hello({ held: [{ executionId: order.executionId, lease: order.lease, state: 'FAILED' }] });
    expect((await a.publish(order, 1, { last: false })).types).toContain('execution.failed');
  });

  it('a final report that comes again is acknowledged as ended again', async () => {
    expect((await a.report(order, 'FAILED', failed)).acks(a.route)).toEqual([[0, true]]);
    expect((await a.report(order, 'FAILED', failed)).acks(a.route)).toEqual([[0, true]]);
  });

  it('a final report for another node’s execution is refused', async () => {
    const other = core.peer('a', { instance: 'a-2' });
    await other.join();
    expect((await other.report(order, 'FAILED')).refusals(other.route)).toEqual(['unknown_execution']);
    expect((await a.report({ ...order, lease: 'x' }, 'FAILED')).refusals(a.route)).toEqual([
      'unknown_execution',
    ]);
  });

  it('a final report of a cancellation that nobody requested places the module again', async () => {
    const turned = await a.report(order, 'CANCELLED');
    expect(turned.types).toContain('execution.cancelled');
    expect(turned.only(a.route, 'assign order')[0]?.attempt).toBe(2);
  });
});

describe('progress and log lines', () => {
  it('imply acceptance and start, and progress is shown at most ten times a second', async () => {
    const first = await a.report(order, 'PROGRESS', { progress: 0.1 });
    expect(first.types).toEqual(['execution.accepted', 'execution.running', 'execution.progress']);
    expect((await a.report(order, 'PROGRESS', { progress: 0.2 })).types).toEqual([]);
    await core.pass(100);
    expect((await a.report(order, 'PROGRESS', { progress: 0.3 })).types).toEqual(['execution.progress']);
  });

  it('keep a log line in the history of its task, and drop one with a wrong lease', async () => {
    const { executionId, lease } = order;
    const line = {
      kind: 'log',
      executionId,
      at: core.wallMs,
      level: 'info',
      message: 'hi',
      fields: { a: 'b' },
    } as const;
    expect((await a.say({ ...line, lease })).detail('execution.log')).toMatchObject({
      message: 'hi',
      level: 'info',
    });
    expect((await a.say({ ...line, lease: 'x' })).types).toEqual([]);
  });
});

describe('time', () => {
  it('counts an attempt’s timeout from its assignment, and the attempt as failed', async () => {
    await a.report(order, 'ACCEPTED');
    for (let beat = 0; beat < 29; beat += 1) {
      await core.pass(2000);
      await a.beat([order.executionId]);
    }
    expect(observed()).toBe('accepted');
    const turned = (await core.pass(2100)).find(({ types }) => types.includes('execution.failed'))!;
    expect(turned.detail('execution.failed')).toMatchObject({
      error: { code: 'timeout', retryable: true },
    });
    expect(turned.only(a.route, 'task_command').map(({ cmd }) => cmd)).toEqual(['STOP']);
    expect(core.state.tasks.get(task)?.runs[0]?.attempts).toBe(1);
  });

  it('brings the next attempt when its pause is over, also over a restart', async () => {
    await a.report(order, 'FAILED', { error: { code: 'x', message: 'x', retryable: true } });
    expect(core.state.tasks.get(task)?.runs[0]?.phase).toMatchObject({ kind: 'waiting', reason: 'x: x' });
    await core.restart(300);
    await a.hello({ status: 'IDLE' });
    const soon = (await core.pass(600)).flatMap((turned) => turned.only(a.route, 'assign order'));
    expect(soon).toEqual([]);
    const due = (await core.pass(200)).flatMap((turned) => turned.only(a.route, 'assign order'));
    expect(due.map(({ attempt }) => attempt)).toEqual([2]);
  });

  it('never makes a pause longer than its module’s longest, though the wall clock steps back', async () => {
    await a.report(order, 'FAILED', { error: { code: 'x', message: 'x', retryable: true } });
    await core.restart(-24 * 3600_000);
    await a.hello({ status: 'IDLE' });
    const beats = Array.from({ length: 16 }, async () => {});
    let orders = 0;
    for (const _ of beats) {
      orders += (await core.pass(2000)).flatMap((turned) => turned.only(a.route, 'assign order')).length;
      await a.beat([], 'IDLE');
    }
    expect(orders).toBeGreaterThan(0);
  });
});

describe('an execution on a node that is only silent', () => {
  it('is not placed elsewhere, whatever else happens to its task, and its result counts', async () => {
    const fork = graphOf('fork', moduleSpec('x', ['source']), moduleSpec('y', ['source']));
    core = await Core.open([fork]);
    const [silent, other, y] = [core.peer('x'), core.peer('x', { instance: 'other' }), core.peer('y')];
    await silent.join();
    await y.join();
    const turned = await core.turn(core.submits('fork'));
    const [first] = turned.only(silent.route, 'assign order');
    const [second] = turned.only(y.route, 'assign order');
    await silent.report(first!, 'ACCEPTED');
    await other.join();
    for (let second = 0; second < 4; second += 1) {
      await core.pass(1000);
      await other.beat();
      await y.beat();
    }
    expect(silent.node.liveness).toBe('unresponsive');
    const evaluated = await y.publish(second!, 1);
    expect(evaluated.types).toContain('execution.succeeded');
    expect(evaluated.only(other.route, 'assign order')).toEqual([]);
    expect((await silent.publish(first!, 1)).types).toContain('iteration.succeeded');
  });
});
