import { beforeEach, describe, expect, it } from 'vitest';
import type { AssignOrder } from '../../src/orchestrator/core/journal.js';
import type { PreparedRequest } from '../../src/orchestrator/core/turn.js';
import type { Answer } from '../../src/orchestrator/port.js';
import type { CommandRow } from '../../src/orchestrator/tables/command-row.js';
import { decodeRow } from '../../src/orchestrator/tables/row.js';
import { Core, GRACE_MS, graphOf, moduleSpec, type Peer, type Turned } from './core.js';

const GRAPH = graphOf('chain', moduleSpec('a', ['source']), moduleSpec('b', ['a']));

let core: Core;
let a: Peer;
let b: Peer;
let order: AssignOrder;
let task: string;

beforeEach(async () => {
  core = await Core.open([GRAPH]);
  a = core.peer('a');
  b = core.peer('b');
  await a.join();
  await b.join();
  [order] = orders(await core.turn(core.submits('chain')), a) as [AssignOrder];
  task = `${order.taskId.problemId}/1`;
  await a.report(order, 'ACCEPTED');
});

function orders(turned: Turned | readonly Turned[], peer: Peer): AssignOrder[] {
  return [turned].flat().flatMap((one) => one.only(peer.route, 'assign order'));
}

const command = (name: 'stop' | 'reset' | 'preempt' | 'terminate', module?: string): PreparedRequest => ({
  ...{ kind: 'task_command', taskId: order.taskId, command: name, reason: 'enough' },
  ...(module !== undefined && { module }),
});

async function stored(answer: Answer): Promise<CommandRow> {
  const id = answer.ok ? String(answer.body.command_id) : '';
  return decodeRow<CommandRow>((await core.store.get('commands', [id]))!);
}

const codeOf = (answer: Answer): string => (answer.ok ? 'ok' : answer.code);

/** Heartbeats go on while time passes. */
async function passBeating(ms: number, running: readonly string[]): Promise<Turned[]> {
  const turned: Turned[] = [];
  for (let left = ms; left > 0; left -= 1000) {
    turned.push(...(await core.pass(Math.min(left, 1000))), await a.beat(running), await b.beat());
  }
  return turned;
}

