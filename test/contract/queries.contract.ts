/** What every reader of a store keeps to, wherever it runs. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Found, Refusal } from '../../src/orchestrator/port.js';
import type { StartReader } from '../../src/orchestrator/queries/service/lane.js';
import type { ReaderQueries } from '../../src/orchestrator/queries/service/service.js';
import { QueryService } from '../../src/orchestrator/queries/service/service.js';
import { encodeRow } from '../../src/orchestrator/tables/row.js';
import type { Store, Write } from '../../src/store/store.js';
import { graphRow, problemIdOf, rowsOf } from '../support/history.js';
import { silent } from '../support/silent.js';

export interface OpenReaders {
  readonly start: StartReader;
  commit(writes: readonly Write[]): Promise<void>;
  readonly shown: () => Promise<void>;
  close(): Promise<void>;
}

export async function committing(store: Store): Promise<OpenReaders['commit']> {
  const epoch = await store.reign();
  return async (writes) => {
    expect(await store.commit(epoch, writes)).toEqual({ kind: 'committed' });
  };
}

export function value<T>(found: Found<T> | Refusal): T {
  if ('ok' in found) throw new Error(`${found.code}: ${found.message}`);
  return found.value;
}

async function textOf(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all).toString();
}

/** Iterations of the second problem: more than one page of anything. */
const MANY = 1_500;

