/** What events carry beyond their common fields, read with care: a field of another type counts as absent. */

import type { ErrorJson } from '../../../../src/contract/answer.js';
import type { EventJson } from '../../../../src/contract/event.js';
import type { IterationJson, ModuleJson } from '../../../../src/contract/iteration.js';
import type { NodeJson } from '../../../../src/contract/node.js';
import type { ProblemChangeJson } from '../../../../src/contract/problem.js';
import {
  APPROVAL_ROLES,
  DECISIONS,
  type DecisionRecord,
  decisionRecord,
} from '../../../../src/model/approval.js';
import { CLUSTER_TYPES } from '../../../../src/model/cluster.js';
import type { ObservedState } from '../../../../src/model/execution.js';
import { LOOP_ENDS } from '../../../../src/model/loop.js';
import { DESIRED_STATUSES, LIVENESSES, NODE_STATUSES } from '../../../../src/model/node.js';
import type { CommandFields } from '../../../../src/model/run.js';
import type { TaskState } from '../../../../src/model/task-state.js';
import { approvalWait, isWaitingCode, type Wait, type Waiting } from '../../../../src/model/waiting.js';

export function text(event: EventJson, field: string): string | undefined {
  const value = event[field];
  return typeof value === 'string' ? value : undefined;
}

export function number(event: EventJson, field: string): number | undefined {
  const value = event[field];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

export function flag(event: EventJson, field: string): boolean | undefined {
  const value = event[field];
  return typeof value === 'boolean' ? value : undefined;
}

/** What a `problem.created` or `problem.changed` event says about its problem. */
export function remarksIn(event: EventJson): ProblemChangeJson {
  const { tags } = event;
  const [title, notes, starred, archived] = [
    text(event, 'title'),
    text(event, 'notes'),
    flag(event, 'starred'),
    flag(event, 'archived'),
  ];
  return {
    ...(title !== undefined && { title }),
    ...(Array.isArray(tags) && { tags: tags.filter((tag) => typeof tag === 'string') }),
    ...(notes !== undefined && { notes }),
    ...(starred !== undefined && { starred }),
    ...(archived !== undefined && { archived }),
  };
}

export function errorOf(event: EventJson): ErrorJson | undefined {
  const value = event.error;
  if (typeof value !== 'object' || value === null) return undefined;
  const { code, message } = value as Partial<ErrorJson>;
  return typeof code === 'string' && typeof message === 'string' ? (value as ErrorJson) : undefined;
}

/** Why a module waits; older stores do not say it as data, and newer ones may have codes that this page does not know. */
export function waitingIn({ waiting }: EventJson): Waiting | null {
  return typeof waiting === 'object' && waiting !== null && isWaitingCode((waiting as Waiting).code)
    ? (waiting as Waiting)
    : null;
}

/** What an `approval.requested` event says that its module waits for. */
export function requestedIn(event: EventJson): Wait | undefined {
  const role = APPROVAL_ROLES.find((one) => one === event.role);
  const message = text(event, 'message');
  return role === undefined || message === undefined ? undefined : approvalWait({ role, message }, event.at);
}

/** What an `approval.decided` event makes of its module. */
export function decisionIn(event: EventJson): DecisionRecord | undefined {
  const decision = DECISIONS.find((one) => one === event.decision);
  return (
    decision && decisionRecord(decision, { by: text(event, 'by'), reason: text(event, 'reason') }, event.at)
  );
}

const COMMAND_TEXTS = [
  'cluster',
  'engine_id',
  'host',
  'started_at',
  'ended_at',
  'signal',
  'folder',
] as const satisfies readonly (keyof CommandFields)[];

/** What an `execution.command` event tells. */
export function commandOf(event: EventJson): CommandFields {
  const { argv } = event;
  const engine = CLUSTER_TYPES.find((one) => one === event.engine);
  const code = number(event, 'exit_code');
  const texts = COMMAND_TEXTS.map((field) => [field, text(event, field)] as const);
  return {
    ...Object.fromEntries(texts.filter(([, value]) => value !== undefined)),
    ...(engine && { engine }),
    ...(code !== undefined && { exit_code: code }),
    ...(Array.isArray(argv) && { argv: argv.map(String) }),
  };
}

/** Whose output a `module.reused` event names. */
export function reusedFrom(event: EventJson): ModuleJson['reused_from'] {
  const value = event.reused_from;
  if (typeof value !== 'object' || value === null) return null;
  const { iteration_id, execution_id } = value as Partial<NonNullable<ModuleJson['reused_from']>>;
  return typeof iteration_id === 'number' && typeof execution_id === 'string'
    ? { iteration_id, execution_id }
    : null;
}

/** Whose output a module with `cache` has taken, by its `module.reused`. */
export function cachedFrom(event: EventJson): ModuleJson['cached_from'] {
  const value = event.cached_from;
  if (typeof value !== 'object' || value === null) return null;
  const { problem_id, iteration_id, execution_id } = value as Partial<NonNullable<ModuleJson['cached_from']>>;
  return typeof problem_id === 'string' &&
    typeof iteration_id === 'number' &&
    typeof execution_id === 'string'
    ? { problem_id, iteration_id, execution_id }
    : null;
}

/** By module, the inputs that an `iteration.submitted` event says are overridden. */
export function overriddenIn(event: EventJson): IterationJson['overridden'] {
  const value = event.overridden;
  return typeof value === 'object' && value !== null ? (value as IterationJson['overridden']) : {};
}

/** The observed state that an `execution.*` event reports; nothing for other events. */
export function observedStateOf(event: EventJson): ObservedState | undefined {
  switch (event.type) {
    case 'execution.assigned':
      return 'assigned';
    case 'execution.accepted':
      return 'accepted';
    case 'execution.running':
      return 'running';
    case 'execution.succeeded':
      return 'succeeded';
    case 'execution.failed':
      return 'failed';
    case 'execution.cancelled':
      return 'cancelled';
    case 'execution.preempted':
      return 'preempted';
    case 'execution.rejected':
      return 'rejected';
    case 'execution.lost':
      return 'lost';
    default:
      return undefined;
  }
}

/** The state that an `iteration.*` event puts a task in; nothing for other events. */
export function taskStateOf(event: EventJson): TaskState | undefined {
  switch (event.type) {
    case 'iteration.submitted':
      return 'waiting';
    case 'iteration.started':
    case 'iteration.resumed':
      return 'running';
    case 'iteration.suspended':
      return 'suspended';
    case 'iteration.succeeded':
      return 'succeeded';
    case 'iteration.failed':
      return 'failed';
    case 'iteration.cancelled':
      return 'cancelled';
    case 'iteration.aborted':
      return 'aborted';
    default:
      return undefined;
  }
}

/** The fields of a node that an event names. */
export function nodeFields(event: EventJson): Partial<NodeJson> {
  const status = NODE_STATUSES.find((one) => one === event.status);
  const desired = DESIRED_STATUSES.find((one) => one === event.desired_status);
  const liveness = LIVENESSES.find((one) => one === event.liveness);
  const incarnation = number(event, 'incarnation');
  const capacity = number(event, 'capacity');
  const version = text(event, 'version');
  const error = errorOf(event);
  return {
    ...(status && { status }),
    ...(desired && { desired_status: desired }),
    ...(liveness && { liveness }),
    ...(incarnation !== undefined && { incarnation }),
    ...(capacity !== undefined && { capacity }),
    ...(version !== undefined && { version }),
    ...(error && { error }),
  };
}

/** A field that is a list of texts. */
export function wordsIn(event: EventJson, field: string): readonly string[] {
  const value = event[field];
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
}

export function loopEndIn(event: EventJson): ModuleJson['loop_end'] {
  return LOOP_ENDS.find((end) => end === event.why) ?? null;
}
