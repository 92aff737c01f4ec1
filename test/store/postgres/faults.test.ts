/** What becomes of a store on PostgreSQL when the server, or the way to it, fails at any moment. */
import type { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openPostgresReadOnly } from '../../../src/store/postgres/read-only.js';
import {
  openPostgresStore,
  type PostgresOptions,
  type PostgresStore,
} from '../../../src/store/postgres/store.js';
import type { Write } from '../../../src/store/store.js';
import { hasPostgres, type PostgresServer, startPostgres } from '../../support/postgres.js';
import { Scene } from '../../support/processes.js';
import { TcpProxy } from '../../support/proxy.js';

const COMMITTED = { kind: 'committed' };
const put = (key: string): Write => ({ op: 'put', table: 'events', key: [key], value: Buffer.from(key) });

describe.skipIf(!hasPostgres)('a store on PostgreSQL', () => {
  let server: PostgresServer;
  const opened: PostgresStore[] = [];

  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.remove());
  beforeEach(() => server.query('DROP SCHEMA IF EXISTS tutti CASCADE'));
  afterEach(() => Promise.all(opened.splice(0).map((store) => store.close())));

  async function open(options: Partial<PostgresOptions> = {}): Promise<PostgresStore> {
    const store = await openPostgresStore({ url: server.url, ...options });
    opened.push(store);
    return store;
  }

  async function openThrough(
    proxy: TcpProxy,
    options: Partial<PostgresOptions> = {},
  ): Promise<PostgresStore> {
    return open({ url: `postgres://tutti@${new URL(proxy.endpoint).host}/postgres`, ...options });
  }

  /** Until its end, or that of the test. */
  async function locked(table: string, mode: string): Promise<Client> {
    const lock = await server.session();
    Scene.ofTest().atEnd(() => lock.end());
    await lock.query('BEGIN');
    await lock.query(`LOCK TABLE ${table} IN ${mode} MODE`);
    return lock;
  }

  const number = async (sql: string) => Number((await server.query(sql))[0]![0]);
  const newest = 'SELECT greatest(position, (SELECT max(position) FROM tutti.log)) FROM tutti.applied';
  const eventually = (what: () => Promise<unknown>) => expect.poll(what, { interval: 20, timeout: 20_000 });
  const keysIn = async (store: PostgresStore) =>
    (await store.keys('events', { prefix: [] })).map(([key]) => key);

  it('a commit whose answer was lost is found again, and takes effect once', async () => {
    const proxy = await TcpProxy.to(Scene.ofTest(), `tcp://127.0.0.1:${server.port}`);
    const store = await openThrough(proxy);
    const epoch = await store.reign();
    await store.commit(epoch, [put('a')]);
    proxy.swallow();
    const lost = store.commit(epoch, [put('b')]);
    await eventually(() => number(newest)).toBe(2);
    proxy.cut();
    expect(await lost).toMatchObject({ kind: 'unknown' });
    expect(await store.commit(epoch, [put('b')])).toEqual(COMMITTED);
    expect([store.position, await number(newest)]).toEqual([2, 2]);
    expect(await store.commit(epoch, [put('c')])).toEqual(COMMITTED);
    expect(await keysIn(store)).toEqual(['a', 'b', 'c']);
  });

  it('a commit that was lost before it took effect is made again, and takes effect once', async () => {
    const proxy = await TcpProxy.to(Scene.ofTest(), `tcp://127.0.0.1:${server.port}`);
    const store = await openThrough(proxy);
    const epoch = await store.reign();
    await store.commit(epoch, [put('a')]);
    await store.applied(store.position);
    const lock = await locked('tutti.log', 'SHARE');
    const lost = store.commit(epoch, [put('b')]);
    const waiting = `SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'INSERT INTO tutti.log%'`;
    await eventually(() => number(waiting)).toBe(1);
    proxy.cut();
    expect(await lost).toMatchObject({ kind: 'unknown' });
    const again = store.commit(epoch, [put('b')]);
    await eventually(() => number('SELECT session FROM tutti.leader')).toBeGreaterThan(1);
    await lock.end();
    expect(await again).toEqual(COMMITTED);
    expect([store.position, await number(newest)]).toEqual([2, 2]);
    expect(await keysIn(store)).toEqual(['a', 'b']);
  });

  it('another batch than the one whose answer was lost is refused where that one is stored', async () => {
    const proxy = await TcpProxy.to(Scene.ofTest(), `tcp://127.0.0.1:${server.port}`);
    const store = await openThrough(proxy);
    const epoch = await store.reign();
    proxy.swallow();
    const lost = store.commit(epoch, [put('a')]);
    await eventually(() => number(newest)).toBe(1);
    proxy.cut();
    await lost;
    await expect(store.commit(epoch, [put('b')])).rejects.toMatchObject({ code: 'store_failed' });
    const next = await open();
    await next.reign();
    expect(await keysIn(next)).toEqual(['a']);
  });

  it('the store says that its server is gone, and takes commits again by itself when it is back', async () => {
    const store = await open();
    const epoch = await store.reign();
    await store.commit(epoch, [put('a')]);
    await server.kill();
    expect(await store.commit(epoch, [put('b')])).toMatchObject({
      kind: expect.stringMatching(/^(full|unknown)$/),
    });
    await vi.waitFor(() => expect(store.outOfPlace()).toMatchObject({ code: 'store_unavailable' }));
    await expect(store.keys('events', { prefix: [] })).rejects.toMatchObject({ code: 'store_unavailable' });
    await expect(store.get('events', ['never'])).rejects.toMatchObject({ code: 'store_unavailable' });
    await server.start();
    // Nobody commits meanwhile.
    await eventually(async () => store.outOfPlace()).toBeUndefined();
    expect(await store.commit(epoch, [put('b')])).toEqual(COMMITTED);
    await store.applied(store.position);
    expect(await keysIn(store)).toEqual(['a', 'b']);
  });

  it('what was acknowledged is there after each kill of the server', async () => {
    const store = await open();
    const epoch = await store.reign();
    const acknowledged: string[] = [];
    for (let round = 0; round < 3; round += 1) {
      const target = acknowledged.length + 40;
      const killing = eventually(async () => acknowledged.length)
        .toBeGreaterThan(target - 20)
        .then(() => server.kill())
        .then(() => server.start());
      while (acknowledged.length < target) {
        const key = String(acknowledged.length).padStart(4, '0');
        while ((await store.commit(epoch, [put(key)])).kind !== 'committed')
          await new Promise((resolve) => setTimeout(resolve, 20));
        acknowledged.push(key);
      }
      await killing;
    }
    expect(await keysIn(store)).toEqual(acknowledged);
    await store.close();
    expect(await keysIn(await open())).toEqual(acknowledged);
    expect(await number(newest)).toBe(acknowledged.length);
  });

  it('the log is read to its end where the tables were left behind, by a new reign and by a reader', async () => {
    const store = await open();
    const epoch = await store.reign();
    const lock = await locked('tutti.applied', 'EXCLUSIVE');
    for (const key of ['a', 'b', 'c']) expect(await store.commit(epoch, [put(key)])).toEqual(COMMITTED);
    const beside = await openPostgresReadOnly(server.url);
    const seen = await beside.snapshot((reader) => reader.keys('events', { prefix: [] }));
    expect(seen).toEqual([['a'], ['b'], ['c']]);
    await beside.close();
    const next = await open();
    const reigning = next.reign();
    await eventually(() => number('SELECT epoch FROM tutti.leader')).toBe(2);
    await lock.end();
    expect(await reigning).toBe(2);
    expect(await keysIn(next)).toEqual(['a', 'b', 'c']);
    expect(await number('SELECT count(*) FROM tutti.log')).toBe(0);
    expect(await store.commit(epoch, [put('late')])).toEqual({ kind: 'fenced', epoch: 2 });
  });

  it('nothing is written to the tables once another epoch has them', async () => {
    const store = await open();
    const epoch = await store.reign();
    await server.query('UPDATE tutti.applied SET epoch = 2');
    expect(await store.commit(epoch, [put('a')])).toEqual(COMMITTED);
    await expect(store.applied(store.position)).rejects.toMatchObject({ code: 'fenced' });
    await expect(store.applied(store.position)).rejects.toMatchObject({ code: 'fenced' });
    expect(await number('SELECT count(*) FROM tutti.events')).toBe(0);
  });

  it('a commit of the log that was changed or is missing is named', async () => {
    const store = await open();
    const epoch = await store.reign();
    const lock = await locked('tutti.applied', 'EXCLUSIVE');
    for (const key of ['a', 'b']) await store.commit(epoch, [put(key)]);
    const check = async () => {
      const beside = await openPostgresReadOnly(server.url);
      try {
        await beside.snapshot(async () => 1);
      } finally {
        await beside.close();
      }
    };
    await server.query(`UPDATE tutti.log SET record = set_byte(record, 50, 1) WHERE position = 2`);
    await expect(check()).rejects.toMatchObject({
      code: 'store_damaged',
      message: expect.stringContaining('commit 2'),
    });
    await server.query('DELETE FROM tutti.log WHERE position = 1');
    await expect(check()).rejects.toMatchObject({ message: expect.stringContaining('commit 1') });
    await lock.end();
  });

  it('a database that was replaced by an older state of it is not written to', async () => {
    const fenced: string[] = [];
    const store = await open({ onFenced: ({ code }) => fenced.push(code) });
    const epoch = await store.reign();
    await store.commit(epoch, [put('a')]);
    await store.commit(epoch, [put('b')]);
    await store.applied(store.position);
    await server.query('UPDATE tutti.applied SET position = 1');
    await server.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'",
    );
    await eventually(async () => fenced).toEqual(['store_failed']);
    await expect(store.commit(epoch, [put('c')])).rejects.toMatchObject({
      code: 'store_failed',
      message: expect.stringContaining('is 1, and 2 was acknowledged last'),
    });
  });

  it('a leader that commits nothing is told that it is fenced', async () => {
    const fenced: string[] = [];
    const lease = (holder: string) => ({ lease: { holder, ms: 1000 } });
    const leader = await open({ ...lease('one'), onFenced: ({ code }) => fenced.push(code) });
    await expect(leader.reign()).rejects.toMatchObject({ code: 'fenced' });
    await server.query(`UPDATE tutti.leader SET holder = 'one'`);
    await leader.reign();
    await server.query(`UPDATE tutti.leader SET holder = 'two'`);
    await (await open(lease('two'))).reign();
    await eventually(async () => fenced).toEqual(['fenced']);
  });
});
