/**
 * What a task lacks: modules that could go on and have no node, no free slot, no cluster, no secret, or nobody who has decided.
 */

import type { GraphJson } from '../../../../src/contract/graph.js';
import type { NodeJson } from '../../../../src/contract/node.js';
import { taskHasEnded } from '../../../../src/model/task-state.js';
import { needsHelp, type Waiting } from '../../../../src/model/waiting.js';
import type { TaskView } from '../state/views.js';
import type { SpanKind, Timeline } from './timeline-model.js';

export interface Want {
  readonly module: string;
  readonly waiting: Waiting;
  /** In the orchestrator's words. */
  readonly reason: string;
  /** Since when, in Unix milliseconds, as far as the events tell. */
  readonly since: number | undefined;
}

export function wantsOf({ task }: TaskView, timeline: Timeline): readonly Want[] {
  if (taskHasEnded(task.state)) return [];
  return Object.entries(task.modules).flatMap(
    ([module, { state, waiting, waiting_reason: reason }]): Want[] => {
      if (state !== 'waiting' || !waiting || reason === null || !comesFromOutside(waiting)) return [];
      const span = timeline.rows.find((row) => row.module === module)?.spans.at(-1);
      return [{ module, waiting, reason, since: isOutside(span?.kind) ? span?.from : undefined }];
    },
  );
}

function isOutside(kind: SpanKind | undefined): boolean {
  return kind === 'queued' || kind === 'asked';
}

function comesFromOutside(waiting: Waiting): boolean {
  return needsHelp(waiting) || waiting.code === 'no_free_slot' || waiting.code === 'no_free_cluster';
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
