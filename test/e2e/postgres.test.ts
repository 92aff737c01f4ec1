/** An orchestrator whose store is in PostgreSQL: the database and each orchestrator are killed, stopped and started again. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SIX } from '../support/nodes.js';
import { OrchestratorProcess, pathOf, TUTTI } from '../support/orchestrator.js';
import { hasPostgres, type PostgresServer, startPostgres } from '../support/postgres.js';
import { Scene, type Spawned } from '../support/processes.js';
import { outputFaults, startSix } from '../support/six-nodes.js';
import { tutti } from '../support/tutti.js';

const LEASE_MS = 2000;
/** Longer than a test waits: only a lease that was given back is taken. */
const LONG_LEASE_MS = 600_000;

describe.skipIf(!hasPostgres)('an orchestrator on PostgreSQL', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.remove());
  beforeEach(() => server.query('DROP SCHEMA IF EXISTS tutti CASCADE'));

  const onStore = (leaseMs = LEASE_MS) => ({
    env: { TUTTI_STORE: server.url, TUTTI_LEASE: `${leaseMs}ms` },
  });
  const eventually = (what: () => Promise<unknown>) => expect.poll(what, { interval: 50, timeout: 30_000 });

  async function expectSound(scene: Scene, data: string): Promise<void> {
    const { code, stdout } = await tutti(scene, ['check', '--data', data, '--json'], {
      TUTTI_STORE: server.url,
    });
    expect([JSON.parse(stdout), code]).toMatchObject([{ ok: true, faults: [] }, 0]);
  }

  it('an orchestrator is killed in the middle of many tasks, again and again: nothing is lost, and the check finds no fault', async () => {
    const scene = Scene.ofTest();
    const { orchestrator } = await startSix(scene, onStore());
    const tape = orchestrator.tape();
    const script = Object.fromEntries(SIX.map((module) => [module, { random_ms: 40 }]));
    const submitted = Array.from({ length: 20 }, () => orchestrator.submit('six', script));
    const tasks = (await Promise.all(submitted)).map(({ task_id }) => task_id);
    for (const outputs of [20, 60]) {
      await tape.some('an output', outputs, ({ type }) => type === 'output.recorded');
      await orchestrator.process.end('SIGKILL');
      await orchestrator.restart();
    }
    expect(new Set(await tape.ended(...tasks))).toEqual(new Set(['succeeded']));
    expect(outputFaults(tape, tasks)).toEqual([]);
    for (const task of tasks) expect(await orchestrator.executions(task)).toHaveLength(SIX.length);
    await expectSound(scene, orchestrator.ready.data);
  });

  it('an orchestrator takes no work and tells nobody anything while its database is away, and continues by itself', async () => {
    const scene = Scene.ofTest();
    const { orchestrator } = await startSix(scene, onStore());
    const tape = orchestrator.tape();
    const script = Object.fromEntries(SIX.map((module) => [module, { random_ms: 60 }]));
    const submitted = Array.from({ length: 12 }, () => orchestrator.submit('six', script));
    const tasks = (await Promise.all(submitted)).map(({ task_id }) => task_id);
    await tape.some('an output', 20, ({ type }) => type === 'output.recorded');
    await server.kill();
    await eventually(async () => (await orchestrator.get('/readyz')).status).toBe(503);
    const refused = await orchestrator.post('/v1/problems', { graph: 'six', input: script });
    expect([refused.status, refused.body.error.code]).toEqual([503, 'store_unavailable']);
    const unread = await orchestrator.get('/v1/problems');
    expect([unread.status, unread.body.error.code]).toEqual([503, 'store_unavailable']);
    const told = tape.events.length;
    // Longer than the lease: nobody else wants it.
    await new Promise((resolve) => setTimeout(resolve, LEASE_MS + 500));
    expect([tape.events.length, orchestrator.process.isRunning]).toEqual([told, true]);
    await server.start();
    expect(new Set(await tape.ended(...tasks))).toEqual(new Set(['succeeded']));
    expect(outputFaults(tape, tasks)).toEqual([]);
    const { task_id: later } = await orchestrator.submit('six', script);
    expect(await tape.ended(later)).toEqual(['succeeded']);
    const history = await orchestrator.get(`${pathOf(tasks[0]!)}/events?limit=1000`);
    expect(history.body.items.map(({ seq }: { seq: number }) => seq)).toEqual(
      tape.of(tasks[0]!).map(({ seq }) => seq),
    );
    await expectSound(scene, orchestrator.ready.data);
  });

  async function standby(scene: Scene, blobs: string, leaseMs?: number): Promise<Spawned> {
    const ports = ['http', 'control', 'outputs', 'events'].flatMap((name) => [`--${name}-port`, '0']);
    const args = [TUTTI, 'up', '--data', await scene.directory(), '--blobs', blobs, ...ports];
    return scene.spawn(args, onStore(leaseMs).env);
  }

  it('a standby waits while another orchestrator leads, and takes over at once when that one is told to stop', async () => {
    const scene = Scene.ofTest();
    const blobs = await scene.directory();
    const leader = await OrchestratorProcess.up(scene, {
      ...{ graphs: ['one'], args: ['--blobs', blobs] },
      ...onStore(LONG_LEASE_MS),
    });
    const { problem_id } = await leader.submit('one', {});
    const second = await standby(scene, blobs, LONG_LEASE_MS);
    const { http, control } = leader.ready;
    expect(JSON.parse(await second.line('standby '))).toEqual({ leader: { http, control } });
    let own = '';
    await eventually(async () => {
      const [row] = await server.query(`SELECT http FROM tutti.peers WHERE http <> '${http}'`);
      own = String(row?.[0] ?? '');
      return own;
    }).not.toBe('');
    expect((await fetch(`${own}/livez`)).status).toBe(200);
    for (const path of ['/readyz', '/v1/problems']) {
      const answer = await fetch(own + path, { redirect: 'manual' });
      expect([path, answer.status, await answer.json()]).toMatchObject([
        path,
        503,
        { error: { code: 'standby' } },
      ]);
    }
    const seen_at = expect.any(String);
    expect((await leader.get('/v1/peers')).body).toEqual({
      items: [
        { http, control, role: 'leader', seen_at },
        { http: own, control: null, role: 'standby', seen_at },
      ],
    });
    await leader.process.end('SIGTERM');
    const ready = JSON.parse(await second.line('ready '));
    expect(ready).toMatchObject({ epoch: leader.ready.epoch + 1, store_id: leader.ready.store_id });
    const peers = await fetch(`${ready.http}/v1/peers`);
    expect(await peers.json()).toEqual({
      items: [{ http: ready.http, control: ready.control, role: 'leader', seen_at }],
    });
    const found = await fetch(`${ready.http}/v1/problems/${problem_id}`);
    expect(found.status).toBe(200);
  });

  it('a leader that was suspended for longer than its lease changes nothing, and ends as fenced', async () => {
    const scene = Scene.ofTest();
    const blobs = await scene.directory();
    const leader = await OrchestratorProcess.up(scene, {
      ...{ graphs: ['one'], args: ['--blobs', blobs] },
      ...onStore(),
    });
    const second = await standby(scene, blobs);
    await second.line('standby ');
    leader.process.signal('SIGSTOP');
    const late = fetch(`${leader.ready.http}/v1/problems`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ graph: 'one', input: {} }),
    }).then(
      async (answer) => answer.status,
      () => 'no answer',
    );
    const ready = JSON.parse(await second.line('ready '));
    leader.process.signal('SIGCONT');
    expect((await leader.process.exited).code).not.toBe(0);
    expect(leader.process.stderr).toContain('fenced');
    expect(await late).not.toBe(201);
    const { items } = (await (await fetch(`${ready.http}/v1/problems`)).json()) as { items: unknown[] };
    expect(items).toEqual([]);
  });

  it('a start says what is wrong where the database or its URL cannot be used', async () => {
    const scene = Scene.ofTest();
    const data = await scene.directory();
    const start = (store: string) => tutti(scene, ['up', '--data', data], { TUTTI_STORE: store });
    const dead = await start('postgres://tutti:hidden@127.0.0.1:1/postgres');
    expect([dead.code, dead.stderr]).toEqual([1, expect.stringContaining('store_unavailable')]);
    expect(dead.stderr).not.toContain('hidden');
    const none = await start(
      server.url.replace('/postgres', '/nothing').replace('//tutti@', '//tutti:hidden@'),
    );
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('store_unusable')]);
    const bad = await start(`${server.url}?target_session_attrs=standby`);
    expect([bad.code, bad.stderr]).toEqual([2, expect.stringContaining('bad_store_url')]);
    const foreign = await start('mysql://localhost/x');
    expect([foreign.code, foreign.stderr]).toEqual([2, expect.stringContaining('bad_config')]);
  });
});
