/** The SustainML example as a newcomer runs it: the real graph, its six real nodes, and the sample problems. */
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { EventTape } from '../support/event-tape.js';
import { type Json, OrchestratorProcess, SUSTAINML_GRAPH } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';

const ROOT = join(import.meta.dirname, '../..');
const SAMPLES = join(ROOT, 'nodes/sustainml/samples');
const MODULES = [
  'ml_model_metadata',
  'app_requirements',
  'hw_constraints',
  'ml_model',
  'hw_resources',
  'carbon_footprint',
] as const;

const readSample = async (name: string): Promise<Json> =>
  JSON.parse(await readFile(join(SAMPLES, `${name}.json`), 'utf8'));

const extraOf = (output: Json): Json => JSON.parse(Buffer.from(output.extra_data, 'base64').toString());

describe('the SustainML example', () => {
  const scene = Scene.ofFile();
  let orchestrator: OrchestratorProcess;
  let tape: EventTape;

  beforeAll(async () => {
    orchestrator = await OrchestratorProcess.up(scene, { graphs: [SUSTAINML_GRAPH] });
    tape = orchestrator.tape();
    for (const module of MODULES) {
      scene.spawn([join(ROOT, `dist/nodes/sustainml/${module}/node.js`)], {
        TUTTI_CONTROL: orchestrator.ready.control,
        TUTTI_INSTANCE: module,
      });
    }
    await tape.some('a node is idle', 6, ({ type, status }) => type === 'node.status' && status === 'IDLE');
  });

  it('solves the demo problem, and a second iteration of it with a smaller footprint and another model', async () => {
    const input = await readSample('steel-defects');
    const first = await orchestrator.submit('sustainml', input, { title: 'steel' });
    expect(await tape.ended(first.task_id)).toEqual(['succeeded']);
    const better = { ...input, optimize_carbon_footprint_manual: true, previous_iteration: 1 };
    const second = await orchestrator.iterate(first.problem_id, { input: better });
    expect(await tape.ended(second.task_id)).toEqual(['succeeded']);

    const [before, after] = await Promise.all(
      [first, second].map(async ({ task_id }) => (await orchestrator.task(task_id)).modules),
    );
    for (const modules of [before, after]) {
      for (const module of MODULES)
        expect(modules[module]).toMatchObject({ state: 'succeeded', attempts: 1 });
      const { carbon_footprint, energy_consumption, carbon_intensity } = modules.carbon_footprint.output;
      expect(carbon_footprint).toBeGreaterThan(0);
      // kg = kWh · g/kWh / 1000
      expect(carbon_footprint).toBeCloseTo((energy_consumption * carbon_intensity) / 1000, 9);
    }
    expect(after.ml_model.output.model).not.toBe(before.ml_model.output.model);
    expect(after.carbon_footprint.output.carbon_footprint).toBeLessThan(
      before.carbon_footprint.output.carbon_footprint,
    );
    expect(await orchestrator.task(second.task_id)).toMatchObject({
      parent_iteration_id: 1,
      graph: 'sustainml',
    });
    // What changed is what the comparison shows: the model and what follows from it, not what was read from the same words.
    const diff = await orchestrator.get(`/v1/problems/${first.problem_id}/diff?a=1&b=2`);
    expect(JSON.stringify(diff.body)).toContain('carbon_footprint');
    expect(JSON.stringify(diff.body)).not.toContain('ml_model_metadata":{');
  });

  it('has at least six samples of six kinds of data, and solves or clearly refuses each', async () => {
    const names = (await readdir(SAMPLES)).map((file) => basename(file, '.json'));
    const samples = await Promise.all(names.map(async (name) => ({ name, input: await readSample(name) })));
    expect(new Set(samples.map(({ input }) => input.modality)).size).toBeGreaterThanOrEqual(6);
    const tasks = await Promise.all(
      samples.map(async ({ name, input }) => ({ name, ...(await orchestrator.submit('sustainml', input)) })),
    );
    const ends = await tape.ended(...tasks.map(({ task_id }) => task_id));
    expect(ends.filter((end) => end === 'succeeded').length).toBeGreaterThanOrEqual(6);
    for (const [index, { name, task_id }] of tasks.entries()) {
      const { modules, state } = await orchestrator.task(task_id);
      expect(state, name).toBe(ends[index]);
      if (state === 'succeeded') {
        expect(modules.ml_model.output.model, name).toMatch(/\w/);
        expect(extraOf(modules.ml_model.output), name).toBeTypeOf('object');
        expect(modules.carbon_footprint.output.carbon_footprint, name).toBeGreaterThan(0);
      } else {
        const failed = MODULES.filter((module) => modules[module].state === 'failed');
        expect(failed, name).toHaveLength(1);
        const { code, message } = modules[failed[0]!].error;
        expect(code, name).toMatch(/^[a-z]+(_[a-z]+)+$/);
        expect(code, name).not.toMatch(/handler_error|internal/);
        expect(message.length, name).toBeGreaterThan(30);
      }
    }
  });

  it('says which constraint excluded the last candidates when no model fits', async () => {
    const input = await readSample('steel-defects');
    const extra = { max_memory_footprint: 1, hardware_required: ['edge'], inferences: 1_000_000 };
    const impossible = { ...input, extra_data: Buffer.from(JSON.stringify(extra)).toString('base64') };
    const { task_id: task } = await orchestrator.submit('sustainml', impossible);
    expect(await tape.ended(task)).toEqual(['failed']);
    const { ml_model, hw_resources, carbon_footprint } = (await orchestrator.task(task)).modules;
    expect(ml_model).toMatchObject({ state: 'failed', attempts: 1 });
    expect(ml_model.error.message).toMatch(/memory/);
    expect([hw_resources.state, carbon_footprint.state]).toEqual(['skipped', 'skipped']);
  });
});
