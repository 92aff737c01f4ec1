/** Events that come from elsewhere, read by the declaration of their facts. */

import { APPROVAL_ROLES, DECISIONS } from './approval.js';
import { CAMPAIGN_ENDS, CAMPAIGN_MODES, CAMPAIGN_STOPS } from './campaign.js';
import { AGENT_KINDS, CLUSTER_STATUSES, CLUSTER_TYPES } from './cluster.js';
import { DEPLOYMENT_OPERATIONS } from './deployment.js';
import {
  type EventType,
  FACTS,
  type FactEvent,
  FINAL_STATES,
  type ShownFact,
  type ShownWord,
  STOP_CAUSES,
  shownFieldsOf,
} from './facts.js';
import { LOOP_ENDS } from './loop.js';
import { DESIRED_STATUSES, NODE_STATUSES } from './node.js';
import { LOG_LEVELS, STREAMS } from './protocol.js';
import { SERVICE_DESIRES, SERVICE_TYPES } from './service.js';

type Members = Readonly<Record<string, unknown>>;

const IS: Readonly<Record<ShownWord, (value: unknown) => boolean>> = {
  text: isText,
  id: isText,
  time: isText,
  number: (value) => typeof value === 'number' && Number.isFinite(value),
  count: isCount,
  'count or null': (value) => value === null || isCount(value),
  flag: (value) => typeof value === 'boolean',
  json: (value) => value !== undefined,
  words: areTexts,
  texts: areNamedTexts,
  tags: areTexts,
  inputs: (value) => isObject(value) && Object.values(value).every(areTexts),
  requirements: (value) => isObject(value) && Object.values(value).every(areNamedTexts),
  waiting: (value) => isObject(value) && isText(value.code),
  'asked role': (value) => APPROVAL_ROLES.some((role) => role === value),
  decision: (value) => DECISIONS.some((decision) => decision === value),
  'loop end': (value) => LOOP_ENDS.some((end) => end === value),
  level: (value) => LOG_LEVELS.some((level) => level === value),
  error: isError,
  'task error': isError,
  blob: (value) => isObject(value) && isText(value.sha256) && isCount(value.size),
  stream: (value) => STREAMS.some((stream) => stream === value),
  'named outputs': (value) =>
    isObject(value) && Object.values(value).every((one) => isObject(one) && isCount(one.output_seq)),
  cause: (value) => STOP_CAUSES.some((cause) => cause === value),
  'final state': (value) => FINAL_STATES.some((state) => state === value),
  source: (value) => isObject(value) && isCount(value.iteration_id) && isText(value.execution_id),
  'cached source': (value) =>
    isObject(value) && isText(value.problem_id) && isCount(value.iteration_id) && isText(value.execution_id),
  status: (value) => NODE_STATUSES.some((status) => status === value),
  'desired status': (value) => DESIRED_STATUSES.some((status) => status === value),
  engine: (value) => CLUSTER_TYPES.some((type) => type === value),
  'cluster status': (value) => CLUSTER_STATUSES.some((status) => status === value),
  'agent kind': (value) => AGENT_KINDS.some((kind) => kind === value),
  'deployment operation': (value) => DEPLOYMENT_OPERATIONS.some((operation) => operation === value),
  'campaign mode': (value) => CAMPAIGN_MODES.some((mode) => mode === value),
  'campaign end': (value) => CAMPAIGN_ENDS.some((end) => end === value),
  'campaign stop': (value) => CAMPAIGN_STOPS.some((stop) => stop === value),
  'campaign error': (value) => isObject(value) && isText(value.type) && isObject(value.context),
  'service type': (value) => SERVICE_TYPES.some((type) => type === value),
  'service desire': (value) => SERVICE_DESIRES.some((desire) => desire === value),
  resources: (value) => isObject(value) && Object.values(value).every(isCount),
};

/** Whether it is a fact of a kind that this version knows, with all its fields. It may have others. */
export function isShownFact(value: unknown): value is ShownFact {
  return isObject(value) && isEventType(value.type) && badFieldOf(value.type, value) === undefined;
}

/** Whether it is an event of a kind that this version knows. */
export function isFactEvent(value: unknown): value is FactEvent {
  return isObject(value) && isCount(value.seq) && isText(value.at) && isShownFact(value);
}

export function isEventType(type: unknown): type is EventType {
  return typeof type === 'string' && Object.hasOwn(FACTS, type) && 'shown' in FACTS[type as EventType];
}

/** The first field that is missing or of another kind than the facts of this type have. */
export function badFieldOf(type: EventType, fields: Members): string | undefined {
  return shownFieldsOf(type).find(({ name, word, isOptional }) => {
    const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
    return value === undefined ? !isOptional : !IS[word](value);
  })?.name;
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function areNamedTexts(value: unknown): boolean {
  return isObject(value) && Object.values(value).every(isText);
}

function areTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText);
}

function isError(value: unknown): boolean {
  return isObject(value) && isText(value.code) && isText(value.message);
}
