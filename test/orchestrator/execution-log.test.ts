import { beforeEach, describe, expect, it } from 'vitest';
import type { LogLine } from '../../src/model/protocol.js';
import { LATE_LINES_MS, LOG_BYTES, LOG_LINES } from '../../src/orchestrator/core/executions/execution-log.js';
import type { AssignOrder } from '../../src/orchestrator/core/journal.js';
import { Core, graphOf, moduleSpec, type Peer, type Turned } from './core.js';

const GRAPH = graphOf('chain', moduleSpec('a', ['source'], { timeoutMs: 3_600_000 }), moduleSpec('b', ['a']));

let core: Core;
let a: Peer;
let order: AssignOrder;

beforeEach(async () => {
  core = await Core.open([GRAPH]);
  a = core.peer('a');
  await a.join();
  order = (await core.turn(core.submits('chain'))).only(a.route, 'assign order')[0]!;
  await a.report(order, 'RUNNING');
});

function line(message: string, more: Partial<LogLine> = {}): LogLine {
  const { executionId, lease } = order;
  return { kind: 'log', executionId, lease, at: core.wallMs, level: 'info', message, fields: {}, ...more };
}

const lines = (count: number, message = 'hi'): LogLine[] =>
  Array.from({ length: count }, () => line(message));
const messages = (...turned: Turned[]): unknown[] =>
  turned.flatMap(({ journal }) =>
    journal.events.flatMap(({ fact }) => (fact.type === 'execution.log' ? [fact.message] : [])),
  );
const counted = (name: string): number => new Map(core.state.counters.entries()).get(name) ?? 0;

describe('an execution that has ended', () => {
  const ends: [name: string, end: () => Promise<Turned>][] = [
    ['with its last output', () => a.publish(order, 1)],
    [
      'by its report',
      () => a.report(order, 'FAILED', { error: { code: 'x', message: 'x', retryable: true } }),
    ],
    ['with its node', () => a.say({ kind: 'goodbye' })],
    ['when its time is over', async () => (await core.pass(3_600_020)).at(-1)!],
  ];

  it.each(ends)('%s is final: no line, report or output adds an event to it', async (_, end) => {
    await end();
    expect(core.state.executions.get(order.executionId)?.observed).not.toBe('running');
    await a.hello();
    const rowBefore = await core.row(`${order.taskId.problemId}/1`);
    const said = [
      await a.say(line('late')),
      await a.report(order, 'PROGRESS', { progress: 0.5 }),
      await a.report(order, 'FAILED', { lastSeq: 9 }),
      await a.publish(order, 2, { last: false }),
      await a.publish(order, 1, { type: 'nonsense' }),
    ];
    const about = said.flatMap(({ journal }) =>
      journal.events.filter(({ fact }) => 'execution_id' in fact && fact.execution_id === order.executionId),
    );
    expect(about).toEqual([]);
    expect(said.flatMap(({ journal }) => [...journal.tasks])).toEqual([]);
    expect(await core.row(`${order.taskId.problemId}/1`)).toEqual(rowBefore);
    expect(counted('log_lines_late')).toBe(1);
  });

  it('is final also once its whole task has ended and is only in the store', async () => {
    const b = core.peer('b');
    await b.join();
    const next = (await a.publish(order, 1)).only(b.route, 'assign order')[0]!;
    await b.publish(next, 1);
    expect(core.state.tasks.size).toBe(0);
    const said = [await a.say(line('late')), await a.publish(order, 2), await a.report(order, 'PROGRESS')];
    expect(said.flatMap(({ journal }) => [journal.events.length, journal.writes.length])).toEqual([
      0, 0, 0, 0, 0, 0,
    ]);
  });
});

describe('a line that names the blob with all of a stream', () => {
  const sha256 = 'b'.repeat(64);
  const cut = (more: Partial<LogLine> = {}): LogLine =>
    line('left out here', { whole: { stream: 'stdout', blob: { sha256, size: 1 } }, ...more });
  const store = (name = sha256, size = 9) => core.turn({ kind: 'blob', id: 7, sha256: name, size });
  const pinned = async () => (await core.store.keys('blob_refs', { prefix: [] })).map(([name]) => name);

  it('has the blob stay as long as the task, with the size that it has here', async () => {
    await store();
    await a.say(cut());
    expect(await pinned()).toEqual([sha256]);
    const row = await core.row(`${order.taskId.problemId}/1`);
    expect(row.modules.a!.executions[0]!.whole_streams).toEqual({ stdout: { sha256, size: 9 } });
    await a.report(order, 'FAILED', { error: { code: 'x', message: 'x', retryable: false } });
    expect(await core.faults()).toEqual([]);
  });

  it('is a line like any other where the blob is not here, and where there is one for the stream', async () => {
    expect(messages(await a.say(cut()))).toEqual(['left out here']);
    expect(await pinned()).toEqual([]);
    await store();
    const other = 'c'.repeat(64);
    await store(other);
    await a.say(cut(), cut({ whole: { stream: 'stdout', blob: { sha256: other, size: 9 } } }));
    expect(await pinned()).toEqual([sha256]);
    await a.say(cut({ whole: { stream: 'stderr', blob: { sha256, size: 9 } } }));
    expect(await pinned()).toEqual([sha256, sha256]);
  });
});

