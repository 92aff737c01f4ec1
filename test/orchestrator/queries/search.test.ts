import fc from 'fast-check';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Found, Page, PageRequest, Refusal, SearchQuery, View } from '../../../src/orchestrator/port.js';
import type { ReaderQueries } from '../../../src/orchestrator/queries/service/service.js';
import { createMemoryDisk, openMemoryStore } from '../../../src/store/memory.js';
import type { Store } from '../../../src/store/store.js';
import {
  iterationRows,
  type MadeProblem,
  problemIdOf,
  queriesOf,
  rowsOf,
  withoutSummary,
  withSummary,
} from '../../support/history.js';

type Ask = (query: SearchQuery, page: PageRequest) => Promise<Found<Page<View>> | Refusal>;

const INDEX = ['meter.value'];
let store: Store;
let epoch: number;
/** What stands in the indexes of what has ended. */
let summarize = withSummary;

beforeEach(async () => {
  store = openMemoryStore(createMemoryDisk());
  epoch = await store.reign();
  summarize = withSummary;
});

async function write(problems: readonly MadeProblem[], index: readonly string[] = INDEX): Promise<void> {
  for (const [position, problem] of problems.entries()) {
    await store.commit(epoch, rowsOf(10 * (position + 1), problem, index, summarize));
  }
}

function value<T>(found: Found<T> | Refusal): T {
  if ('ok' in found) throw new Error(`${found.code}: ${found.message}`);
  return found.value;
}

