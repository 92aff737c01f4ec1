/** Campaigns that bring their own nodes, with real processes, over kill -9 of the orchestrator in every phase. */
import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Json, OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { tutti } from '../support/tutti.js';

const NODES = join(import.meta.dirname, 'nodes');

/** Notes what it does, and waits as long as there is a file `hold`. */
const NOTE = `#!/bin/sh
echo "$TUTTI_MODULE" >> "$FOLDER/steps"
while [ -e "$FOLDER/hold" ]; do sleep 0.05; done
[ ! -e "$FOLDER/fail-$TUTTI_MODULE" ]
`;

const scene = Scene.ofFile();
let folder: string;
let orchestrator: OrchestratorProcess;
let blueprint: string;
let files: Record<string, string>;

const at = (name: string): string => join(folder, name);
const lines = async (name: string): Promise<string[]> =>
  (await readFile(at(name), 'utf8')).split('\n').filter((line) => line !== '');

beforeAll(async () => {
  folder = await scene.directory();
  for (const name of ['steps', 'journal', 'go']) await writeFile(at(name), '');
  await writeFile(at('note.sh'), NOTE);
  const env = { FOLDER: folder, MEASURER_JOURNAL: at('journal'), MEASURER_HOLD: at('go') };
  orchestrator = await OrchestratorProcess.up(scene, { env, graphs: ['sweep'] });
  await orchestrator.post('/v1/clusters', {
    ...{ name: 'lab', type: 'local', slots: 16, resources: { cpus: 64 }, workdir: at('lab') },
  });
  const command = JSON.stringify([process.execPath, join(NODES, 'measurer.mjs')]);
  blueprint = `
blueprint: weighing
components:
  scales: { cluster: lab, operations: { create: ./note.sh, delete: ./note.sh } }
  weigher: { after: [scales], service: { cluster: lab, module: measure, count: 2, command: ${command} } }
`;
  await writeFile(at('weighing.yaml'), blueprint);
  const sha256 = createHash('sha256').update(NOTE).digest('hex');
  const put = await fetch(`${orchestrator.ready.http}/v1/blobs/${sha256}`, { method: 'PUT', body: NOTE });
  expect(put.ok).toBe(true);
  files = { 'note.sh': sha256 };
});

async function run(name: string, more: Json = {}): Promise<string> {
  await writeFile(at('steps'), '');
  const { status, body } = await orchestrator.post('/v1/campaigns', {
    ...{ name, graph: 'sweep', input: { waits: true }, deployment: { blueprint, files } },
    policy: { propose: { grid: { '/x': [1, 2, 3, 4] } }, max_parallel: 2 },
    ...more,
  });
  expect([status, body.error]).toEqual([202, undefined]);
  return String(body.campaign_id);
}

const campaign = async (id: string): Promise<Json> => (await orchestrator.get(`/v1/campaigns/${id}`)).body;
const deploymentOf = async (id: string): Promise<Json> => {
  const { deployment } = await campaign(id);
  return (await orchestrator.get(`/v1/deployments/${deployment.deployment_id}`)).body;
};
const becomes = async (id: string, phase: string): Promise<void> => {
  await expect.poll(async () => (await campaign(id)).phase, { timeout: 30_000 }).toBe(phase);
};
const hold = (): Promise<void> => writeFile(at('hold'), '');
const release = (): Promise<void> => rm(at('hold'));

async function killed(): Promise<void> {
  await orchestrator.process.end('SIGKILL');
  await orchestrator.restart();
}

/** Nobody plays the module any longer. */
async function nodesAreGone(): Promise<void> {
  const alive = async (): Promise<number> => {
    const { items } = (await orchestrator.get('/v1/nodes')).body;
    return items.filter((one: Json) => one.module === 'measure' && one.liveness === 'alive').length;
  };
  await expect.poll(alive, { timeout: 30_000 }).toBe(0);
}

