/** An older backup is restored while an agent and the processes of its replicas go on: what the backup asks for runs, and nothing else. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { processesOf } from '../fleet/processes.js';
import { OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { hasSlurm, Slurm } from '../support/slurm.js';
import { tutti } from '../support/tutti.js';

const LONG = { timeout: 40_000 };

const scene = new Scene();
afterAll(() => scene.end());
let folder: string;
let orchestrator: OrchestratorProcess;
let slurm: Slurm | undefined;

beforeAll(async () => {
  folder = await scene.directory();
  slurm = hasSlurm ? await Slurm.start(scene) : undefined;
  orchestrator = await OrchestratorProcess.up(scene, { env: slurm?.env ?? {} });
  await orchestrator.post('/v1/clusters', {
    ...{ name: 'lab', type: 'local', slots: 16, resources: { cpus: 64 }, workdir: join(folder, 'lab') },
  });
});

const apply = (name: string, count: number, cluster = 'lab') =>
  orchestrator.put(`/v1/services/${name}`, {
    ...{ count, cluster, command: ['sleep', '1000'], env: { FLEET_TRIAL: folder } },
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

it.skipIf(!hasSlurm)(
  'a job that a restored backup does not know of leaves the queue, and the log says so',
  async () => {
    const jobs = async (state: string): Promise<number> =>
      (await slurm!.command('squeue', '-h', '-t', state, '-o', '%i')).split('\n').filter((id) => id !== '')
        .length;
    await orchestrator.post('/v1/clusters', {
      ...{ name: 'hpc', type: 'slurm', slots: 8, resources: { cpus: 8 }, workdir: join(folder, 'hpc') },
    });
    await apply('kept', 1, 'hpc');
    await expect.poll(() => jobs('RUNNING'), LONG).toBe(1);
    const backup = join(folder, 'with-jobs');
    expect((await tutti(scene, ['backup', backup, '--data', orchestrator.ready.data])).code).toBe(0);
    // Nothing more is started, so that the jobs of the new service wait.
    await slurm!.command('scontrol', 'update', 'PartitionName=debug', 'State=DOWN');
    await apply('later', 2, 'hpc');
    await expect.poll(() => jobs('PENDING'), LONG).toBe(2);
    await orchestrator.process.end('SIGKILL');
    const restored = await tutti(scene, ['restore', backup, '--data', orchestrator.ready.data]);
    expect(restored, restored.stderr).toMatchObject({ code: 0 });
    await orchestrator.restart();
    await expect.poll(() => jobs('PENDING'), LONG).toBe(0);
    expect(await jobs('RUNNING')).toBe(1);
    expect(orchestrator.process.stderr).toContain('"code":"not_asked_for"');
    await tutti(scene, ['service', 'remove', 'kept', '--url', orchestrator.ready.http]);
    await expect.poll(() => jobs('RUNNING'), LONG).toBe(0);
  },
  120_000,
);
