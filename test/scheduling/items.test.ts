/** The plan for the items of a module with `map`, cell by cell: how each item stands, and what is done about it. */
import { describe, expect, it } from 'vitest';
import type { ObservedState } from '../../src/model/execution.js';
import type { ModuleSpec } from '../../src/model/graph.js';
import type { ReportedError } from '../../src/model/protocol.js';
import {
  compileGraph,
  type Execution,
  type ItemRun,
  type MappingPhase,
  NONE,
  type Task,
} from '../../src/model/task.js';
import type { Fleet } from '../../src/scheduling/fleet.js';
import { planItems } from '../../src/scheduling/items.js';
import { moduleSpec } from '../orchestrator/core.js';

const NOW_MS = 10_000;
const broken: ReportedError = { code: 'broken', message: 'it broke', retryable: true };

type Standing = Partial<ItemRun> & { readonly observed?: ObservedState; readonly error?: ReportedError };

interface Given {
  readonly total: number;
  readonly begun: number;
  readonly open?: Readonly<Record<number, Standing>>;
  readonly limit?: number;
  readonly slots?: number;
  readonly fleet?: Partial<Fleet>;
  readonly queued?: boolean;
  readonly mayRecall?: boolean;
  readonly said?: string;
}

function planned({ total, begun, open = {}, limit = 3, slots = 9, ...more }: Given) {
  const spec: ModuleSpec = moduleSpec('a', ['source'], { map: { input: 'source', limit } });
  const graph = compileGraph(
    { name: 'g', version: 1 },
    { name: 'g', source: { name: 'source', type: 'json' }, modules: [spec] },
  );
  const items = Object.entries(open).map(([item, { observed, error, ...run }]): [number, ItemRun] => {
    const execution = { id: `x${item}`, attempt: 1, observed, error } as Execution;
    const phase = run.phase ?? { kind: 'placed', execution };
    return [Number(item), { attempts: 1, diedBoots: [], ...run, phase }];
  });
  const phase: MappingPhase = {
    ...{ kind: 'mapping', begun, open: new Map(items) },
    waiting: more.said === undefined ? undefined : { code: 'no_free_slot' },
    reason: more.said,
  };
  const run = { phase, generation: 0, attempts: 0, pass: 1, executions: [], diedBoots: [] };
  const task = {
    graph,
    overrides: NONE,
    runs: [{ ...run, items: { total, done: 0 }, queued: more.queued ?? false }],
  } as unknown as Task;
  let left = slots;
  const fleet: Fleet = {
    take: () => {
      left -= 1;
      return left >= 0 ? 'n' : undefined;
    },
    recall: () => undefined,
    listOf: () => ({ kind: 'not known' }),
    resultsOf: () => ({ kind: 'not known' }),
    shortage: () => ({ waiting: { code: 'no_free_slot' }, reason: 'no slot' }),
    serviceOf: () => ({ kind: 'not begun' }),
    isOrphaned: () => false,
    ...more.fleet,
  };
  const plan = planItems(task, graph.modules[0]!, phase, {
    ...{ fleet, nowMs: NOW_MS, mayRecall: more.mayRecall ?? false },
  });
  const steps = plan.steps.map((step) => {
    const item = 'item' in step && step.item !== undefined ? ` ${step.item}` : '';
    const replaces = step.kind === 'place' && step.replaces ? ` for ${step.replaces.id}` : '';
    const silent = step.kind === 'wait' && step.isSilent ? ' silently' : '';
    return `${step.kind}${item}${replaces}${silent}`;
  });
  const { outcome, followUpMs } = plan;
  return {
    steps,
    outcome: outcome.kind === 'failed' ? `failed ${outcome.item}: ${outcome.error.code}` : outcome.kind,
    ...(followUpMs !== undefined && { followUpMs }),
  };
}

const waiting = (dueMs?: number): Standing => ({
  phase: {
    ...{ kind: 'waiting', reason: 'why' },
    retry: dueMs === undefined ? undefined : { at: dueMs, dueMs },
  },
});

