/** The compatibility packages: their own tests, and scripts in the style of the SustainML framework as nodes of the real graph. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import type { EventTape } from '../support/event-tape.js';
import { FrontEnd, form, NAMES } from '../support/front-end.js';
import { type Json, OrchestratorProcess, SUSTAINML_GRAPH } from '../support/orchestrator.js';
import { Scene, type Spawned } from '../support/processes.js';
import { missing, python, root, runPython } from './python.js';

const SCRIPT = join(root, 'test/python/fixtures/sustainml_script.py');
const PATH = [join(root, 'python/src'), join(root, 'python/sustainml/src')].join(':');
const KINDS = {
  app_requirements: 'AppRequirementsNode',
  hw_constraints: 'HardwareConstraintsNode',
  ml_model_metadata: 'MLModelMetadataNode',
  ml_model: 'MLModelNode',
  hw_resources: 'HardwareResourcesNode',
  carbon_footprint: 'CarbonFootprintNode',
} as const;
type Module = keyof typeof KINDS;
const MODULES = Object.keys(KINDS) as Module[];
const TOOLS = ['zmq', 'google.protobuf', 'numpy'];

function needs(ctx: TestContext, ...modules: string[]): void {
  const tool = missing(...modules);
  if (tool !== undefined) ctx.skip(`needs ${tool}`);
}

function startScript(scene: Scene, module: Module, control: string, ...args: string[]): Spawned {
  const env = {
    PYTHONPATH: PATH,
    PYTHONDONTWRITEBYTECODE: '1',
    TUTTI_CONTROL: control,
    TUTTI_INSTANCE: module,
  };
  return scene.spawn([SCRIPT, KINDS[module], ...args], env, undefined, python);
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const fromBase64 = (text: string): string => Buffer.from(text, 'base64').toString();
const becomes = (tape: EventTape, count: number, shown: string) =>
  tape.some(`${count} × ${shown}`, count, ({ type, status }) => type === 'node.status' && status === shown);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tutti-sustainml-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the packages sustainml_py and sustainml_swig', () => {
  it('pass their own tests', async (ctx) => {
    needs(ctx, ...TOOLS);
    const ran = await runPython(['-W', 'error', '-m', 'unittest'], {
      cwd: join(root, 'python/sustainml/tests'),
    });
    expect(ran.code, ran.stderr).toBe(0);
    expect(ran.stderr).toMatch(/Ran [1-9]\d /);
    expect(ran.stderr).not.toContain('skipped=');
  });

  it('are typed strictly', async (ctx) => {
    needs(ctx, 'mypy', 'google.protobuf');
    const args = ['-m', 'mypy', '--config-file', 'pyproject.toml', `--cache-dir=${folder}/mypy`];
    const ran = await runPython(args, { cwd: join(root, 'python/sustainml') });
    expect(ran.code, ran.stdout).toBe(0);
  });

  it('can be installed by pip beside the SDK', async (ctx) => {
    needs(ctx, 'pip', 'setuptools', 'wheel', ...TOOLS);
    // A copy: a build leaves its folders beside the source.
    const source = join(folder, 'source');
    cpSync(join(root, 'python'), source, { recursive: true });
    const target = join(folder, 'installed');
    const flags = ['--no-build-isolation', '--no-index', '--no-deps', '--quiet', '--target', target];
    const ran = await runPython(['-m', 'pip', 'install', ...flags, join(source, 'sustainml')]);
    expect(ran.code, ran.stderr).toBe(0);
    const code =
      'import sustainml_swig; from sustainml_py.nodes.MLModelNode import MLModelNode; print(sustainml_swig.__file__)';
    const used = await runPython(['-c', code], {
      cwd: folder,
      env: { PYTHONPATH: [join(root, 'python/src'), target].join(':') },
    });
    expect(used.stdout, used.stderr).toContain(target);
  });
});

describe('six scripts of the SustainML framework', () => {
  const scene = Scene.ofFile();
  let orchestrator: OrchestratorProcess;
  let tape: EventTape;
  const scripts = new Map<Module, Spawned>();

  beforeAll(async () => {
    if (missing(...TOOLS) !== undefined) return;
    orchestrator = await OrchestratorProcess.up(scene, { args: ['--sustainml', '0'] });
    tape = orchestrator.tape();
    for (const module of MODULES) scripts.set(module, startScript(scene, module, orchestrator.ready.control));
    await becomes(tape, 6, 'IDLE');
  });

  const input = (what: string, more: Json = {}): Json => ({
    ...{ modality: 'image', problem_definition: what, inputs: ['a', 'é'], extra_data: base64('{"é": 1}') },
    ...more,
  });
  const solved = async (what: string): Promise<Json> => {
    const { task_id } = await orchestrator.submit('sustainml', input(what));
    await tape.ended(task_id);
    return (await orchestrator.task(task_id)).modules;
  };

  it('serve the front ends of the framework: results, the form’s queries, an iteration', async (ctx) => {
    needs(ctx, ...TOOLS);
    const front = new FrontEnd(() => orchestrator.ready.sustainml!);
    const first = await front.submit(form({ problem_definition: 'solve', inputs: ['a', 'é'] }));
    const { value } = await front.result(0, first);
    expect(value).toEqual({ task_id: first, app_requirements: expect.stringMatching(/, a, é$/) });
    const all = await front.all(first);
    for (const name of NAMES) expect(all[name].error, name).toBeUndefined();
    const again = form(
      { problem_definition: 'solve', previous_iteration: 1 },
      { previous_problem_id: first.problem_id },
    );
    const second = await front.submit(again);
    expect(second).toEqual({ ...first, iteration_id: 2 });
    expect((await front.all(second)).task_id).toEqual(second);
    expect((await front.configure(3, 'hardwares')).node_id).toBe(3);
  });

  it('solve a problem and iterate on it: outputs are empty before, baselines are the parent’s', async (ctx) => {
    needs(ctx, ...TOOLS);
    const first = await orchestrator.submit('sustainml', input('solve'));
    expect(await tape.ended(first.task_id)).toEqual(['succeeded']);
    const second = await orchestrator.iterate(first.problem_id, {
      input: input('solve', { previous_iteration: 1 }),
    });
    const third = await orchestrator.iterate(first.problem_id, {
      input: input('solve', { previous_iteration: 1 }),
      parent_iteration_id: 1,
    });
    expect(await tape.ended(second.task_id, third.task_id)).toEqual(['succeeded', 'succeeded']);
    const [one, two, three] = await Promise.all(
      [first, second, third].map(async ({ task_id }) => (await orchestrator.task(task_id)).modules),
    );
    expect(one.app_requirements.output).toEqual({
      app_requirements: ['[true, true]', '[0, 0]', 'a', 'é'],
      extra_data: base64('{"é": 1}'),
    });
    const bytes = Buffer.from([...Array(256).keys()]).toString('base64');
    expect(one.ml_model.output).toMatchObject({
      ...{ model: 'model-1', raw_model: bytes, input_batch: ['edge'], target_latency: 4 },
    });
    expect(one.hw_resources.output).toMatchObject({ hw_description: 'model-1 on edge', extra_data: bytes });
    expect(one.carbon_footprint.output.carbon_intensity).toBe(7);

    // Every node has the same two numbers for a task.
    const ids: number[][] = JSON.parse(fromBase64(one.carbon_footprint.output.extra_data));
    const problem = ids[0]![0]!;
    expect(ids).toEqual([1, 1, 1].map((iteration) => [problem, iteration]));
    expect(problem).toBeGreaterThan(0);
    expect(problem).toBeLessThan(2 ** 31);
    const of = (modules: Json) => JSON.parse(modules.ml_model.output.model_properties);
    expect(of(one)).toEqual({
      ...{ told: ['image', 8192], baselines: ['', '', 0] },
      ids: [
        [problem, 1],
        [0, 0],
        [0, 0],
      ],
    });
    const before = ['model-1', 'model-1 on edge', 7];
    const parent = [problem, 1];
    expect(of(two)).toMatchObject({ baselines: before, ids: [[problem, 2], parent, parent] });
    expect(of(three)).toMatchObject({ baselines: before, ids: [[problem, 3], parent, parent] });
  });

  it('fail their execution by an exception, and take the next task in the same process', async (ctx) => {
    needs(ctx, ...TOOLS);
    const told = {
      raise: 'ValueError: no such thing',
      exit: 'SystemExit: 3',
      'wrong type': "TypeError: AppRequirements.app_requirements: 'not a list' (str)",
    };
    const modules = await Promise.all(Object.keys(told).map(solved));
    for (const [at, message] of Object.values(told).entries()) {
      const { app_requirements } = modules[at];
      expect(app_requirements).toMatchObject({ state: 'failed', attempts: 3 });
      expect(app_requirements.error.message).toContain(message);
      expect(app_requirements.error.stack).toContain('sustainml_script.py');
    }
    expect(scripts.get('app_requirements')!.isRunning).toBe(true);
    expect((await solved('solve')).app_requirements).toMatchObject({ state: 'succeeded', attempts: 1 });
  });

  it('fail their module at once by an error status, with its description', async (ctx) => {
    needs(ctx, ...TOOLS);
    expect((await solved('error status')).app_requirements).toMatchObject({
      ...{ state: 'failed', attempts: 1 },
      error: { code: 'node_status_error', message: 'nothing to read' },
    });
  });

  it('run two callbacks at once', async (ctx) => {
    needs(ctx, ...TOOLS);
    const both = await Promise.all([solved('together'), solved('together')]);
    for (const { app_requirements } of both)
      expect(app_requirements).toMatchObject({ state: 'succeeded', attempts: 1 });
  });

  it('answer configuration queries, and refuse them with the error that they give', async (ctx) => {
    needs(ctx, ...TOOLS);
    const nodes = await orchestrator.nodes();
    const ask = async (module: Module, configuration: string) => {
      const { node_id } = nodes.find((each) => each.module === module);
      return (await orchestrator.post(`/v1/nodes/${node_id}/configuration`, { configuration })).body;
    };
    const ids = MODULES.map(async (module) => (await ask(module, 'ids')).configuration);
    expect(await Promise.all(ids)).toEqual([0, 2, 4, 5, 3, 1].map((id) => `[${id}, true]`));
    expect(await ask('ml_model', 'x')).toMatchObject({
      success: false,
      error: { code: 'configuration_refused', message: 'Unsupported: x' },
    });
    expect(await ask('ml_model', 'raise')).toMatchObject({
      success: false,
      error: { message: "KeyError: 'modality'" },
    });
  });

  it('end as their own handler of SIGINT says, also by the command of an operator', async (ctx) => {
    needs(ctx, ...TOOLS);
    const { node_id } = (await orchestrator.nodes()).find((each) => each.module === 'ml_model');
    await orchestrator.post(`/v1/nodes/${node_id}/commands`, { command: 'terminate' });
    const ended = (['ml_model', 'hw_resources', 'app_requirements', 'ml_model_metadata'] as const).map(
      (module) => scripts.get(module)!,
    );
    for (const each of ended.slice(1)) each.signal('SIGINT');
    for (const each of ended) {
      expect(await each.exited).toEqual({ code: 0, signal: null });
      expect(each.stdout).toMatch(/exiting/);
      expect(each.stdout).toMatch(/spun/);
      expect(each.stderr).not.toContain('Exception in thread');
    }
    // They have said goodbye: nobody has to miss their heartbeats.
    await tape.some('a goodbye', 4, ({ type }) => type === 'node.left');
  });

  it('go on beside Tutti’s own nodes in one graph', async (ctx) => {
    needs(ctx, ...TOOLS);
    const { control } = orchestrator.ready;
    for (const module of ['ml_model_metadata', 'app_requirements', 'ml_model', 'hw_resources']) {
      const env = { TUTTI_CONTROL: control, TUTTI_INSTANCE: `own-${module}` };
      scene.spawn([join(root, `dist/nodes/sustainml/${module}/node.js`)], env);
    }
    const sample = readFileSync(join(root, 'nodes/sustainml/samples/steel-defects.json'), 'utf8');
    const { task_id } = await orchestrator.submit('sustainml', JSON.parse(sample));
    expect(await tape.ended(task_id)).toEqual(['succeeded']);
    const { ml_model, hw_resources, carbon_footprint } = (await orchestrator.task(task_id)).modules;
    expect(ml_model.output.model).toMatch(/\w/);
    const { power_consumption } = hw_resources.output;
    expect(power_consumption).toBeGreaterThan(0);
    expect(carbon_footprint.output.carbon_intensity).toBe(power_consumption);
  });

  it('are INITIALIZING from the construction of the node, and IDLE once it spins', async (ctx) => {
    needs(ctx, ...TOOLS);
    const file = join(folder, 'spin');
    const late = startScript(scene, 'ml_model', orchestrator.ready.control, file);
    await late.line('made');
    const { node_id } = await tape.first(
      'it is welcomed',
      ({ type, instance, incarnation }) =>
        type === 'node.joined' && instance === 'ml_model' && incarnation === 2,
    );
    const from = tape.cursor;
    const shown = (status: string) =>
      tape.first(
        status,
        (event) => event.node_id === node_id && event.status === status && event.seq > from - 1,
      );
    await shown('INITIALIZING');
    expect((await orchestrator.nodes()).find((each) => each.node_id === node_id).status).toBe('INITIALIZING');
    writeFileSync(file, '');
    await shown('IDLE');
  });
});

describe('a script of the SustainML framework', () => {
  it('ends by SIGINT where there is no orchestrator, and by itself where its node can never be one', async (ctx) => {
    needs(ctx, ...TOOLS);
    const scene = Scene.ofTest();
    const waiting = startScript(scene, 'ml_model', 'tcp://127.0.0.1:9');
    await waiting.line('made');
    waiting.signal('SIGINT');
    expect(await waiting.exited).toEqual({ code: 0, signal: null });
    const never = startScript(scene, 'ml_model', 'nowhere');
    expect((await never.exited).signal).toBe(null);
    expect(never.stderr).toContain('control: "nowhere" is not an endpoint');
  });

  it('waits for the graph that has its module', async (ctx) => {
    needs(ctx, ...TOOLS);
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene);
    const tape = orchestrator.tape();
    const script = startScript(scene, 'ml_model', orchestrator.ready.control);
    await script.logs('waits for a graph to be stored: no graph has a module ml_model');
    const put = await fetch(`${orchestrator.ready.http}/v1/graphs/sustainml`, {
      method: 'PUT',
      body: readFileSync(SUSTAINML_GRAPH, 'utf8'),
    });
    expect(put.ok).toBe(true);
    await becomes(tape, 1, 'IDLE');
    expect(await script.end('SIGINT')).toEqual({ code: 0, signal: null });
  });
});
