/** `kill -9` of the orchestrator: what was accepted survives, what runs is adopted, and nothing is done twice. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readJournal, SIX, startNode } from '../support/nodes.js';
import { OrchestratorProcess, pathOf } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { outputFaults, startSix } from '../support/six-nodes.js';

const ofNodes = (nodes: readonly { node_id: string; instance: string; incarnation: number }[]) =>
  Object.fromEntries(nodes.map(({ node_id, instance, incarnation }) => [instance, { node_id, incarnation }]));

/** What was begun, as `<task> <module>`, and the executions that were begun more than once. */
async function begun(journal: string): Promise<{ work: string[]; twice: string[] }> {
  const lines = (await readJournal(journal)).filter(({ what }) => what === 'begin');
  const executions = lines.map(({ execution }) => execution);
  return {
    work: lines.map(({ task, module }) => `${task} ${module}`).sort(),
    twice: executions.filter((execution, index) => executions.indexOf(execution) !== index),
  };
}

const allWork = (tasks: readonly string[]) =>
  tasks.flatMap((task) => SIX.map((module) => `${task} ${module}`)).sort();

describe('an orchestrator that is killed and started again', () => {
  it('finishes the task that was under way, with the nodes that had it, and runs nothing twice', async () => {
    const scene = Scene.ofTest();
    const directory = await scene.directory();
    const [journal, gate] = [join(directory, 'journal'), join(directory, 'gate')];
    const { orchestrator } = await startSix(scene, { journal });
    const tape = orchestrator.tape();
    const before = ofNodes(await orchestrator.nodes());
    const { task_id: done } = await orchestrator.submit('six', {});
    expect(await tape.ended(done)).toEqual(['succeeded']);
    const { task_id: task } = await orchestrator.submit('six', { model: { hold: gate } });
    const running = await tape.first(
      'the model node runs',
      (event) =>
        event.type === 'execution.running' && event.module === 'model' && tape.of(task).includes(event),
    );

    const { epoch, store_id } = orchestrator.ready;
    await orchestrator.process.end('SIGKILL');
    expect(await orchestrator.restart()).toMatchObject({ epoch: epoch + 1, store_id });
    await writeFile(gate, '');

    expect(await tape.ended(task)).toEqual(['succeeded']);
    expect(await begun(journal)).toEqual({ work: allWork([done, task]), twice: [] });
    expect(outputFaults(tape, [done, task])).toEqual([]);
    expect((await orchestrator.task(task)).modules.model.execution_id).toBe(running.execution_id);
    expect(ofNodes(await orchestrator.nodes())).toEqual(before);
    expect(tape.events.filter(({ type }) => type === 'node.joined')).toHaveLength(SIX.length);
    // The history by HTTP is what the stream told, over both reigns.
    const history = await orchestrator.get(`${pathOf(task)}/events?limit=1000`);
    expect(history.body.items.map(({ seq }: { seq: number }) => seq)).toEqual(
      tape.of(task).map(({ seq }) => seq),
    );
  });

  it('again and again, in the middle of many tasks, loses none and runs nothing twice', async () => {
    const scene = Scene.ofTest();
    const journal = join(await scene.directory(), 'journal');
    const { orchestrator } = await startSix(scene, { journal });
    const tape = orchestrator.tape();
    const script = Object.fromEntries(SIX.map((module) => [module, { random_ms: 40 }]));
    const submitted = Array.from({ length: 30 }, () => orchestrator.submit('six', script));
    const tasks = (await Promise.all(submitted)).map(({ task_id }) => task_id);
    for (const outputs of [20, 60, 100]) {
      await tape.some('an output', outputs, ({ type }) => type === 'output.recorded');
      await orchestrator.process.end('SIGKILL');
      await orchestrator.restart();
    }
    expect(new Set(await tape.ended(...tasks))).toEqual(new Set(['succeeded']));
    expect(await begun(journal)).toEqual({ work: allWork(tasks), twice: [] });
    expect(outputFaults(tape, tasks)).toEqual([]);
    for (const task of tasks) expect(await orchestrator.executions(task)).toHaveLength(SIX.length);
  });

  it('gets the outputs that a node has published in the meantime, each once', async () => {
    const scene = Scene.ofTest();
    const directory = await scene.directory();
    const [journal, gate] = [join(directory, 'journal'), join(directory, 'gate')];
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
    const tape = orchestrator.tape();
    const node = startNode(scene, orchestrator, { module: 'work', journal });
    const { task_id: task } = await orchestrator.submit('one', { work: { hold: gate, then_partials: 5 } });
    await tape.first('it runs', ({ type }) => type === 'execution.running');
    await orchestrator.process.end('SIGKILL');
    await writeFile(gate, '');
    await node.line(`end ${task}`);
    await orchestrator.restart();
    expect(await tape.ended(task)).toEqual(['succeeded']);
    const outputs = tape.of(task).filter(({ type }) => type === 'output.recorded');
    expect(outputs.map(({ output_seq, last }) => ({ output_seq, last }))).toEqual(
      [1, 2, 3, 4, 5, 6].map((output_seq) => ({ output_seq, last: output_seq === 6 })),
    );
    expect((await begun(journal)).work).toEqual([`${task} work`]);
    expect(await orchestrator.executions(task)).toMatchObject([{ state: 'succeeded' }]);
  });

  it('keeps a retry that was due later: it comes in its time, and the attempts are counted on', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['pair'] });
    const tape = orchestrator.tape();
    for (const module of ['first', 'second']) startNode(scene, orchestrator, { module });
    const fail = { times: 1, code: 'busy', message: 'the catalogue is locked' };
    const { task_id: task } = await orchestrator.submit('pair', { first: { fail } });
    const failed = await tape.first('the failure', ({ type }) => type === 'execution.failed');
    await orchestrator.process.end('SIGKILL');
    await orchestrator.restart();
    expect(await tape.ended(task)).toEqual(['succeeded']);
    const assigned = tape
      .of(task)
      .filter(({ type, module }) => type === 'execution.assigned' && module === 'first');
    expect(assigned.map(({ attempt }) => attempt)).toEqual([1, 2]);
    // The graph says 3 s; a timer may be some tens of milliseconds off, never a whole back-off.
    const pauseMs = Date.parse(assigned[1]!.at) - Date.parse(failed.at);
    expect(pauseMs).toBeGreaterThan(2_900);
    expect((await orchestrator.task(task)).modules.first).toMatchObject({ state: 'succeeded', attempts: 2 });
    const executions = (await orchestrator.executions(task)).filter(({ module }) => module === 'first');
    expect(executions).toMatchObject([{ state: 'failed', error: { code: 'busy' } }, { state: 'succeeded' }]);
  });

  it('leaves what has ended as it was: nothing of it is assigned again', async () => {
    const scene = Scene.ofTest();
    const journal = join(await scene.directory(), 'journal');
    const { orchestrator, nodes } = await startSix(scene, { journal });
    const tape = orchestrator.tape();
    const { task_id: task } = await orchestrator.submit('six', { name: 'kept' });
    expect(await tape.ended(task)).toEqual(['succeeded']);
    const [shown, cursor] = [await orchestrator.task(task), tape.cursor];
    await orchestrator.process.end('SIGKILL');
    await orchestrator.restart();
    await Promise.all(nodes.map((node) => node.logs('registered again')));
    const { task_id: next } = await orchestrator.submit('six', {});
    expect(await tape.ended(next)).toEqual(['succeeded']);
    expect(await orchestrator.task(task)).toEqual(shown);
    expect(await orchestrator.output(task, 'footprint')).toMatchObject({ task, name: 'kept' });
    expect(tape.of(task).every(({ seq }) => seq <= cursor)).toBe(true);
    expect((await begun(journal)).work).toEqual(allWork([task, next]));
  });
});
