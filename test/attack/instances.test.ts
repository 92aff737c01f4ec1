/** Processes that call themselves alike, and floods of made-up ones. */
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cli } from '../support/cli.js';
import { startNode } from '../support/nodes.js';
import { OrchestratorProcess } from '../support/orchestrator.js';
import { Scene, type Spawned } from '../support/processes.js';
import { RawPeer } from '../support/raw-peer.js';

describe('two supervised processes under one name', () => {
  it('get work done, and are warned of wherever a person looks', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
    const tape = orchestrator.tape();
    const hold = join(await scene.directory(), 'go');
    let over = false;
    /** What a supervisor does: whatever ends is started again. */
    const supervise = async (): Promise<void> => {
      while (!over) {
        const process: Spawned = startNode(scene, orchestrator, { module: 'work', instance: 'twin' });
        await process.exited;
      }
    };
    scene.atEnd(() => {
      over = true;
    });
    const supervised = [supervise(), supervise()];
    const { task_id: task } = await orchestrator.submit('one', { work: { hold } });
    await tape.first('the conflict', ({ type }) => type === 'node.conflict');
    await expect.poll(async () => (await orchestrator.task(task)).modules.work.state).toBe('running');
    const joined = (): number => tape.events.filter(({ type }) => type === 'node.joined').length;
    const before = joined();
    const [node] = await orchestrator.nodes();
    expect(node.warning).toMatchObject({
      code: 'instance_conflict',
      message: expect.stringContaining('twin'),
    });
    const listed = cli(['nodes'], { url: orchestrator.ready.http });
    expect(await listed.exit).toBe(0);
    expect(listed.stdout()).toContain('twin: instance_conflict:');
    await orchestrator.process.logs('node.conflict');
    await writeFile(hold, '');
    expect(await tape.ended(task)).toEqual(['succeeded']);
    // They do not go on replacing each other.
    expect(joined()).toBe(before);
    const executions = await orchestrator.executions(task);
    expect(executions.map(({ error }) => error?.code)).not.toContain('poisonous');
    over = true;
    for (const { node_id: id } of await orchestrator.nodes())
      await orchestrator.post(`/v1/nodes/${id}/commands`, { command: 'terminate' });
    void supervised;
  });
});

describe('a flood of hellos with the most labels', () => {
  it('is bounded, leaves small events, and keeps no honest node out', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
    const tape = orchestrator.tape();
    const labels = Object.fromEntries(
      Array.from({ length: 64 }, (_, index) => [`label-${index}-${'x'.repeat(200)}`, 'y'.repeat(200)]),
    );
    const floods = Array.from({ length: 10 }, () => new RawPeer(scene, orchestrator));
    const version = 'v'.repeat(200);
    for (let round = 0; round < 20; round += 1) {
      for (const flood of floods) {
        flood.sayHello({ instance: randomUUID(), bootId: randomUUID(), labels, version });
        flood.sayHello({ instance: 'same', bootId: randomUUID(), labels, version });
      }
    }
    const honest = startNode(scene, orchestrator, { module: 'work', instance: 'honest' });
    await honest.line('registered ');
    expect(await tape.ended((await orchestrator.submit('one', {})).task_id)).toEqual(['succeeded']);
    const joined = tape.events.filter(({ type }) => type === 'node.joined');
    expect(joined.length).toBeGreaterThan(5);
    for (const event of joined) expect(JSON.stringify(event).length).toBeLessThan(500);
    const same = joined.filter(({ instance }) => instance === 'same');
    expect(same.length).toBeLessThan(20);
  });
});
