import { describe, expect, it } from 'vitest';
import { commandsOf, describeCommand } from '../../../frontend-bridge/web/src/commands/records.js';
import { countUntil } from '../../../frontend-bridge/web/src/task/halving.js';
import { TaskHistory } from '../../../frontend-bridge/web/src/task/history.js';
import { withReasons } from '../../../frontend-bridge/web/src/task/reasons.js';
import { Replay } from '../../../frontend-bridge/web/src/task/replay.js';
import { ticks } from '../../../frontend-bridge/web/src/task/timeline.js';
import { criticalPath, TimelineReplay } from '../../../frontend-bridge/web/src/task/timeline-model.js';
import { countAtTime } from '../../../frontend-bridge/web/src/task/use-time-travel.js';
import type { EventJson } from '../../../src/contract/event.js';
import type { GraphJson } from '../../../src/contract/graph.js';
import type { TaskJson } from '../../../src/contract/iteration.js';

const START = Date.parse('2026-03-01T10:00:00.000Z');
const graph: GraphJson = {
  name: 'g',
  version: 1,
  source: { name: 'in', type: 'json' },
  modules: { a: { inputs: ['in'], output: 'json' }, b: { inputs: ['a'], output: 'json' } },
};

let seq = 0;
function event(ms: number, type: EventJson['type'], fields: Partial<EventJson> = {}): EventJson {
  seq += 1;
  return { seq, at: new Date(START + ms).toISOString(), type, problem_id: 'p', iteration_id: 1, ...fields };
}
const of = (module: string, execution_id: string, attempt = 1) => ({
  module,
  execution_id,
  attempt,
  node_id: 'n',
});

const REUSED = [
  event(0, 'iteration.submitted', { overridden: { b: ['a'] } }),
  event(0, 'module.reused', { module: 'a', reused_from: { iteration_id: 3, execution_id: 'e' } }),
];

const EVENTS = [
  event(0, 'problem.created'),
  event(0, 'iteration.submitted'),
  event(0, 'module.waiting', { module: 'a', reason: 'waiting for a node of a' }),
  event(100, 'iteration.started'),
  event(100, 'execution.assigned', of('a', 'e1')),
  event(110, 'execution.accepted', of('a', 'e1')),
  event(111, 'execution.log', { ...of('a', 'e1'), message: 'hm' }),
  event(200, 'execution.failed', { ...of('a', 'e1'), error: { code: 'oom', message: 'no memory' } }),
  event(200, 'module.waiting', {
    module: 'a',
    reason: 'retry',
    retry_at: new Date(START + 700).toISOString(),
  }),
  event(700, 'execution.assigned', of('a', 'e2', 2)),
  event(705, 'execution.accepted', of('a', 'e2', 2)),
  event(900, 'output.recorded', { ...of('a', 'e2', 2), output_seq: 1, last: true, output: { x: 1 } }),
  event(900, 'execution.succeeded', of('a', 'e2', 2)),
  event(900, 'execution.assigned', of('b', 'e3')),
  event(910, 'execution.accepted', of('b', 'e3')),
  event(1000, 'command.issued', { command_id: 'c1', command: 'reset', module: 'a' }),
  event(1000, 'execution.cancelled', of('b', 'e3')),
  event(1000, 'execution.assigned', of('a', 'e4', 3)),
  event(1003, 'command.acked', { command_id: 'c1', command: 'reset', module: 'a' }),
  event(1004, 'execution.accepted', of('a', 'e4', 3)),
  event(1010, 'command.stopped', { command_id: 'c1', execution_id: 'e3' }),
  event(1100, 'execution.failed', { ...of('a', 'e4', 3), error: { code: 'bad', message: 'no' } }),
  event(1100, 'module.skipped', { module: 'b', reason: 'a failed' }),
  event(1100, 'iteration.failed', { error: { code: 'bad', message: 'no' } }),
];
const told = (
  spans: readonly { kind: string; from: number; to: number | undefined; outcome?: string | undefined }[],
) =>
  spans.map(({ kind, from, to, outcome }) =>
    [kind, from - START, to === undefined ? 'open' : to - START, ...(outcome ? [outcome] : [])].join(' '),
  );

