/** Orchestrator and node stand still together, as in a paused container or a suspended machine: the time does not count. */
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { missing } from '../python/python.js';
import { startAuthored } from '../support/authored.js';
import { OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';

const TIMEOUT_S = 4;
const STANDSTILL_MS = 2 * TIMEOUT_S * 1_000;

const GRAPH = `
name: frozen
source: { name: problem, type: json }
modules:
  work: { inputs: [problem], output: json, retry: { attempts: 1 }, timeout: ${TIMEOUT_S}s }
`;

/** Works for a second or two after the gate is open. */
const SOURCES = {
  js: `
import { setTimeout as delay } from 'node:timers/promises';
import { node } from 'tutti/sdk';
await node('work', async (task) => {
  process.stdout.write('begun\\n');
  for (let i = 0; i < 15; i += 1) await delay(100, undefined, { signal: task.signal });
  return 'done';
}).start();
`,
  py: `
from tutti import node
@node("work")
def run(task):
    print("begun", flush=True)
    for _ in range(15):
        task.sleep(0.1)
    return "done"
`,
} as const;

/** A process and all that it started. */
function familyOf(pid: number): number[] {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const status = readFileSync(join('/proc', name, 'status'), 'utf8');
        return new RegExp(`^PPid:\\s+${pid}$`, 'm').test(status);
      } catch {
        return false;
      }
    });
  return [pid, ...children.flatMap((name) => familyOf(Number(name)))];
}

describe('a standstill of orchestrator and node that is longer than the timeout', () => {
  for (const language of ['js', 'py'] as const) {
    it(`ends no attempt of a ${language === 'js' ? 'TypeScript' : 'Python'} node`, async (ctx) => {
      const tool = language === 'py' ? missing('zmq', 'google.protobuf') : undefined;
      if (tool !== undefined) ctx.skip(`needs ${tool}`);
      const scene = Scene.ofTest();
      const graph = join(await scene.directory(), 'frozen.yaml');
      await writeFile(graph, GRAPH);
      const orchestrator = await OrchestratorProcess.up(scene, { graphs: [graph] });
      const tape = orchestrator.tape();
      const node = await startAuthored(scene, orchestrator, { source: SOURCES[language], language });
      const { task_id: task } = await orchestrator.submit('frozen', {});
      await node.line('begun');

      const all = [orchestrator.process.pid, ...familyOf(node.pid)];
      expect(all).toHaveLength(language === 'py' ? 3 : 2);
      for (const pid of all) process.kill(pid, 'SIGSTOP');
      try {
        await delay(STANDSTILL_MS);
      } finally {
        for (const pid of all) process.kill(pid, 'SIGCONT');
      }
      expect(await tape.ended(task)).toEqual(['succeeded']);
      expect(await orchestrator.executions(task)).toMatchObject([{ state: 'succeeded', attempt: 1 }]);
    });
  }
});
