/** What a store on PostgreSQL makes of the server that it finds. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { takeLease } from '../../../src/store/postgres/lease.js';
import type { SeenPeer } from '../../../src/store/postgres/peers.js';
import { openPostgresReadOnly } from '../../../src/store/postgres/read-only.js';
import {
  openPostgresStore,
  type PostgresOptions,
  type PostgresStore,
} from '../../../src/store/postgres/store.js';
import { TABLES, type Write } from '../../../src/store/store.js';
import { hasPostgres, type PostgresServer, startPostgres } from '../../support/postgres.js';

const put = (key: string): Write => ({ op: 'put', table: 'events', key: [key], value: Buffer.from(key) });

describe.skipIf(!hasPostgres)('a server of PostgreSQL', () => {
  let server: PostgresServer;
  const opened: PostgresStore[] = [];

  beforeAll(async () => {
    server = await startPostgres(['fsync=off']);
  });
  afterAll(() => server?.remove());
  beforeEach(() => server.query('DROP SCHEMA IF EXISTS tutti CASCADE'));
  afterEach(() => Promise.all(opened.splice(0).map((store) => store.close())));

  async function open(options: Partial<PostgresOptions> = {}): Promise<PostgresStore> {
    const store = await openPostgresStore({ url: server.url, ...options });
    opened.push(store);
    return store;
  }
  const as = (user: string) => server.url.replace('//tutti@', `//${user}@`);

  it('several that open a new store at once get the same one', async () => {
    const stores = await Promise.all(Array.from({ length: 4 }, () => open()));
    expect(new Set(stores.map(({ storeId }) => storeId)).size).toBe(1);
  });

  it('a store of an earlier version gets the tables that it lacks, and keeps its rows', async () => {
    const store = await open();
    await store.commit(await store.reign(), [put('a')]);
    await store.close();
    await server.query('DROP TABLE tutti.projects');
    const again = await open();
    expect(await again.get('events', ['a'])).toEqual(Buffer.from('a'));
    expect(await again.get('projects', ['a'])).toBeUndefined();
  });

  it('a store of a newer schema is refused and left as it is', async () => {
    await open();
    await server.query('UPDATE tutti.store SET schema = 9');
    await expect(open()).rejects.toMatchObject({
      code: 'store_schema_newer',
      message: expect.stringContaining('version 9'),
    });
    await expect(openPostgresReadOnly(server.url)).rejects.toMatchObject({ code: 'store_schema_newer' });
  });

  it('reading makes no store where there is none', async () => {
    await expect(openPostgresReadOnly(server.url)).rejects.toMatchObject({ code: 'store_missing' });
    expect(await server.query(`SELECT FROM pg_namespace WHERE nspname = 'tutti'`)).toEqual([]);
  });

  it('a role that may only read and write can work once another role has made the tables', async () => {
    await server.query('DROP ROLE IF EXISTS worker');
    await server.query('CREATE ROLE worker LOGIN');
    try {
      await expect(open({ url: as('worker') })).rejects.toMatchObject({ code: 'store_unusable' });
      await (await open()).close();
      await server.query('GRANT USAGE ON SCHEMA tutti TO worker');
      await server.query('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA tutti TO worker');
      const store = await open({ url: as('worker') });
      const epoch = await store.reign();
      expect(await store.commit(epoch, [put('a')])).toEqual({ kind: 'committed' });
      await store.applied(store.position);
      expect((await store.stats()).entries.events).toBe(1);
      await store.close();
    } finally {
      await server.query('DROP OWNED BY worker');
      await server.query('DROP ROLE worker');
    }
  });

  it('a server that refuses the user or lacks the database is not waited for', async () => {
    await expect(open({ url: as('nobody') })).rejects.toMatchObject({ code: 'store_unusable' });
    await expect(open({ url: `${server.url}2` })).rejects.toMatchObject({ code: 'store_unusable' });
  });

  it('a server that takes writes is found among several hosts', async () => {
    const [, host] = /@([^/]*)/.exec(server.url)!;
    const store = await open({ url: `postgres://tutti@127.0.0.1:1,${host}/postgres` });
    expect(await store.reign()).toBe(1);
    const alter = 'ALTER DATABASE postgres';
    await server.query(`${alter} SET default_transaction_read_only = on`);
    try {
      await expect(open()).rejects.toMatchObject({
        code: 'store_unavailable',
        message: expect.stringContaining('takes no writes'),
      });
    } finally {
      await server.query(`BEGIN READ WRITE; ${alter} RESET default_transaction_read_only; COMMIT`);
    }
  });

  it('synchronous commits are asked for, whatever the role has, and a server without fsync is warned of', async () => {
    await server.query('ALTER ROLE tutti SET synchronous_commit = off');
    try {
      const doubts: string[] = [];
      await open({ onDoubt: (doubt) => doubts.push(doubt) });
      expect(doubts).toEqual([expect.stringContaining('fsync is off')]);
    } finally {
      await server.query('ALTER ROLE tutti RESET synchronous_commit');
    }
  });

  it('entries are counted exactly in small tables, and estimated in large ones', async () => {
    const store = await open();
    const epoch = await store.reign();
    const value = Buffer.alloc(7000, 1).map((_, i) => (i * 7919) >> 3);
    for (let i = 0; i < 10; i += 1) {
      const writes = Array.from({ length: 200 }, (_, n): Write => ({ ...put(`${i} ${n}`), value }) as Write);
      await store.commit(epoch, writes);
    }
    await store.applied(store.position);
    await server.query('ANALYZE tutti.events');
    const { entries, bytesUsed } = await store.stats();
    expect(Object.keys(entries).sort()).toEqual([...TABLES].sort());
    expect(entries.events).toBeGreaterThan(1800);
    expect(entries.events).toBeLessThan(2200);
    expect(entries.nodes).toBe(0);
    expect(bytesUsed).toBeGreaterThan(1_000_000);
  });

  describe('with a lease', () => {
    const seen: (string | undefined)[] = [];
    const want = (holder: string, signal: AbortSignal, ms = 60_000) =>
      takeLease({
        ...{ url: server.url, holder, ms, signal },
        onWaiting: async (leader: SeenPeer | undefined) => {
          seen.push(leader?.http);
          return { id: holder, http: `http://${holder}`, control: undefined };
        },
        onTrouble: () => {},
      });
    beforeEach(() => seen.splice(0));

    it('one orchestrator at a time has the lease, and the next one gets it as soon as it is given back', async () => {
      const { signal } = new AbortController();
      const leader = await open({ lease: { holder: 'one', ms: 60_000 } });
      expect(await want('one', signal)).toBe(true);
      await leader.reign();
      await leader.announce({ http: 'http://one', control: 'tcp://one' });
      let isTaken = false;
      const waiting = want('two', signal).then((taken) => {
        isTaken = taken;
      });
      await expect
        .poll(async () => (await leader.peers()).map(({ id, isLeader }) => [id, isLeader]))
        .toEqual([
          ['one', true],
          ['two', false],
        ]);
      expect([isTaken, seen]).toEqual([false, ['http://one']]);
      await leader.close();
      await waiting;
      expect(isTaken).toBe(true);
      const [row] = await server.query('SELECT holder FROM tutti.leader');
      expect(row).toEqual(['two']);
    });

    it('a lease that is extended is not taken, and one that has run out is', async () => {
      const { signal } = new AbortController();
      const leader = await open({ lease: { holder: 'one', ms: 1000 } });
      expect(await want('one', signal, 1000)).toBe(true);
      const epoch = await leader.reign();
      const stopped = AbortSignal.timeout(2500);
      expect(await want('two', stopped)).toBe(false);
      await server.query(`UPDATE tutti.leader SET expires_at = clock_timestamp() - interval '1 ms'`);
      expect(await want('three', signal)).toBe(true);
      const next = await open({ lease: { holder: 'three', ms: 1000 } });
      expect(await next.reign()).toBe(epoch + 1);
      expect(await leader.commit(epoch, [put('late')])).toEqual({ kind: 'fenced', epoch: epoch + 1 });
    });

    it('a standby keeps waiting for the lease while the server is away', async () => {
      const { signal } = new AbortController();
      const leader = await open({ lease: { holder: 'one', ms: 1500 } });
      expect(await want('one', signal, 1500)).toBe(true);
      await leader.reign();
      const waiting = want('two', signal, 1500);
      await expect.poll(() => seen.length).toBe(1);
      await server.stop();
      await leader.close();
      await server.start();
      expect(await waiting).toBe(true);
    });
  });
});
