import { describe, expect, it } from 'vitest';
import type { ShownFact } from '../../../src/model/facts.js';
import { waitingForApproval } from '../../../src/orchestrator/work/counts.js';
import { secondsBetween, WorkInView, type WorkTask } from '../../../src/orchestrator/work/work-in-view.js';

const TASK = { problemId: '0198c0de-0000-7000-8000-000000000001', iterationId: 1 };
const ABOUT = { problem_id: TASK.problemId, iteration_id: TASK.iterationId };
const RUN = { ...ABOUT, module: 'fit', execution_id: 'e1', attempt: 1, node_id: 'n1' };

/** Facts one second apart. */
function committed(...facts: readonly ShownFact[]): { readonly fact: ShownFact; readonly at: number }[] {
  return facts.map((fact, index) => ({ at: 1_000 * (index + 1), fact }));
}

const SUBMITTED: ShownFact = {
  type: 'iteration.submitted',
  ...ABOUT,
  graph: 'g',
  graph_version: 1,
  priority: 50,
  parent_iteration_id: null,
};

describe('the work in view', () => {
  it('tells how long an execution waited for a slot and how long it ran', () => {
    const work = new WorkInView();
    const told: unknown[] = [];
    work.follow({
      executionEnded: ({ graph }, { module, queuedAt, assignedAt, startedAt }, end, at, error) =>
        told.push({ graph, module, queuedAt, assignedAt, startedAt, end, at, code: error?.code }),
    });
    work.observe(
      committed(
        SUBMITTED,
        { type: 'module.waiting', ...ABOUT, module: 'fit', reason: 'no node plays fit' },
        { type: 'module.waiting', ...ABOUT, module: 'fit', reason: 'all are busy' },
        { type: 'execution.assigned', ...RUN },
        { type: 'execution.running', ...RUN },
        {
          type: 'execution.failed',
          ...RUN,
          outputs: 0,
          error: { code: 'boom', message: 'no', retryable: true },
        },
      ),
    );
    expect(told).toEqual([
      {
        ...{ graph: 'g', module: 'fit', queuedAt: 2_000, assignedAt: 4_000, startedAt: 5_000 },
        ...{ end: 'failed', at: 6_000, code: 'boom' },
      },
    ]);
  });

  it('does not take the pause before a retry for a wait in the queue', () => {
    const work = new WorkInView();
    const queuedAt: number[] = [];
    work.follow({ executionAssigned: (_task, execution) => queuedAt.push(execution.queuedAt) });
    const retry = { reason: 'failed', retry_at: '2026-01-01T00:00:00Z' };
    work.observe(
      committed(
        SUBMITTED,
        { type: 'module.waiting', ...ABOUT, module: 'fit', ...retry },
        { type: 'execution.assigned', ...RUN },
      ),
    );
    expect(queuedAt).toEqual([3_000]);
  });

  it('goes on with what was adopted, and drops a task at its end with all that belongs to it', () => {
    const work = new WorkInView();
    const ends: unknown[] = [];
    work.follow({ taskEnded: (task, end, at) => ends.push([end, secondsBetween(task.submittedAt, at)]) });
    const adopted: WorkTask = {
      ...{
        id: TASK,
        graph: 'g',
        project: 'default',
        traceparent: undefined,
        submittedAt: 500,
        state: 'running',
        waiting: undefined,
      },
      approvals: undefined,
      executions: undefined,
    };
    work.adopt([adopted]);
    work.observe(committed({ type: 'iteration.suspended', ...ABOUT }));
    expect([...work.tasks].map(({ state }) => state)).toEqual(['suspended']);
    work.observe(committed({ type: 'iteration.aborted', ...ABOUT }));
    expect(ends).toEqual([['aborted', 0.5]]);
    expect([...work.tasks]).toEqual([]);
    work.observe(committed({ type: 'execution.assigned', ...RUN }));
    expect([...work.tasks]).toEqual([]);
  });

  it('counts what waits for a decision, until it is decided, is reset, or its task ends', () => {
    const work = new WorkInView();
    const asked = { type: 'approval.requested', ...ABOUT, role: 'operator', message: 'go on?' } as const;
    const counts = (...facts: ShownFact[]) => {
      work.observe(committed(...facts));
      return Object.fromEntries(waitingForApproval(work));
    };
    expect(counts(SUBMITTED, { ...asked, module: 'a' }, { ...asked, module: 'b' })).toEqual({ g: 2 });
    expect(counts({ type: 'module.reset', ...ABOUT, module: 'a' })).toEqual({ g: 1 });
    expect(counts({ type: 'approval.decided', ...ABOUT, module: 'b', decision: 'deny' })).toEqual({});
    expect(counts({ ...asked, module: 'a' })).toEqual({ g: 1 });
    expect(counts({ type: 'iteration.cancelled', ...ABOUT })).toEqual({});
  });

  it('says 0 for a duration over which the wall clock stepped back', () => {
    expect([secondsBetween(1_000, 3_500), secondsBetween(3_500, 1_000)]).toEqual([2.5, 0]);
  });
});