describe('the items of a map', () => {
  it.each<[string, Given, ReturnType<typeof planned>]>([
    [
      'begin as many as may',
      { total: 9, begun: 0 },
      { steps: ['place 0', 'place 1', 'place 2'], outcome: 'open' },
    ],
    ['are all done where there is none', { total: 0, begun: 0 }, { steps: [], outcome: 'all done' }],
    [
      'are done one by one, and the next ones begin',
      { total: 5, begun: 3, open: { 1: { observed: 'succeeded' }, 2: { observed: 'running' } } },
      { steps: ['item done 1', 'place 3', 'place 4'], outcome: 'open' },
    ],
    [
      'are all done with the last one',
      { total: 2, begun: 2, open: { 1: { observed: 'succeeded' } } },
      { steps: ['item done 1'], outcome: 'all done' },
    ],
    ...(['assigned', 'accepted', 'running'] as const).map(
      (observed): [string, Given, ReturnType<typeof planned>] => [
        `that are ${observed} are left alone`,
        { total: 1, begun: 1, open: { 0: { observed } } },
        { steps: [], outcome: 'open' },
      ],
    ),
    [
      'that failed are tried again after a pause',
      { total: 1, begun: 1, open: { 0: { observed: 'failed', error: broken } } },
      { steps: ['retry 0'], outcome: 'open', followUpMs: NOW_MS + 1000 },
    ],
    [
      'whose attempts are used up fail the module',
      { total: 1, begun: 1, open: { 0: { observed: 'failed', error: broken, attempts: 3 } } },
      { steps: [], outcome: 'failed 0: broken' },
    ],
    [
      'that cannot be tried again fail the module',
      { total: 1, begun: 1, open: { 0: { observed: 'failed', error: { ...broken, retryable: false } } } },
      { steps: [], outcome: 'failed 0: broken' },
    ],
    [
      'that were rejected are placed again after a pause',
      { total: 1, begun: 1, open: { 0: { observed: 'rejected', error: broken } } },
      { steps: ['retry 0'], outcome: 'open', followUpMs: NOW_MS + 500 },
    ],
    ...(['lost', 'preempted', 'cancelled'] as const).map(
      (observed): [string, Given, ReturnType<typeof planned>] => [
        `that are ${observed} begin again at once`,
        { total: 1, begun: 1, open: { 0: { observed } } },
        { steps: ['requeue 0', 'place 0'], outcome: 'open' },
      ],
    ),
    [
      'that kill their nodes fail the module',
      { total: 1, begun: 1, open: { 0: { observed: 'lost', diedBoots: ['a', 'b', 'c'] } } },
      { steps: [], outcome: 'failed 0: poisonous' },
    ],
    [
      'in a pause wait for it',
      { total: 1, begun: 1, open: { 0: waiting(NOW_MS + 7) } },
      { steps: [], outcome: 'open', followUpMs: NOW_MS + 7 },
    ],
    [
      'whose pause is over begin again',
      { total: 1, begun: 1, open: { 0: waiting(NOW_MS) } },
      { steps: ['place 0'], outcome: 'open' },
    ],
    [
      'on a dead node get a successor',
      { total: 1, begun: 1, open: { 0: { observed: 'running' } }, fleet: { isOrphaned: () => true } },
      { steps: ['place 0 for x0'], outcome: 'open' },
    ],
    [
      'wait for a slot once, and say so where none runs',
      { total: 3, begun: 0, slots: 0 },
      { steps: ['wait'], outcome: 'open' },
    ],
    [
      'say nothing where others run',
      { total: 3, begun: 1, open: { 0: { observed: 'running' } }, slots: 0 },
      { steps: ['wait silently'], outcome: 'open' },
    ],
    [
      'that stand in the queue stay there',
      { total: 3, begun: 0, slots: 0, queued: true, said: 'no slot' },
      { steps: [], outcome: 'open' },
    ],
    [
      'go back to the queue after a loss, which takes them out of it',
      {
        ...{ total: 1, begun: 1, open: { 0: { observed: 'lost' as const } } },
        ...{ slots: 0, queued: true, said: 'no slot' },
      },
      { steps: ['requeue 0', 'wait silently'], outcome: 'open' },
    ],
    [
      'go back to the queue where there were slots for some',
      { total: 9, begun: 0, slots: 2, queued: true },
      { steps: ['place 0', 'place 1', 'wait silently'], outcome: 'open' },
    ],
    [
      'are looked up together before they begin',
      { total: 9, begun: 0, mayRecall: true, fleet: { recall: () => 'not known' } },
      { steps: ['look up 0', 'look up 1', 'look up 2'], outcome: 'open' },
    ],
    [
      'take what is there, in their order',
      {
        ...{ total: 4, begun: 0, mayRecall: true },
        fleet: { recall: (_, item) => (item === 1 ? undefined : item === 3 ? 'not known' : ({} as never)) },
      },
      { steps: ['recall 0', 'place 1', 'recall 2', 'look up 3'], outcome: 'open' },
    ],
  ])('%s', (_, given, expected) => {
    expect(planned(given)).toEqual(expected);
  });
});
