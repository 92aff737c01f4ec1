/** What a bad network does to a node: the protocol's repeats heal it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readJournal, startNode } from '../support/nodes.js';
import { OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { TcpProxy } from '../support/proxy.js';

async function startBehindProxy() {
  const scene = Scene.ofTest();
  const directory = await scene.directory();
  const [journal, gate] = [join(directory, 'journal'), join(directory, 'gate')];
  const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
  const proxy = await TcpProxy.to(scene, orchestrator.ready.control);
  const node = startNode(scene, orchestrator, { module: 'work', journal, control: proxy.endpoint });
  const tape = orchestrator.tape();
  await tape.first('the node is idle', ({ type, status }) => type === 'node.status' && status === 'IDLE');
  const begun = async () =>
    (await readJournal(journal)).filter(({ what }) => what === 'begin').map(({ task }) => task);
  return { orchestrator, proxy, node, tape, gate, begun };
}

describe('a connection that is cut', () => {
  it('an assignment that is lost with its connection is sent again under its id, and runs once', async () => {
    const { orchestrator, proxy, tape, begun } = await startBehindProxy();
    proxy.swallow();
    const { task_id: task } = await orchestrator.submit('one', {});
    const assigned = await tape.first('the assignment', ({ type }) => type === 'execution.assigned');
    proxy.cut();
    expect(await tape.ended(task)).toEqual(['succeeded']);
    expect(proxy.connections).toBe(2);
    expect(await begun()).toEqual([task]);
    expect(await orchestrator.executions(task)).toMatchObject([
      { execution_id: assigned.execution_id, state: 'succeeded' },
    ]);
    expect(tape.events.filter(({ type }) => type === 'node.joined')).toHaveLength(1);
  });

  it('while the node works: the execution stays where it is, and goes on', async () => {
    const { orchestrator, proxy, tape, gate, begun } = await startBehindProxy();
    const { task_id: task } = await orchestrator.submit('one', { work: { hold: gate } });
    await tape.first('it runs', ({ type }) => type === 'execution.running');
    proxy.cut();
    await writeFile(gate, '');
    expect(await tape.ended(task)).toEqual(['succeeded']);
    expect(await begun()).toEqual([task]);
    expect(await orchestrator.executions(task)).toHaveLength(1);
  });

  it('an output whose ack is lost with its connection is repeated by the node and recorded once', async () => {
    const { orchestrator, proxy, tape, gate, begun } = await startBehindProxy();
    const { task_id: first } = await orchestrator.submit('one', { work: { hold: gate } });
    await tape.first('it runs', ({ type }) => type === 'execution.running');
    proxy.swallow();
    await writeFile(gate, '');
    expect(await tape.ended(first)).toEqual(['succeeded']);
    proxy.cut();
    // Its only slot is free again for the next task only if it was told the end of the first.
    const { task_id: second } = await orchestrator.submit('one', {});
    expect(await tape.ended(second)).toEqual(['succeeded']);
    const outputs = tape.events.filter(({ type }) => type === 'output.recorded');
    expect(outputs.map(({ problem_id, iteration_id }) => `${problem_id}/${iteration_id}`)).toEqual([
      first,
      second,
    ]);
    expect(await begun()).toEqual([first, second]);
    expect(tape.events.filter(({ type }) => type === 'execution.lost')).toEqual([]);
  });
});