describe('stop', () => {
  it('a stop for a node that is not back after a restart is shown as stopped only when the node is back without the execution', async () => {
    await core.restart();
    const answer = await core.ask(command('stop'));
    const turned = await core.pass(GRACE_MS + 500);
    expect(turned.flatMap(({ types }) => types)).toContain('execution.cancelled');
    const stoppedAt = async () => (await stored(answer)).parts[0]?.stopped_at;
    expect(await stoppedAt()).toBeUndefined();
    const held = { executionId: order.executionId, lease: order.lease, state: 'RUNNING' } as const;
    expect((await a.hello({ held: [held] })).only(a.route, 'welcome')[0]?.drop).toEqual([order.executionId]);
    await a.beat([order.executionId]);
    expect(await stoppedAt()).toBeUndefined();
    await a.beat([]);
    expect(await stoppedAt()).toBe(core.wallMs);
  });

  it('a stop of a task that several nodes work on is acked when each of them has it', async () => {
    const fork = graphOf('fork', moduleSpec('a', ['source']), moduleSpec('b', ['source']));
    core = await Core.open([fork]);
    [a, b] = [core.peer('a'), core.peer('b')];
    await a.join();
    await b.join();
    const turned = await core.turn(core.submits('fork'));
    const placed = [a, b].map((peer) => ({ peer, order: orders(turned, peer)[0]! }));
    for (const { peer, order } of placed) await peer.report(order, 'ACCEPTED');
    order = placed[0]!.order;
    const answer = await core.ask(command('stop'));
    const commandId = answer.ok ? String(answer.body.command_id) : '';
    const states: string[] = [];
    for (const { peer, order } of placed) {
      await peer.acks(commandId, order.executionId);
      states.push((await stored(answer)).state);
    }
    expect(states).toEqual(['pending', 'acked']);
  });

  it('reaches the node with its reason, is acked when the node has it, and stopped when the execution has ended', async () => {
    const turned = await core.turn(core.asks(command('stop')));
    const [sent] = turned.only(a.route, 'task_command');
    expect(sent).toMatchObject({
      cmd: 'STOP',
      executionId: order.executionId,
      reason: 'enough',
      graceMs: GRACE_MS,
    });
    const answer = turned.answers[0]!;
    expect(await stored(answer)).toMatchObject({ state: 'pending' });
    await a.acks(sent!.commandId, order.executionId);
    expect(await stored(answer)).toMatchObject({ state: 'acked', parts: [{ acked_at: core.wallMs }] });
    const ended = await a.report(order, 'CANCELLED');
    expect(ended.types).toEqual(['execution.cancelled', 'command.stopped', 'iteration.cancelled']);
    expect(await stored(answer)).toMatchObject({ parts: [{ stopped_at: core.wallMs }] });
    expect(core.state.commands.size).toBe(0);
  });

  it('is repeated under its id until it is acked or there is nothing left to stop, over a restart too', async () => {
    const turned = await core.turn(core.asks(command('stop')));
    const answer = turned.answers[0]!;
    const { commandId } = turned.only(a.route, 'task_command')[0]!;
    const again = (await core.pass(1020)).flatMap((one) => one.only(a.route, 'task_command'));
    expect(again.map((one) => one.commandId)).toEqual([commandId]);
    await core.restart();
    await a.hello({ held: [{ executionId: order.executionId, lease: order.lease, state: 'RUNNING' }] });
    const later = (await core.pass(1020)).flatMap((one) => one.only(a.route, 'task_command'));
    expect(later.map((one) => one.commandId)).toContain(commandId);
    await core.restart();
    await core.pass(20_000);
    expect(await stored(answer)).toMatchObject({
      state: 'acked',
      parts: [{ stopped_at: expect.any(Number) }],
    });
  });

  it('ends the execution without the node after the grace, whose slot stays taken until it no longer names it', async () => {
    const turned = await core.turn(core.asks(command('stop')));
    await a.acks(turned.only(a.route, 'task_command')[0]!.commandId, order.executionId);
    await passBeating(GRACE_MS + 1000, [order.executionId]);
    expect((await core.row(task)).state).toBe('cancelled');
    expect([...a.node.stopping]).toEqual([order.executionId]);
    expect((await stored(turned.answers[0]!)).parts[0]?.stopped_at).toBeUndefined();
    const next = await core.turn(core.submits('chain'));
    expect(orders(next, a)).toEqual([]);
    const gone = await a.beat();
    expect(gone.types).toEqual(['command.stopped', 'iteration.started', 'execution.assigned']);
    expect((await stored(turned.answers[0]!)).parts[0]?.stopped_at).toBe(core.wallMs);
  });

  it('frees the slot of a stopping execution when its node is dead, is replaced or leaves', async () => {
    for (const end of ['dies', 'is replaced', 'leaves']) {
      core = await Core.open([GRAPH]);
      a = core.peer('a');
      await a.join();
      [order] = orders(await core.turn(core.submits('chain')), a) as [AssignOrder];
      const turned = await core.turn(core.asks(command('terminate')));
      expect(a.node.taken, end).toBe(1);
      if (end === 'dies') await core.pass(10_060);
      else if (end === 'leaves') await a.say({ kind: 'goodbye' });
      else await core.peer('a').hello();
      expect(a.node.taken, end).toBe(0);
      expect((await stored(turned.answers[0]!)).parts[0]?.stopped_at, end).toBeDefined();
    }
  });

  it('is acked at once when nothing runs, and refused when the task has ended or is being stopped', async () => {
    const waiting = await core.turn(core.submits('chain'));
    const taskId = {
      problemId: String(waiting.answers[0]?.ok && waiting.answers[0].body.problem_id),
      iterationId: 1,
    };
    const stop = { kind: 'task_command', taskId, command: 'stop' } as const;
    const answer = await core.ask(stop);
    expect((await stored(answer)).state).toBe('acked');
    expect(await core.ask(stop)).toMatchObject({ kind: 'conflict', code: 'task_ended' });
    await core.ask(command('stop'));
    expect(await core.ask(command('preempt'))).toMatchObject({ kind: 'conflict', code: 'task_stopping' });
  });

  it('is refused by name where there is no such task or module', async () => {
    const taskId = { problemId: core.uuid(), iterationId: 1 };
    expect(codeOf(await core.ask({ kind: 'task_command', taskId, command: 'stop' }))).toBe('unknown_task');
    expect(codeOf(await core.ask(command('preempt', 'x')))).toBe('unknown_module');
    expect(codeOf(await core.ask(command('reset')))).toBe('module_needed');
  });

  it('keeps the outputs that were committed before', async () => {
    await a.publish(order, 1);
    const answer = await core.ask(command('stop'));
    expect(codeOf(answer)).toBe('ok');
    await core.pass(GRACE_MS + 20);
    expect((await core.row(task)).modules).toMatchObject({
      a: { phase: 'succeeded' },
      b: { phase: 'stopped' },
    });
  });
});

