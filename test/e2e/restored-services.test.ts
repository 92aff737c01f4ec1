/** An older backup is restored while an agent and the processes of its replicas go on: what the backup asks for runs, and nothing else. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { processesOf } from '../fleet/processes.js';
import { OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { tutti } from '../support/tutti.js';

const LONG = { timeout: 40_000 };

const scene = new Scene();
afterAll(() => scene.end());
let folder: string;
let orchestrator: OrchestratorProcess;

beforeAll(async () => {
  folder = await scene.directory();
  orchestrator = await OrchestratorProcess.up(scene);
  await orchestrator.post('/v1/clusters', {
    ...{ name: 'lab', type: 'local', slots: 16, resources: { cpus: 64 }, workdir: join(folder, 'lab') },
  });
});

const apply = (name: string, count: number) =>
  orchestrator.put(`/v1/services/${name}`, {
    ...{ count, cluster: 'lab', command: ['sleep', '1000'], env: { FLEET_TRIAL: folder } },
    restart: { backoff: '100ms', max_backoff: '1s' },
  });

/** The replicas whose commands run, one for each process. */
const running = (): string[] =>
  processesOf(folder, folder)
    .flatMap(({ replica, command }) => (replica !== undefined && command === 'sleep 1000' ? replica : []))
    .sort();

it('a restored backup has its services run, and what it does not know of is stopped', async () => {
  await apply('old', 1);
  await expect.poll(running, LONG).toEqual(['old-1']);
  const backup = join(folder, 'backup');
  expect((await tutti(scene, ['backup', backup, '--data', orchestrator.ready.data])).code).toBe(0);
  // After the backup: more of a service, another run of what was there, and another service.
  await apply('old', 2);
  await apply('new', 2);
  await expect.poll(running, LONG).toEqual(['new-1', 'new-2', 'old-1', 'old-2']);
  const runOf = async (): Promise<string> =>
    (await orchestrator.get('/v1/services/old')).body.replicas[0].task_id;
  const before = await runOf();
  await orchestrator.post('/v1/services/old/commands', { command: 'restart' });
  await expect.poll(runOf, LONG).not.toBe(before);
  await expect.poll(running, LONG).toEqual(['new-1', 'new-2', 'old-1', 'old-2']);
  await orchestrator.process.end('SIGKILL');
  const restored = await tutti(scene, ['restore', backup, '--data', orchestrator.ready.data]);
  expect(restored, restored.stderr).toMatchObject({ code: 0 });
  await orchestrator.restart();
  await expect
    .poll(async () => {
      const { items } = (await orchestrator.get('/v1/services')).body;
      return items.map(({ name, health }: { name: string; health: string }) => [name, health]);
    }, LONG)
    .toEqual([['old', 'ok']]);
  await expect.poll(running, LONG).toEqual(['old-1']);
  // So it stays, with a replica of the backup that is up.
  await expect
    .poll(
      async () =>
        (await orchestrator.get('/v1/services/old')).body.replicas.map(
          ({ observed }: { observed: string }) => observed,
        ),
      LONG,
    )
    .toEqual(['running']);
  await tutti(scene, ['service', 'remove', 'old', '--url', orchestrator.ready.http]);
  await expect.poll(running, LONG).toEqual([]);
}, 120_000);
