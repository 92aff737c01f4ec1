/** What the SustainML framework's own tests ask of an orchestrator and its nodes. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { taskOf } from '../support/event-tape.js';
import { readJournal, SIX, startNode } from '../support/nodes.js';
import { OrchestratorProcess, pathOf } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { startSix } from '../support/six-nodes.js';

/** What each module published, from the event log: exactly one output each, and each the last of its execution. */
function outputsOf(
  events: ReturnType<OrchestratorProcess['tape']>['events'],
  task: string,
): Record<string, unknown> {
  const recorded = events.filter((event) => event.type === 'output.recorded' && taskOf(event) === task);
  expect(recorded.map((event) => event.module).sort()).toEqual([...SIX].sort());
  expect(recorded.every((event) => event.last === true && event.output_seq === 1)).toBe(true);
  return Object.fromEntries(recorded.map((event) => [event.module, event.output]));
}

const allFrom = (modules: readonly string[], task: string) =>
  Object.fromEntries(modules.map((module) => [module, task]));

describe('orchestrator and nodes', () => {
  it('solve a task whichever of them comes first, with exactly one output per module', async () => {
    const scene = Scene.ofTest();
    const { orchestrator } = await startSix(scene);
    const tape = orchestrator.tape();
    const { task_id: before } = await orchestrator.submit('six', {});
    expect(await tape.ended(before)).toEqual(['succeeded']);
    outputsOf(tape.events, before);

    // Now the nodes are there first, and at first nobody answers them.
    await orchestrator.process.end('SIGTERM');
    const late = startNode(scene, orchestrator, { module: 'model', instance: 'early-bird' });
    await late.line('starting');
    await orchestrator.restart();
    await late.line('registered ');
    const { task_id: after } = await orchestrator.submit('six', {});
    expect(await tape.ended(after)).toEqual(['succeeded']);
    const outputs = outputsOf(tape.events, after);
    expect(outputs.model).toMatchObject({
      task: after,
      inputs: allFrom(['metadata', 'requirements', 'constraints'], after),
    });
    expect(outputs.footprint).toMatchObject({ inputs: allFrom(['model', 'resources'], after) });
  });

  it('wait for each other: a task without nodes says what it waits for and goes on when they come', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['six'] });
    const tape = orchestrator.tape();
    const { task_id: task } = await orchestrator.submit('six', {});
    const waiting = await tape.first('a module waits', (event) => event.type === 'module.waiting');
    expect(waiting.reason).toMatch(/^waiting for a node of (metadata|requirements|constraints)$/);
    for (const module of SIX) startNode(scene, orchestrator, { module });
    expect(await tape.ended(task)).toEqual(['succeeded']);
    outputsOf(tape.events, task);
  });
});

describe('tasks', () => {
  it('run back to back, each with its own inputs only', async () => {
    const { orchestrator } = await startSix(Scene.ofTest());
    const tape = orchestrator.tape();
    for (const name of ['first', 'second', 'third']) {
      const { task_id: task } = await orchestrator.submit('six', { name });
      expect(await tape.ended(task)).toEqual(['succeeded']);
      const outputs = outputsOf(tape.events, task);
      for (const module of SIX) expect(outputs[module]).toMatchObject({ task, name });
      expect(outputs.resources).toMatchObject({
        inputs: allFrom(['requirements', 'constraints', 'model'], task),
      });
    }
  });

  it('get the previous outputs of their parent iteration, whatever ran in between', async () => {
    const { orchestrator } = await startSix(Scene.ofTest());
    const tape = orchestrator.tape();
    const solve = async (submitted: Promise<{ task_id: string; problem_id: string }>) => {
      const task = await submitted;
      expect(await tape.ended(task.task_id)).toEqual(['succeeded']);
      return task;
    };
    const previousOf = async (task: string) => (await orchestrator.output(task, 'model')).previous;
    const kept = ['model', 'resources', 'footprint'];

    const first = await solve(orchestrator.submit('six', { name: 'one' }));
    expect(await previousOf(first.task_id)).toEqual({});
    await solve(orchestrator.submit('six', { name: 'another problem' }));
    const second = await solve(orchestrator.iterate(first.problem_id));
    expect(second.task_id).toBe(`${first.problem_id}/2`);
    expect(await previousOf(second.task_id)).toEqual(allFrom(kept, first.task_id));
    const third = await solve(orchestrator.iterate(first.problem_id));
    expect(await previousOf(third.task_id)).toEqual(allFrom(kept, second.task_id));
    // From an older one: not the newest iteration's outputs, and not those of "iteration − 1".
    const fourth = await solve(orchestrator.iterate(first.problem_id, { parent_iteration_id: 1 }));
    expect(await previousOf(fourth.task_id)).toEqual(allFrom(kept, first.task_id));
    expect(await orchestrator.task(fourth.task_id)).toMatchObject({
      parent_iteration_id: 1,
      input: { name: 'one' },
    });
  });

  it('tasks whose nodes take random times are not mixed up', async () => {
    const { orchestrator } = await startSix(Scene.ofTest());
    const tape = orchestrator.tape();
    const script = Object.fromEntries(SIX.map((module) => [module, { random_ms: 250 }]));
    const tasks = await Promise.all(
      ['a', 'b', 'c'].map(async (name) => ({
        name,
        ...(await orchestrator.submit('six', { name, ...script })),
      })),
    );
    expect(await tape.ended(...tasks.map(({ task_id }) => task_id))).toEqual([
      'succeeded',
      'succeeded',
      'succeeded',
    ]);
    for (const { name, task_id: task } of tasks) {
      const outputs = outputsOf(tape.events, task);
      for (const module of SIX) expect(outputs[module]).toMatchObject({ task, name });
      expect(outputs.footprint).toMatchObject({ inputs: allFrom(['model', 'resources'], task) });
    }
  });

  it('have nothing to read before there is an output', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['pair'] });
    const tape = orchestrator.tape();
    startNode(scene, orchestrator, { module: 'first' });
    const gate = join(await scene.directory(), 'gate');
    const { task_id: task } = await orchestrator.submit('pair', { first: { hold: gate } });
    await tape.first('it runs', ({ type }) => type === 'execution.running');
    for (const module of ['first', 'second']) {
      const early = await orchestrator.get(`${pathOf(task)}/outputs/${module}`);
      expect(early).toMatchObject({ status: 404, body: { error: { code: 'no_output' } } });
    }
    expect((await orchestrator.task(task)).modules.first.output).toBeNull();
    await writeFile(gate, '');
    await tape.first('the output', ({ type }) => type === 'output.recorded');
    expect(await orchestrator.output(task, 'first')).toMatchObject({ task });
    const second = await orchestrator.get(`${pathOf(task)}/outputs/second`);
    expect(second).toMatchObject({ status: 404, body: { error: { code: 'no_output' } } });
  });
});