describe('terminate', () => {
  it('aborts without any grace, also a task that is being stopped', async () => {
    await core.turn(core.asks(command('stop')));
    const turned = await core.turn(core.asks(command('terminate')));
    expect(turned.types).toEqual(['command.issued', 'execution.cancelled', 'iteration.aborted']);
    expect((await a.report(order, 'CANCELLED')).refusals(a.route)).toEqual(['stale_execution']);
  });
});

describe('reset', () => {
  it('runs a module and all that follows from it again, and nothing before it, by generation', async () => {
    await a.publish(order, 1);
    const run = () => core.state.tasks.get(task)!.runs;
    const first = run()[1]!.executions[0]!;
    const turned = await core.turn(core.asks(command('reset', 'b')));
    expect(turned.types).toContain('execution.cancelled');
    expect([run()[0]?.generation, run()[1]?.generation]).toEqual([0, 1]);
    const late = await b.publish({ ...order, module: 'b', executionId: first.id, lease: first.lease }, 1);
    expect(late.refusals(b.route)).toEqual(['stale_execution']);
    await b.acks(turned.only(b.route, 'task_command')[0]!.commandId, first.id);
    const [again] = orders(await b.beat(), b);
    expect(again).toMatchObject({ module: 'b', attempt: 2 });
    expect((await b.publish(again!, 1)).types).toContain('iteration.succeeded');
  });

  it('a reset of the first module starts everything again, attempts included', async () => {
    await a.report(order, 'FAILED', { error: { code: 'x', message: 'x', retryable: true } });
    expect(core.state.tasks.get(task)?.runs[0]?.attempts).toBe(1);
    const turned = await core.turn(core.asks(command('reset', 'a')));
    expect(orders(turned, a)).toMatchObject([{ attempt: 2 }]);
    expect(core.state.tasks.get(task)?.runs.map((run) => [run?.attempts, run?.generation])).toEqual([
      [0, 1],
      [0, 1],
    ]);
  });
});

describe('preempt', () => {
  it('gives the slot to the next of its equals, uses no attempt up, and resumes behind them', async () => {
    const other = await core.submit('chain');
    const turned = await core.turn(core.asks(command('preempt')));
    expect(turned.types).toContain('iteration.suspended');
    expect(turned.only(a.route, 'task_command').map(({ cmd }) => cmd)).toEqual(['PREEMPT']);
    const ended = await a.report(order, 'PREEMPTED');
    const [next] = orders(ended, a);
    expect(`${next?.taskId.problemId}/1`).toBe(other);
    expect(core.state.tasks.get(task)).toMatchObject({ state: 'suspended', runs: [{ attempts: 0 }] });
    const resumed = await a.publish(next!, 1);
    expect(resumed.types).toContain('iteration.resumed');
    expect(orders(resumed, a)).toMatchObject([{ taskId: order.taskId, attempt: 2 }]);
  });

  it('ends as preempted whatever the node calls it, also after the grace', async () => {
    await core.turn(core.asks(command('preempt')));
    const all = await passBeating(GRACE_MS + 1000, [order.executionId]);
    expect(all.flatMap(({ types }) => types)).toContain('execution.preempted');
  });

  it('a preempt that coincides with the end of the attempt’s time does not use the attempt up', async () => {
    await passBeating(58_000, [order.executionId]);
    await core.turn(core.asks(command('preempt')));
    const all = (await passBeating(GRACE_MS + 1000, [order.executionId])).flatMap(({ types }) => types);
    expect(all).toContain('execution.preempted');
    expect(all).not.toContain('execution.failed');
  });
});

