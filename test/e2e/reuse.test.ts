/** A part of an iteration again: outputs taken over as they are, inputs that are edited, and nothing run for the rest; parts that a condition leaves out, and parts that wait for a person. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readJournal, SIX, startNode } from '../support/nodes.js';
import { OrchestratorProcess, pathOf, SUSTAINML_GRAPH, type Submitted } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { tutti } from '../support/tutti.js';

const scene = Scene.ofFile();
let orchestrator: OrchestratorProcess;
let journal: string;
let first: Submitted;

const BEFORE = SIX.filter((module) => module !== 'footprint');
const iterate = (body: unknown, headers = {}) =>
  orchestrator.post(`/v1/problems/${first.problem_id}/iterations`, body, headers);
const ended = (task: Submitted): Promise<string[]> => orchestrator.tape().ended(task.task_id);
const ranFor = async (task: Submitted): Promise<string[]> =>
  (await readJournal(journal)).flatMap((line) =>
    line.what === 'begin' && line.task === task.task_id ? [line.module] : [],
  );

beforeAll(async () => {
  journal = join(await scene.directory(), 'journal');
  await writeFile(journal, '');
  orchestrator = await OrchestratorProcess.up(scene, {
    graphs: ['six', 'gated', 'asking', 'recalling', 'looping', SUSTAINML_GRAPH],
  });
  for (const module of SIX) startNode(scene, orchestrator, { module, journal });
  first = await orchestrator.submit('six', { name: 'first' });
  await ended(first);
});

describe('a module that takes results', () => {
  it('runs once for the same input, also after a kill of the orchestrator, and says whose output it has', async () => {
    const made = await orchestrator.submit('recalling', { name: 'the same' });
    expect(await ended(made)).toEqual(['succeeded']);
    await orchestrator.process.end();
    await orchestrator.restart();
    const taken = await orchestrator.submit('recalling', { name: 'the same' });
    expect(await ended(taken)).toEqual(['succeeded']);
    expect([(await ranFor(made)).sort(), await ranFor(taken)]).toEqual([['model', 'resources'], []]);
    const [execution] = (await orchestrator.executions(made.task_id)).filter(
      ({ module }) => module === 'resources',
    );
    expect((await orchestrator.task(taken.task_id)).modules.resources).toMatchObject({
      ...{ state: 'reused', reused_from: null, attempts: 0 },
      cached_from: { problem_id: made.problem_id, iteration_id: 1, execution_id: execution!.execution_id },
    });
    expect(await orchestrator.output(taken.task_id, 'resources')).toEqual(
      await orchestrator.output(made.task_id, 'resources'),
    );
    const shown = await tutti(scene, ['show', taken.task_id], { TUTTI_URL: orchestrator.ready.http });
    expect(shown.stdout).toMatch(/resources +reused .*of [0-9a-f]{8}\/1/);
  });
});

describe('a module again', () => {
  it('gets the input that was edited and the outputs that are reused, for which nothing runs', async () => {
    const body = {
      parent_iteration_id: 1,
      reuse: BEFORE,
      overrides: { footprint: { resources: { task: 'edited' } } },
    };
    const key = { 'idempotency-key': 'again' };
    const { status, body: begun } = await iterate(body, key);
    expect(status).toBe(201);
    expect((await iterate(body, key)).body).toEqual(begun);
    expect(await ended(begun)).toEqual(['succeeded']);
    expect(await ranFor(begun)).toEqual(['footprint']);
    expect(await orchestrator.output(begun.task_id, 'footprint')).toMatchObject({
      task: begun.task_id,
      inputs: { model: first.task_id, resources: 'edited' },
      name: 'first',
    });

    const shown = await orchestrator.task(begun.task_id);
    const [made] = (await orchestrator.executions(first.task_id)).filter(({ module }) => module === 'model');
    expect(shown).toMatchObject({
      reused: BEFORE,
      overridden: { footprint: ['resources'] },
      overrides: body.overrides,
    });
    expect(shown.modules.model).toMatchObject({
      ...{ state: 'reused', attempts: 0, execution_id: null, node_id: null },
      reused_from: { iteration_id: 1, execution_id: made.execution_id },
      output: { task: first.task_id },
    });
    expect(shown.modules.footprint).toMatchObject({ overridden: ['resources'], reused_from: null });
    expect(await orchestrator.executions(begun.task_id)).toHaveLength(1);

    const output = await orchestrator.get(`${pathOf(begun.task_id)}/outputs/model`);
    expect(output.headers.get('tutti-reused-from')).toBe(`1/${made.execution_id}`);
    expect(output.body).toMatchObject({ task: first.task_id });
    const diff = await orchestrator.get(`/v1/problems/${first.problem_id}/diff?a=1&b=${begun.iteration_id}`);
    expect(diff.body).toMatchObject({ input: [], reused: { a: [], b: BEFORE } });
    expect(Object.keys(diff.body.modules)).toEqual(['footprint']);
    const found = await orchestrator.get(
      `/v1/iterations?filter=${encodeURIComponent('reused ~ "model" and overridden ~ "footprint.resources" and model.name = "first"')}`,
    );
    expect(found.body.items).toMatchObject([{ task_id: begun.task_id, reused: BEFORE }]);
    const told = await tutti(scene, ['diff', first.problem_id, '1', String(begun.iteration_id)], {
      TUTTI_URL: orchestrator.ready.http,
    });
    expect(told.stdout).toContain(`Iteration ${begun.iteration_id} reuses ${BEFORE.join(', ')}.`);
    const kit = ['node-kit', 'record', begun.task_id, '--module', 'footprint', '-o', '-'];
    const recorded = await tutti(scene, kit, { TUTTI_URL: orchestrator.ready.http });
    expect(JSON.parse(recorded.stdout).inputs).toMatchObject({
      resources: { task: 'edited' },
      model: { task: first.task_id },
    });
    const records = await tutti(scene, ['export', first.problem_id, '--json'], {
      TUTTI_URL: orchestrator.ready.http,
    });
    expect(JSON.parse(records.stdout).at(-1)).toMatchObject({ reused: BEFORE, overrides: body.overrides });
  });

  it('is asked for on the command line, which marks what is reused', async () => {
    const env = { TUTTI_URL: orchestrator.ready.http };
    const args = ['iterate', first.problem_id, '--from', '1', '--reuse', 'metadata,requirements,constraints'];
    const run = await tutti(scene, [...args, '--override', 'model.metadata={"task":"typed"}', '--wait'], env);
    expect(run.code).toBe(0);
    expect(run.stdout).toMatch(/metadata +reused +0 .*of iteration 1/);
    expect(run.stdout).toMatch(/model +succeeded +1 .*with another metadata/);
    const task = run.stdout.split('\n')[0]!;
    expect((await orchestrator.output(task, 'model')).inputs).toMatchObject({
      metadata: 'typed',
      constraints: first.task_id,
    });
    const watched = await tutti(scene, ['show', task, '--json'], env);
    expect(JSON.parse(watched.stdout).modules.metadata.state).toBe('reused');
  });

  it('is refused with each fault at its path', async () => {
    const steel = await orchestrator.submit('sustainml', { problem_short_description: 'x' });
    const refused = await orchestrator.post(`/v1/problems/${steel.problem_id}/iterations`, {
      overrides: {
        carbon_footprint: { ml_model: { model_path: 7, no_such: 1 }, nothing: 1 },
        magic: {},
      },
    });
    expect([refused.status, refused.body.error.code]).toEqual([422, 'bad_overrides']);
    const paths = refused.body.error.details.map(({ path }: { path: string }) => path).sort();
    expect(paths).toEqual([
      '/overrides/carbon_footprint/ml_model/model_path',
      '/overrides/carbon_footprint/ml_model/no_such',
      '/overrides/carbon_footprint/nothing',
      '/overrides/magic',
    ]);
    const early = { parent_iteration_id: 1, reuse: ['ml_model'] };
    const running = await orchestrator.post(`/v1/problems/${steel.problem_id}/iterations`, early);
    expect([running.status, running.body.error.code]).toEqual([409, 'parent_not_ended']);
    const unknown = await iterate({ parent_iteration_id: 1, reuse: ['model', 'magic'] });
    expect([unknown.status, unknown.body.error.details[0].path]).toEqual([422, '/reuse/1']);
  });
});

describe('a loop', () => {
  it('runs each pass once over a kill of the orchestrator, with what the pass before has put out', async () => {
    const tape = orchestrator.tape();
    const slow = { random_ms: 300 };
    const task = await orchestrator.submit('looping', { name: 'long', model: slow, resources: slow });
    await tape.first(
      'the second pass begins',
      (event) => event.type === 'loop.passed' && tape.of(task.task_id).includes(event),
    );
    await orchestrator.process.end('SIGKILL');
    await orchestrator.restart();
    expect(await tape.ended(task.task_id)).toEqual(['succeeded']);
    const twice = ['model', 'resources', 'model', 'resources'];
    expect(await ranFor(task)).toEqual(['model', 'resources', ...twice, 'footprint']);
    const executions = await orchestrator.executions(task.task_id);
    const passes = (module: string) =>
      executions.filter((one) => one.module === module).map(({ attempt, pass }) => [attempt, pass]);
    expect([passes('model'), passes('footprint')]).toEqual([
      [
        [1, 1],
        [2, 2],
        [3, 3],
      ],
      [[1, null]],
    ]);
    expect(await orchestrator.output(task.task_id, 'model')).toMatchObject({
      previous: { model: task.task_id, resources: task.task_id },
      pass: 3,
    });
    expect(await orchestrator.output(task.task_id, 'resources')).toMatchObject({
      inputs: { model: task.task_id },
    });
    const { modules } = await orchestrator.task(task.task_id);
    expect([modules.model, modules.resources]).toMatchObject([
      { pass: 3, loop_end: null, attempts: 1 },
      { pass: 3, loop_end: 'max' },
    ]);
    const kit = ['node-kit', 'record', task.task_id, '--module', 'resources', '-o', '-'];
    const recorded = await tutti(scene, kit, { TUTTI_URL: orchestrator.ready.http });
    const lines = recorded.stdout.trim().split('\n');
    const given = lines
      .map((line) => JSON.parse(line))
      .map(({ pass, inputs, previous }) => [inputs.model, previous, pass]);
    // Each with what it was given in its own pass: the player says its pass from the second one on.
    expect(given).toMatchObject([
      [{ task: task.task_id }, undefined, 1],
      [{ pass: 2 }, { model: { task: task.task_id }, resources: { task: task.task_id } }, 2],
      [{ pass: 3 }, { model: { pass: 2 }, resources: { pass: 2 } }, 3],
    ]);
    expect([given[0]![0].pass, given[1]![1].model.pass]).toEqual([undefined, undefined]);
    const shown = await tutti(scene, ['show', task.task_id], { TUTTI_URL: orchestrator.ready.http });
    expect(shown.stdout).toMatch(/resources +succeeded .*pass 3/);
    const found = await orchestrator.submit('looping', { name: 'found' });
    expect(await ended(found)).toEqual(['succeeded']);
    expect(await ranFor(found)).toEqual(['model', 'resources', 'model', 'resources', 'footprint']);
  });
});

describe('a module with a condition', () => {
  it('is left out or runs by what was there before the orchestrator was killed', async () => {
    const hold = join(await scene.directory(), 'gate-of-conditions');
    const tape = orchestrator.tape();
    const large = await orchestrator.submit('gated', { name: 'large' });
    expect(await tape.ended(large.task_id)).toEqual(['succeeded']);
    const small = await orchestrator.submit('gated', { name: 'small', model: { hold } });
    await tape.first(
      'the model of the small one runs',
      (event) => event.type === 'execution.running' && tape.of(small.task_id).includes(event),
    );
    await orchestrator.process.end('SIGKILL');
    await orchestrator.restart();
    await writeFile(hold, '');
    expect(await tape.ended(small.task_id)).toEqual(['succeeded']);
    expect([...(await ranFor(small))].sort()).toEqual(['footprint', 'model']);
    expect([...(await ranFor(large))].sort()).toEqual(['footprint', 'model', 'resources']);
    expect((await orchestrator.task(small.task_id)).modules.resources).toMatchObject({
      ...{ state: 'skipped', waiting_reason: 'condition', execution_id: null, output: null },
    });
    expect(await orchestrator.output(small.task_id, 'footprint')).toMatchObject({
      inputs: { model: small.task_id },
    });
    const graph = await orchestrator.get('/v1/graphs/gated');
    expect(graph.body.modules.resources.when).toBe('model.name != "small" and input.name != null');
    const found = await orchestrator.get(
      `/v1/iterations?filter=${encodeURIComponent('graph = "gated" and resources.task = null')}`,
    );
    expect(found.body.items).toMatchObject([{ task_id: small.task_id }]);
  });

  it('has its faults in its graph file', async () => {
    const yaml = [
      'name: gated',
      'source: { name: problem, type: json }',
      'modules: { model: { inputs: [problem], output: json, when: "modl.name = 1" } }',
    ].join('\n');
    const refused = await orchestrator.post('/v1/graphs', { yaml });
    expect([refused.status, refused.body.error.code]).toEqual([422, 'bad_graph']);
    expect(refused.body.error.details).toMatchObject([
      {
        path: 'modules.model.when',
        code: 'unknown_module',
        message: expect.stringContaining('position 1: '),
      },
    ]);
  });
});

describe('a module that asks a person', () => {
  const asked = async (name: string): Promise<Submitted> => {
    const tape = orchestrator.tape();
    const task = await orchestrator.submit('asking', { name });
    await tape.first(
      'it waits for approval',
      (event) => event.type === 'iteration.suspended' && tape.of(task.task_id).includes(event),
    );
    return task;
  };
  const run = (...args: readonly string[]) => tutti(scene, args, { TUTTI_URL: orchestrator.ready.http });
  const waiting = async () => (await orchestrator.get('/v1/approvals')).body.items;

  it('is listed with its inputs, also after kill -9, and goes on with the decision', async () => {
    const task = await asked('large');
    await orchestrator.process.end('SIGKILL');
    await orchestrator.restart();
    expect(await orchestrator.task(task.task_id)).toMatchObject({
      state: 'suspended',
      modules: {
        review: {
          ...{ state: 'waiting', waiting_reason: 'waiting for approval: Go on with this model?' },
          waiting: { code: 'approval', role: 'operator' },
        },
      },
    });
    expect(await waiting()).toMatchObject([
      {
        ...{ task_id: task.task_id, module: 'review', graph: 'asking', message: 'Go on with this model?' },
        ...{ inputs: { model: { task: task.task_id, name: 'large' } }, left_out: [] },
      },
    ]);
    const listed = await run('approvals');
    expect(listed.stdout).toMatch(
      /TASK_ID +MODULE +GRAPH[\s\S]*review +asking +.*operator .*Go on with this model\?/,
    );
    const stats = await orchestrator.get('/v1/stats');
    expect(stats.body.work.waiting_for_approval).toEqual({ asking: 1 });
    const approved = await run('approve', task.task_id, 'review', '--reason', 'it is small');
    expect([approved.code, approved.stdout.trim()]).toEqual([0, `${task.task_id}  review  approved`]);
    expect(await ended(task)).toEqual(['succeeded']);
    expect(await orchestrator.output(task.task_id, 'review')).toEqual({
      ...{ decision: 'approve', by: null, reason: 'it is small', at: expect.any(String) },
    });
    expect([...(await ranFor(task))].sort()).toEqual(['model', 'resources']);
    expect(await waiting()).toEqual([]);
    const found = await orchestrator.get(
      `/v1/iterations?filter=${encodeURIComponent('review.decision = "approve"')}`,
    );
    expect(found.body).toMatchObject({ items: [{ task_id: task.task_id }], query: { indexed: true } });
    const replaced = await orchestrator.post(`/v1/problems/${task.problem_id}/iterations`, {
      ...{ parent_iteration_id: 1, reuse: ['model'] },
      overrides: { resources: { review: { decision: 'approve' } } },
    });
    expect(replaced.body.error).toMatchObject({
      code: 'bad_overrides',
      details: [{ path: '/overrides/resources/review', code: 'is_a_decision' }],
    });
    const again = await run('deny', task.task_id, 'review');
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('approval_decided')]);
  });

  it('fails when it is denied, and each answer to a wrong decision has its code', async () => {
    const task = await asked('small');
    const path = `/v1/problems/${task.problem_id}/iterations/1/approvals`;
    const refused = await Promise.all([
      orchestrator.post(`${path}/review`, { decision: 'maybe' }),
      orchestrator.post(`${path}/model`, { decision: 'approve' }),
      orchestrator.post(`${path}/nobody`, { decision: 'approve' }),
    ]);
    expect(refused.map(({ status, body }) => [status, body.error.code])).toEqual([
      [422, 'invalid_body'],
      [409, 'approval_not_requested'],
      [404, 'unknown_module'],
    ]);
    const denied = await orchestrator.post(`${path}/review`, { decision: 'deny', reason: 'too large' });
    expect(denied).toMatchObject({ status: 200, body: { decision: 'deny', by: null, reason: 'too large' } });
    expect(await ended(task)).toEqual(['failed']);
    expect(await orchestrator.task(task.task_id)).toMatchObject({
      error: { code: 'denied', message: 'it was denied: too large', module: 'review' },
      modules: { review: { state: 'failed' }, resources: { state: 'skipped' } },
    });
  });
});
