/**
 * What a task lacks: modules that could run and have no node, no free slot, or no cluster.
 *
 * S1. A task stands still when nothing of it runs, nothing is due by itself, and some module lacks a node or a cluster: only a person can
 *     help.
 */
import { taskHasEnded } from '../../../../src/model/task-state.js';
import type { GraphJson, NodeJson, TaskJson } from '../api/shapes.js';
import type { TaskView } from '../state/views.js';
import type { Timeline } from './timeline-model.js';

export interface Want {
  readonly module: string;
  /** `node`: no node that takes work plays it. `slot`: those that do are all busy. `cluster`: no cluster has room for its command. */
  readonly kind: 'node' | 'slot' | 'cluster';
  /** In the orchestrator's words. */
  readonly reason: string;
  /** Since when, in Unix milliseconds, as far as the events tell. */
  readonly since: number | undefined;
}

export function wantsOf({ task }: TaskView, timeline: Timeline): readonly Want[] {
  if (taskHasEnded(task.state)) return [];
  return Object.entries(task.modules).flatMap(([module, { state, waiting_reason: reason }]): Want[] => {
    const kind = state === 'waiting' ? kindOf(reason) : undefined;
    if (kind === undefined || reason === null) return [];
    const span = timeline.rows.find((row) => row.module === module)?.spans.at(-1);
    return [{ module, kind, reason, since: span?.kind === 'queued' ? span.from : undefined }];
  });
}

function kindOf(reason: string | null): Want['kind'] | undefined {
  if (reason?.startsWith('waiting for a node of ')) return 'node';
  if (reason?.startsWith('waiting for a free slot of ')) return 'slot';
  if (reason?.startsWith('waiting for a cluster')) return 'cluster';
  return undefined;
}

/** See S1. */
export function standsStill(task: TaskJson, wants: readonly Want[]): boolean {
  if (wants.length === 0 || wants.some(({ kind }) => kind === 'slot')) return false;
  return Object.values(task.modules).every(
    ({ state, retry_at }) => !['assigned', 'accepted', 'running'].includes(state) && retry_at === null,
  );
}

/** What would help a module that lacks a node. */
export interface Remedy {
  /** Its nodes that are there and take no work, or are gone. */
  readonly nodes: readonly NodeJson[];
  /** Labels that a node has to have. */
  readonly labels: readonly string[];
  /** A line for a shell that starts one, with the file of the node's author in its place. */
  readonly line: string;
}

export function remedyOf(module: string, graph: GraphJson, nodes: readonly NodeJson[]): Remedy {
  const own = nodes.filter((node) => node.module === module);
  const instance = own.find(({ liveness }) => liveness === 'dead')?.instance ?? `${module}-1`;
  return {
    nodes: own,
    labels: Object.entries(graph.modules[module]?.require ?? {}).map(([name, value]) => `${name}=${value}`),
    line: `TUTTI_INSTANCE=${instance} python ${module}.py`,
  };
}