export function queriesContract(name: string, open: () => Promise<OpenReaders>): void {
  describe(name, () => {
    let readers: OpenReaders;
    let service: QueryService;
    let queries: ReaderQueries;

    const at = (cursor: number): Write => ({
      op: 'put',
      table: 'meta',
      key: ['cursor'],
      value: encodeRow(cursor),
    });

    beforeAll(async () => {
      readers = await open();
      service = new QueryService({ start: readers.start, shown: readers.shown, logger: silent });
      queries = service.queries('*');
      await readers.commit([graphRow(['meter.value']), at(7)]);
      await readers.commit(
        rowsOf(
          1,
          { title: 'first', iterations: [{ input: { text: 'a "quoted" é' }, output: { value: 1 } }] },
          ['meter.value'],
        ),
      );
      const iterations = Array.from({ length: MANY }, (_, index) => ({
        input: { text: 'x'.repeat(200) },
        output: { value: index + 10 },
      }));
      await readers.commit(rowsOf(2, { title: 'many', iterations }, ['meter.value']));
    });
    afterAll(async () => {
      service.stop();
      await readers.close();
    });

    it('answers every kind of question, and says of which moment the answer is', async () => {
      const problem = await queries.problem(problemIdOf(1));
      expect(problem).toMatchObject({ cursor: 7, value: { title: 'first', created_seq: 1 } });
      expect(value(await queries.problemCreatedAt(1))).toEqual(value(problem));
      expect(value(await queries.problems({}, {})).items).toMatchObject([
        { title: 'many' },
        { title: 'first' },
      ]);
      const task = { problemId: problemIdOf(1), iterationId: 1 };
      const iteration = value(await queries.iteration(task));
      expect(iteration).toMatchObject({
        input: { text: 'a "quoted" é' },
        modules: { meter: { output: { value: 1 } } },
      });
      const { items } = value(await queries.searchIterations({ filter: 'meter.value = 1' }, {}));
      expect(items).toMatchObject([{ iteration_id: 1 }]);
      expect(value(await queries.graph('meters'))).toMatchObject({ name: 'meters', version: 1 });
      expect(value(await queries.graphs({})).items).toEqual([{ name: 'meters', version: 1 }]);
      const output = value(await queries.output(task, 'meter'));
      expect([output.json.text, output.type, output.raw.kind]).toEqual(['{"value":1}', 'json', 'inline']);
      expect(Buffer.from((output.raw as { bytes: Uint8Array }).bytes).toString()).toBe('{"value":1}');
      const exported = value(await queries.exportOf(problemIdOf(1), 'jsonl'));
      expect(JSON.parse(await textOf(exported))).toMatchObject({ outputs: { meter: { value: 1 } } });
      const table = value(await queries.exportOf(problemIdOf(1), 'csv'));
      expect(await textOf(table)).toMatch(/outputs\.meter\.value\r\n.*,1\r\n$/);
    });

    it('refuses what is not there, and throws what is wrong with the store or a key', async () => {
      expect(await queries.problem('nothing')).toMatchObject({ ok: false, code: 'unknown_problem' });
      expect(await queries.exportOf('nothing', 'jsonl')).toMatchObject({ code: 'unknown_problem' });
      expect(await queries.output({ problemId: problemIdOf(1), iterationId: 1 }, 'x')).toMatchObject({
        code: 'unknown_module',
      });
      await expect(queries.problem('x'.repeat(5_000))).rejects.toMatchObject({ code: 'bad_key' });
    });

    it('is never older than what its asker has been told', async () => {
      for (let cursor = 8; cursor < 40; cursor += 1) {
        await readers.commit([...rowsOf(cursor, { iterations: [{ state: 'running' }] }, []), at(cursor)]);
        expect(await queries.problem(problemIdOf(cursor))).toMatchObject({ cursor });
      }
    });

    it('reads events from any place on', async () => {
      const lines = [1, 2, 3].map((seq) => `{"seq":${seq},"at":"","type":"t","problem_id":"p${seq}"}`);
      await readers.commit([
        { op: 'put', table: 'events', key: [1], value: Buffer.from(lines.slice(0, 2).join('\n')) },
        { op: 'put', table: 'events', key: [3], value: Buffer.from(lines[2]!) },
      ]);
      const read = async (after: number, limit: number) =>
        (await service.events(after, limit)).map(({ seq, problemId }) => [seq, problemId]);
      expect(await read(0, 10)).toEqual([
        [1, 'p1'],
        [2, 'p2'],
        [3, 'p3'],
      ]);
      expect(await read(1, 1)).toEqual([[2, 'p2']]);
      expect(await read(3, 10)).toEqual([]);
    });

    it('stops a search that nobody waits for, and an export that nobody reads on', async () => {
      const gone = new AbortController();
      const search = service
        .queries('*', gone.signal)
        .searchIterations({ filter: 'input.text = "none"' }, {});
      const exporting = await service.queries('*', gone.signal).exportOf(problemIdOf(2), 'jsonl');
      expect(service.gauges().long.exports).toBe(1);
      gone.abort();
      expect(['ok' in (await search), service.gauges().long.exports]).toEqual([expect.any(Boolean), 0]);
      await expect(textOf(value(exporting))).rejects.toThrow();
      const other = value(await queries.exportOf(problemIdOf(2), 'jsonl'));
      for await (const piece of other) {
        expect(piece.length).toBeGreaterThan(60_000);
        break;
      }
      expect(service.gauges().long).toMatchObject({ exports: 0, running: 0 });
    });

    it('answers many long lists that are asked for at once', async () => {
      const list = () => queries.iterations(problemIdOf(2), { limit: 1000 });
      const answers = await Promise.all(Array.from({ length: 12 }, list));
      for (const answer of answers) expect(value(answer).items).toHaveLength(1000);
    });

    it('answers what is short while exports and searches are under way', async () => {
      value(await queries.problem(problemIdOf(1)));
      const busy = Array.from({ length: 4 }, async () => {
        const lines = (await textOf(value(await queries.exportOf(problemIdOf(2), 'jsonl'))))
          .trim()
          .split('\n');
        expect(lines).toHaveLength(MANY);
        expect(JSON.parse(lines.at(-1)!)).toMatchObject({ iteration_id: MANY });
      });
      let isOver = false;
      const all = Promise.all(busy).then(() => {
        isOver = true;
      });
      let meanwhile = 0;
      while (!isOver) {
        value(await queries.iteration({ problemId: problemIdOf(2), iterationId: 1 + (meanwhile % MANY) }));
        meanwhile += 1;
      }
      await all;
      expect(meanwhile).toBeGreaterThan(5);
    });
  });
}
