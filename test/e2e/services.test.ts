/** Services with real processes: whatever is killed, what is asked for runs again, once. */
import { readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { agentOf } from '../support/agents.js';
import type { EventTape, TapedEvent } from '../support/event-tape.js';
import { type Json, OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { tutti } from '../support/tutti.js';

const PLAYER = join(import.meta.dirname, 'nodes/player.mjs');

/** Agents and the orchestrator start anew meanwhile, on a machine that is shared. */
const LONG = { timeout: 40_000 };

const scene = new Scene();
afterAll(() => scene.end());
let orchestrator: OrchestratorProcess;
let tape: EventTape;
let folder: string;

/** Nodes of the graph's module, and a command that says who it is and stays. */
const FILE = `services:
  - name: players
    module: work
    count: 2
    require: { site: test }
    command: [${process.execPath}, ${PLAYER}]
    env: { PLAYER_CAPACITY: "1" }
    restart: { backoff: 100ms, max_backoff: 1s }
  - name: sitter
    cluster: local
    script: ./sit.sh
    args: ["\${replica.number}"]
    restart: { backoff: 100ms, max_backoff: 1s }
`;
const SIT = '#!/bin/sh\necho "$TUTTI_REPLICA is number $1"\nexec sleep 1000\n';

beforeAll(async () => {
  folder = await scene.directory();
  const file = join(folder, 'services.yaml');
  await writeFile(file, FILE);
  await writeFile(join(folder, 'sit.sh'), SIT);
  orchestrator = await OrchestratorProcess.up(scene, {
    graphs: ['one'],
    args: ['--service', file, '--curve', 'on'],
  });
  tape = orchestrator.tape();
  for (const name of ['lab', 'barn'])
    await orchestrator.post('/v1/clusters', {
      ...{ name, type: 'local', slots: 16, resources: { cpus: 64 }, labels: { site: 'test' } },
      ...{ workdir: join(folder, name), status: name === 'lab' ? 'active' : 'inactive' },
    });
});

const of = (type: string, replica: string) => (event: TapedEvent) =>
  event.type === type && event.replica_id === replica;
const service = async (name: string): Promise<Json> => (await orchestrator.get(`/v1/services/${name}`)).body;

/** What runs of a replica, or of all; it is known by the folder that it runs in. */
async function processesOf(replica?: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const isOurs = async (pid: string): Promise<boolean> => {
    try {
      const cwd = await readlink(`/proc/${pid}/cwd`);
      if (![folder, orchestrator.ready.data].some((ours) => cwd.startsWith(ours))) return false;
      const variables = (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0');
      return variables.some((one) =>
        replica === undefined ? one.startsWith('TUTTI_REPLICA=') : one === `TUTTI_REPLICA=${replica}`,
      );
    } catch {
      // It has ended meanwhile, or is another user's.
      return false;
    }
  };
  const ours = await Promise.all(pids.map(isOurs));
  return pids.filter((_, index) => ours[index]).map(Number);
}

describe('services', () => {
  it('are up with the orchestrator that is given their file, and do the work of their graph', async () => {
    await tape.first('a replica that is ready', of('replica.ready', 'players-1'));
    await tape.first('a replica that is ready', of('replica.ready', 'players-2'));
    await tape.first('a replica that runs', of('replica.running', 'sitter-1'));
    const { health, replicas } = await service('players');
    expect([health, replicas.map((each: Json) => [each.replica_id, each.cluster, each.observed])]).toEqual([
      'ok',
      [
        ['players-1', 'lab', 'ready'],
        ['players-2', 'lab', 'ready'],
      ],
    ]);
    expect(await processesOf()).toHaveLength(3);
    const { task_id } = await orchestrator.submit('one', {});
    expect(await tape.ended(task_id)).toEqual(['succeeded']);
  });

  it('start a replica again that was killed from outside, which registers under a key of its own', async () => {
    const [pid] = await processesOf('players-1');
    process.kill(pid!, 'SIGKILL');
    await tape.first('its end', of('replica.failed', 'players-1'));
    await tape.first(
      'its next run',
      ({ type, replica_id, restarts }) =>
        type === 'replica.placed' && replica_id === 'players-1' && restarts === 1,
    );
    await expect
      .poll(async () => (await service('players')).replicas.map((each: Json) => each.observed), LONG)
      .toEqual(['ready', 'ready']);
    const { items } = (await orchestrator.get('/v1/node-keys')).body;
    expect(
      items
        .map((key: Json) => key.instance)
        .filter((instance: string) => instance.startsWith('players'))
        .sort(),
    ).toEqual(['players-1', 'players-2']);
    expect(await processesOf('players-1')).toHaveLength(1);
  });

  it.each([
    ['restarted', () => orchestrator.post('/v1/services/players/commands', { command: 'restart' }), 'lab'],
    [
      'moved off a cluster that is drained',
      async () => {
        await orchestrator.patch('/v1/clusters/barn', { status: 'active' });
        await orchestrator.patch('/v1/clusters/lab', { status: 'draining' });
      },
      'barn',
    ],
  ])(
    'are %s to the end though their agent and the orchestrator are killed on the way',
    async (_what, begin, cluster) => {
      const before = tape.cursor;
      const since =
        (match: (event: TapedEvent) => boolean) =>
        (event: TapedEvent): boolean =>
          event.seq > before && match(event);
      await begin();
      await tape.first('the next run of a replica', since(of('replica.starting', 'players-1')));
      const agent = await agentOf(orchestrator.ready.data, cluster);
      process.kill(agent!.pid, 'SIGKILL');
      await orchestrator.process.end('SIGKILL');
      await orchestrator.restart();
      for (const replica of ['players-1', 'players-2']) {
        await tape.first(`the next run of ${replica}`, since(of('replica.placed', replica)));
        await tape.first(`${replica}, ready again`, since(of('replica.ready', replica)));
      }
      await expect
        .poll(async () => {
          const { replicas } = await service('players');
          return replicas.map((each: Json) => [each.cluster, each.observed]);
        })
        .toEqual([
          [cluster, 'ready'],
          [cluster, 'ready'],
        ]);
      for (const replica of ['players-1', 'players-2']) expect(await processesOf(replica)).toHaveLength(1);
      expect((await orchestrator.get(`/v1/clusters/${cluster}`)).body.running).toBe(2);
    },
  );

  it('leave no process behind when they are removed', async () => {
    for (const name of ['players', 'sitter']) {
      const { stdout, code } = await tutti(scene, ['service', 'remove', name], {
        TUTTI_URL: orchestrator.ready.http,
      });
      expect([code, stdout]).toEqual([0, `${name}  being removed\n`]);
      await tape.first(
        `the end of ${name}`,
        ({ type, service: of }) => type === 'service.removed' && of === name,
      );
    }
    expect((await orchestrator.get('/v1/services')).body.items).toEqual([]);
    expect(await processesOf()).toEqual([]);
  });
});
