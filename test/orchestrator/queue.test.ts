import { expect, it } from 'vitest';
import { queueOfTask, queuesOf } from '../../src/orchestrator/core/schedule/queue-view.js';
import { Core, graphOf, moduleSpec } from './core.js';

it('tells of each task how many come before it at a module whose nodes are busy, and of each module how many wait', async () => {
  const core = await Core.open([
    graphOf('one', moduleSpec('a', ['source'])),
    graphOf('two', moduleSpec('a', ['source']), moduleSpec('b', ['a'])),
  ]);
  const node = core.peer('a');
  await node.join();
  const keys: string[] = [];
  for (const [graph, priority] of [
    ['one', 50],
    ['one', 50],
    ['two', 50],
    ['one', 90],
  ] as const)
    keys.push(await core.submit(graph, priority));
  const ahead = keys.map((key) => queueOfTask(core.state, core.state.tasks.get(key)!));
  expect(ahead).toEqual([
    [],
    [{ module: 'a', ahead: 1 }],
    [{ module: 'a', ahead: 2 }],
    [{ module: 'a', ahead: 0 }],
  ]);
  const queues = [
    { module: 'a', graphs: ['one', 'two'], nodes: 1, slots: 1, taken: 1, waiting: 3 },
    { module: 'b', graphs: ['two'], nodes: 0, slots: 0, taken: 0, waiting: 0 },
  ];
  expect(queuesOf(core.state)).toEqual(queues);
});
