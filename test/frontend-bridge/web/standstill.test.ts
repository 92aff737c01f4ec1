import { describe, expect, it } from 'vitest';
import { NOT_BEGUN } from '../../../frontend-bridge/web/src/state/task-reducer.js';
import { remedyOf, wantsOf } from '../../../frontend-bridge/web/src/task/standstill.js';
import type { GraphJson } from '../../../src/contract/graph.js';
import type { ModuleJson, TaskJson } from '../../../src/contract/iteration.js';
import type { NodeJson } from '../../../src/contract/node.js';
import type { Waiting, WaitingCode } from '../../../src/model/waiting.js';

const waiting = (code: WaitingCode, reason = `for ${code}`): ModuleJson => ({
  ...NOT_BEGUN,
  waiting: { code } as Waiting,
  waiting_reason: reason,
});
const running: ModuleJson = { ...NOT_BEGUN, state: 'running' };
const taskOf = (modules: Record<string, ModuleJson>, state = 'running'): TaskJson =>
  ({ state, modules }) as unknown as TaskJson;
const timeline = {
  start: 0,
  end: undefined,
  rows: [
    {
      module: 'train',
      reusedFrom: undefined,
      spans: [{ kind: 'queued' as const, from: 5000, to: undefined, attempt: undefined, outcome: undefined }],
    },
  ],
};
const wants = (task: TaskJson) => wantsOf({ kind: 'task', task, passed: {} }, timeline);

describe('what a task lacks', () => {
  it('is a node, a free slot, a cluster, a secret or a decision for each module that could run, since it could', () => {
    const task = taskOf({
      train: waiting('no_node'),
      score: waiting('no_free_slot'),
      fit: waiting('no_cluster'),
      move: waiting('no_free_cluster'),
      sign: waiting('no_secret'),
      review: waiting('approval'),
      report: waiting('inputs'),
      again: waiting('retry'),
      load: running,
    });
    expect(wants(task).map(({ module, waiting, since }) => [module, waiting.code, since])).toEqual([
      ['train', 'no_node', 5000],
      ['score', 'no_free_slot', undefined],
      ['fit', 'no_cluster', undefined],
      ['move', 'no_free_cluster', undefined],
      ['sign', 'no_secret', undefined],
      ['review', 'approval', undefined],
    ]);
    expect(wants(taskOf({ train: waiting('no_node') }, 'cancelled'))).toEqual([]);
  });

  it('is helped by starting the node that was there before, or a first one, with the labels that it needs', () => {
    const graph = {
      modules: { train: { inputs: [], output: 'json', require: { gpu: 'yes' } } },
    } as unknown as GraphJson;
    const dead = { module: 'train', instance: 'trainer', liveness: 'dead' } as NodeJson;
    const other = { module: 'score', instance: 'scorer', liveness: 'dead' } as NodeJson;
    expect(remedyOf('train', graph, [other])).toEqual({
      nodes: [],
      labels: ['gpu=yes'],
      line: 'TUTTI_INSTANCE=train-1 python train.py',
    });
    expect(remedyOf('train', graph, [other, dead])).toMatchObject({
      nodes: [dead],
      line: 'TUTTI_INSTANCE=trainer python train.py',
    });
  });
});
