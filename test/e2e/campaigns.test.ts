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
const ROOT = join(import.meta.dirname, '../..');
const SIX_MODULES = [
  ...[
    'app_requirements',
    'carbon_footprint',
    'hw_constraints',
    'hw_resources',
    'ml_model',
    'ml_model_metadata',
  ],
];
const PYTHON = join(import.meta.dirname, '../../python/src');
const scene = Scene.ofFile();
let orchestrator: OrchestratorProcess;
let [journal, hold] = ['', ''];

type Body = Readonly<Record<string, unknown>>;
type Iterated = { readonly iteration_id: number; readonly fields: Readonly<Record<string, number | null>> };
const FOOTPRINT = 'carbon_footprint.carbon_footprint';

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
  orchestrator = await OrchestratorProcess.up(scene, {
    graphs: [
      ...['sweep', 'optimisers', join(ROOT, 'nodes/examples/optimizer/graph.yaml')],
      join(ROOT, 'nodes/sustainml/graph.yaml'),
    ],
  });
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

  it('begins an iteration at a time of its schedule that comes while there is no orchestrator, and only one', async () => {
    const answer = await orchestrator.post('/v1/campaigns', {
      ...{ name: 'scheduled', graph: 'sweep', input: { x: 7 } },
      policy: { propose: { repeat: true }, max_iterations: 9 },
      schedule: { cron: '* * * * *', time_zone: 'Europe/Berlin' },
    });
    const id = String(answer.body.campaign_id);
    await reaches(id, 'running');
    const { next_at } = await campaign(id);
    expect(await ran(id)).toEqual([]);
    await orchestrator.process.end('SIGKILL');
    await expect.poll(() => Date.now(), { timeout: 70_000 }).toBeGreaterThan(Date.parse(String(next_at)));
    await orchestrator.restart();
    await expect.poll(() => ran(id), { timeout: 30_000 }).toEqual(['1 7']);
    const after = await campaign(id);
    expect(Date.parse(String(after.next_at)) - Date.parse(String(next_at))).toBe(60_000);
    const told = await orchestrator.post(`/v1/campaigns/${id}/commands`, { command: 'finish' });
    expect(told.status).toBe(202);
    await reaches(id, 'completed');
    expect(await campaign(id)).toMatchObject({ iterations: 1, next_at: null });
  }, 150_000);

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

  it('finds the lowest loss by the Gaussian process that comes along', async (ctx) => {
    if ((await runPython(['-c', 'import zmq, google.protobuf, numpy'])).code !== 0)
      return ctx.skip('needs pyzmq, protobuf and numpy');
    scene.spawn(
      ['-m', 'tutti', 'run', join(ROOT, 'nodes/examples/optimizer/gaussian.py')],
      { TUTTI_CONTROL: orchestrator.ready.control, PYTHONPATH: PYTHON },
      undefined,
      '/usr/bin/python3',
    );
    const objective = { field: 'measure.loss', goal: 'min' };
    const id = await run(
      'gp',
      {},
      { propose: { module: 'optimizer.gaussian' }, max_iterations: 5, objective },
    );
    await reaches(id, 'completed');
    // It was asked for 0 to 1, and the loss falls towards 3.
    expect(await campaign(id)).toMatchObject({ iterations: 5, best: { value: 4, input: { x: 1 } } });
  }, 60_000);

  it('iterates on the SustainML problem until no model would lower the footprint', async () => {
    for (const module of SIX_MODULES)
      scene.spawn([join(ROOT, 'dist/nodes/sustainml', module, 'node.js')], {
        TUTTI_CONTROL: orchestrator.ready.control,
      });
    const file = join(ROOT, 'nodes/sustainml/campaign.yaml');
    const done = await tutti(scene, ['campaign', 'run', file, '--wait', '--json'], {
      TUTTI_URL: orchestrator.ready.http,
    });
    expect(done.code).toBe(0);
    const ended = JSON.parse(done.stdout) as { problem_id: string; iterations: number };
    expect(ended).toMatchObject({ ended_by: 'until' });
    const path = `/v1/problems/${ended.problem_id}/iterations?fields=${FOOTPRINT}`;
    const items = (await orchestrator.get(path)).body.items as Iterated[];
    const footprints = items
      .sort((a, b) => a.iteration_id - b.iteration_id)
      .map(({ fields }) => Number(fields[FOOTPRINT] ?? Number.NaN));
    expect(footprints).toHaveLength(ended.iterations);
    const reached = footprints.slice(0, -1);
    for (const [index, value] of reached.slice(1).entries())
      expect(value).toBeLessThan(reached[index]! * 0.95);
    expect(ended).toMatchObject({ best: { iteration_id: ended.iterations - 1, value: reached.at(-1) } });
  }, 60_000);
});