describe('a command to a node', () => {
  const toNode = (name: 'start' | 'stop' | 'reset'): PreparedRequest => ({
    ...{ kind: 'node_command', nodeId: a.nodeId, command: name },
  });

  it('is acked by the node, and what is desired is stored', async () => {
    const turned = await core.turn(core.asks(toNode('stop')));
    const [sent] = turned.only(a.route, 'node_command');
    await a.acks(sent!.commandId);
    expect(await stored(turned.answers[0]!)).toMatchObject({ state: 'acked', command: 'stop' });
    await core.restart();
    expect(a.node.desired).toBe('stopped');
  });

  it('a command that the node refuses is shown as refused, with its reason', async () => {
    const turned = await core.turn(core.asks(toNode('start')));
    await a.acks(turned.only(a.route, 'node_command')[0]!.commandId, '', false);
    expect(await stored(turned.answers[0]!)).toMatchObject({
      state: 'refused',
      parts: [{ error: { code: 'not_in_this_state' } }],
    });
  });

  it('an unanswered command is not repeated after a newer one, which it would undo', async () => {
    const stop = await core.ask(toNode('stop'));
    const turned = await core.turn(core.asks(toNode('start')));
    await a.acks(turned.only(a.route, 'node_command')[0]!.commandId);
    expect(await stored(stop)).toMatchObject({
      state: 'refused',
      parts: [{ error: { code: 'superseded' } }],
    });
    expect((await core.pass(2000)).flatMap((one) => one.only(a.route, 'node_command'))).toEqual([]);
  });

  it('expires when nobody answers', async () => {
    const turned = await core.turn(core.asks(toNode('reset')));
    const all = (await passBeating(32_000, [order.executionId])).flatMap(({ types }) => types);
    expect(all).toContain('command.expired');
    expect((await stored(turned.answers[0]!)).state).toBe('expired');
    expect(core.state.commands.size).toBe(0);
  });

  it('lets a stopped node get no new work, and a started one at once what waits', async () => {
    await core.ask(toNode('stop'));
    await a.publish(order, 1);
    await core.submit('chain');
    expect(a.node.taken).toBe(0);
    expect(orders(await core.turn(core.asks(toNode('start'))), a)).toHaveLength(1);
  });
});

describe('a scheduler that throws', () => {
  it('over a task keeps no slot from the next one that waits, also while the task pauses', async () => {
    const second = orders(await core.turn(core.submits('chain')), a);
    await core.turn(core.submits('chain'));
    expect(second).toEqual([]);
    const [paused, next] = [...core.state.tasks.values()].slice(1);
    const { modules } = paused!.graph;
    let thrown = 0;
    Object.defineProperty(paused, 'graph', {
      value: Object.defineProperty({ ...paused!.graph }, 'modules', {
        get: () => {
          if (thrown > 0 || !new Error().stack?.includes('Planning')) return modules;
          thrown += 1;
          throw new Error('out of order');
        },
      }),
    });
    await core.ask({ ...command('reset', 'b'), taskId: paused!.id } as PreparedRequest);
    expect(thrown).toBe(1);
    const [placed] = orders(await a.publish(order, 1), a);
    expect(placed?.taskId).toEqual(next!.id);
  });

  it('over a task fails that task after its third time, and everything else goes on', async () => {
    const broken = core.state.tasks.get(task)!;
    Object.defineProperty(broken, 'graph', { value: { ...broken.graph, modules: broken.graph.modules } });
    const { modules } = broken.graph;
    let thrown = 0;
    Object.defineProperty(broken.graph, 'modules', {
      get: () => {
        if (!new Error().stack?.includes('scheduleTask') && !new Error().stack?.includes('Planning'))
          return modules;
        thrown += 1;
        throw new Error('out of order');
      },
    });
    await a.publish(order, 1, { last: false });
    await a.report(order, 'CANCELLED', { lastSeq: 1 });
    const all = await core.pass(1000);
    const failed = all.find(({ types }) => types.includes('iteration.failed'));
    expect(failed?.detail('iteration.failed')).toMatchObject({
      error: { code: 'scheduler_failed', message: expect.stringContaining('out of order') },
    });
    expect(thrown).toBe(3);
    const [next] = orders(await core.turn(core.submits('chain')), a);
    expect((await a.publish(next!, 1)).types).toContain('execution.succeeded');
  });
});