describe('a campaign with a blueprint', () => {
  it('brings it up, runs on its nodes and takes it down, over kill -9 in every phase', async () => {
    await hold();
    const id = await run('whole');
    await expect.poll(() => lines('steps'), { timeout: 30_000 }).toEqual(['scales_create']);
    await killed();
    expect(await campaign(id)).toMatchObject({ phase: 'initializing', deployment: { own: true } });
    expect((await deploymentOf(id)).state).toBe('deploying');
    await rm(at('go'));
    await release();
    const begun = async (): Promise<number> => (await lines('journal')).length;
    await expect.poll(begun, { timeout: 30_000 }).toBe(2);
    expect((await campaign(id)).phase).toBe('running');
    await killed();
    await hold();
    await writeFile(at('go'), '');
    await becomes(id, 'finalizing');
    await expect.poll(() => lines('steps'), { timeout: 30_000 }).toEqual(['scales_create', 'scales_delete']);
    await killed();
    expect((await campaign(id)).phase).toBe('finalizing');
    await release();
    await becomes(id, 'completed');
    expect(await deploymentOf(id)).toMatchObject({ state: 'undeployed' });
    expect(await lines('steps')).toEqual(['scales_create', 'scales_delete']);
    const ran = (await lines('journal')).filter((line) => line.startsWith(id));
    expect(ran.map((line) => line.slice(id.length + 1)).sort()).toEqual([1, 2, 3, 4].map((n) => `${n} ${n}`));
    const { items } = (await orchestrator.get(`/v1/problems/${id}/iterations`)).body;
    expect(items.map((one: Json) => [one.iteration_id, one.state])).toEqual(
      [1, 2, 3, 4].map((n) => [n, 'succeeded']),
    );
    await nodesAreGone();
  }, 120_000);

  it('takes down what it has brought up where bringing it up fails, and says why', async () => {
    await writeFile(at('fail-scales_create'), '');
    const id = await run('broken');
    await becomes(id, 'errored');
    await rm(at('fail-scales_create'));
    expect(await campaign(id)).toMatchObject({
      ...{ iterations: 0, error: { type: 'deployment_failed', scope: 'initializing' } },
    });
    expect(await deploymentOf(id)).toMatchObject({ state: 'undeployed' });
  }, 60_000);

  it('stops bringing it up where it is aborted, and takes it down', async () => {
    await hold();
    const id = await run('aborted');
    await expect.poll(() => lines('steps'), { timeout: 30_000 }).toEqual(['scales_create']);
    await orchestrator.post(`/v1/campaigns/${id}/commands`, { command: 'abort' });
    await expect.poll(() => lines('steps'), { timeout: 30_000 }).toEqual(['scales_create', 'scales_delete']);
    await release();
    await becomes(id, 'aborted');
    expect(await deploymentOf(id)).toMatchObject({ state: 'undeployed' });
  }, 60_000);

  it('is errored where it cannot be taken down, which stays for a person', async () => {
    await writeFile(at('fail-scales_delete'), '');
    const id = await run('stuck');
    await becomes(id, 'errored');
    expect((await campaign(id)).error).toMatchObject({ type: 'undeploy_failed', scope: 'finalizing' });
    expect(await deploymentOf(id)).toMatchObject({ state: 'failed' });
    await rm(at('fail-scales_delete'));
    const { name } = await deploymentOf(id);
    const told = await orchestrator.post(`/v1/deployments/${name}/undeploy`, {});
    expect(told.status).toBe(202);
    await expect.poll(async () => (await deploymentOf(id)).state, { timeout: 30_000 }).toBe('undeployed');
  }, 60_000);

  it('is run from a file that names one, or the file of a blueprint', async () => {
    const env = { TUTTI_URL: orchestrator.ready.http };
    const file = at('campaign.yaml');
    const text = (deployment: string): string =>
      `name: filed\ngraph: sweep\ninput: { x: 1 }\npolicy: { propose: { repeat: true }, max_iterations: 1 }\ndeployment: ${deployment}\n`;
    await writeFile(file, text('{ file: weighing.yaml }'));
    const own = await tutti(scene, ['campaign', 'run', file, '--wait', '--json'], env);
    expect([own.code, own.stderr.includes('error')]).toEqual([0, false]);
    expect(JSON.parse(own.stdout)).toMatchObject({ phase: 'completed', deployment: { own: true } });
    const up = await tutti(scene, ['deploy', at('weighing.yaml'), '--name', 'standing', '--wait'], env);
    expect(up.code).toBe(0);
    await writeFile(file, text('standing'));
    const named = await tutti(scene, ['campaign', 'run', file, '--wait', '--json'], env);
    expect(JSON.parse(named.stdout)).toMatchObject({
      ...{ phase: 'completed', deployment: { name: 'standing', own: false } },
    });
    expect((await orchestrator.get('/v1/deployments/standing')).body.state).toBe('deployed');
    await writeFile(file, text('nobody'));
    const unknown = await tutti(scene, ['campaign', 'run', file], env);
    expect([unknown.code, unknown.stderr]).toMatchObject([
      2,
      expect.stringContaining('no deployment nobody'),
    ]);
  }, 90_000);
});
