import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { moduleTone, taskTone } from '../../../frontend-bridge/web/src/display/tone.js';
import { advance, reduce } from '../../../frontend-bridge/web/src/state/reducer.js';
import { NO_FILTER } from '../../../frontend-bridge/web/src/state/selection.js';
import type {
  ApprovalsView,
  ClustersView,
  IterationsView,
  JobsView,
  NodesView,
  ProblemsView,
  ProblemView,
  ServicesView,
  Snapshot,
  TaskEventsView,
  TaskView,
  View,
} from '../../../frontend-bridge/web/src/state/views.js';
import type { EventJson } from '../../../src/contract/event.js';
import type { ApprovalJson, ModuleJson, TaskJson } from '../../../src/contract/iteration.js';
import type { JobJson } from '../../../src/contract/job.js';
import type { NodeJson } from '../../../src/contract/node.js';
import { EVENT_TYPES } from '../../../src/model/facts.js';
import type { JobState } from '../../../src/model/job.js';
import { WAITING_CODES, type Waiting } from '../../../src/model/waiting.js';

const P = 'problem-1';
const AT = '2026-03-01T10:00:00.000Z';

function event(type: EventJson['type'], fields: Partial<EventJson> = {}, seq = 1): EventJson {
  return { seq, at: AT, type, problem_id: P, iteration_id: 1, ...fields };
}

function module(fields: Partial<ModuleJson> = {}): ModuleJson {
  return {
    state: 'waiting',
    attempts: 0,
    pass: null,
    items: null,
    loop_end: null,
    execution_id: null,
    node_id: null,
    waiting_reason: null,
    waiting: null,
    progress: null,
    progress_message: null,
    reused_from: null,
    cached_from: null,
    overridden: [],
    retry_at: null,
    output: null,
    error: null,
    assigned_at: null,
    started_at: null,
    command: null,
    finished_at: null,
    ...fields,
  };
}

function taskView(modules: Record<string, ModuleJson>, fields: Partial<TaskJson> = {}): TaskView {
  return {
    kind: 'task',
    passed: {},
    task: {
      problem_id: P,
      iteration_id: 1,
      state: 'running',
      parent_iteration_id: null,
      reused: [],
      overridden: {},
      created_at: AT,
      graph: 'g',
      graph_version: 1,
      input: {},
      overrides: {},
      error: null,
      reason: null,
      modules,
      ...fields,
    },
  };
}

function play(view: TaskView, ...events: EventJson[]): TaskView {
  const last = events.at(-1)?.seq ?? 0;
  return advance({ cursor: 0, view, incomplete: false }, events, last).view;
}

function node(fields: Partial<NodeJson> = {}): NodeJson {
  return {
    node_id: 'n1',
    module: 'a',
    instance: 'a-1',
    incarnation: 1,
    status: 'IDLE',
    desired_status: 'started',
    liveness: 'alive',
    capacity: 1,
    running: [],
    labels: {},
    version: '1',
    last_seen_at: null,
    error: null,
    ...fields,
  };
}

const nodesView = (...items: NodeJson[]): NodesView => ({ kind: 'nodes', items });
const UNMARKED = { tags: [], starred: false, archived: false };
const problemsView = (...items: ProblemsView['items']): ProblemsView => ({
  kind: 'problems',
  filter: NO_FILTER,
  isHead: true,
  items,
  next: null,
});

