/** Campaigns with real nodes in both languages, through HTTP, the CLI and both clients, over kill -9 of the orchestrator in every phase. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Tutti } from '../../src/client/index.js';
import { runPython } from '../python/python.js';
import { OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { tutti } from '../support/tutti.js';

const NODES = join(import.meta.dirname, 'nodes');
const PYTHON = join(import.meta.dirname, '../../python/src');
const scene = Scene.ofFile();
let orchestrator: OrchestratorProcess;
let [journal, hold] = ['', ''];

type Body = Readonly<Record<string, unknown>>;

/** The points that were begun for a campaign, in order. */
async function ran(id: string): Promise<string[]> {
  const lines = (await readFile(journal, 'utf8')).trim().split('\n');
  return lines.filter((line) => line.startsWith(id)).map((line) => line.slice(id.length + 1));
}

async function run(name: string, input: Body, policy: Body): Promise<string> {
  const answer = await orchestrator.post('/v1/campaigns', { name, graph: 'sweep', input, policy });
  expect([answer.status, answer.body]).toMatchObject([202, { campaign_id: answer.body.problem_id }]);
  return String(answer.body.campaign_id);
}

const campaign = async (id: string): Promise<Body> => (await orchestrator.get(`/v1/campaigns/${id}`)).body;
const phase = async (id: string): Promise<unknown> => (await campaign(id)).phase;
const reaches = async (id: string, wanted: string): Promise<void> => {
  await expect.poll(() => phase(id), { timeout: 30_000 }).toBe(wanted);
};

async function killed(): Promise<void> {
  await orchestrator.process.end('SIGKILL');
  await orchestrator.restart();
}

const measures = (): unknown =>
  scene.spawn([join(NODES, 'measurer.mjs')], {
    ...{ TUTTI_CONTROL: orchestrator.ready.control, MEASURER_JOURNAL: journal, MEASURER_HOLD: hold },
  });

beforeAll(async () => {
  const folder = await scene.directory();
  [journal, hold] = [join(folder, 'journal'), join(folder, 'go')];
  await writeFile(journal, '');
  orchestrator = await OrchestratorProcess.up(scene, { graphs: ['sweep', 'optimisers'] });
});

describe('a campaign', () => {
  it('survives kill -9 in every phase, and begins nothing twice', async () => {
    const grid = { '/x': [1, 2, 3, 4, 5] };
    const objective = { field: 'measure.loss', goal: 'min' };
    const id = await run('grid', { waits: true }, { propose: { grid }, max_parallel: 2, objective });
    await killed();
    expect(await campaign(id)).toMatchObject({ phase: 'initializing', waits_for: ['measure'] });
    measures();
    await expect.poll(() => ran(id), { timeout: 30_000 }).toEqual(['1 1', '2 2']);
    expect(await campaign(id)).toMatchObject({ phase: 'running', iterations: 2, running: [1, 2] });
    await killed();
    await writeFile(hold, '');
    await reaches(id, 'completed');
    expect((await ran(id)).sort()).toEqual([1, 2, 3, 4, 5].map((n) => `${n} ${n}`));
    expect(await campaign(id)).toMatchObject({
      ...{ iterations: 5, ended_by: 'max_iterations', running: [] },
      best: { iteration_id: 3, value: 0, input: { waits: true, x: 3 } },
    });
    await killed();
    expect(await campaign(id)).toMatchObject({ phase: 'completed', best: { value: 0 } });
    await rm(hold);
  }, 120_000);

  it('stops what it runs when it is aborted, also after kill -9 in between', async () => {
    const id = await run('abort', { waits: true, x: 1 }, { propose: { repeat: true }, max_iterations: 3 });
    await expect.poll(() => ran(id), { timeout: 30_000 }).toEqual(['1 1']);
    const told = await orchestrator.post(`/v1/campaigns/${id}/commands`, { command: 'abort' });
    expect([told.status, told.body]).toMatchObject([202, { phase: 'finalizing', campaign_id: id }]);
    await killed();
    await reaches(id, 'aborted');
    const { body } = await orchestrator.get(`/v1/problems/${id}/iterations/1`);
    expect([body.state, await ran(id)]).toEqual(['cancelled', ['1 1']]);
    const again = await orchestrator.post(`/v1/campaigns/${id}/commands`, { command: 'resume' });
    expect([again.status, again.body.error?.code]).toEqual([409, 'campaign_ended']);
  }, 60_000);

  it('takes its inputs from a module of any graph, written in Python', async (ctx) => {
    if ((await runPython(['-c', 'import zmq, google.protobuf'])).code !== 0)
      return ctx.skip('needs pyzmq and protobuf');
    scene.spawn(
      ['-m', 'tutti', 'run', join(NODES, 'climber.py')],
      { TUTTI_CONTROL: orchestrator.ready.control, PYTHONPATH: PYTHON },
      undefined,
      '/usr/bin/python3',
    );
    const id = await run('climb', {}, { propose: { module: 'optimisers.climb' }, max_iterations: 20 });
    await reaches(id, 'completed');
    expect(await campaign(id)).toMatchObject({ iterations: 4, ended_by: 'proposals' });
    expect(await ran(id)).toEqual([0, 1, 2, 3].map((x) => `${x + 1} ${x}`));
  }, 60_000);

  it('is run, stepped and shown by the CLI and both clients', async (ctx) => {
    const file = join(await scene.directory(), 'sweep.yaml');
    const text = 'name: sweep\ngraph: sweep\ninput: { x: 0 }\npolicy:\n  propose: { grid: { /x: [2, 3] } }\n';
    await writeFile(file, text);
    const env = { TUTTI_URL: orchestrator.ready.http };
    const done = await tutti(scene, ['campaign', 'run', file, '--wait'], env);
    expect([done.code, done.stdout]).toMatchObject([0, expect.stringContaining('sweep  completed')]);
    await writeFile(file, `${text}  until: measur.loss < 1\n`);
    const bad = await tutti(scene, ['campaign', 'run', file], env);
    expect([bad.code, bad.stderr]).toMatchObject([2, expect.stringContaining('/policy/until')]);
    const client = new Tutti({ url: orchestrator.ready.http });
    const { campaign_id } = await client.campaigns.run({
      ...{ name: 'steps', graph: 'sweep', input: { x: 3 } },
      policy: { mode: 'interactive', propose: { repeat: true }, max_iterations: 2 },
    });
    await reaches(campaign_id, 'running');
    expect((await client.campaigns.step(campaign_id)).steps).toBe(1);
    await expect.poll(() => ran(campaign_id), { timeout: 30_000 }).toEqual(['1 3']);
    const listed = await tutti(scene, ['campaign', 'list'], env);
    expect(listed.stdout).toMatch(/steps .*running .*1\/2/);
    if ((await runPython(['-c', 'import zmq, google.protobuf'])).code !== 0)
      return ctx.skip('needs pyzmq and protobuf');
    const script = `from tutti.client import Tutti; t = Tutti("${orchestrator.ready.http}"); print(t.campaigns.finish("${campaign_id}").name)`;
    const finished = await runPython(['-c', script], { env: { PYTHONPATH: PYTHON } });
    expect([finished.stderr, finished.stdout.trim()]).toEqual(['', 'steps']);
    await reaches(campaign_id, 'completed');
    expect((await client.campaigns.get(campaign_id)).ended_by).toBe('finish');
  }, 60_000);
});
