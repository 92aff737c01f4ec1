import { describe, expect, it } from 'vitest';
import type { ModuleRow } from '../../../src/orchestrator/tables/module-row.js';
import { iterationSummary } from '../../../src/orchestrator/tables/summary.js';
import type { TaskRow } from '../../../src/orchestrator/tables/task-row.js';

const module = (phase: ModuleRow['phase'], fields: Partial<ModuleRow> = {}): ModuleRow => ({
  ...{ phase, generation: 1, attempts: 0, executions: [] },
  ...fields,
});
const row = {
  ...{ problem_id: 'p', iteration_id: 1, graph: 'g', graph_version: 1, created_at: 1, state: 'running' },
  modules: {
    read: module('succeeded', { executions: [{ execution_id: 'e1', state: 'succeeded' }] } as never),
    fit: module('placed', { executions: [{ execution_id: 'e2', state: 'accepted' }] } as never),
    plot: module('waiting', { reason: 'waiting for a node of plot', waiting: { code: 'no_node' } }),
    report: module('waiting', { waiting: { code: 'inputs', inputs: ['plot'] } }),
  },
} as unknown as TaskRow;

describe('the summary of a task', () => {
  it('tells which modules are at work and what others wait for, as long as it is not over', () => {
    expect(iterationSummary(row).standing).toEqual({
      fit: { state: 'accepted', execution_id: 'e2', waiting: null },
      plot: { state: 'waiting', execution_id: null, waiting: { code: 'no_node' } },
    });
    expect(iterationSummary({ ...row, state: 'cancelled', finished_at: 2 })).not.toHaveProperty('standing');
  });
});
