import { describe, expect, it } from 'vitest';
import { parseExpression } from '../../src/base/expression/parse-expression.js';
import { deploymentGraphName } from '../../src/model/deployment.js';
import type { ObservedState } from '../../src/model/execution.js';
import type { ModuleSpec } from '../../src/model/graph.js';
import type { LoopSpec } from '../../src/model/loop.js';
import type { ReportedError } from '../../src/model/protocol.js';
import { serviceWait } from '../../src/model/serve.js';
import {
  compileGraph,
  type Execution,
  type ModulePhase,
  type ModuleRun,
  NOT_YET,
  newLog,
  type Task,
} from '../../src/model/task.js';
import type { Wait } from '../../src/model/waiting.js';
import { backoffMs, POISON_LIMIT } from '../../src/scheduling/attempts.js';
import type { Fleet, ServiceStanding } from '../../src/scheduling/fleet.js';
import type { Plan } from '../../src/scheduling/plan.js';
import { scheduleTask } from '../../src/scheduling/task-scheduler.js';

const NOW_MS = 10_000;

type Modules = Readonly<Record<string, Partial<ModuleSpec> & { readonly inputs: readonly string[] }>>;

function taskOf(modules: Modules, loops: readonly LoopSpec[] = []): Writable<Task> {
  const specs = Object.entries(modules).map(
    ([name, more]): ModuleSpec => ({
      ...{ name, previous: [], output: 'json', require: {}, timeoutMs: 1000, onError: 'fail', start: 'auto' },
      retry: { attempts: 3, backoffMs: 1000, factor: 2, maxBackoffMs: 30_000 },
      liveness: { unresponsiveAfterMs: 3000, deadAfterMs: 10_000 },
      ...more,
    }),
  );
  const source = { name: 'source', type: 'json' };
  return {
    id: { problemId: 'p', iterationId: 1 },
    key: 'p/1',
    project: 'default',
    graph: compileGraph({ name: 'g', version: 1 }, { name: 'g', source, modules: specs, loops }),
    ...{ priority: 50, problemSeq: 1, createdAt: 0, parentIterationId: undefined },
    input: { problemId: 'p', iterationId: 1, owner: 'input', seq: 0 },
    ...{
      pinned: new Map(),
      overrides: new Map(),
      runs: [],
      state: 'running',
      desired: 'ended',
      queueSeq: 1,
      queuedAt: 0,
    },
    ...{ startedAt: undefined, finishedAt: undefined, error: undefined, reason: undefined },
  };
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type Run = Writable<Omit<ModuleRun, 'executions' | 'diedBoots'>> & {
  executions: Execution[];
  diedBoots: string[];
};

/** The run of a module, made on first use. */
function runOf(task: Task, position: number): Run {
  const runs = task.runs as (Run | undefined)[];
  runs[position] ??= {
    phase: NOT_YET,
    generation: 0,
    attempts: 0,
    pass: 1,
    executions: [],
    diedBoots: [],
    queued: false,
  };
  return runs[position];
}

function at(task: Task, module: string): number {
  return task.graph.index.get(module)!;
}

function execution(
  task: Task,
  module: string,
  observed: ObservedState,
  error?: ReportedError,
): Writable<Execution> {
  const position = at(task, module);
  const run = runOf(task, position);
  const made: Writable<Execution> = {
    ...{
      id: `${module}-${run.executions.length + 1}`,
      lease: '',
      task,
      position,
      generation: 0,
      pass: undefined,
      item: undefined,
      nodeId: 'n',
      bootId: 'b',
      command: undefined,
    },
    ...{
      attempt: run.executions.length + 1,
      assignedAt: 0,
      cacheKey: undefined,
      desired: 'running',
      stopCause: undefined,
      observed,
    },
    ...{
      acceptedByReport: false,
      missedBeats: 0,
      awaitedLines: 0,
      acceptedAt: undefined,
      startedAt: undefined,
      finishedAt: undefined,
    },
    ...{
      committed: 0,
      lastSeq: undefined,
      final: undefined,
      named: undefined,
      blobs: undefined,
      wholeStreams: undefined,
      indexed: undefined,
      progress: undefined,
      message: undefined,
      error,
      log: newLog(),
    },
  };
  run.executions.push(made);
  return made;
}

function placed(
  task: Task,
  module: string,
  observed: ObservedState,
  error?: ReportedError,
): Writable<Execution> {
  const made = execution(task, module, observed, error);
  runOf(task, at(task, module)).phase = { kind: 'placed', execution: made };
  if (observed === 'failed' || observed === 'succeeded') runOf(task, at(task, module)).attempts += 1;
  return made;
}

function setPhase(task: Task, module: string, phase: ModulePhase): void {
  runOf(task, at(task, module)).phase = phase;
}

function succeeded(task: Task, module: string): void {
  setPhase(task, module, { kind: 'succeeded', execution: execution(task, module, 'succeeded') });
}

const free: Fleet = {
  take: ({ spec }) => `node of ${spec.name}`,
  recall: () => undefined,
  listOf: () => ({ kind: 'not known' }),
  resultsOf: () => ({ kind: 'not known' }),
  shortage: ({ spec }) => ({
    waiting: { code: 'no_free_slot' },
    reason: `waiting for a free slot of ${spec.name}`,
  }),
  serviceOf: () => ({ kind: 'not begun' }),
  isOrphaned: () => false,
};
const busy: Fleet = { ...free, take: () => undefined };
const orphaned: Fleet = { ...free, isOrphaned: () => true };

/** A plan in words: the kind of each step, and whom it is about. */
function said(task: Task, plan: Plan): string[] {
  return plan.steps.map((step) => {
    const name = 'position' in step ? task.graph.modules[step.position]!.spec.name : '';
    if (step.kind === 'end') return `end ${step.state}`;
    if (step.kind === 'stop') return `stop ${step.execution.id}`;
    if (step.kind === 'place')
      return `place ${name} on ${step.nodeId}${step.replaces ? ` for ${step.replaces.id}` : ''}`;
    if (step.kind === 'wait') return `wait ${name}: ${step.wait.reason}`;
    if (step.kind === 'skip') return `skip ${name}: ${step.reason}`;
    if (step.kind === 'retry') return `retry ${name} in ${step.delayMs}: ${step.reason}`;
    if (step.kind === 'fail') return `fail ${name}: ${step.error.code}`;
    if (step.kind === 'again') return `again ${step.loop.from}: pass ${step.pass}`;
    if (step.kind === 'end loop')
      return `end loop ${step.loop.from}: ${step.why}${step.error ? `, ${step.error.code}` : ''}`;
    return `${step.kind} ${name}`;
  });
}

const plan = (task: Task, fleet: Fleet = free): string[] => said(task, scheduleTask(task, fleet, NOW_MS));

const error = (retryable: boolean): ReportedError => ({ code: 'broken', message: 'it broke', retryable });

const DIAMOND: Modules = {
  top: { inputs: ['source'] },
  left: { inputs: ['top'] },
  right: { inputs: ['top', 'source'] },
  join: { inputs: ['left', 'right'] },
};

describe('a task whose modules are to run', () => {
  it('starts with the modules that need only the source', () => {
    const task = taskOf({ ...DIAMOND, aside: { inputs: ['source'] } });
    expect(plan(task)).toEqual(['place top on node of top', 'place aside on node of aside']);
  });

  it('starts everything that an output unlocks', () => {
    const task = taskOf(DIAMOND);
    succeeded(task, 'top');
    expect(plan(task)).toEqual(['place left on node of left', 'place right on node of right']);
  });

  it('joins by slot: the last of the inputs starts the join, and one input twice does not', () => {
    const task = taskOf(DIAMOND);
    succeeded(task, 'top');
    succeeded(task, 'left');
    execution(task, 'left', 'succeeded');
    placed(task, 'right', 'running');
    expect(plan(task)).toEqual([]);
    setPhase(task, 'right', { kind: 'succeeded', execution: execution(task, 'right', 'succeeded') });
    expect(plan(task)).toEqual(['place join on node of join']);
  });

  it('settles an execution that succeeded and starts what follows, in one plan', () => {
    const task = taskOf(DIAMOND);
    placed(task, 'top', 'succeeded');
    expect(plan(task)).toEqual(['succeed top', 'place left on node of left', 'place right on node of right']);
  });

  it('leaves alone what is placed and has not ended', () => {
    for (const observed of ['assigned', 'accepted', 'running'] as const) {
      const task = taskOf(DIAMOND);
      placed(task, 'top', observed);
      expect(plan(task)).toEqual([]);
    }
  });

  it('has succeeded when the last module has', () => {
    const task = taskOf(DIAMOND);
    for (const module of ['top', 'left', 'right']) succeeded(task, module);
    placed(task, 'join', 'succeeded');
    expect(plan(task)).toEqual(['succeed join', 'end succeeded']);
  });

  it('waits where there is no slot, says so once, and again when the reason is another', () => {
    const task = taskOf(DIAMOND);
    expect(plan(task, busy)).toEqual(['wait top: waiting for a free slot of top']);
    const run = runOf(task, at(task, 'top'));
    run.queued = true;
    run.phase = {
      kind: 'waiting',
      waiting: { code: 'no_free_slot' },
      reason: 'waiting for a free slot of top',
      retry: undefined,
    };
    expect(plan(task, busy)).toEqual([]);
    const nobody = { waiting: { code: 'no_node' }, reason: 'no node' } as const;
    expect(plan(task, { ...busy, shortage: () => nobody })).toEqual(['wait top: no node']);
    run.queued = false;
    expect(plan(task, busy)).toEqual(['wait top: waiting for a free slot of top']);
  });
});

describe('a failure', () => {
  it('is followed by another attempt after a pause while there are attempts left', () => {
    const task = taskOf({ a: { inputs: ['source'] } });
    placed(task, 'a', 'failed', error(true));
    expect(plan(task)).toEqual(['retry a in 1000: broken: it broke']);
    expect(scheduleTask(task, free, NOW_MS).followUpMs).toBe(NOW_MS + 1000);
    placed(task, 'a', 'failed', error(true));
    expect(plan(task)).toEqual(['retry a in 2000: broken: it broke']);
    placed(task, 'a', 'failed', error(true));
    expect(plan(task)).toEqual(['fail a: broken', 'end failed']);
  });

  it('a failure that is not retryable fails at once', () => {
    const task = taskOf({ a: { inputs: ['source'] } });
    placed(task, 'a', 'failed', error(false));
    expect(plan(task)).toEqual(['fail a: broken', 'end failed']);
  });

  it('a failure without a reason is retryable', () => {
    const task = taskOf({ a: { inputs: ['source'] } });
    placed(task, 'a', 'failed');
    expect(plan(task)).toEqual(['retry a in 1000: unknown: the node gave no reason']);
  });

  it('waits for its pause and not longer', () => {
    const task = taskOf({ a: { inputs: ['source'] } });
    setPhase(task, 'a', {
      kind: 'waiting',
      waiting: undefined,
      reason: 'x',
      retry: { at: 0, dueMs: NOW_MS + 1 },
    });
    expect(plan(task)).toEqual([]);
    expect(scheduleTask(task, free, NOW_MS).followUpMs).toBe(NOW_MS + 1);
    setPhase(task, 'a', {
      kind: 'waiting',
      waiting: undefined,
      reason: 'x',
      retry: { at: 0, dueMs: NOW_MS },
    });
    expect(plan(task)).toEqual(['place a on node of a']);
  });

  it('asks to be looked at again at the earliest of several pauses', () => {
    const task = taskOf({ a: { inputs: ['source'] }, b: { inputs: ['source'] } });
    setPhase(task, 'a', {
      kind: 'waiting',
      waiting: undefined,
      reason: 'x',
      retry: { at: 0, dueMs: NOW_MS + 500 },
    });
    setPhase(task, 'b', {
      kind: 'waiting',
      waiting: undefined,
      reason: 'x',
      retry: { at: 0, dueMs: NOW_MS + 50 },
    });
    expect(scheduleTask(task, free, NOW_MS).followUpMs).toBe(NOW_MS + 50);
  });

  it('pauses longer each time, up to a maximum', () => {
    const spec = taskOf({ a: { inputs: ['source'] } }).graph.modules[0]!.spec;
    expect([1, 2, 3, 6, 50].map((attempts) => backoffMs(spec, attempts))).toEqual([
      1000, 2000, 4000, 30_000, 30_000,
    ]);
  });

  it('skips all that follows from it, each with its own reason, and lets the rest finish first', () => {
    const task = taskOf({ ...DIAMOND, aside: { inputs: ['source'] } });
    succeeded(task, 'top');
    placed(task, 'left', 'failed', error(false));
    placed(task, 'right', 'running');
    placed(task, 'aside', 'running');
    expect(plan(task)).toEqual(['fail left: broken', 'skip join: left failed']);
    setPhase(task, 'left', { kind: 'failed', error: error(false) });
    setPhase(task, 'right', { kind: 'succeeded', execution: execution(task, 'right', 'succeeded') });
    setPhase(task, 'join', { kind: 'skipped', reason: 'left failed' });
    expect(plan(task)).toEqual([]);
    succeeded(task, 'aside');
    expect(plan(task)).toEqual(['end failed']);
  });

  it('skips along a chain in one plan', () => {
    const task = taskOf({ a: { inputs: ['source'] }, b: { inputs: ['a'] }, c: { inputs: ['b'] } });
    placed(task, 'a', 'failed', error(false));
    expect(plan(task)).toEqual(['fail a: broken', 'skip b: a failed', 'skip c: b was skipped', 'end failed']);
  });

  it('an ignored failure lets its dependents run without it, and the task succeed', () => {
    const task = taskOf({ a: { inputs: ['source'], onError: 'ignore' }, b: { inputs: ['a', 'source'] } });
    placed(task, 'a', 'failed', error(false));
    expect(plan(task)).toEqual(['fail a: broken', 'place b on node of b']);
    setPhase(task, 'a', { kind: 'failed', error: error(false) });
    placed(task, 'b', 'succeeded');
    expect(plan(task)).toEqual(['succeed b', 'end succeeded']);
  });

  it('is ignored also where the module was only skipped', () => {
    const task = taskOf({
      a: { inputs: ['source'] },
      b: { inputs: ['a'], onError: 'ignore' },
      c: { inputs: ['b'] },
    });
    placed(task, 'a', 'failed', error(false));
    expect(plan(task)).toEqual(['fail a: broken', 'skip b: a failed', 'place c on node of c']);
    setPhase(task, 'a', { kind: 'failed', error: error(false) });
    setPhase(task, 'b', { kind: 'skipped', reason: 'a failed' });
    placed(task, 'c', 'succeeded');
    expect(plan(task)).toEqual(['succeed c', 'end failed']);
  });
});

describe('an execution that ended without an end for its module', () => {
  it.each(['lost', 'preempted', 'cancelled'] as const)(
    'an execution that ended as %s is placed again at once',
    (observed) => {
      const task = taskOf({ a: { inputs: ['source'] } });
      placed(task, 'a', observed);
      expect(plan(task)).toEqual(['requeue a', 'place a on node of a']);
      expect(plan(task, busy)).toEqual(['requeue a', 'wait a: waiting for a free slot of a']);
    },
  );

  it('an execution that ended as rejected is placed again after a short pause', () => {
    const task = taskOf({ a: { inputs: ['source'] } });
    placed(task, 'a', 'rejected', error(true));
    expect(plan(task)).toEqual(['retry a in 500: it broke']);
  });

  it('an execution that ended as rejected for good fails', () => {
    const task = taskOf({ a: { inputs: ['source'] } });
    placed(task, 'a', 'rejected', error(false));
    expect(plan(task)).toEqual(['fail a: broken', 'end failed']);
  });

  it.each(['lost', 'preempted', 'cancelled'] as const)(
    'an execution that ended as %s fails when its module has killed too many nodes',
    (observed) => {
      const task = taskOf({ a: { inputs: ['source'] } });
      placed(task, 'a', observed);
      for (let boot = 1; boot < POISON_LIMIT; boot += 1) runOf(task, 0).diedBoots.push(`boot ${boot}`);
      expect(plan(task)).toEqual(['requeue a', 'place a on node of a']);
      runOf(task, 0).diedBoots.push('one more');
      expect(plan(task)).toEqual(['fail a: poisonous', 'end failed']);
    },
  );
});

describe('an execution on a dead node', () => {
  it('is replaced as soon as there is a slot elsewhere, and not before', () => {
    const task = taskOf({ a: { inputs: ['source'] } });
    placed(task, 'a', 'running');
    expect(plan(task, { ...orphaned, take: () => undefined })).toEqual([
      'wait a: its node is dead; waiting for a free slot of a',
    ]);
    runOf(task, 0).queued = true;
    expect(plan(task, { ...orphaned, take: () => undefined })).toEqual([]);
    expect(plan(task, orphaned)).toEqual(['place a on node of a for a-1']);
  });

  it('still counts when it has ended all the same', () => {
    const task = taskOf({ a: { inputs: ['source'] } });
    placed(task, 'a', 'succeeded');
    expect(plan(task, orphaned)).toEqual(['succeed a', 'end succeeded']);
  });

  it('is given up for good when its module has killed too many nodes', () => {
    const task = taskOf({ a: { inputs: ['source'] } });
    placed(task, 'a', 'running');
    for (let boot = 0; boot < POISON_LIMIT; boot += 1) runOf(task, 0).diedBoots.push(`boot ${boot}`);
    expect(plan(task, orphaned)).toEqual(['fail a: poisonous', 'end failed']);
  });
});

describe('a task that is to be stopped', () => {
  it('stops running modules, halts waiting ones, keeps finished ones, and ends when nothing runs', () => {
    const task = taskOf({ ...DIAMOND, aside: { inputs: ['source'] } });
    task.desired = 'cancelled';
    succeeded(task, 'top');
    const left = placed(task, 'left', 'running');
    placed(task, 'right', 'succeeded');
    setPhase(task, 'aside', { kind: 'failed', error: error(false) });
    expect(plan(task)).toEqual(['stop left-1', 'succeed right', 'halt join']);
    left.desired = 'stopped';
    setPhase(task, 'join', { kind: 'stopped' });
    setPhase(task, 'right', { kind: 'succeeded', execution: execution(task, 'right', 'succeeded') });
    expect(plan(task)).toEqual([]);
    left.observed = 'cancelled';
    expect(plan(task)).toEqual(['halt left', 'end cancelled']);
  });

  it('ends at once when nothing runs', () => {
    const task = taskOf({ a: { inputs: ['source'] } });
    task.desired = 'aborted';
    expect(plan(task)).toEqual(['halt a', 'end aborted']);
  });

  it('places nothing, whatever is free', () => {
    const task = taskOf({ a: { inputs: ['source'] }, b: { inputs: ['source'] } });
    task.desired = 'cancelled';
    placed(task, 'a', 'lost');
    setPhase(task, 'b', { kind: 'waiting', waiting: undefined, reason: 'x', retry: { at: 0, dueMs: 0 } });
    expect(plan(task)).toEqual(['halt a', 'halt b', 'end cancelled']);
  });
});

describe('a task with a loop', () => {
  const LOOP: Modules = {
    train: { inputs: ['source'] },
    evaluate: { inputs: ['train'] },
    report: { inputs: ['train'] },
  };
  const until = (truth: boolean, more: Partial<LoopSpec> = {}, modules: Modules = LOOP): Writable<Task> => {
    const parsed = parseExpression('evaluate.loss < 1');
    if (!parsed.ok) throw new Error(parsed.message);
    const task = taskOf(modules, [
      ...[{ from: 'evaluate', to: 'train', max: 2, onMax: 'fail' as const, ...more }].map((one) => ({
        ...one,
        until: { text: 'evaluate.loss < 1', expression: parsed.expression },
      })),
    ]);
    task.compared = new Map([['evaluate', truth ? [0] : []]]);
    return task;
  };
  const after = (task: Writable<Task>, pass: number): string[] => {
    succeeded(task, 'train');
    placed(task, 'evaluate', 'succeeded');
    for (const module of ['train', 'evaluate']) runOf(task, at(task, module)).pass = pass;
    return plan(task);
  };

  it.each<[string, boolean, number, Partial<LoopSpec>, string[]]>([
    ['another pass', false, 1, {}, ['again evaluate: pass 2']],
    ['its end', true, 1, {}, ['end loop evaluate: until', 'place report on node of report']],
    [
      'a failure after the last pass',
      false,
      2,
      {},
      ['end loop evaluate: exhausted, loop_exhausted', 'place report on node of report'],
    ],
    [
      'what follows, after the last pass',
      false,
      2,
      { onMax: 'continue' },
      ['end loop evaluate: max', 'place report on node of report'],
    ],
  ])('plans %s', (_what, truth, pass, more, expected) => {
    // In topological order, as graphs are.
    const { train, evaluate, report } = LOOP;
    const task = until(truth, more, { train: train!, evaluate: evaluate!, report: report! });
    expect(after(task, pass)).toEqual(['succeed evaluate', ...expected]);
  });

  it('waits for all of the body, and does not decide twice', () => {
    const task = until(true);
    succeeded(task, 'train');
    expect(plan(task)).toEqual(['place evaluate on node of evaluate']);
    succeeded(task, 'evaluate');
    runOf(task, at(task, 'evaluate')).loopEnd = 'until';
    expect(plan(task)).toEqual(['place report on node of report']);
  });
});

describe('a service step', () => {
  const serve: ModuleSpec['serve'] = {
    component: 'web',
    service: 'shop-web',
    action: 'apply',
    withinMs: 5000,
  };
  const STEPS: Modules = {
    before: { inputs: ['source'] },
    web: { inputs: ['source', 'before'], serve },
    after: { inputs: ['web'] },
  };
  const wait = (reason: string): Wait => serviceWait('shop-web', '2026-01-01T00:00:05.000Z', reason);
  const begun = (reason: string): ModulePhase => ({ kind: 'waiting', retry: undefined, ...wait(reason) });
  const underWay: ServiceStanding = { kind: 'under way', wait: wait('1 of 2 are up'), dueMs: NOW_MS + 70 };
  const refused: ServiceStanding = { kind: 'failed', error: error(false) };

  /** What it plans once what comes before it has succeeded, and when it looks again. */
  const planned = (
    standing: ServiceStanding,
    phase: ModulePhase = NOT_YET,
    more: Partial<ModuleSpec> = {},
  ) => {
    const task = taskOf({ ...STEPS, web: { ...STEPS.web!, ...more } });
    succeeded(task, 'before');
    setPhase(task, 'web', phase);
    const made = scheduleTask(task, { ...free, serviceOf: () => standing }, NOW_MS);
    return { steps: said(task, made), followUpMs: made.followUpMs };
  };

  it.each<[string, ServiceStanding, ModulePhase, string[], number | undefined]>([
    ['looks up what it refers to', { kind: 'not known' }, NOT_YET, ['look up web'], undefined],
    ['begins once that is known', { kind: 'not begun' }, NOT_YET, ['serve web'], undefined],
    ['says what it waits for', underWay, begun('waiting for shop-web'), ['await web'], NOW_MS + 70],
    ['says the same thing once', underWay, begun('1 of 2 are up'), [], NOW_MS + 70],
    [
      'succeeds once its service is as asked, and what follows begins in the same plan',
      { kind: 'as asked' },
      begun('1 of 2 are up'),
      ['served web', 'place after on node of after'],
      undefined,
    ],
    [
      'succeeds without having begun where there is nothing to do',
      { kind: 'as asked' },
      NOT_YET,
      ['served web', 'place after on node of after'],
      undefined,
    ],
    [
      'fails with the reason of its service, and its operation with it',
      refused,
      begun('1 of 2 are up'),
      ['fail web: broken', 'skip after: web failed', 'end failed'],
      undefined,
    ],
  ])('%s', (_what, standing, phase, steps, followUpMs) => {
    expect(planned(standing, phase)).toEqual({ steps, followUpMs });
  });

  it('is not retried, however often its operations may be attempted', () => {
    const retry = { attempts: 5, backoffMs: 1000, factor: 2, maxBackoffMs: 30_000 };
    expect(planned(refused, begun(''), { retry }).steps).toContain('fail web: broken');
  });

  it('asks nothing of its service before what comes first is done', () => {
    const asked: string[] = [];
    const task = taskOf(STEPS);
    placed(task, 'before', 'running');
    const serviceOf: Fleet['serviceOf'] = ({ spec }) => {
      asked.push(spec.name);
      return { kind: 'as asked' };
    };
    expect(plan(task, { ...free, serviceOf })).toEqual([]);
    expect(asked).toEqual([]);
  });

  it('takes no slot, and is done with once it is served', () => {
    const task = taskOf(STEPS);
    succeeded(task, 'before');
    const taken: string[] = [];
    const take: Fleet['take'] = ({ spec }) => {
      taken.push(spec.name);
      return 'n';
    };
    expect(plan(task, { ...free, take })).toEqual(['serve web']);
    setPhase(task, 'web', { kind: 'served' });
    expect(plan(task, { ...free, take })).toEqual(['place after on n']);
    expect(taken).toEqual(['after']);
  });

  it('is halted when its operation is cancelled', () => {
    const task = taskOf(STEPS);
    succeeded(task, 'before');
    setPhase(task, 'web', begun('1 of 2 are up'));
    task.desired = 'cancelled';
    expect(plan(task)).toEqual(['halt web', 'halt after', 'end cancelled']);
  });
});

describe('an operation of a deployment that is lost with its machine', () => {
  it.each([
    [1, ['fail a: node_lost', 'end failed']],
    [2, ['requeue a', 'place a on node of a']],
  ])('an operation that is lost with its machine is planned, of %i attempts, as %j', (attempts, steps) => {
    const retry = { attempts, backoffMs: 1000, factor: 2, maxBackoffMs: 30_000 };
    const task = taskOf({ a: { inputs: ['source'], retry } });
    const { graph } = task;
    task.graph = { ...graph, key: { ...graph.key, name: deploymentGraphName('d') } };
    placed(task, 'a', 'lost');
    expect(plan(task)).toEqual(steps);
  });
});
