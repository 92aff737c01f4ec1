/** A step takes effect completely or not at all, wherever it throws. */
import { expect, it } from 'vitest';
import type { NodeMessage } from '../../src/model/protocol.js';
import { Core, graphOf, moduleSpec } from './core.js';

const GRAPH = graphOf(
  'pair',
  moduleSpec('a', ['source'], { retry: { attempts: 2, backoffMs: 100, factor: 1, maxBackoffMs: 100 } }),
  moduleSpec('b', ['a'], { previous: ['a'] }),
);

it('leaves nothing of a step or of a batch behind, wherever a fact of it throws', async () => {
  const core = await Core.open([GRAPH]);
  core.isSabotaged = true;
  const [a, b] = [core.peer('a'), core.peer('b')];
  await a.join();
  await b.join();
  const orderOf = (turned: Awaited<ReturnType<Core['turn']>>, peer: typeof a) =>
    turned.only(peer.route, 'assign order')[0]!;

  // A run with progress, logs, a failure, a retry and a late report.
  const first = orderOf(await core.turn(core.submits('pair')), a);
  await a.report(first, 'RUNNING');
  await a.report(first, 'PROGRESS', { progress: 0.5, message: 'half' });
  await a.report(first, 'PROGRESS', { progress: 0.6, message: 'more' });
  const { executionId, lease } = first;
  const line: NodeMessage = {
    kind: 'log',
    executionId,
    lease,
    at: core.wallMs,
    level: 'info',
    message: 'm',
    fields: {},
  };
  await a.say(line, line);
  await a.publish(first, 1, { last: false });
  const error = { code: 'broken', message: 'it broke', retryable: true };
  await a.report(first, 'FAILED', { lastSeq: 2, error });
  await a.publish(first, 2, { last: false });
  const again = (await core.pass(200)).flatMap((turned) => turned.only(a.route, 'assign order'))[0]!;
  const second = orderOf(await a.publish(again, 1), b);
  await b.publish(second, 1, { type: 'nonsense' });

  // Commands: a reset, a preemption, a stop that is acknowledged; and one that ends for its time.
  const task = { problemId: first.taskId.problemId, iterationId: 2 };
  const prepared = { kind: 'inline', bytes: Buffer.from('{}') } as const;
  const iterate = { kind: 'iterate', problemId: task.problemId, graphVersion: 1, prepared } as const;
  const third = orderOf(await core.turn(core.asks(iterate, { key: 'k', hash: 'h' })), a);
  await a.report(third, 'RUNNING');
  const command = (name: 'stop' | 'reset' | 'preempt', module?: string) =>
    core.turn(core.asks({ kind: 'task_command', taskId: task, command: name, ...(module && { module }) }));
  await command('reset', 'a');
  await a.beat([]);
  await command('preempt');
  await core.pass(6000);
  const stopped = await command('stop');
  for (const { commandId, executionId: of } of stopped.only(a.route, 'task_command'))
    await a.acks(commandId, of);
  await core.pass(6000);

  // Nodes: a command, a new boot of an instance, a silent and a dead one, a goodbye, a forgotten one; a blob, a new graph version.
  await core.ask({ kind: 'node_command', nodeId: a.nodeId, command: 'stop' });
  await core.ask({ kind: 'node_command', nodeId: a.nodeId, command: 'start' });
  await core.turn(core.submits('pair'));
  await core.peer('a').join();
  await core.pass(12_000);
  await b.say({ kind: 'goodbye' });
  await core.turn({ kind: 'blob', id: 1, sha256: 'f'.repeat(64), size: 3 });
  await core.propose({ kind: 'remove nodes', seenBefore: core.wallMs + 1, kept: 0 });
  const types = core.state.graph('pair')!.types;
  const more = graphOf('pair', moduleSpec('a', ['source']), moduleSpec('b', ['a']), moduleSpec('c', ['b']));
  await core.ask({
    kind: 'put_graph',
    name: 'pair',
    yaml: 'more',
    graph: more,
    types,
    typesJson: types.toJson([]),
  });

  expect(await core.faults()).toEqual([]);
  expect(core.undoneSteps).toBeGreaterThan(40);
  expect(core.undoneBatches).toBeGreaterThan(80);
});