const ASKED = [
  event(0, 'iteration.submitted'),
  event(0, 'approval.requested', { module: 'a', role: 'operator', message: 'go on?' }),
  event(0, 'iteration.suspended', { reason: 'waiting for approval of a' }),
  event(400, 'approval.decided', { module: 'a', decision: 'approve', reason: 'fine' }),
  event(400, 'iteration.resumed'),
  event(400, 'execution.assigned', of('b', 'e1')),
];

const LOOP = { from: 'a', to: 'a', modules: ['a'] };
const LOOPING: GraphJson = {
  ...graph,
  loops: [{ ...LOOP, until: 'a.x > 1', max: 3, on_max: 'fail' }],
};
const LOOPED = [
  event(0, 'iteration.submitted'),
  event(0, 'execution.assigned', { ...of('a', 'e1'), pass: 1 }),
  event(0, 'execution.accepted', { ...of('a', 'e1'), pass: 1 }),
  event(100, 'execution.succeeded', { ...of('a', 'e1'), pass: 1 }),
  event(100, 'loop.passed', { ...LOOP, pass: 2 }),
  event(150, 'execution.assigned', { ...of('a', 'e2', 2), pass: 2 }),
  event(150, 'execution.accepted', { ...of('a', 'e2', 2), pass: 2 }),
  event(300, 'execution.succeeded', { ...of('a', 'e2', 2), pass: 2 }),
  event(300, 'loop.ended', { ...LOOP, pass: 2, why: 'until' }),
  event(350, 'execution.assigned', of('b', 'e3')),
];

describe('a loop', () => {
  const task = { problem_id: 'p', iteration_id: 1, overridden: {} } as unknown as TaskJson;

  it('has its passes told apart in the timeline, and what follows waits for its end', () => {
    const { rows } = new TimelineReplay(LOOPING, ['a', 'b']).read(LOOPED).at();
    const shown = rows.map(({ spans }) =>
      spans.map(({ kind, from, to, pass }) => [kind, from - START, to && to - START, pass]),
    );
    expect(shown).toEqual([
      [
        ['running', 0, 100, 1],
        ['queued', 100, 150, 2],
        ['running', 150, 300, 2],
      ],
      [
        ['blocked', 0, 300, undefined],
        ['queued', 300, 350, undefined],
        ['placing', 350, undefined, undefined],
      ],
    ]);
    expect(
      new TaskHistory()
        .read(LOOPED)
        .ofModule('a')
        .attempts.map(({ pass }) => pass),
    ).toEqual([1, 2]);
  });

  it('shows at each moment the pass that its modules are in, and what waits for its end', () => {
    const replay = new Replay(task, LOOPING);
    const views = [4, 5, 6].map(
      (count) => withReasons(replay.viewAfter(LOOPED, count), LOOPING).task.modules,
    );
    expect(views.map(({ a, b }) => [a?.state, a?.pass, b?.waiting_reason])).toEqual([
      ['succeeded', 1, 'waiting for a'],
      ['waiting', 2, 'waiting for a'],
      ['assigned', 2, 'waiting for a'],
    ]);
    const ended = withReasons(replay.viewAfter(LOOPED, 9), LOOPING).task.modules;
    expect([ended.a?.loop_end, ended.b?.waiting_reason]).toEqual(['until', null]);
  });
});

