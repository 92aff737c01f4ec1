import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { TASK_STATES, type TaskState } from '../../../src/model/task-state.js';
import type { Found, Page, PageRequest, Refusal, View } from '../../../src/orchestrator/port.js';
import type { ReaderQueries } from '../../../src/orchestrator/queries/service/service.js';
import { createMemoryDisk, openMemoryStore } from '../../../src/store/memory.js';
import type { Reader, Store, Table } from '../../../src/store/store.js';
import { type MadeProblem, queriesOf, rowsOf, withoutSummary, withSummary } from '../../support/history.js';

let store: Store;
let epoch: number;

beforeEach(async () => {
  store = openMemoryStore(createMemoryDisk());
  epoch = await store.reign();
});

async function write(problems: readonly MadeProblem[], summarize = withSummary): Promise<void> {
  for (const [position, problem] of problems.entries())
    await store.commit(epoch, rowsOf(position + 1, problem, ['meter.value'], summarize));
}

function value<T>(found: Found<T> | Refusal): T {
  if ('ok' in found) throw new Error(`${found.code}: ${found.message}`);
  return found.value;
}

type Ask = (page: PageRequest) => Promise<Found<Page<View>> | Refusal>;

/** Everything, page by page. */
async function all(ask: Ask, limit: number): Promise<View[]> {
  const items: View[] = [];
  for (let cursor: string | undefined; ; ) {
    const page: Page<View> = value(await ask({ limit, ...(cursor !== undefined && { cursor }) }));
    items.push(...page.items);
    if (page.next_cursor === null) return items;
    cursor = page.next_cursor;
  }
}

/** The same store, and the table of each read. */
function watched(): { queries: ReaderQueries; reads: Table[] } {
  const reads: Table[] = [];
  const watch = (reader: Reader): Reader => ({
    get: (table, key) => {
      reads.push(table);
      return reader.get(table, key);
    },
    range: (table, range) => {
      reads.push(table);
      return reader.range(table, range);
    },
    keys: (table, range) => {
      reads.push(table);
      return reader.keys(table, range);
    },
  });
  const snapshot: Store['snapshot'] = (read) => store.snapshot((reader) => read(watch(reader)));
  return { queries: queriesOf({ ...store, snapshot } as Store, ['meter.value']), reads };
}

describe('a list of problems', () => {
  it('has every problem once, the newest first, whatever state its iterations are in', async () => {
    const states = fc.array(fc.constantFrom<TaskState>(...TASK_STATES), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(states, { maxLength: 12 }),
        fc.integer({ min: 1, max: 5 }),
        fc.boolean(),
        async (made, limit, hasSummaries) => {
          store = openMemoryStore(createMemoryDisk());
          epoch = await store.reign();
          const problems = made.map((iterations) => ({ iterations: iterations.map((state) => ({ state })) }));
          await write(problems, hasSummaries ? withSummary : withoutSummary);
          const queries = queriesOf(store, []);
          const shown = (items: View[]): unknown[] =>
            items.map(({ created_seq, state }) => [created_seq, state]);
          const expected = made.map((iterations, at) => [at + 1, iterations.at(-1)]);
          const newest = await all((page) => queries.problems({}, page), limit);
          expect(shown(newest)).toEqual(expected.toReversed());
          const oldest = await all((page) => queries.problems({ order_by: 'created_at' }, page), limit);
          expect(shown(oldest)).toEqual(expected);
          for (const state of TASK_STATES) {
            const of = await all((page) => queries.problems({ state }, page), limit);
            expect(shown(of)).toEqual(expected.filter(([, one]) => one === state).toReversed());
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('is read from the indexes and the few marks alone where they have ended, by time, by state and by what is indexed', async () => {
    await write(
      Array.from({ length: 40 }, (_, at) => ({
        title: `number ${at}`,
        iterations: [{ state: at % 4 === 0 ? 'failed' : 'succeeded', output: { value: at } }],
      })),
    );
    const { queries, reads } = watched();
    const tablesOf = async (ask: Ask): Promise<Table[]> => {
      reads.length = 0;
      expect(value(await ask({ limit: 10 })).items).toHaveLength(10);
      return [...new Set(reads)].filter((table) => table !== 'meta' && table !== 'projects').sort();
    };
    const byTime = await tablesOf((page) => queries.problems({}, page));
    expect(byTime).toEqual(['problem_marks', 'problems_by_state', 'unfinished']);
    const byState = await tablesOf((page) => queries.problems({ state: 'failed' }, page));
    expect(byState).toEqual(['problem_marks', 'problems_by_state']);
    const search = { filter: 'meter.value >= 5 and title ~ "number"', order_by: 'meter.value' };
    const byOutput = await tablesOf((page) => queries.searchIterations(search, page));
    expect(byOutput).toEqual(['iteration_index', 'problem_marks']);
  });

  it('refuses the cursor of another list', async () => {
    await write([{ iterations: [{}] }]);
    for (const key of [['failed', 1], ['x'], [1, 2], [], [1.5], [-1], [1e300], ['\ud800']]) {
      const cursor = Buffer.from(JSON.stringify(key)).toString('base64url');
      const refused = await queriesOf(store, []).problems({}, { cursor });
      expect(refused).toMatchObject({ ok: false, code: 'bad_cursor', details: [{ path: 'cursor' }] });
    }
  });

  it('goes past the other unfinished iterations of a problem without reading them', async () => {
    const running = { state: 'running' } as const;
    await write([
      { iterations: [running] },
      { iterations: Array(1000).fill(running) },
      { iterations: [running] },
    ]);
    const { queries, reads } = watched();
    for (const query of [{}, { order_by: 'created_at' }]) {
      const { items } = value(await queries.problems(query, {}));
      expect(items.map(({ newest_iteration_id }) => newest_iteration_id)).toEqual([1, 1000, 1]);
    }
    expect(reads.filter((table) => table === 'unfinished').length).toBeLessThan(8);
  });

  it('shows an unfinished one as it is, and passes over its older iterations', async () => {
    await write([{ title: 'again', iterations: [{ state: 'running' }, { state: 'running' }] }]);
    const { items } = value(await queriesOf(store, []).problems({ state: 'running' }, {}));
    expect(items).toMatchObject([{ title: 'again', newest_iteration_id: 2, finished_at: null }]);
  });
});