describe('the list of what waits for a person', () => {
  const waiting = (iteration_id: number, module: string): ApprovalJson => ({
    ...{ task_id: `${P}/${iteration_id}`, problem_id: P, iteration_id, module, graph: 'g', title: '' },
    ...{ role: 'operator', message: 'go on?', requested_at: AT, inputs: {}, left_out: [] },
  });
  const view: ApprovalsView = {
    kind: 'approvals',
    items: [waiting(1, 'a'), waiting(1, 'b'), waiting(2, 'a')],
    hasMore: false,
  };
  const heard = (...args: Parameters<typeof event>) => {
    const reduced = reduce(view, event(...args)) as { view: ApprovalsView; complete: boolean };
    return [reduced.view.items.map((one) => `${one.iteration_id} ${one.module}`), reduced.complete];
  };

  it('loses what is decided, reset, or ended with its task, and is read again for what is asked', () => {
    expect(heard('approval.decided', { module: 'a' })).toEqual([['1 b', '2 a'], true]);
    expect(heard('module.reset', { module: 'b' })).toEqual([['1 a', '2 a'], true]);
    expect(heard('iteration.cancelled')).toEqual([['2 a'], true]);
    expect(heard('iteration.resumed')).toEqual([['1 a', '1 b', '2 a'], true]);
    expect(heard('approval.requested', { module: 'c' })[1]).toBe(false);
  });

  it('is read again where something was decided and there are more than it holds', () => {
    expect(reduce({ ...view, hasMore: true }, event('approval.decided', { module: 'a' })).complete).toBe(
      false,
    );
  });
});

