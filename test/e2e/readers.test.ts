/** Readers in processes of their own: the contract of every reader, and what only processes can suffer. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { childReaders } from '../../src/orchestrator/queries/service/child-process.js';
import type { Link, StartReader } from '../../src/orchestrator/queries/service/lane.js';
import { QueryService } from '../../src/orchestrator/queries/service/service.js';
import { partsOf } from '../../src/store/data-dir.js';
import { openStore } from '../../src/store/lmdb.js';
import { committing, type OpenReaders, queriesContract, value } from '../contract/queries.contract.js';
import { bundleChild } from '../support/child.js';
import { graphRow, problemIdOf, rowsOf } from '../support/history.js';
import { silent } from '../support/silent.js';

let script: string;

beforeAll(async () => {
  script = await bundleChild(join(import.meta.dirname, '../../src/server/reader.ts'));
});
afterAll(() => rm(join(script, '..'), { recursive: true }));

async function openChildren(heapMb?: number): Promise<OpenReaders & { readonly data: string }> {
  const data = await mkdtemp(join(tmpdir(), 'tutti-readers-'));
  const { store: dir, identity } = partsOf(data);
  const store = await openStore({ dir, identityFile: identity });
  return {
    data,
    start: childReaders(script, [data], heapMb === undefined ? {} : { heapMb }),
    commit: await committing(store),
    shown: () => store.applied(store.position),
    async close() {
      await store.close();
      await rm(data, { recursive: true });
    },
  };
}

queriesContract('a reader in a process of its own', () => openChildren());

describe('a reader that ends', () => {
  it('is followed by another, which answers the questions that were in it', async () => {
    const readers = await openChildren();
    await readers.commit([graphRow([]), ...rowsOf(1, { iterations: [{ output: { value: 1 } }] }, [])]);
    const links: Link[] = [];
    const start: StartReader = (lane, events) => {
      const link = readers.start(lane, events);
      links.push(link);
      return link;
    };
    const service = new QueryService({ start, shown: readers.shown, logger: silent });
    const queries = service.queries('*');
    const task = { problemId: problemIdOf(1), iterationId: 1 };
    for (let count = 1; count <= 5; count += 1) {
      value(await queries.iteration(task));
      const under = Array.from({ length: 50 }, () => queries.iteration(task));
      links.at(-1)!.kill();
      for (const found of await Promise.all(under)) expect(value(found)).toMatchObject({ iteration_id: 1 });
      expect([links.length, service.gauges().short.ended]).toEqual([count + 1, count]);
    }
    service.stop();
    await readers.close();
  });

  it('since a question takes more memory than it has costs that question, and no other', async () => {
    const readers = await openChildren(48);
    const text = 'x'.repeat(40 * 1024 * 1024);
    await readers.commit([graphRow([])]);
    await readers.commit(rowsOf(1, { iterations: [{ output: { text } }, { output: { value: 2 } }] }, []));
    const service = new QueryService({ start: readers.start, shown: readers.shown, logger: silent });
    const queries = service.queries('*');
    const small = { problemId: problemIdOf(1), iterationId: 2 };
    value(await queries.output(small, 'meter'));
    expect(await queries.output({ ...small, iterationId: 1 }, 'meter')).toMatchObject({
      kind: 'unavailable',
      code: 'reader_ended',
    });
    expect(service.gauges().short.ended).toBe(2);
    expect(value(await queries.output(small, 'meter')).json.text).toBe('{"value":2}');
    service.stop();
    await readers.close();
  });
});