describe('the log of an execution', () => {
  it('takes lines of its own node only', async () => {
    const other = core.peer('a', { instance: 'a-2' });
    await other.join();
    expect(messages(await other.say(line('not mine')))).toEqual([]);
    expect(messages(await a.say(line('mine')))).toEqual(['mine']);
  });

  it('is full after so many lines: says so once, and at the end how many were left out', async () => {
    const full: unknown[] = [];
    for (let sent = 0; sent < LOG_LINES + 500; sent += 1000) {
      full.push(...messages(await a.say(...lines(Math.min(1000, LOG_LINES + 500 - sent)))));
      // Slowly enough for the rate.
      core.nowMs += 1000;
    }
    expect(full.length).toBe(LOG_LINES + 1);
    expect(full.at(-1)).toMatch(/^the log is full \(100000 lines or 16 MiB for each execution\)/);
    const end = await a.publish(order, 1);
    expect(messages(end)).toEqual(['500 lines were left out here']);
    expect(end.types.indexOf('execution.log')).toBeLessThan(end.types.indexOf('execution.succeeded'));
    expect(counted('log_lines_left_out')).toBe(500);
  });

  it('is full after so many bytes, as they are stored', async () => {
    // A control character takes six bytes.
    const large = '\u0001'.repeat(8000);
    let kept = 0;
    for (let sent = 0; sent < 600; sent += 1) {
      kept += messages(await a.say(line(large))).filter((message) => message === large).length;
      core.nowMs += 1000;
    }
    expect(kept).toBe(Math.floor(LOG_BYTES / (JSON.stringify(large).length + 80)));
  });

  it('keeps its budget over a restart', async () => {
    for (let sent = 0; sent < LOG_LINES; sent += 1000) {
      await a.say(...lines(1000));
      core.nowMs += 1000;
    }
    await a.report(order, 'PROGRESS', { progress: 0.5 });
    await core.restart();
    const { executionId, lease } = order;
    await a.hello({ status: 'RUNNING', held: [{ executionId, lease, state: 'RUNNING' }] });
    expect(messages(await a.say(line('more')))).toEqual([expect.stringMatching('the log is full')]);
    const blob = { sha256: 'b'.repeat(64), size: 9 };
    await core.turn({ kind: 'blob', id: 7, ...blob });
    const cut = line('a part is left out here', { whole: { stream: 'stdout', blob } });
    expect(messages(await a.say(cut))).toContain('a part is left out here');
  });

  it('leaves lines out beyond the rate of its node, and says where and how many when it goes on', async () => {
    const large = 'x'.repeat(8000);
    let kept = 0;
    // Another execution's log has its own budget, but the rate is the node's.
    for (let sent = 0; sent < 2000; sent += 100) {
      kept += messages(await a.say(...lines(100, large))).length;
    }
    expect(kept).toBeGreaterThan(1900);
    await a.report(order, 'FAILED', { error: { code: 'x', message: 'x', retryable: true } });
    await core.pass(1000);
    const again = (await core.pass(100)).flatMap((turned) => turned.only(a.route, 'assign order'));
    const orders =
      again.length > 0
        ? again
        : [[...core.state.executions.values()].at(-1)!].map((execution) => ({
            executionId: execution.id,
            lease: execution.lease,
          }));
    order = { ...order, ...orders[0]! };
    await a.report(order, 'RUNNING');
    const burst = messages(await a.say(...lines(400, large)));
    expect(burst.length).toBeLessThan(400);
    core.nowMs += 10_000;
    const next = messages(await a.say(line('on again')));
    expect(next).toEqual([`${400 - burst.length} lines were left out here`, 'on again']);
  });
});

describe('a last output that is faster than the lines that were sent before it', () => {
  it('waits for them, and ends with the last of them', async () => {
    const early = await a.publish(order, 1, { logLines: 2 });
    expect([early.types, early.acks(a.route)]).toEqual([['output.recorded'], [[1, false]]]);
    expect((await a.say(line('one'))).types).toEqual(['execution.log']);
    const end = await a.say(line('two'));
    expect(end.types.slice(0, 2)).toEqual(['execution.log', 'execution.succeeded']);
    expect(end.acks(a.route)).toEqual([[1, true]]);
  });

  it('waits no longer than half a second, whatever number it names', async () => {
    await a.publish(order, 1, { logLines: 1_000_000 });
    const before = await core.pass(LATE_LINES_MS - 50);
    expect(before.flatMap(({ types }) => types)).toEqual([]);
    const after = await core.pass(100);
    expect(after.flatMap(({ types }) => types)).toContain('execution.succeeded');
  });

  it('does not wait where they were there before', async () => {
    await a.say(line('one'), line('two'));
    expect((await a.publish(order, 1, { logLines: 2 })).types).toContain('execution.succeeded');
  });

  it('is of an execution that ends as cancelled where it is stopped meanwhile', async () => {
    await a.publish(order, 1, { logLines: 2 });
    const stopped = await core.ask({ kind: 'task_command', taskId: order.taskId, command: 'stop' });
    expect(stopped).toMatchObject({ ok: true });
    const end = await a.say(line('one'));
    expect(end.types).toContain('execution.cancelled');
    expect(end.types).not.toContain('execution.succeeded');
  });

  it('does not wait over a restart', async () => {
    await a.publish(order, 1, { logLines: 5 });
    await core.restart();
    const types = (await core.pass(100)).flatMap((turned) => turned.types);
    expect(types).toContain('execution.succeeded');
  });
});