describe('a module that asks a person', () => {
  const task = { problem_id: 'p', iteration_id: 1, overridden: {} } as unknown as TaskJson;

  it('waits for the person in the timeline, until it is decided', () => {
    const { rows } = new TimelineReplay(graph, ['a', 'b']).read(ASKED).at();
    expect(
      rows.map(({ spans }) => spans.map(({ kind, from, to }) => [kind, from - START, to && to - START])),
    ).toEqual([
      [['asked', 0, 400]],
      [
        ['blocked', 0, 400],
        ['placing', 400, undefined],
      ],
    ]);
  });

  it('shows at each moment what it asks, and then the decision as its output', () => {
    const replay = new Replay(task, graph);
    const [asked, decided] = [3, 4].map((count) => replay.viewAfter(ASKED, count).task);
    expect(asked).toMatchObject({
      state: 'suspended',
      modules: {
        a: {
          ...{ state: 'waiting', waiting_reason: 'waiting for approval: go on?' },
          waiting: { code: 'approval', role: 'operator', message: 'go on?', requested_at: ASKED[1]!.at },
        },
      },
    });
    expect(decided?.modules.a).toMatchObject({
      ...{ state: 'succeeded', waiting: null },
      output: { decision: 'approve', by: null, reason: 'fine', at: ASKED[3]!.at },
    });
    const denied = ASKED.with(3, { ...ASKED[3]!, decision: 'deny' });
    expect(replay.viewAfter(denied, 4).task.modules.a).toMatchObject({
      ...{ state: 'failed', output: null },
      error: { code: 'denied', message: 'it was denied: fine' },
    });
  });
});

describe('a timeline of a part that is run again', () => {
  it('says of which iteration the output is, and what follows from it can run at once', () => {
    const { rows } = new TimelineReplay(graph, ['a', 'b']).read(REUSED).at();
    expect(rows).toMatchObject([
      { module: 'a', reusedFrom: 'iteration 3', spans: [] },
      { module: 'b', reusedFrom: undefined, spans: [{ kind: 'queued' }] },
    ]);
    const reset = event(5, 'command.issued', { command: 'reset', module: 'a' });
    const again = new TimelineReplay(graph, ['a', 'b']).read([...REUSED, reset]).at().rows;
    expect(again.map(({ reusedFrom }) => reusedFrom)).toEqual([undefined, undefined]);
    // Its input is overridden: it waits for nobody.
    expect(again[1]?.spans.at(-1)?.kind).toBe('queued');
  });
});

describe('the timeline of a task', () => {
  const { start, end, rows } = new TimelineReplay(graph, ['a', 'b']).read(EVENTS).at();

  it('tells what each module waited for, how long it was queued, and every attempt', () => {
    expect([start - START, (end ?? 0) - START]).toEqual([0, 1100]);
    expect(told(rows[0]!.spans)).toEqual([
      'queued 0 100',
      'placing 100 110',
      'running 110 200 failed',
      'backoff 200 700',
      'placing 700 705',
      'running 705 900 succeeded',
      'placing 1000 1004',
      'running 1004 1100 failed',
    ]);
    expect(told(rows[1]!.spans)).toEqual([
      'blocked 0 900',
      'placing 900 910',
      'running 910 1000 cancelled',
      'blocked 1000 1100',
    ]);
  });

  it('is open as long as the task is', () => {
    const early = EVENTS.filter((one) => Date.parse(one.at) <= START + 110);
    const timeline = new TimelineReplay(graph, ['a', 'b']).read(early).at();
    expect(timeline.end).toBeUndefined();
    expect(told(timeline.rows[0]!.spans).at(-1)).toBe('running 110 open');
  });

  it('is at any moment what its events until then make of it, whichever way one comes', () => {
    const many: EventJson[] = [...EVENTS.slice(0, 6)];
    for (let attempt = 2; attempt < 400; attempt += 1) {
      const at = 200 + 10 * attempt;
      many.push(event(at, 'execution.failed', of('a', `x${attempt - 1}`)));
      many.push(event(at + 1, 'execution.assigned', of('a', `x${attempt}`, attempt)));
      many.push(event(at + 5, 'execution.accepted', of('a', `x${attempt}`, attempt)));
    }
    const replay = new TimelineReplay(graph, ['a', 'b']).read(many.slice(0, 600)).read(many);
    for (const count of [many.length, 3, 900, 250, 251, 249, 1100]) {
      const { seq: last } = many[count - 1]!;
      const fresh = new TimelineReplay(graph, ['a', 'b']).read(many.slice(0, count)).at();
      expect(replay.at(last)).toEqual(fresh);
      expect(replay.at(last)).toBe(replay.at(last));
    }
  });

  it('has round steps on its axis, whatever its length', () => {
    expect(ticks(1100)).toEqual([0, 200, 400, 600, 800, 1000]);
    expect(ticks(0)).toEqual([0]);
    for (const length of [7, 90, 4_000, 61_000, 3_700_000, 90_000_000, 9e9]) {
      const steps = ticks(length);
      expect(steps.length).toBeGreaterThan(2);
      expect(steps.length).toBeLessThan(15);
      expect(steps.at(-1)).toBeLessThanOrEqual(length);
    }
  });
});

