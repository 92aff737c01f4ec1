/** The work as numbers, counted when they are asked for. */
import { maySee } from '../../model/access.js';
import type { UnfinishedState, WorkInView } from './work-in-view.js';

/** By graph. */
export function unfinishedTasks(
  work: Pick<WorkInView, 'tasks'>,
): Map<string, Record<UnfinishedState, number>> {
  const counts = new Map<string, Record<UnfinishedState, number>>();
  for (const { graph, state } of work.tasks) {
    const ofGraph = counts.get(graph) ?? { waiting: 0, running: 0, suspended: 0 };
    ofGraph[state] += 1;
    counts.set(graph, ofGraph);
  }
  return counts;
}

/** By graph and module: how many wait for a slot. */
export function waitingForSlot(work: Pick<WorkInView, 'tasks'>): Map<string, Map<string, number>> {
  const counts = new Map<string, Map<string, number>>();
  for (const { graph, waiting } of work.tasks) {
    if (waiting === undefined) continue;
    const ofGraph = counts.get(graph) ?? new Map<string, number>();
    for (const module of waiting.keys()) ofGraph.set(module, (ofGraph.get(module) ?? 0) + 1);
    counts.set(graph, ofGraph);
  }
  return counts;
}

/** By graph: how many modules wait for a decision. */
export function waitingForApproval(work: Pick<WorkInView, 'tasks'>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { graph, approvals } of work.tasks)
    if (approvals && approvals.size > 0) counts.set(graph, (counts.get(graph) ?? 0) + approvals.size);
  return counts;
}

/** For `GET /v1/stats`: of a project, or of all. */
export function workStats(all: WorkInView, bound: string): Readonly<Record<string, unknown>> {
  const work = { tasks: [...all.tasks].filter(({ project }) => maySee(bound, project)) };
  const waiting = [...waitingForSlot(work)].map(([graph, modules]) => [graph, Object.fromEntries(modules)]);
  return {
    unfinished: Object.fromEntries(unfinishedTasks(work)),
    waiting_for_slot: Object.fromEntries(waiting),
    waiting_for_approval: Object.fromEntries(waitingForApproval(work)),
    ended: all.endedWithin(bound),
  };
}
