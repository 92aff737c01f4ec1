import { describe, expect, it } from 'vitest';
import type {
  GraphJson,
  ModuleJson,
  NodeJson,
  TaskJson,
} from '../../../frontend-bridge/web/src/api/shapes.js';
import { NOT_BEGUN } from '../../../frontend-bridge/web/src/state/task-reducer.js';
import { remedyOf, standsStill, wantsOf } from '../../../frontend-bridge/web/src/task/standstill.js';

const waiting = (reason: string | null, more: Partial<ModuleJson> = {}): ModuleJson => ({
  ...NOT_BEGUN,
  waiting_reason: reason,
  ...more,
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
const NOBODY = 'waiting for a node of train';

describe('what a task lacks', () => {
  it('is a node, a free slot or a cluster for each module that could run, since it could', () => {
    const task = taskOf({
      train: waiting(NOBODY),
      score: waiting('waiting for a free slot of score'),
      fit: waiting('waiting for a cluster: 1 is offline'),
      report: waiting('waiting for train, score'),
      load: running,
    });
    expect(wants(task)).toEqual([
      { module: 'train', kind: 'node', reason: NOBODY, since: 5000 },
      { module: 'score', kind: 'slot', reason: 'waiting for a free slot of score', since: undefined },
      { module: 'fit', kind: 'cluster', reason: 'waiting for a cluster: 1 is offline', since: undefined },
    ]);
    expect(wants(taskOf({ train: waiting(NOBODY) }, 'cancelled'))).toEqual([]);
  });

  it('makes it stand still once nothing of it goes on by itself', () => {
    const stands = (modules: Record<string, ModuleJson>): boolean => {
      const task = taskOf(modules);
      return standsStill(task, wants(task));
    };
    expect(stands({ train: waiting(NOBODY), report: waiting('waiting for train') })).toBe(true);
    expect(stands({ fit: waiting('waiting for a cluster: 1 is offline') })).toBe(true);
    expect(stands({ train: waiting(NOBODY), load: running })).toBe(false);
    expect(
      stands({ train: waiting(NOBODY), load: waiting(null, { retry_at: '2026-01-01T00:00:00Z' }) }),
    ).toBe(false);
    expect(stands({ train: waiting(NOBODY), score: waiting('waiting for a free slot of score') })).toBe(
      false,
    );
    expect(stands({ report: waiting('waiting for train') })).toBe(false);
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