describe('a node', () => {
  it('a node whose function throws survives: the task fails with that error, and the next one is solved', async () => {
    const { orchestrator } = await startSix(Scene.ofTest());
    const tape = orchestrator.tape();
    const fail = { times: 9, code: 'no_candidate', message: 'no model fits 3 MiB', final: true };
    const { task_id: bad } = await orchestrator.submit('six', { model: { fail } });
    expect(await tape.ended(bad)).toEqual(['failed']);
    const { modules, state } = await orchestrator.task(bad);
    expect(state).toBe('failed');
    expect(modules.model).toMatchObject({
      state: 'failed',
      attempts: 1,
      error: { code: 'no_candidate', message: 'no model fits 3 MiB' },
    });
    expect(modules.resources).toMatchObject({ state: 'skipped', output: null });
    expect(modules.footprint).toMatchObject({ state: 'skipped', output: null });
    const { task_id: good } = await orchestrator.submit('six', {});
    expect(await tape.ended(good)).toEqual(['succeeded']);
    const [before, after] = await Promise.all(
      [bad, good].map(async (task) => (await orchestrator.task(task)).modules.model.node_id),
    );
    expect(after).toBe(before);
  });

  it('a node that fails with a temporary error is tried again', async () => {
    const { orchestrator } = await startSix(Scene.ofTest());
    const tape = orchestrator.tape();
    const fail = { times: 1, message: 'the catalogue is locked' };
    const { task_id: task } = await orchestrator.submit('six', { model: { fail } });
    expect(await tape.ended(task)).toEqual(['succeeded']);
    const attempts = tape
      .of(task)
      .filter((event) => event.module === 'model' && /^execution\.(failed|succeeded)$/.test(event.type))
      .map(({ type, attempt }) => ({ type, attempt }));
    expect(attempts).toEqual([
      { type: 'execution.failed', attempt: 1 },
      { type: 'execution.succeeded', attempt: 2 },
    ]);
    expect((await orchestrator.task(task)).modules.model).toMatchObject({ attempts: 2, state: 'succeeded' });
  });

  it('shares the work of its module with another one, and nothing is done twice', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
    const tape = orchestrator.tape();
    const journal = join(await scene.directory(), 'journal');
    for (const instance of ['left', 'right'])
      startNode(scene, orchestrator, { module: 'work', instance, journal });
    await tape.some('a node is idle', 2, ({ type, status }) => type === 'node.status' && status === 'IDLE');
    const tasks: string[] = [];
    for (let number = 0; number < 20; number += 1) {
      tasks.push((await orchestrator.submit('one', { work: { random_ms: 30 } })).task_id);
    }
    expect(new Set(await tape.ended(...tasks))).toEqual(new Set(['succeeded']));
    const lines = await readJournal(journal);
    expect(
      lines
        .filter(({ what }) => what === 'begin')
        .map(({ task }) => task)
        .sort(),
    ).toEqual([...tasks].sort());
    const share = (instance: string) =>
      lines.filter((line) => line.what === 'begin' && line.instance === instance).length;
    expect(share('left')).toBeGreaterThanOrEqual(4);
    expect(share('right')).toBeGreaterThanOrEqual(4);
    for (const task of tasks) expect(await orchestrator.executions(task)).toHaveLength(1);
  });
});
