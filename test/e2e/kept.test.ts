/** A TypeScript node with a state folder leaves its work to its next process. */
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { spawnAuthored, startAuthored } from '../support/authored.js';
import { OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';

const source = (folder: string) => `
import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { node } from 'tutti/sdk';
await node('work', async (task) => {
  appendFileSync(${JSON.stringify(join(folder, 'journal'))}, task.executionId + ' ' + task.isResumed + '\\n');
  console.log('begun');
  while (!existsSync(${JSON.stringify(join(folder, 'go'))})) await delay(20, undefined, { signal: task.signal });
  return { resumed: task.isResumed };
}, { stateDir: ${JSON.stringify(join(folder, 'state'))}, instance: 'kept' }).start();
`;

describe('a node with a state folder', () => {
  it.each(['SIGKILL', 'SIGTERM'] as const)('goes on with its execution after %s', async (signal) => {
    const scene = Scene.ofTest();
    const folder = await scene.directory();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
    const tape = orchestrator.tape();
    const first = await startAuthored(scene, orchestrator, { source: source(folder) });
    const { task_id } = await orchestrator.submit('one', {});
    await first.line('begun');
    await first.end(signal);
    const second = await startAuthored(scene, orchestrator, { source: source(folder) });
    await second.line('begun');
    await writeFile(join(folder, 'go'), '');
    expect(await tape.ended(task_id)).toEqual(['succeeded']);

    const executions = await orchestrator.executions(task_id);
    expect(executions).toMatchObject([{ attempt: 1 }]);
    const id = executions[0].execution_id;
    expect(await readFile(join(folder, 'journal'), 'utf8')).toBe(`${id} false\n${id} true\n`);
    expect(await orchestrator.output(task_id, 'work')).toEqual({ resumed: true });
    const kept = async () => (await readdir(join(folder, 'state'))).filter((name) => name !== 'boot');
    await expect.poll(kept).toEqual([]);
  });

  it('is refused while another process has its folder', async () => {
    const scene = Scene.ofTest();
    const folder = await scene.directory();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
    await startAuthored(scene, orchestrator, { source: source(folder) });
    expect(existsSync(join(folder, 'state', 'boot'))).toBe(true);
    const second = await spawnAuthored(scene, orchestrator.ready.control, { source: source(folder) });
    expect(await second.exited).toMatchObject({ code: 1 });
    expect(second.stderr).toContain('state_held');
  });
});
