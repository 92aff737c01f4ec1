import { beforeEach, describe, expect, it } from 'vitest';
import type { Answer, ProblemChange } from '../../src/orchestrator/port.js';
import { inProcessReaders } from '../../src/orchestrator/queries/service/in-process.js';
import { QueryService, type ReaderQueries } from '../../src/orchestrator/queries/service/service.js';
import type { ProblemRow } from '../../src/orchestrator/tables/problem-row.js';
import { decodeRow, encodeRow } from '../../src/orchestrator/tables/row.js';
import { silent } from '../support/silent.js';
import { Core, graphOf, moduleSpec, type Peer } from './core.js';

const GRAPH = { ...graphOf('one', moduleSpec('a', ['source'])), index: ['a.seq'] };
let core: Core;
let peer: Peer;

beforeEach(async () => {
  core = await Core.open([GRAPH]);
  peer = core.peer('a');
  await peer.join();
});

/** A problem whose only iteration has succeeded, or is under way. */
async function problem(hasEnded = true): Promise<string> {
  const [order] = (await core.turn(core.submits('one'))).only(peer.route, 'assign order');
  await peer.report(order!, 'ACCEPTED');
  if (hasEnded) await peer.publish(order!, 1);
  return order!.taskId.problemId;
}

const changes = (problemId: string, change: ProblemChange, revision?: number) =>
  core.asks({ kind: 'change_problem', problemId, change, ...(revision !== undefined && { revision }) });
const bodyOf = (answer: Answer | undefined): Record<string, unknown> =>
  answer?.ok ? { ...answer.body } : {};
const rowOf = async (): Promise<ProblemRow> =>
  decodeRow<ProblemRow>((await core.store.range('problems', { prefix: [] }))[0]!.value);
const marks = async (): Promise<unknown[]> => core.store.keys('problems_by_mark', { prefix: [] });

function queries(): ReaderQueries {
  const start = inProcessReaders({ store: core.store, readGraph: () => GRAPH });
  return new QueryService({ start, shown: async () => {}, logger: silent }).queries('*');
}

async function titles(ask: Promise<Awaited<ReturnType<ReaderQueries['problems']>>>): Promise<unknown[]> {
  const found = await ask;
  if ('ok' in found) throw new Error(found.message);
  return found.value.items.map(({ title }) => title);
}

describe('a change of a problem', () => {
  it.each([true, false])('is one fact with what is another now, and stays (ended: %s)', async (hasEnded) => {
    const id = await problem(hasEnded);
    const turned = await core.turn(
      changes(id, { title: 'Steel', tags: ['b', 'a'], starred: true, notes: null }),
    );
    expect(turned.types).toEqual(['problem.changed']);
    expect(turned.detail('problem.changed')).toEqual({ title: 'Steel', tags: ['b', 'a'], starred: true });
    const revision = core.state.cursor;
    expect(bodyOf(turned.answers[0])).toEqual({
      ...{
        problem_id: id,
        title: 'Steel',
        tags: ['b', 'a'],
        notes: '',
        starred: true,
        archived: false,
        revision,
      },
    });
    expect(core.state.problems.has(id)).toBe(!hasEnded);
    await core.restart();
    expect(await rowOf()).toMatchObject({
      title: 'Steel',
      tags: ['b', 'a'],
      starred: true,
      changed_seq: revision,
    });
    expect(await marks()).toEqual([
      ['starred', expect.any(Number)],
      ...['a', 'b'].map((tag) => [`tag/${tag}`, expect.any(Number)]),
    ]);
    expect(await core.faults()).toEqual([]);
  });

  it('takes a field back with null, and says nothing where nothing is another', async () => {
    const id = await problem();
    await core.turn(changes(id, { title: 't', tags: ['a'], notes: 'n', starred: true, archived: true }));
    const same = await core.turn(changes(id, { tags: ['a'], notes: 'n', starred: true }));
    expect(same.types).toEqual([]);
    const none = { title: null, tags: null, notes: null, starred: null, archived: null };
    const turned = await core.turn(changes(id, none));
    expect(turned.detail('problem.changed')).toEqual({
      title: '',
      tags: [],
      notes: '',
      starred: false,
      archived: false,
    });
    expect(await marks()).toEqual([]);
    expect(await core.faults()).toEqual([]);
  });

  it('sees those before it in its batch, and so does an iteration after it', async () => {
    const id = await problem();
    core.isSabotaged = true;
    const again = core.asks({
      ...{ kind: 'iterate', problemId: id, graphVersion: 1 },
      prepared: { kind: 'inline', bytes: Buffer.from('1') },
    });
    const turned = await core.turn(
      changes(id, { tags: ['a'] }),
      changes(id, { tags: ['a', 'b'] }),
      again,
      changes(id, { title: 'u' }),
    );
    expect(turned.types.filter((type) => type === 'problem.changed')).toHaveLength(3);
    expect(await rowOf()).toMatchObject({ title: 'u', tags: ['a', 'b'], newest_iteration_id: 2 });
    core.isSabotaged = false;
    expect(core.undoneBatches).toBeGreaterThan(3);
    expect(await core.faults()).toEqual([]);
  });

  it('is refused where the revision that it was made to is not the newest', async () => {
    const id = await problem();
    const { revision } = bodyOf((await core.turn(changes(id, { title: 'one' }))).answers[0]);
    const outdated = (await core.turn(changes(id, { title: 'two' }, Number(revision) - 1))).answers[0];
    expect(outdated).toMatchObject({ ok: false, kind: 'outdated', code: 'revision_outdated' });
    const newest = (await core.turn(changes(id, { title: 'three' }, Number(revision)))).answers[0];
    expect(bodyOf(newest)).toMatchObject({ title: 'three' });
  });

  it('is answered once by its key, and refused for a problem that is not there', async () => {
    const id = await problem();
    const dedupe = { key: 'k', hash: 'h' };
    const request = { kind: 'change_problem', problemId: id, change: { starred: true } } as const;
    const first = await core.ask(request, dedupe);
    await core.turn(changes(id, { starred: false }));
    expect(await core.ask(request, dedupe)).toEqual(first);
    expect(await rowOf()).not.toHaveProperty('starred');
    const unknown = await core.ask({ ...request, problemId: 'nobody' });
    expect(unknown).toMatchObject({ ok: false, code: 'unknown_problem' });
  });

  it('is also made with the problem', async () => {
    const prepared = { kind: 'inline', bytes: Buffer.from('{}') } as const;
    const submit = {
      kind: 'submit',
      graph: 'one',
      input: undefined,
      graphVersion: 1,
      project: 'default',
      prepared,
    } as const;
    await core.ask({ ...submit, title: 't', tags: ['a'], notes: 'n', archived: true, starred: null });
    expect(await rowOf()).toMatchObject({ title: 't', tags: ['a'], notes: 'n', archived: true });
    expect(await marks()).toHaveLength(2);
    expect(await core.faults()).toEqual([]);
  });
});