/** `<problem's seq>/<iteration>` of everything, page by page. */
async function all(ask: Ask, query: SearchQuery, limit = 50): Promise<string[]> {
  const names: string[] = [];
  let cursor: string | undefined;
  do {
    const page: Page<View> = value(await ask(query, { limit, ...(cursor !== undefined && { cursor }) }));
    expect(page.items.length).toBeLessThanOrEqual(limit);
    names.push(...page.items.map(nameOf));
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  return names;
}

function nameOf(item: View): string {
  return `${Number(String(item.problem_id).slice(-12))}/${String(item.iteration_id ?? item.newest_iteration_id)}`;
}

function asks(queries: ReaderQueries): Record<'iterations' | 'problems' | 'problem', Ask> {
  return {
    iterations: (query, page) => queries.searchIterations(query, page),
    problems: (query, page) => queries.problems(query, page),
    problem: (query, page) => queries.iterations(problemIdOf(10), page, query),
  };
}

const THREE: MadeProblem[] = [
  {
    title: 'Steel plates',
    iterations: [{ output: { value: 3, kind: 'a' } }, { output: { value: 1, kind: 'b' } }],
  },
  { title: 'Wood', iterations: [{ output: { value: 2, kind: 'a' } }, { state: 'failed' }] },
  { title: 'Stainless steel', iterations: [{ state: 'running', output: { value: 0 } }] },
];

describe.each([
  ['with an index', INDEX, withSummary],
  ['with an index that is older than summaries', INDEX, withoutSummary],
  ['without one', [], withSummary],
])('what is found %s', (_name, index, written) => {
  beforeEach(() => {
    summarize = written;
  });

  it('is what fits the filter, the newest problem first', async () => {
    await write(THREE, index);
    const { iterations, problems, problem } = asks(queriesOf(store, index));
    expect(await all(iterations, { filter: 'meter.value < 3' })).toEqual(['20/1', '10/2']);
    expect(
      await all(iterations, { filter: 'meter.value < 3 and title ~ "steel" or state = "failed"' }),
    ).toEqual(['20/2', '10/2']);
    expect(await all(problems, { filter: 'meter.value < 3' })).toEqual(['10/2']);
    expect(await all(problems, { filter: 'title ~ "STEEL" and not state = "running"' })).toEqual(['10/2']);
    expect(await all(problem, { filter: 'meter.kind = "a"' })).toEqual(['10/1']);
    expect(await all(iterations, { filter: 'duration_ms >= 2000' })).toEqual(['20/2', '10/2']);
  });

  it('is looked for among the problems of one state only, where the filter or the request names one', async () => {
    await write(
      Array.from({ length: 30 }, (_, at) => ({
        title: `number ${at}`,
        iterations: [
          { state: 'running' },
          { state: at % 10 === 0 ? 'failed' : at === 5 ? 'running' : 'succeeded' },
        ],
      })),
      index,
    );
    const queries = queriesOf(store, index);
    const { problems } = asks(queries);
    const failed = { filter: 'state = "failed" and title ~ "number"' };
    const page = value(await problems(failed, { limit: 50 }));
    expect(page.items.map(nameOf)).toEqual(['210/2', '110/2', '10/2']);
    expect(page.query).toMatchObject({ indexed: true, index: 'state', scanned: 3 });
    expect(await all(problems, failed, 1)).toEqual(['210/2', '110/2', '10/2']);
    expect(await all(problems, { ...failed, order_by: 'created_at' }, 2)).toEqual(['10/2', '110/2', '210/2']);
    expect(await all(problems, { filter: 'state = "running"' }, 1)).toEqual(['60/2']);
    expect(await all(problems, { filter: 'state = "running"', order_by: 'title' }, 1)).toEqual(['60/2']);
    expect(await all(problems, { filter: 'state = "running" or state = "failed"' })).toHaveLength(4);
    const asked = value(await queries.problems({ state: 'failed', filter: 'title ~ "number 1"' }, {}));
    expect(asked).toMatchObject({ items: [{ title: 'number 10' }], query: { index: 'state', scanned: 3 } });
  });

  it('is searched for a text in the inputs too, beside a filter', async () => {
    await write([{ iterations: [{ input: { note: 'Quince' } }] }, { iterations: [{}] }], index);
    const found = value(
      await queriesOf(store, index).problems({ q: 'quince', filter: 'iterations = 1' }, {}),
    );
    expect(found.items.map(nameOf)).toEqual(['10/1']);
  });

  it('comes in the order that is asked for, those without the field left out', async () => {
    await write(THREE, index);
    const { iterations, problems, problem } = asks(queriesOf(store, index));
    expect(await all(iterations, { order_by: 'meter.value' })).toEqual(['10/2', '20/1', '10/1']);
    expect(await all(iterations, { order_by: 'meter.value desc' })).toEqual(['10/1', '20/1', '10/2']);
    expect(await all(iterations, { order_by: '-meter.value', filter: 'meter.value > 1' })).toEqual([
      '10/1',
      '20/1',
    ]);
    expect(await all(problems, { order_by: 'title' })).toEqual(['30/1', '10/2', '20/2']);
    expect(await all(problems, { order_by: 'created_at' })).toEqual(['10/2', '20/2', '30/1']);
    expect(await all(problem, { order_by: '-iteration_id' })).toEqual(['10/2', '10/1']);
  });

  it('takes outputs into account once their iteration has ended, and not before', async () => {
    await write(THREE, index);
    const { iterations } = asks(queriesOf(store, index));
    expect(await all(iterations, { filter: 'meter.value = 0' })).toEqual([]);
    expect(await all(iterations, { filter: 'meter.value = null and state = "running"' })).toEqual(['30/1']);
  });

  it('is neither repeated nor hidden by what is written between two pages', async () => {
    await write(
      Array.from({ length: 6 }, (_, seq) => ({ iterations: [{ output: { value: seq } }] })),
      index,
    );
    const queries = queriesOf(store, index);
    for (const order_by of ['meter.value', '-meter.value', undefined]) {
      const query = { filter: 'meter.value >= 0', ...(order_by !== undefined && { order_by }) };
      const first = value(await queries.searchIterations(query, { limit: 3 }));
      await store.commit(epoch, rowsOf(70, { iterations: [{ output: { value: 2.5 } }] }, index));
      const rest = value(await queries.searchIterations(query, { limit: 10, cursor: first.next_cursor! }));
      const names = [...first.items, ...rest.items].map(nameOf);
      expect(new Set(names).size).toBe(names.length);
      for (const seq of [10, 20, 30, 40, 50, 60]) expect(names).toContain(`${seq}/1`);
    }
  });

  it('says whether an index led to it, and how many were looked at', async () => {
    await write(THREE, index);
    const queries = queriesOf(store, index);
    const page = value(await queries.searchIterations({ filter: 'meter.value < 2' }, {}));
    expect(page.query).toMatchObject(
      index.length > 0
        ? { indexed: true, index: 'meter.value', scanned: 2, complete: true }
        : { indexed: false, scanned: 5, complete: true },
    );
  });

  it('is the same as looking at each and sorting, whatever is asked', async () => {
    const output = fc.option(
      fc.record({
        value: fc.constantFrom(-1.5, 0, 1, 2, '', 'a', 'b'.repeat(150), `${'b'.repeat(150)}c`, true, null),
      }),
      { nil: undefined },
    );
    const iteration = fc.record({ state: fc.constantFrom('succeeded', 'failed', 'running'), output });
    const problems = fc.array(
      fc.record(
        { iterations: fc.array(iteration, { minLength: 1, maxLength: 4 }) },
        { requiredKeys: ['iterations'] },
      ),
      { maxLength: 6 },
    );
    const literal = fc.constantFrom('-1.5', '0', '1', '"a"', `"${'b'.repeat(150)}"`, 'true');
    const operator = fc.constantFrom('=', '!=', '<', '<=', '>', '>=');
    const comparison = fc
      .tuple(operator, literal)
      .filter(([op, text]) => text !== 'true' || op === '=' || op === '!=')
      .map(([op, text]) => `meter.value ${op} ${text}`);
    const filter = fc.array(comparison, { minLength: 1, maxLength: 2 }).map((parts) => parts.join(' and '));
    const order = fc.constantFrom(undefined, 'meter.value', '-meter.value', 'created_at');
    await fc.assert(
      fc.asyncProperty(
        problems,
        filter,
        order,
        fc.integer({ min: 1, max: 4 }),
        async (made, text, order_by, limit) => {
          store = openMemoryStore(createMemoryDisk());
          epoch = await store.reign();
          await write(made as MadeProblem[], index);
          const query = { filter: text, ...(order_by !== undefined && { order_by }) };
          const { iterations, problems: asked } = asks(queriesOf(store, index));
          const slow = asks(queriesOf(store, []));
          expect(await all(iterations, query, limit)).toEqual(await all(slow.iterations, query, 1000));
          expect(await all(asked, query, limit)).toEqual(await all(slow.problems, query, 1000));
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('a search', () => {
  it('shows the fields that are asked for with each item', async () => {
    await write(THREE);
    const page = value(
      await queriesOf(store, INDEX).iterations(
        problemIdOf(10),
        {},
        { fields: 'meter.value, meter.absent,title' },
      ),
    );
    expect(page.items.map(({ fields }) => fields)).toEqual([
      { 'meter.value': 3, 'meter.absent': null, title: 'Steel plates' },
      { 'meter.value': 1, 'meter.absent': null, title: 'Steel plates' },
    ]);
  });

  it('finds by input and by times', async () => {
    await write([
      { iterations: [{ input: { place: { country: 'ES' } } }, { input: { place: { country: 'FR' } } }] },
    ]);
    const { iterations } = asks(queriesOf(store, INDEX));
    expect(await all(iterations, { filter: 'input.place.country = "FR"' })).toEqual(['10/2']);
    expect(await all(iterations, { filter: 'created_at < "2026-01-01T00:00:00.012Z"' })).toEqual(['10/1']);
  });

  it.each([
    [{ filter: 'state = "done"' }, 'bad_filter', 'position 9: a state is one of'],
    [
      { filter: 'title ~ "a" and metr.value < 1' },
      'bad_filter',
      'position 17: there is no field "metr.value" (did you mean meter?)',
    ],
    [{ filter: 'meter < 1' }, 'bad_filter', 'position 1: "meter" is a module'],
    [{ filter: 'created_at > "yesterday"' }, 'bad_filter', 'position 14: created_at is compared with a time'],
    [{ filter: 'title ~ 3' }, 'bad_filter', 'position 9: ~ takes a quoted text'],
    [{ filter: 'title < null' }, 'bad_filter', 'position 9: null goes with'],
    [{ filter: 'title = ' }, 'bad_filter', 'position 9: Expected'],
    [{ order_by: 'meter.value sideways' }, 'bad_order_by', 'is not FIELD'],
    [{ order_by: 'nothing' }, 'bad_order_by', 'there is no field'],
    [{ fields: 'meter.value,nothing' }, 'bad_fields', 'there is no field'],
  ])('refuses %j, naming what is wrong and where', async (query, code, message) => {
    const refused = await queriesOf(store, INDEX).searchIterations(query, {});
    expect(refused).toMatchObject({
      ok: false,
      kind: 'malformed',
      code,
      message: expect.stringContaining(message),
    });
  });

  it('refuses a cursor of another order', async () => {
    await write(THREE);
    const queries = queriesOf(store, INDEX);
    const page = value(await queries.searchIterations({ order_by: 'meter.value' }, { limit: 1 }));
    const refused = await queries.searchIterations({ filter: 'title != ""' }, { cursor: page.next_cursor! });
    expect(refused).toMatchObject({ ok: false, code: 'bad_cursor' });
  });

  it('hands a page out short when its time is over, and goes on from there', async () => {
    await write(Array.from({ length: 12 }, (_, at) => ({ iterations: [{ output: { value: at } }] })));
    const queries = queriesOf(store, []);
    let now = 0;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => {
      now += 100;
      return now;
    });
    try {
      const page = value(await queries.searchIterations({ filter: 'meter.value < 3' }, {}));
      expect(page).toMatchObject({ items: [], query: { indexed: false, complete: false } });
      expect(page.query!.scanned).toBeLessThan(12);
      expect(page.query!.hint).toContain('index a field');
      expect(await all(asks(queries).iterations, { filter: 'meter.value < 3' })).toEqual([
        '30/1',
        '20/1',
        '10/1',
      ]);
      expect(await queries.searchIterations({ order_by: 'meter.value' }, {})).toMatchObject({
        ok: false,
        kind: 'timeout',
        code: 'query_too_slow',
        hint: expect.stringContaining('index: [meter.value]'),
      });
    } finally {
      clock.mockRestore();
    }
  });

  it('reads a module as such behind `outputs`, whatever it is called', async () => {
    await write(THREE);
    const { iterations } = asks(queriesOf(store, INDEX));
    expect(await all(iterations, { filter: 'outputs.meter.kind = "b"' })).toEqual(['10/2']);
  });

  it('finds a page among thousands of iterations of one problem by the index', async () => {
    const many = Array.from({ length: 3000 }, (_, i) => ({ output: { value: i % 1000 } }));
    await store.commit(epoch, rowsOf(10, { iterations: many }, INDEX));
    const queries = queriesOf(store, INDEX);
    const page = value(await queries.iterations(problemIdOf(10), {}, { filter: 'meter.value = 7' }));
    expect(page.items.map(nameOf)).toEqual(['10/8', '10/1008', '10/2008']);
    expect(page.query).toMatchObject({ indexed: true, scanned: 3 });
    await store.commit(epoch, iterationRows(10, 3001, { output: { value: 7 } }, INDEX));
  });

  it('says which field nothing has, with the name that was probably meant', async () => {
    await write([{ iterations: [{ output: { value: 2.5 } }, { output: { value: 3 } }] }]);
    const ask = queriesOf(store, INDEX).searchIterations;
    const hint = async (query: SearchQuery) => value(await ask(query, {})).query?.hint;
    expect(await hint({ filter: 'meter.valu < 3' })).toBe(
      'none of the examined iterations has meter.valu (did you mean value?)',
    );
    expect(await hint({ order_by: 'meter.other' })).toBe('none of the examined iterations has meter.other');
    expect(await hint({ filter: 'meter.value < 3' })).toBeUndefined();
    expect(await hint({ filter: 'meter.value > 99' })).toBeUndefined();
  });

  it('finds NaN and the infinities, with an index and without', async () => {
    const outputs = [{ $number: 'NaN' }, 1, { $number: 'Infinity' }, { $number: '-Infinity' }, 'NaN'];
    for (const index of [INDEX, []]) {
      store = openMemoryStore(createMemoryDisk());
      epoch = await store.reign();
      await write([{ iterations: outputs.map((one) => ({ output: { value: one } })) }], index);
      const ask = queriesOf(store, index).searchIterations;
      const found = async (filter: string) => (await all(ask, { filter })).map((name) => name.split('/')[1]);
      expect(await found('meter.value = NaN')).toEqual(['1']);
      expect((await found('meter.value != NaN')).sort()).toEqual(['2', '3', '4']);
      expect((await found('meter.value > 0')).sort()).toEqual(['2', '3']);
      expect(await found('meter.value = -Infinity')).toEqual(['4']);
      expect(await found('meter.value = "NaN"')).toEqual(['5']);
      const ordered = (await all(ask, { order_by: 'meter.value' })).map((name) => name.split('/')[1]);
      expect(ordered).toEqual(['4', '2', '3', '1', '5']);
    }
  });
});