describe('a replay', () => {
  const lasting = { problem_id: 'p', iteration_id: 1, graph: 'g', input: { q: 1 }, overridden: {} };
  const task = lasting as unknown as TaskJson;
  const states = (count: number) => {
    const { modules, state } = new Replay(task, graph).viewAfter(EVENTS, count).task;
    return [state, modules.a?.state, modules.b?.state];
  };
  const until = (ms: number) => countAtTime(EVENTS, START + ms);

  it('shows the task after each of its events', () => {
    expect(states(1)).toEqual(['waiting', 'waiting', 'waiting']);
    expect(states(until(110))).toEqual(['running', 'accepted', 'waiting']);
    expect(states(8)).toEqual(['running', 'failed', 'waiting']);
    expect(states(until(200))).toEqual(['running', 'waiting', 'waiting']);
    expect(states(until(910))).toEqual(['running', 'succeeded', 'accepted']);
    // The reset takes back what the module and its dependents did, whatever their old executions still say.
    expect(states(17)).toEqual(['running', 'waiting', 'waiting']);
    expect(states(EVENTS.length)).toEqual(['failed', 'failed', 'skipped']);
  });

  it('is the same whichever way one comes, over thousands of events and as they grow', () => {
    const many = [...EVENTS.slice(0, 11)];
    for (let index = 0; index < 3000; index += 1) {
      many.push(event(800, 'execution.progress', { ...of('a', 'e2', 2), progress: index / 3000 }));
    }
    const replay = new Replay(task, graph);
    expect(replay.viewAfter(many.slice(0, 40), 40).task.modules.a?.progress).toBeCloseTo(28 / 3000);
    for (const count of [3011, 12, 1511, 250, 251, 2999]) {
      const fresh = new Replay(task, graph).viewAfter(many, count);
      expect(replay.viewAfter(many, count)).toEqual(fresh);
    }
  });

  it('costs, with the timeline and the history beside it, no more at any moment of a long task than of a short one', () => {
    const many: EventJson[] = [...EVENTS.slice(0, 11)];
    while (many.length < 20_000)
      many.push(event(800, 'execution.log', { ...of('a', 'e2', 2), message: 'x' }));
    let reads = 0;
    const watched = new Proxy(many, {
      get: (list, name) => {
        if (typeof name === 'string' && /^\d+$/.test(name)) reads += 1;
        return Reflect.get(list, name);
      },
    });
    const replay = new Replay(task, graph);
    const course = new TimelineReplay(graph, ['a', 'b']);
    const history = new TaskHistory();
    const goTo = (count: number): number => {
      reads = 0;
      replay.viewAfter(watched, count);
      course.read(watched).at(many[count - 1]?.seq);
      history.read(watched).ofModule('a', many[count - 1]?.seq);
      return reads;
    };
    expect(goTo(many.length)).toBeGreaterThan(many.length);
    for (const count of [1, 9_999, 20_000, 7, 19_999, 250]) expect(goTo(count)).toBeLessThanOrEqual(250);
  });

  it('finds an event by its number and by its time', () => {
    expect(countUntil(EVENTS, EVENTS[4]!.seq)).toBe(5);
    expect(countUntil(EVENTS, 0)).toBe(0);
    expect(countUntil(EVENTS, 1e9)).toBe(EVENTS.length);
    expect([until(-1), until(0), until(105)]).toEqual([0, 3, 5]);
  });

  it('says of a waiting module which inputs are still to come', () => {
    const view = withReasons(new Replay(task, graph).viewAfter(EVENTS, until(110)), graph);
    expect(view.task.modules.b?.waiting_reason).toBe('waiting for a');
    expect(withReasons(view, graph)).toBe(view);
  });
});

