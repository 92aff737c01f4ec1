/** Due times over a restart, whatever the wall clock does meanwhile: forwards or backwards, by an hour or by years. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { AssignOrder } from '../../../src/orchestrator/core/journal.js';
import { Core, GRACE_MS, graphOf, moduleSpec, type Peer } from '../core.js';

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;
const TIMEOUT_MS = 60_000;
/** An adopted execution gets at least so long. */
const ADOPTION_MS = 15_000;
const SHIFTS: [name: string, ms: number][] = [
  ['goes on', 1000],
  ['goes on while it is down for an hour', HOUR_MS],
  ['is set forward by an hour', HOUR_MS],
  ['is set forward by 400 days', 400 * DAY_MS],
  ['is set back by an hour', -HOUR_MS],
  ['is set back by 400 days', -400 * DAY_MS],
  ['is set back to 1970', -Date.UTC(2026, 0, 1)],
];

let core: Core;
let a: Peer;
let order: AssignOrder;
let key: string;

beforeEach(async () => {
  const retry = { attempts: 3, backoffMs: 2000, factor: 2, maxBackoffMs: 30_000 };
  core = await Core.open([graphOf('one', moduleSpec('a', ['source'], { retry, timeoutMs: TIMEOUT_MS }))]);
  a = core.peer('a');
  await a.join();
  order = (await core.turn(core.submits('one'))).only(a.route, 'assign order')[0]!;
  key = `${order.taskId.problemId}/1`;
});

const observed = (): string | undefined => core.state.executions.get(order.executionId)?.observed;

/** So much time passes with heartbeats that name the execution. */
async function alive(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1000) {
    await core.pass(1000);
    await a.beat([order.executionId], 'RUNNING');
  }
}

async function comeBack(): Promise<void> {
  const { executionId, lease } = order;
  await a.hello({ status: 'RUNNING', held: [{ executionId, lease, state: 'RUNNING' }] });
}

describe.each(SHIFTS)('where the wall clock %s', (_, shiftMs) => {
  it('a retry comes after its pause at the latest, and says when it was to come', async () => {
    await a.report(order, 'FAILED', { error: { code: 'x', message: 'x', retryable: true } });
    const at = core.wallMs + 2000;
    await core.restart(shiftMs);
    const { phase } = core.state.tasks.get(key)!.runs[0]!;
    if (phase.kind === 'waiting' && phase.retry) expect(phase.retry.at).toBe(at);
    const hello = await a.hello({ status: 'IDLE' });
    const later = await core.pass(2020);
    const orders = [hello, ...later].flatMap((turned) => turned.only(a.route, 'assign order'));
    expect(orders.map(({ attempt }) => attempt)).toContain(2);
  });

  it('an execution that goes on has the time that it had left, and no more than its timeout', async () => {
    await a.report(order, 'RUNNING');
    await alive(20_000);
    await a.report(order, 'PROGRESS', { progress: 0.3 });
    await core.restart(shiftMs);
    await comeBack();
    await alive(TIMEOUT_MS - 20_000 - 2000);
    expect(observed()).toBe('running');
    await alive(ADOPTION_MS + 4000);
    expect(observed()).toBe('failed');
  });

  it('one that was to stop is given up after its grace', async () => {
    await a.report(order, 'RUNNING');
    const taskId = order.taskId;
    await core.ask({ kind: 'task_command', taskId, command: 'stop' });
    await core.restart(shiftMs);
    await comeBack();
    await core.pass(GRACE_MS + 100);
    expect((await core.row(key)).state).toBe('cancelled');
  });

  it('a command that nobody answers expires', async () => {
    const node = await core.ask({ kind: 'node_command', nodeId: a.nodeId, command: 'reset' });
    const commandId = String(node.ok && node.body.command_id);
    await core.restart(shiftMs);
    expect(core.state.commands.has(commandId)).toBe(true);
    await core.pass(ADOPTION_MS + 2000);
    expect(core.state.commands.has(commandId)).toBe(false);
  });

  it('a node that does not come back is dead after its own limit', async () => {
    await core.restart(shiftMs);
    await core.pass(9900);
    expect(a.node.liveness).not.toBe('dead');
    await core.pass(1000);
    expect(a.node.liveness).toBe('dead');
  });
});
