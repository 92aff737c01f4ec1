/** The graph `six` with a node for each of its modules. */
import type { EventTape } from './event-tape.js';
import { taskOf } from './event-tape.js';
import { SIX, startNode } from './nodes.js';
import { OrchestratorProcess, type UpOptions } from './orchestrator.js';
import type { Scene, Spawned } from './processes.js';

export interface Six {
  readonly orchestrator: OrchestratorProcess;
  readonly nodes: readonly Spawned[];
}

/** An orchestrator and six nodes, all registered. */
export async function startSix(scene: Scene, options: UpOptions & { journal?: string } = {}): Promise<Six> {
  const { journal, ...up } = options;
  const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['six'], ...up });
  const nodes = SIX.map((module) =>
    startNode(scene, orchestrator, { module, ...(journal !== undefined && { journal }) }),
  );
  await Promise.all(nodes.map((node) => node.line('registered ')));
  return { orchestrator, nodes };
}

/**
 * What is wrong with the outputs of these tasks, by the event log: each of the six modules has to have published exactly one, which is
 * the last of its execution. Empty when all is well.
 */
export function outputFaults(tape: EventTape, tasks: readonly string[]): string[] {
  const wanted = new Set(tasks);
  const counts = new Map<string, number>();
  const faults: string[] = [];
  for (const event of tape.events) {
    const task = taskOf(event);
    if (event.type !== 'output.recorded' || !wanted.has(task)) continue;
    const key = `${task} ${event.module}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
    if (event.last !== true || event.output_seq !== 1)
      faults.push(`${key}: output ${String(event.output_seq)}`);
  }
  for (const task of tasks) {
    for (const module of SIX) {
      const count = counts.get(`${task} ${module}`) ?? 0;
      if (count !== 1) faults.push(`${task} ${module}: ${count} outputs`);
    }
  }
  return faults;
}