describe('advance', () => {
  it('skips events that the snapshot already reflects', () => {
    const snapshot: Snapshot<TaskView> = { cursor: 5, view: taskView({ a: module() }), incomplete: false };
    const next = advance(
      snapshot,
      [event('iteration.failed', {}, 5), event('iteration.suspended', {}, 6)],
      6,
    );
    expect(next.view.task.state).toBe('suspended');
    expect(next.cursor).toBe(6);
  });

  it('gives the very same snapshot when nothing is new', () => {
    const snapshot: Snapshot<TaskView> = { cursor: 5, view: taskView({}), incomplete: false };
    expect(advance(snapshot, [event('iteration.failed', {}, 4)], 5)).toBe(snapshot);
  });

  it('raises the cursor by a tick without touching the view', () => {
    const view = taskView({});
    const next = advance({ cursor: 5, view, incomplete: false }, [], 9);
    expect(next).toEqual({ cursor: 9, view, incomplete: false });
    expect(next.view).toBe(view);
  });

  it('marks a snapshot incomplete when an event names what the view does not know, and leaves the rest as it is', () => {
    const view = nodesView(node());
    const next = advance(
      { cursor: 0, view, incomplete: false },
      [event('node.joined', { node_id: 'new' })],
      1,
    );
    expect(next.incomplete).toBe(true);
    expect(next.view).toBe(view);
  });

  it('gives the same view whether events come in one batch or in many', () => {
    const arbitrary = fc.array(
      fc.record({
        type: fc.constantFrom(...EVENT_TYPES),
        module: fc.constantFrom('a', 'b', undefined),
        execution_id: fc.constantFrom('e1', 'e2'),
        node_id: fc.constantFrom('n1', 'n2'),
        iteration_id: fc.constantFrom(1, 2),
        progress: fc.double({ min: 0, max: 1, noNaN: true }),
        output: fc.constantFrom(undefined, { x: 1 }),
        waiting: fc.constantFrom(undefined, { code: 'no_node' }),
      }),
      { maxLength: 40 },
    );
    const views: View[] = [
      taskView({ a: module(), b: module() }),
      nodesView(node()),
      problemsView({
        problem_id: P,
        title: null,
        graph: 'g',
        state: 'waiting',
        created_at: AT,
        newest_iteration_id: 1,
        ...UNMARKED,
      }),
      { kind: 'iterations', problem_id: P, items: [] },
      { kind: 'task_events', problem_id: P, iteration_id: 1, items: [] },
    ];
    fc.assert(
      fc.property(arbitrary, fc.constantFrom(...views), fc.nat(), (drawn, view, cut) => {
        const events = drawn.map(({ module: name, ...rest }, index) => ({
          seq: index + 1,
          at: AT,
          problem_id: P,
          ...rest,
          ...(name !== undefined && { module: name }),
        }));
        const middle = cut % (events.length + 1);
        const start = { cursor: 0, view, incomplete: false };
        const atOnce = advance(start, events, events.length);
        // The second batch repeats the first: what was seen changes nothing.
        const inTwo = advance(advance(start, events.slice(0, middle), middle), events, events.length);
        expect(inTwo).toEqual(atOnce);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('a task', () => {
  const assigned = event(
    'execution.assigned',
    { module: 'a', execution_id: 'e1', node_id: 'n1', attempt: 1 },
    1,
  );
  const own = { module: 'a', execution_id: 'e1', node_id: 'n1' };

  it('follows an execution from its assignment to its success', () => {
    const view = play(
      taskView({ a: module({ waiting_reason: 'waiting for a node of a' }) }),
      assigned,
      event('execution.accepted', own, 2),
      event('execution.running', own, 3),
      event('execution.progress', { ...own, progress: 0.4 }, 4),
      event('output.recorded', { ...own, output_seq: 1, last: true, output: { x: 1 } }, 5),
      event('execution.succeeded', { ...own, at: '2026-03-01T10:00:02.000Z' }, 6),
    );
    expect(view.task.modules.a).toEqual(
      module({
        state: 'succeeded',
        assigned_at: AT,
        attempts: 1,
        execution_id: 'e1',
        node_id: 'n1',
        progress: 1,
        output: { x: 1 },
        started_at: AT,
        finished_at: '2026-03-01T10:00:02.000Z',
      }),
    );
    expect(view.passed).toEqual({ a: 5 });
  });

  it('shows a command as begun when its cluster says so, also where that is heard late', () => {
    const began = '2026-03-01T10:00:01.000Z';
    const view = play(
      taskView({ a: module() }),
      assigned,
      { ...event('execution.running', own, 2), at: '2026-03-01T10:00:09.000Z' },
      { ...event('execution.command', { ...own, started_at: began }, 3), at: '2026-03-01T10:00:09.000Z' },
    );
    expect(view.task.modules.a).toMatchObject({ state: 'running', started_at: began });
  });

  it('shows why a module waits and when it tries again, and keeps its attempts', () => {
    const error = { code: 'timeout', message: 'No result within 60 s.' };
    const view = play(
      taskView({ a: module() }),
      assigned,
      event('execution.failed', { ...own, error }, 2),
      event(
        'module.waiting',
        {
          module: 'a',
          reason: 'waiting 1 s',
          waiting: { code: 'retry' },
          retry_at: '2026-03-01T10:00:03.000Z',
        },
        3,
      ),
    );
    expect(view.task.modules.a).toMatchObject({
      state: 'waiting',
      attempts: 1,
      waiting_reason: 'waiting 1 s',
      waiting: { code: 'retry' },
      retry_at: '2026-03-01T10:00:03.000Z',
      node_id: null,
      error,
    });
  });

  it('does not let an execution that was replaced change its module', () => {
    const before = play(
      taskView({ a: module() }),
      assigned,
      event('execution.assigned', { module: 'a', execution_id: 'e2', node_id: 'n2' }, 2),
    );
    const after = play(
      before,
      event('execution.running', own, 3),
      event('execution.progress', { ...own, progress: 0.9 }, 4),
      event('output.recorded', { ...own, last: true, output: { old: true } }, 5),
      event('execution.cancelled', own, 6),
    );
    expect(after.task.modules.a).toEqual(before.task.modules.a);
    expect(after.passed).toEqual({});
  });

  it('counts neither a lost nor a preempted execution as an attempt', () => {
    const view = play(taskView({ a: module() }), assigned, event('execution.lost', own, 2));
    expect(view.task.modules.a).toMatchObject({ state: 'lost', attempts: 0 });
  });

  it('does not take a partial output for the output', () => {
    const partial = event('output.recorded', { ...own, output_seq: 1, last: false, output: { x: 0 } }, 2);
    const view = play(taskView({ a: module() }), assigned, partial);
    expect(view.task.modules.a?.output).toBeNull();
    expect(view.passed).toEqual({ a: 2 });
  });

  it('asks to be fetched again when an output is too large for its event', () => {
    const start = taskView({ a: module({ state: 'running', execution_id: 'e1' }) });
    const reduced = reduce(start, event('output.recorded', { ...own, output_seq: 1, last: true }));
    expect(reduced.complete).toBe(false);
  });

  it('runs again what was said to wait for a successor of its dead node, once the node is heard of again', () => {
    const of = { module: 'a', execution_id: 'e1', node_id: 'n1' };
    const waiting = play(
      taskView({ a: module() }),
      event('execution.assigned', of, 1),
      event('execution.running', of, 2),
      event('module.waiting', { module: 'a', reason: 'its node is dead; waiting for a node of a' }, 3),
    );
    expect(waiting.task.modules.a?.state).toBe('waiting');
    const heard = play(waiting, event('execution.progress', { ...of, progress: 0.5 }, 4));
    expect(heard.task.modules.a).toMatchObject({
      ...{ state: 'running', node_id: 'n1', waiting_reason: null, progress: 0.5 },
    });
  });

  it('shows what it reuses and of which iteration, until that is reset', () => {
    const inputs = { a: ['in'], b: ['a'] };
    const begun = { ...taskView({ a: module(), b: module({ overridden: ['x'] }) }), inputs };
    const from = { iteration_id: 3, execution_id: 'e9' };
    const reused = play(begun, event('module.reused', { module: 'a', reused_from: from, output: { x: 1 } }));
    expect(reused.task.modules.a).toMatchObject({ state: 'reused', reused_from: from, output: { x: 1 } });
    const cached_from = { problem_id: 'q', iteration_id: 2, execution_id: 'e' };
    const taken = play(begun, event('module.reused', { module: 'a', cached_from, output: { x: 1 } }));
    expect(taken.task.modules.a).toMatchObject({ state: 'reused', reused_from: null, cached_from });
    const large = event('module.reused', { module: 'a', reused_from: from });
    expect(advance({ cursor: 0, view: begun, incomplete: false }, [large], 1).incomplete).toBe(true);
    const reset = event('command.issued', { module: 'a', command: 'reset' }, 2);
    expect(play(reused, reset).task.modules).toEqual({ a: module(), b: module({ overridden: ['x'] }) });
    const ended = play(reused, event('iteration.succeeded', {}, 2));
    expect(ended.task.modules.a?.state).toBe('reused');
  });

  it('counts the items of a map, and shows the list of their results and no single one as the output', () => {
    const of = (item: number) => ({ module: 'a', item, execution_id: `e${item}`, attempt: 1 });
    const begun = play(
      taskView({ a: module() }),
      event('map.started', { module: 'a', items: 2 }),
      event('execution.assigned', of(0)),
      event('execution.assigned', of(1)),
    );
    expect(begun.task.modules.a).toMatchObject({
      state: 'running',
      items: { total: 2, done: 0, running: 2 },
    });
    const half = play(
      begun,
      event('output.recorded', { ...of(0), last: true, output: 'x' }),
      event('execution.succeeded', of(0)),
      event('item.succeeded', { module: 'a', item: 0, execution_id: 'e0' }),
    );
    expect(half.task.modules.a).toMatchObject({
      ...{ state: 'running', output: null, items: { total: 2, done: 1, running: 1 } },
    });
    const idle = play(half, event('execution.lost', of(1)));
    expect(idle.task.modules.a).toMatchObject({ state: 'waiting', items: { running: 0 } });
    const waiting = play(idle, event('item.waiting', { module: 'a', item: 1, reason: 'lost' }));
    expect(waiting.task.modules.a).toMatchObject({ items: { running: 0, retrying: 1 } });
    const again = event('execution.assigned', { ...of(1), execution_id: 'f1', attempt: 2 });
    expect(play(waiting, again).task.modules.a).toMatchObject({ items: { running: 1, retrying: 0 } });
    // Its node may just be silent: then it was not counted.
    expect(reduce(waiting, again).complete).toBe(false);
    const stopped = play(waiting, event('iteration.cancelled'));
    expect(stopped.task.modules.a).toMatchObject({ items: { done: 1, retrying: 0 } });
    const ended = play(half, event('module.mapped', { module: 'a', items: 2, output: ['x', 'y'] }));
    expect(ended.task.modules.a).toMatchObject({ state: 'succeeded', output: ['x', 'y'] });
  });

  it('begins the modules of a loop again in each pass, and says why there is no further one', () => {
    const done = module({ state: 'succeeded', attempts: 1, execution_id: 'e1', pass: 1, output: { n: 1 } });
    const inputs = { a: ['in'], b: ['a'] };
    const begun = { ...taskView({ a: done, b: module({ state: 'running' }) }), inputs };
    const loop = { from: 'a', to: 'a', modules: ['a'] };
    const passed = play(begun, event('loop.passed', { ...loop, pass: 2 }));
    expect(passed.task.modules).toEqual({ a: module({ pass: 2 }), b: module({ state: 'running' }) });
    const of = { module: 'a', pass: 2, execution_id: 'e2', attempt: 2 };
    const again = play(passed, event('execution.assigned', of), event('execution.succeeded', of));
    expect(again.task.modules.a).toMatchObject({ state: 'succeeded', pass: 2, attempts: 1 });
    const ended = play(again, event('loop.ended', { ...loop, pass: 2, why: 'until' }));
    expect(ended.task.modules.a).toMatchObject({ state: 'succeeded', loop_end: 'until' });
    const error = { code: 'loop_exhausted', message: 'it did not hold' };
    const failed = play(again, event('loop.ended', { ...loop, pass: 2, why: 'exhausted', error }));
    expect(failed.task.modules.a).toMatchObject({ state: 'failed', loop_end: 'exhausted', error });
    const reset = play(
      ended,
      event('command.issued', { module: 'a', command: 'reset' }, 2),
      event('module.reset', { module: 'a', pass: 1 }, 3),
    );
    expect(reset.task.modules.a).toEqual(module({ pass: 1 }));
  });

  it('ends once: what never ran is skipped, and nothing later reopens it', () => {
    const view = play(
      taskView({ a: module({ state: 'succeeded', execution_id: 'e1' }), b: module() }),
      event('iteration.cancelled', {}, 1),
      event('iteration.started', {}, 2),
    );
    expect(view.task.state).toBe('cancelled');
    expect(view.task.modules.a?.state).toBe('succeeded');
    expect(view.task.modules.b?.state).toBe('skipped');
  });

  it('shows why it failed, and asks again what became of a module that waited for another attempt', () => {
    const error = { code: 'timeout', message: 'No result within 60 s.' };
    const start = taskView({ a: module({ execution_id: 'e1', waiting_reason: 'waiting 1 s' }) });
    const { view, complete } = reduce(start, event('iteration.failed', { error }));
    expect((view as TaskView).task).toMatchObject({ state: 'failed', error, reason: null });
    expect(complete).toBe(false);
  });

  it('is the very same object after an event of another task', () => {
    const view = taskView({ a: module() });
    expect(reduce(view, event('execution.assigned', { ...own, iteration_id: 2 })).view).toBe(view);
    expect(reduce(view, event('iteration.failed', { problem_id: 'other' })).view).toBe(view);
  });
});

describe('the problems', () => {
  const known = {
    problem_id: P,
    title: 't',
    graph: 'g',
    state: 'succeeded',
    created_at: AT,
    newest_iteration_id: 2,
    ...UNMARKED,
  } as const;

  it('put a new one first', () => {
    const created = event('problem.created', { problem_id: 'p2', title: 'new', graph: 'g' });
    const { view, complete } = reduce(problemsView(known), created) as {
      view: ProblemsView;
      complete: boolean;
    };
    expect(view.items.map((problem) => problem.problem_id)).toEqual(['p2', P]);
    expect(view.items[0]).toMatchObject({ title: 'new', graph: 'g', state: 'waiting', created_at: AT });
    expect(complete).toBe(true);
  });

  it('one by itself has what people say of it now, and the revision that says so', () => {
    const view: ProblemView = {
      kind: 'problem',
      problem: { ...known, project: 'default', notes: 'n', revision: 3 },
    };
    const said = event('problem.changed', { notes: 'm', starred: true }, 9);
    expect(reduce(view, said).view).toEqual({
      ...view,
      problem: { ...view.problem, notes: 'm', starred: true, revision: 9 },
    });
    expect(reduce(view, { ...said, problem_id: 'p2' }).view).toBe(view);
  });

  it('show the state of the newest iteration, whatever an older one does', () => {
    const older = reduce(problemsView(known), event('iteration.failed', { iteration_id: 1 })).view;
    expect(older).toEqual(problemsView(known));
    const newer = reduce(problemsView(known), event('iteration.submitted', { iteration_id: 3 }))
      .view as ProblemsView;
    expect(newer.items[0]).toMatchObject({ state: 'waiting', newest_iteration_id: 3 });
  });
});

describe('a task in a list', () => {
  const problem = { problem_id: P, title: 't', graph: 'g', state: 'waiting', created_at: AT } as const;
  const lists = [
    problemsView({ ...problem, newest_iteration_id: 1, ...UNMARKED }),
    {
      kind: 'iterations',
      problem_id: P,
      items: [{ ...problem, iteration_id: 1, parent_iteration_id: null, reused: [], overridden: {} }],
    } satisfies IterationsView,
  ] as const;
  const lacks = (name: string) =>
    event('module.waiting', { module: name, reason: 'r', waiting: { code: 'no_node' } });
  const of = (type: EventJson['type'], name: string, execution_id = 'e1') =>
    event(type, { module: name, execution_id });
  const submitted = event('iteration.started');

  it.each(lists)('comes to stand still as others end, and goes on with a node ($kind)', (list) => {
    const steps: readonly (readonly [EventJson, boolean])[] = [
      [submitted, false],
      [lacks('a'), true],
      [of('execution.assigned', 'b'), false],
      [of('execution.progress', 'b'), false],
      [of('execution.running', 'b'), false],
      // An execution that was replaced says nothing of its module.
      [of('execution.failed', 'b', 'e0'), false],
      [of('execution.succeeded', 'b'), true],
      [event('module.waiting', { module: 'c', reason: 'r', waiting: { code: 'no_free_slot' } }), false],
      [event('module.skipped', { module: 'c', reason: 'r' }), true],
      [of('execution.assigned', 'a', 'e2'), false],
      [lacks('a'), true],
      // It was said to wait since its node was dead, and is heard of again.
      [of('execution.running', 'a', 'e2'), false],
    ];
    let view: View = list;
    for (const [told, isStill] of steps) {
      const reduced = reduce(view, told);
      expect(reduced.complete).toBe(true);
      view = reduced.view;
      const { state, standing = {} } = (view as ProblemsView).items[0]!;
      const { stillness } = taskTone(state, Object.values(standing));
      expect([told.type, stillness]).toEqual([told.type, isStill ? 'cannot continue' : undefined]);
    }
    const { state, standing = {} } = (reduce(view, event('iteration.cancelled')).view as ProblemsView)
      .items[0]!;
    expect([state, standing]).toEqual(['cancelled', {}]);
  });

  it('has modules that look held up only while they wait for a person', () => {
    const tones = WAITING_CODES.map((code) => {
      const { tone } = moduleTone({ state: 'waiting', waiting: { code } as Waiting });
      return [code, tone === 'held'];
    });
    expect(tones.filter(([, isHeld]) => isHeld).map(([code]) => code)).toEqual([
      'no_node',
      'no_cluster',
      'no_secret',
      'approval',
    ]);
    expect(moduleTone({ state: 'running', waiting: null }).tone).toBe('busy');
  });

  it.each(lists)('is asked for again after a reset that may have taken back more ($kind)', (list) => {
    const reset = event('command.issued', { command: 'reset', module: 'a' });
    const alone = reduce(list, lacks('a')).view;
    const none = reduce(alone, reset);
    expect(none.complete).toBe(true);
    expect((none.view as ProblemsView).items[0]).not.toHaveProperty('standing');
    const both = reduce(alone, lacks('b')).view;
    expect(reduce(both, reset).complete).toBe(false);
  });
});

describe('the iterations of a problem', () => {
  const empty: IterationsView = { kind: 'iterations', problem_id: P, items: [] };

  it('are ordered by their number, with what each goes on from', () => {
    const second = reduce(
      empty,
      event('iteration.submitted', { iteration_id: 2, parent_iteration_id: 1 }),
    ).view;
    const both = reduce(second, event('iteration.submitted', { iteration_id: 1 })).view as IterationsView;
    expect(both.items.map((one) => [one.iteration_id, one.parent_iteration_id])).toEqual([
      [1, null],
      [2, 1],
    ]);
  });

  it('do not leave an end', () => {
    const submitted = reduce(empty, event('iteration.submitted')).view;
    const ended = reduce(submitted, event('iteration.succeeded')).view;
    expect(reduce(ended, event('iteration.started')).view).toBe(ended);
  });
});

describe('the jobs', () => {
  const job: JobJson = {
    ...{ job_id: P, task_id: `${P}/1`, name: 'fit', cluster: null, job_type: null, state: 'PENDING' },
    project: 'default',
    ...{
      exit_code: null,
      engine_id: null,
      submitted_at: AT,
      started_at: null,
      finished_at: null,
      error: null,
    },
  };
  const jobs = (state?: JobState): JobsView => ({ kind: 'jobs', state, items: [job] });
  const of = { module: 'script', execution_id: 'e1', node_id: 'n1' };
  const heard = (view: JobsView, ...events: readonly EventJson[]) =>
    events.reduce((snapshot, one) => advance(snapshot, [one], one.seq), {
      ...{ cursor: 0, incomplete: false },
      view,
    } as Snapshot<JobsView>);

  it('go from queue to end by their events, with what becomes known of their commands', () => {
    const { view, incomplete } = heard(
      jobs(),
      event('execution.assigned', of, 1),
      event('execution.command', { ...of, cluster: 'hpc', engine_id: '4711', argv: ['x'] }, 2),
      event('execution.running', of, 3),
      event('execution.command', { ...of, started_at: AT, exit_code: 3 }, 4),
      event('iteration.failed', { error: { code: 'exit_code', message: 'no' } }, 5),
    );
    expect(incomplete).toBe(false);
    expect(view.items).toEqual([
      {
        ...job,
        ...{
          cluster: 'hpc',
          engine_id: '4711',
          state: 'FAILED',
          started_at: AT,
          exit_code: 3,
          finished_at: AT,
        },
        error: { code: 'exit_code', message: 'no' },
      },
    ]);
  });

  it('are asked for again when there is a new one, or one comes into the state that is shown', () => {
    const other = { problem_id: 'other' };
    expect(heard(jobs(), event('problem.created', { ...other, graph: 'job' })).incomplete).toBe(true);
    expect(heard(jobs(), event('problem.created', { ...other, graph: 'demo' })).incomplete).toBe(false);
    expect(heard(jobs(), event('execution.running', { ...other, ...of })).incomplete).toBe(false);
    expect(heard(jobs('RUNNING'), event('execution.running', { ...other, ...of })).incomplete).toBe(true);
    const left = heard(jobs('PENDING'), event('execution.running', of));
    expect([left.view.items, left.incomplete]).toEqual([[], true]);
  });
});

describe('a step that is a service', () => {
  it('waits for its replicas, and has succeeded once it is served', () => {
    const waiting = event('module.waiting', { module: 'a', reason: '0 of 2 replicas are up' });
    const shown = (view: View) => (view as TaskView).task.modules.a!;
    const waits = reduce(taskView({ a: module() }), waiting).view;
    expect(shown(waits)).toMatchObject({ state: 'waiting', waiting_reason: '0 of 2 replicas are up' });
    const served = reduce(waits, event('module.served', { module: 'a', service: 'shop-a' }));
    expect([shown(served.view), served.complete]).toMatchObject([
      { state: 'succeeded', waiting_reason: null },
      true,
    ]);
  });
});

describe('the clusters', () => {
  it('are asked for again when one is changed, and when an agent is', () => {
    const clusters: ClustersView = { kind: 'clusters', items: [] };
    const isComplete = (one: EventJson): boolean => reduce(clusters, one).complete;
    expect(isComplete(event('cluster.changed', { cluster: 'hpc' }))).toBe(false);
    expect(isComplete(event('node.status', { module: 'tutti.agent', node_id: 'n1' }))).toBe(false);
    expect(isComplete(event('graph.stored', { graph: 'one' }))).toBe(false);
    expect(isComplete(event('node.status', { module: 'a', node_id: 'n1' }))).toBe(true);
  });
});

describe('the services', () => {
  it('are asked for again when one is changed, and when one of their replicas is', () => {
    const services: ServicesView = { kind: 'services', items: [] };
    const isComplete = (one: EventJson): boolean => reduce(services, one).complete;
    expect(isComplete(event('service.degraded', { service: 'web' }))).toBe(false);
    expect(isComplete(event('replica.ready', { service: 'web', replica_id: 'web-1' }))).toBe(false);
    expect(isComplete(event('execution.running', { node_id: 'n1', execution_id: 'e1' }))).toBe(true);
  });
});

describe('the nodes', () => {
  it('show what each works on until that ends', () => {
    const assigned = event('execution.assigned', { node_id: 'n1', execution_id: 'e1' });
    const busy = reduce(nodesView(node()), assigned).view as NodesView;
    expect(busy.items[0]?.running).toEqual([
      { execution_id: 'e1', task_id: `${P}/1`, module: 'a', since: AT },
    ]);
    const idle = reduce(busy, event('execution.lost', { node_id: 'n1', execution_id: 'e1' }))
      .view as NodesView;
    expect(idle.items[0]?.running).toEqual([]);
  });

  it('follow status and liveness, and an error goes with its status', () => {
    const error = { code: 'hook_failed', message: 'no catalogue' };
    const failed = reduce(
      nodesView(node()),
      event('node.status', { node_id: 'n1', status: 'ERROR', error }),
    ).view;
    expect((failed as NodesView).items[0]).toMatchObject({ status: 'ERROR', error });
    const reset = reduce(failed, event('node.status', { node_id: 'n1', status: 'INITIALIZING' })).view;
    expect((reset as NodesView).items[0]).toMatchObject({ status: 'INITIALIZING', error: null });
    const dead = reduce(reset, event('node.dead', { node_id: 'n1' })).view as NodesView;
    expect(dead.items[0]?.liveness).toBe('dead');
    const alive = reduce(dead, event('node.alive', { node_id: 'n1' })).view as NodesView;
    expect(alive.items[0]?.liveness).toBe('alive');
  });

  it('ignore a status that is none', () => {
    const reduced = reduce(nodesView(node()), event('node.status', { node_id: 'n1', status: 'DANCING' }));
    expect((reduced.view as NodesView).items[0]?.status).toBe('IDLE');
  });
});

describe('the events of a task', () => {
  it('are kept in order and once', () => {
    const empty: TaskEventsView = { kind: 'task_events', problem_id: P, iteration_id: 1, items: [] };
    const one = reduce(empty, event('iteration.started', {}, 4)).view;
    const repeated = reduce(one, event('iteration.started', {}, 4)).view;
    expect(repeated).toBe(one);
    expect(reduce(one, event('iteration.failed', { iteration_id: 2 }, 5)).view).toBe(one);
  });
});
