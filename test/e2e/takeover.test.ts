/** Nodes, clients and commands that know the addresses of two orchestrators of one store, of which the leader is killed. */

import { writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Iteration, type StreamedEvent, Tutti } from '../../src/client/index.js';
import { missing, python, root } from '../python/python.js';
import { startNode } from '../support/nodes.js';
import { OrchestratorProcess, TUTTI } from '../support/orchestrator.js';
import { hasPostgres, type PostgresServer, startPostgres } from '../support/postgres.js';
import { Scene, type Spawned } from '../support/processes.js';

const needed = ['zmq', 'google.protobuf', 'httpx', 'websockets', 'markdown_it'];
const LEASE = '2s';
const PORTS = ['http', 'control', 'outputs', 'events'] as const;
const MODULES = ['first', 'second'];

const SUBMIT = `
import sys
from tutti import Tutti
with Tutti() as tutti:
    for number in range(int(sys.argv[1])):
        print("task", tutti.submit("both", {"number": number}).wait().task_id, flush=True)
`;

/** One of those that were free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe.skipIf(!hasPostgres || missing(...needed) !== undefined)('two orchestrators of one store', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.remove());
  beforeEach(() => server.query('DROP SCHEMA IF EXISTS tutti CASCADE'));

  async function startStandby(scene: Scene): Promise<{ process: Spawned; http: string; control: string }> {
    const ports = await Promise.all(PORTS.map(freePort));
    const args = PORTS.flatMap((name, at) => [`--${name}-port`, String(ports[at])]);
    const env = { TUTTI_STORE: server.url, TUTTI_LEASE: LEASE };
    const process = scene.spawn([TUTTI, 'up', '--data', await scene.directory(), ...args], env);
    await process.line('standby ');
    return { process, http: `http://127.0.0.1:${ports[0]}`, control: `tcp://127.0.0.1:${ports[1]}` };
  }

  it('nodes in both languages, a command and clients go on at the other one when the leader is killed, and every output is there once', async () => {
    const scene = Scene.ofTest();
    const leader = await OrchestratorProcess.up(scene, {
      ...{ graphs: ['both'], env: { TUTTI_STORE: server.url, TUTTI_LEASE: LEASE } },
    });
    const standby = await startStandby(scene);
    const control = `${leader.ready.control},${standby.control}`;
    const url = `${leader.ready.http},${standby.http}`;
    const first = startNode(scene, leader, { module: 'first', control, capacity: 4 });
    const env = { PYTHONPATH: join(root, 'python/src'), PYTHONDONTWRITEBYTECODE: '1' };
    const ofNode = { TUTTI_CONTROL: control, TUTTI_MODULE: 'second', TUTTI_INSTANCE: 'second' };
    const second = scene.spawn([join(root, 'test/e2e/nodes/echo.py')], { ...env, ...ofNode }, root, python);
    await first.line('registered ');
    await expect.poll(() => second.stderr, { timeout: 30_000 }).toContain('registered');

    const tutti = new Tutti({ url });
    const stop = new AbortController();
    const events: StreamedEvent[] = [];
    const following = (async () => {
      for await (const followed of tutti.follow({ cursor: 0, signal: stop.signal })) {
        expect(followed.kind).toBe('events');
        if (followed.kind === 'events') events.push(...followed.events);
      }
    })();
    const outputs = (): StreamedEvent[] => events.filter(({ type }) => type === 'output.recorded');
    const go = join(await scene.directory(), 'go');
    const held = await tutti.submit('both', { first: { hold: go } });
    const watch = scene.spawn([TUTTI, 'watch', held.taskId, '--url', url], {});
    const submitter = scene.spawn(['-u', '-c', SUBMIT, '12'], { ...env, TUTTI_URL: url }, root, python);
    const work: Promise<Iteration>[] = [];
    for (let number = 0; number < 12; number += 1) {
      work.push(tutti.submit('both', { number }, { key: `k${number}` }).then((each) => each.wait()));
      if (number !== 5) continue;
      await expect.poll(() => outputs().length, { timeout: 60_000 }).toBeGreaterThan(4);
      await leader.process.end('SIGKILL');
    }
    const ready = JSON.parse(await standby.process.line('ready '));
    expect(ready.epoch).toBe(leader.ready.epoch + 1);
    const done = await Promise.all(work);
    await writeFile(go, '');
    expect((await held.wait()).state).toBe('succeeded');
    expect([(await watch.exited).code, watch.stderr]).toEqual([0, '']);
    expect((await submitter.exited).code, submitter.stderr).toBe(0);
    const submitted = [...submitter.stdout.matchAll(/^task (\S+)/gm)].map(([, task]) => task!);
    const tasks = [held.taskId, ...done.map(({ taskId }) => taskId), ...submitted];
    expect(new Set(tasks).size).toBe(25);

    const expected = tasks.flatMap((task) => MODULES.map((module) => `${task} ${module}`)).sort();
    const recorded = () =>
      outputs()
        .map(({ problem_id, iteration_id, module }) => `${problem_id}/${iteration_id} ${module}`)
        .sort();
    await expect.poll(recorded, { timeout: 30_000 }).toEqual(expected);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    stop.abort();
    await following;
    for (const node of [first, second]) expect(node.stderr).toContain('registered again');
    const peers = await tutti.peers();
    expect(peers.map(({ http, role }) => [http, role])).toContainEqual([standby.http, 'leader']);
  });
});
