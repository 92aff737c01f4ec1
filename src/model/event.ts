import type { TaskId } from './task-id.js';

/** Every kind of fact. The list is the history, the WebSocket stream and the replay at once. */
export const EVENT_TYPES = [
  'problem.created',
  'iteration.submitted',
  'iteration.started',
  'iteration.succeeded',
  'iteration.failed',
  'iteration.cancelled',
  'iteration.aborted',
  'iteration.suspended',
  'iteration.resumed',
  'module.waiting',
  'module.skipped',
  'module.reused',
  'execution.assigned',
  'execution.accepted',
  'execution.running',
  'execution.progress',
  'execution.log',
  'execution.succeeded',
  'execution.failed',
  'execution.cancelled',
  'execution.preempted',
  'execution.rejected',
  'execution.lost',
  'output.recorded',
  'output.refused',
  'node.joined',
  'node.status',
  'node.unresponsive',
  'node.dead',
  'node.deaf',
  'node.left',
  'node.alive',
  'node.conflict',
  'graph.stored',
  'command.issued',
  'command.acked',
  'command.stopped',
  'command.refused',
  'command.expired',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** A fact before it has its number and its time. Leases and tokens never appear in one. */
export interface Fact {
  readonly type: EventType;
  readonly taskId?: TaskId;
  readonly module?: string;
  readonly executionId?: string;
  readonly attempt?: number;
  readonly nodeId?: string;
  /** The rest, as it appears in JSON: `snake_case`, plain values. */
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** A fact with its number and its time, encoded once for log, event socket and viewers. */
export interface EncodedEvent {
  readonly seq: number;
  /** Unix milliseconds. */
  readonly at: number;
  readonly fact: Fact;
  /** The event as one JSON object without line breaks. */
  readonly json: string;
}