describe('commands', () => {
  it('are told by their events: pending, acknowledged, stopped, each with its latency', () => {
    const about = (count: number) => commandsOf(EVENTS.slice(0, count)).map(describeCommand);
    const issued = EVENTS.findIndex((one) => one.type === 'command.issued') + 1;
    expect(about(issued)).toEqual(['Reset a: pending']);
    expect(about(EVENTS.length)).toEqual(['Reset a: acknowledged in 3 ms, stopped after 10 ms']);
  });

  it('refused and unanswered commands say so, in any order of their events', () => {
    const refusal = { code: 'not_in_this_state', message: 'it is terminating' };
    const events = [
      event(5, 'command.refused', { command_id: 'x', error: refusal }),
      event(9, 'command.expired', { command_id: 'y' }),
    ];
    const issued = ['x', 'y'].map((command_id) => ({
      ...event(0, 'command.issued', { command_id, command: 'start' }),
      seq: 0,
    }));
    expect(commandsOf([...events, ...issued]).map(describeCommand)).toEqual([
      'Start: refused, it is terminating',
      'Start: no answer in time',
    ]);
  });
});

describe('the critical path', () => {
  const ran = (module: string, from: number, to: number | undefined) => ({
    ...{ module, reusedFrom: undefined },
    spans: [{ kind: 'running' as const, from, to, attempt: 1, outcome: undefined }],
  });
  const diamond: GraphJson = {
    ...graph,
    modules: {
      a: { inputs: ['in'], output: 'json' },
      slow: { inputs: ['a'], output: 'json' },
      quick: { inputs: ['a'], output: 'json' },
      end: { inputs: ['quick', 'slow', 'in'], output: 'json' },
    },
  };

  it('goes back from what ended last over what it had to wait for longest', () => {
    const rows = [ran('a', 0, 10), ran('slow', 10, 90), ran('quick', 10, 20), ran('end', 90, 95)];
    expect(criticalPath({ start: 0, end: 95, rows }, diamond)).toEqual(['a', 'slow', 'end']);
  });

  it('is that of what runs as long as the task does, and leaves out what has not run', () => {
    const rows = [ran('a', 0, 10), ran('slow', 10, 30), ran('quick', 10, undefined)];
    expect(criticalPath({ start: 0, end: undefined, rows }, diamond)).toEqual(['a', 'quick']);
    expect(criticalPath({ start: 0, end: undefined, rows: [] }, diamond)).toEqual([]);
  });
});

it('counts the items of a map as they were at any of its events', () => {
  const item = (number: number, execution: string, attempt = 1) => ({
    ...of('a', execution, attempt),
    item: number,
  });
  const course = [
    event(0, 'iteration.submitted'),
    event(0, 'map.started', { module: 'a', items: 3 }),
    event(0, 'execution.assigned', item(0, 'e0')),
    event(0, 'execution.assigned', item(1, 'e1')),
    event(50, 'execution.failed', item(1, 'e1')),
    event(50, 'item.waiting', { module: 'a', item: 1, reason: 'bad' }),
    event(60, 'execution.succeeded', item(0, 'e0')),
    event(60, 'item.succeeded', { module: 'a', item: 0, execution_id: 'e0' }),
    event(90, 'execution.assigned', item(1, 'e2', 2)),
    event(95, 'iteration.cancelled'),
  ].map((one, index) => ({ ...one, seq: index + 1 }));
  const replay = new TimelineReplay(graph, ['a', 'b']).read(course);
  const counts = (seq: number) => replay.at(seq).rows[0]!.items;
  expect(counts(1)).toBeUndefined();
  expect(counts(4)).toEqual({ total: 3, done: 0, running: 2, retrying: 0 });
  expect(counts(8)).toEqual({ total: 3, done: 1, running: 0, retrying: 1 });
  expect(counts(9)).toEqual({ total: 3, done: 1, running: 1, retrying: 0 });
});