describe('the check of a store', () => {
  it('finds a title that no event has said, and a mark that nobody has', async () => {
    const id = await problem();
    await core.turn(changes(id, { title: 'said', starred: true }));
    const row = await rowOf();
    await core.store.commit(core.epoch, [
      { op: 'put', table: 'problems', key: [row.created_seq], value: encodeRow({ ...row, title: 'unsaid' }) },
      { op: 'put', table: 'problems_by_mark', key: ['tag/x', row.created_seq], value: new Uint8Array() },
    ]);
    expect((await core.faults()).map(({ what }) => what)).toEqual([
      expect.stringContaining('title is "unsaid", they make it "said"'),
      'is listed with marks that are not its own',
      `names ${id}, which does not have it`,
    ]);
  });
});

describe('what is found by what people say', () => {
  it('has the titles and the marks of now, whatever the indexes were written with', async () => {
    const [one, two, three] = [await problem(), await problem(), await problem(false)];
    await core.turn(
      changes(one!, { title: 'one', tags: ['steel', 'paper'], notes: '# Très bien', starred: true }),
      changes(two!, { title: 'two', tags: ['steel'], archived: true }),
      changes(three!, { title: 'three', tags: ['Steel'], starred: true }),
    );
    const all = queries();
    const found = (query: Parameters<ReaderQueries['problems']>[0]) => titles(all.problems(query, {}));
    expect(await found({})).toEqual(['three', 'two', 'one']);
    expect(await found({ archived: false })).toEqual(['three', 'one']);
    expect(await found({ archived: true })).toEqual(['two']);
    expect(await found({ starred: true })).toEqual(['three', 'one']);
    expect(await found({ starred: false })).toEqual(['two']);
    expect(await found({ tag: 'steel', starred: true })).toEqual(['one']);
    expect(await found({ filter: 'tags has "steel"' })).toEqual(['two', 'one']);
    expect(await found({ filter: 'tags has "steel" and archived = false' })).toEqual(['one']);
    expect(await found({ filter: 'tags ~ "STE" and not starred = true' })).toEqual(['two']);
    expect(await found({ filter: 'starred = true', order_by: 'title' })).toEqual(['one', 'three']);
    expect(await found({ filter: 'notes ~ "tres" or notes ~ "très"' })).toEqual(['one']);
    expect(await found({ q: 'TRÈS' })).toEqual(['one']);
    expect(await found({ q: 'paper' })).toEqual(['one']);
    expect(await found({ filter: 'a.seq = 1 and starred = true' })).toEqual(['one']);
    expect(await titles(all.searchIterations({ filter: 'tags has "steel"' }, {}))).toEqual(['two', 'one']);
    expect(await titles(all.searchIterations({ filter: 'a.seq = 1', order_by: '-a.seq' }, {}))).toEqual([
      'two',
      'one',
    ]);
    const tags = await all.tags({ limit: 2 });
    expect('value' in tags && tags.value.items).toEqual([{ tag: 'Steel' }, { tag: 'paper' }]);
    const last = await all.tags({ cursor: ('value' in tags && tags.value.next_cursor) || '' });
    expect('value' in last && last.value).toEqual({ items: [{ tag: 'steel' }], next_cursor: null });
  });

  it('is looked at one by one no more than there are with the mark', async () => {
    for (let at = 0; at < 30; at += 1) await problem();
    const starred = await problem();
    await problem();
    await core.turn(changes(starred, { starred: true }));
    const page = await queries().problems({ filter: 'starred = true' }, {});
    expect('value' in page && page.value.query).toMatchObject({
      indexed: true,
      index: 'starred',
      scanned: 1,
    });
  });
});
