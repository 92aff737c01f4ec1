/** The keys of connections in the store: what is written, who can read it, and what becomes of the file of before. */
import { beforeAll, describe, expect, it } from 'vitest';
import { toZ85 } from '../../../src/base/z85.js';
import { keyPairOf, loadBoxes } from '../../../src/bus/zmtp/boxes.js';
import { type KeyEntry, keyIdOf } from '../../../src/model/connection-key.js';
import { KeptKeys, type KeyChanges, withFile } from '../../../src/orchestrator/access/kept-keys.js';
import type { KeyRecord, ServerKeyRow } from '../../../src/orchestrator/access/node-keys.js';
import { VAULT_KEY_BYTES, Vault } from '../../../src/orchestrator/access/vault.js';
import { Core, graphOf, moduleSpec } from '../core.js';

const vault = new Vault(new Uint8Array(VAULT_KEY_BYTES).fill(1));
const other = new Vault(new Uint8Array(VAULT_KEY_BYTES).fill(2));

beforeAll(loadBoxes);

function pair(created_at: string, expires_at: string | null = null): ServerKeyRow {
  const { publicKey, secretKey } = keyPairOf();
  return { public_key: toZ85(publicKey), secret_key: toZ85(secretKey), created_at, expires_at };
}

const nodeKey = (key: string, revoked_at: string | null = null) => ({
  ...{
    key,
    modules: ['a'],
    instance: null,
    subscribe: false,
    enrolled_at: '2026-01-01T00:00:00.000Z',
    revoked_at,
  },
});
const join = (hash: string) => ({
  ...{
    join_id: hash,
    hash,
    module: 'a',
    instance: null,
    uses_left: 1,
    expires_at: '2030-01-01T00:00:00.000Z',
  },
});

/** A store of entries, and what was written to it. */
function shelf(entries: readonly KeyEntry[] = [], how: Pick<Vault, 'seal' | 'open'> = vault) {
  const rows = new Map(entries.map((entry) => [keyIdOf(entry), entry]));
  const commits: KeyChanges[] = [];
  const kept = new KeptKeys({
    entries,
    vault: how,
    async commit(changes) {
      commits.push(changes);
      for (const entry of changes.kept) rows.set(keyIdOf(entry), entry);
      for (const id of changes.dropped) rows.delete(id);
    },
  });
  return { kept, commits, rows };
}

describe('the keys of connections in the store', () => {
  it('come back as they were, written once each, with the pair in use first and no secret that can be read', async () => {
    const [old, used] = [
      pair('2026-01-01T00:00:00.000Z', '2026-03-01T00:00:00.000Z'),
      pair('2026-02-01T00:00:00.000Z'),
    ];
    const record: KeyRecord = { server: [used, old], keys: [nodeKey('k')], joins: [join('h')] };
    const { kept, commits, rows } = shelf();
    await kept.save(record);
    expect(commits.map(({ kept: each, dropped }) => [each.length, dropped.length])).toEqual([[4, 0]]);
    for (const { secret_key } of [old, used])
      expect(JSON.stringify([...rows.values()])).not.toContain(secret_key);
    const again = shelf([...rows.values()]);
    expect(again.kept.record).toEqual(record);
    await again.kept.save(structuredClone(record));
    expect(again.commits).toEqual([]);
    const revoked = nodeKey('k', '2026-02-02T00:00:00.000Z');
    await again.kept.save({ server: [used], keys: [revoked, nodeKey('l')], joins: [] });
    const [change] = again.commits;
    expect([change!.kept.map(keyIdOf), change!.dropped]).toEqual([
      ['node k', 'node l'],
      [`server ${old.public_key}`, 'join h'],
    ]);
  });

  it('keys whose commit has failed are written with the next one', async () => {
    const { rows, commits } = shelf();
    let isFull = true;
    const kept = new KeptKeys({
      entries: [],
      vault,
      async commit(changes) {
        if (isFull) throw new Error('full');
        commits.push(changes);
      },
    });
    const record: KeyRecord = { server: [], keys: [nodeKey('k')], joins: [] };
    await expect(kept.save(record)).rejects.toThrow('full');
    isFull = false;
    await kept.save(record);
    expect([commits.length, commits[0]!.kept.map(keyIdOf), rows.size]).toEqual([1, ['node k'], 0]);
  });

  it('are not there for who has another key of the secrets, changes nothing of them, and are there again with their own', async () => {
    const used = pair('2026-01-01T00:00:00.000Z');
    const first = shelf();
    await first.kept.save({ server: [used], keys: [nodeKey('k')], joins: [] });
    const stranger = shelf([...first.rows.values()], other);
    expect([stranger.kept.record.server, stranger.kept.locked]).toEqual([[], [used.public_key]]);
    const made = pair('2026-02-01T00:00:00.000Z');
    await stranger.kept.save({ ...stranger.kept.record, server: [made] });
    const owner = shelf([...stranger.rows.values()]);
    expect([owner.kept.record.server, owner.kept.locked]).toEqual([[used], [made.public_key]]);
  });

  it('are rows of the store after a restart, and its check knows them', async () => {
    const core = await Core.open([graphOf('one', moduleSpec('a', ['source']))]);
    const { kept, commits } = shelf();
    const record: KeyRecord = {
      server: [pair('2026-01-01T00:00:00.000Z')],
      keys: [nodeKey('k')],
      joins: [join('h')],
    };
    await kept.save(record);
    await core.turn({ kind: 'keep keys', id: 1, changes: commits[0]! });
    await core.turn({ kind: 'keep keys', id: 2, changes: { kept: [], dropped: ['join h'] } });
    await core.restart();
    expect(shelf([...core.state.keys.values()]).kept.record).toEqual({ ...record, joins: [] });
    expect((await core.check()).counts).toMatchObject({ connection_keys: 2 });
    const server = [...core.state.keys.values()].find(({ kind }) => kind === 'server')!;
    const expired = { ...server, expires_at: '2026-01-01T00:00:00.000Z' } as KeyEntry;
    await core.turn({ kind: 'keep keys', id: 3, changes: { kept: [expired], dropped: [] } });
    expect(await core.faults()).toMatchObject([
      { where: 'connection_keys', what: expect.stringContaining('in use') },
    ]);
  });
});

describe('the file of before', () => {
  it('adds what the store does not have, and takes no revocation back, from either side', () => {
    const [inStore, inFile] = [pair('2026-02-01T00:00:00.000Z'), pair('2026-01-01T00:00:00.000Z')];
    const at = '2026-01-05T00:00:00.000Z';
    const kept: KeyRecord = { server: [inStore], keys: [nodeKey('a'), nodeKey('b', at)], joins: [] };
    const file: KeyRecord = {
      ...{ server: [inFile], keys: [nodeKey('a', at), nodeKey('b'), nodeKey('c')], joins: [join('h')] },
    };
    const both = withFile(kept, file);
    expect(both.server).toEqual([inStore, inFile]);
    expect(both.keys).toEqual([nodeKey('a', at), nodeKey('b', at), nodeKey('c')]);
    expect(both.joins).toEqual([join('h')]);
    expect(withFile({ server: [], keys: [], joins: [] }, file)).toEqual(file);
  });
});
