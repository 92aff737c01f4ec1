/** Many tasks at once, and many in a row. */
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { EventTape } from '../support/event-tape.js';
import type { OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { outputFaults, startSix } from '../support/six-nodes.js';

/** Submissions under way at once: what a browser or a script would have. */
const CLIENTS = 16;

async function submitMany(orchestrator: OrchestratorProcess, count: number): Promise<string[]> {
  const tasks: string[] = [];
  let left = count;
  const client = async () => {
    while (left > 0) {
      left -= 1;
      tasks.push((await orchestrator.submit('six', {})).task_id);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return tasks;
}

async function expectAllSolved(tape: EventTape, tasks: readonly string[]): Promise<void> {
  const ends = await tape.ended(...tasks);
  expect(ends.filter((end) => end !== 'succeeded')).toEqual([]);
  expect(outputFaults(tape, tasks)).toEqual([]);
}

describe('a burst of tasks through six nodes', () => {
  it('bursts of 20, 40 and 400 tasks are solved with every output recorded exactly once', async () => {
    const { orchestrator } = await startSix(Scene.ofTest());
    const tape = orchestrator.tape();
    for (const count of [20, 40, 400]) await expectAllSolved(tape, await submitMany(orchestrator, count));
    // Nothing is left over: what was assigned has ended, and nothing came twice.
    const gauges = (await orchestrator.get('/v1/stats')).body;
    expect(gauges).toMatchObject({ tasks: 0, executions: 0 });
    const assigned = tape.events.filter(({ type }) => type === 'execution.assigned');
    expect(assigned).toHaveLength((20 + 40 + 400) * 6);
  });
});

describe('an orchestrator', () => {
  it('stays as small as it was while 1,000 tasks run one after the other through six nodes', async () => {
    const { orchestrator } = await startSix(Scene.ofTest());
    const tape = orchestrator.tape();
    let early = 0;
    const tasks: string[] = [];
    for (let number = 1; number <= 1000; number += 1) {
      const { task_id: task } = await orchestrator.submit('six', {});
      tasks.push(task);
      expect(await tape.ended(task)).toEqual(['succeeded']);
      if (number === 200) early = await anonymousKib(orchestrator.process.pid);
    }
    const late = await anonymousKib(orchestrator.process.pid);
    expect(outputFaults(tape, tasks)).toEqual([]);
    expect(late).toBeLessThanOrEqual(early * 1.2 + 20 * 1024);
  });
});

/** Memory that belongs to the process alone: the pages of the mapped store are not among it. */
async function anonymousKib(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]);
}
