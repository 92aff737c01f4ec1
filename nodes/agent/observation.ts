/**
 * Reads what the request `observe` says about attempts and draws the conclusions. Nothing has ended unless its end was written, or
 * the one who would know (the kernel for a process, the batch system for a job) says that it is gone.
 */
import { type EndReason, EngineUnavailable, type LogSizes, type Observed } from './engine.js';
import { signalOf } from './package-launch.js';

interface Facts {
  claim?: { readonly id: string; readonly host: string; readonly begun: number };
  end?: { readonly code: string; readonly at: number; readonly reason: string };
  job?: string;
  isAlive: boolean;
  isStopped: boolean;
  logs: { stdout: number; stderr: number };
}

/** The batch system's own word for each job; undefined for an engine without one. */
interface Queue {
  readonly states: Map<string, string>;
  /** What it said instead of an answer. */
  failure?: string;
}

function parse(text: string): { facts: Map<string, Facts>; queue: Queue } {
  const facts = new Map<string, Facts>();
  const queue: Queue = { states: new Map() };
  let current: Facts | undefined;
  for (const line of text.split('\n')) {
    const [kind, first = '', second = '', third = ''] = line.split(' ');
    if (kind === 'K') {
      current = { isAlive: false, isStopped: false, logs: { stdout: 0, stderr: 0 } };
      facts.set(first, current);
    } else if (kind === 'Q') queue.states.set(first, second);
    else if (kind === 'X') queue.failure = line.slice(2);
    else if (kind === 'L') {
      const [key = '', stream] = first.split('/');
      const of = facts.get(key);
      if (of && (stream === 'stdout' || stream === 'stderr')) of.logs[stream] = Number(second);
    } else if (current !== undefined) {
      if (kind === 'C') current.claim = { id: first, host: second, begun: Number(third) };
      else if (kind === 'E') current.end = { code: first, at: Number(second), reason: third };
      else if (kind === 'J') current.job = first;
      else if (kind === 'A') current.isAlive = true;
      else if (kind === 'S') current.isStopped = true;
    }
  }
  return { facts, queue };
}

const REASONS: readonly EndReason[] = ['walltime', 'stopped', 'cancelled_outside', 'lost'];

function ended(facts: Facts, end: { code: string; at?: number; reason?: EndReason | undefined }): Observed {
  const { claim, job, logs } = facts;
  const id = claim?.id ?? job ?? '';
  const started = claim !== undefined && claim.begun > 0;
  const exitCode = end.code === '-' ? undefined : Number(end.code);
  const signal = exitCode === undefined ? undefined : signalOf(exitCode);
  return {
    state: 'ended',
    engineId: id === '-' ? '' : id,
    ...(started && { startedAt: claim.begun, host: claim.host }),
    ...(end.at !== undefined && { endedAt: end.at }),
    logs: logs satisfies LogSizes,
    ...(exitCode !== undefined && { exitCode }),
    ...(signal !== undefined && { signal }),
    ...(end.reason !== undefined && { reason: end.reason }),
  };
}

/** An attempt without an end, by what the batch system calls its job. */
function ofQueue(facts: Facts, id: string, { states, failure }: Queue): Observed {
  if (failure !== undefined)
    throw new EngineUnavailable('silent', `the batch system does not answer: ${failure}`);
  const state = states.get(id) ?? states.get(id.split('.')[0]!);
  switch (state) {
    case 'PENDING':
    case 'CONFIGURING':
    case 'Q':
    case 'H':
    case 'W':
    case 'T':
      // After a claim, Slurm's own view lags behind.
      return facts.claim ? running(facts) : { state: 'submitted', engineId: id };
    case 'TIMEOUT':
    case 'DEADLINE':
      return ended(facts, { code: '-', reason: 'walltime' });
    case 'CANCELLED':
    case 'C':
      return ended(facts, { code: '-', reason: facts.isStopped ? 'stopped' : 'cancelled_outside' });
    case undefined:
    case 'COMPLETED':
    case 'FAILED':
    case 'NODE_FAIL':
    case 'BOOT_FAIL':
    case 'OUT_OF_MEMORY':
    case 'PREEMPTED':
    case 'REVOKED':
      return ended(facts, { code: '-', reason: facts.isStopped ? 'stopped' : 'lost' });
    default:
      return facts.claim ? running(facts) : { state: 'submitted', engineId: id };
  }
}

function running({ claim, logs }: Facts): Observed {
  return { state: 'running', engineId: claim!.id, startedAt: claim!.begun, host: claim!.host, logs };
}

function conclude(facts: Facts | undefined, queue: Queue, isBatch: boolean): Observed {
  if (facts === undefined) return { state: 'unknown' };
  const { claim, end, job } = facts;
  if (end) {
    const reason = REASONS.find((known) => known === end.reason);
    return ended(facts, { code: end.code, at: end.at, reason });
  }
  // `stop` took the claim before any runner could.
  if (claim?.begun === 0) return ended(facts, { code: '-', reason: 'stopped' });
  if (isBatch) {
    const id = claim?.id ?? job;
    return id === undefined ? { state: 'unknown' } : ofQueue(facts, id, queue);
  }
  if (claim === undefined) return { state: 'unknown' };
  return facts.isAlive ? running(facts) : ended(facts, { code: '-', reason: 'lost' });
}

/** @throws EngineUnavailable if the batch system was needed for one of the keys and did not answer. */
export function readObservation(
  text: string,
  keys: readonly string[],
  isBatch: boolean,
): ReadonlyMap<string, Observed> {
  const { facts, queue } = parse(text);
  return new Map(keys.map((key) => [key, conclude(facts.get(key), queue, isBatch)]));
}
