/** Services: what is to be kept running, and their replicas. The runs of a service are tasks of a graph of its own, which is private. */
import type { Graph } from './graph.js';
import type { RunSpec } from './run.js';

/**
 * `service` keeps `count` replicas; `daemon` one on every cluster that fits, new ones included; `batch` runs `count` replicas to completion;
 * `ops` runs once on every cluster that fits now.
 */
export const SERVICE_TYPES = ['service', 'daemon', 'batch', 'ops'] as const;
export type ServiceType = (typeof SERVICE_TYPES)[number];

/** `removed`: once nothing of it runs, it is gone. */
export const SERVICE_DESIRES = ['running', 'stopped', 'removed'] as const;
export type ServiceDesire = (typeof SERVICE_DESIRES)[number];

export const REPLICA_STATES = [
  'pending',
  'starting',
  'running',
  'ready',
  'completed',
  'failed',
  'stopped',
  'lost',
] as const;
export type ReplicaState = (typeof REPLICA_STATES)[number];

/** How a run can have ended. */
export type ReplicaEnd = Extract<ReplicaState, 'completed' | 'failed' | 'stopped' | 'lost'>;

/** The work of its runs: the command, and the labels that a cluster must have for it. */
export interface ServiceWork {
  readonly run: RunSpec;
  readonly require: Readonly<Record<string, string>>;
  /** The module that its replicas play as nodes. @default they are any commands */
  readonly module?: string;
}

/** A service as people ask for it. */
export interface ServiceSpec extends ServiceWork {
  readonly name: string;
  readonly type: ServiceType;
  /** Of `service` and `batch`. */
  readonly count: number;
  /** The pause before a replica starts again: doubled with each end in a row, up to the maximum. */
  readonly restart: { readonly backoffMs: number; readonly maxBackoffMs: number };
  /** A replica that is not up within this, from when its cluster was told to start it, has failed. @default it has all the time */
  readonly startupDeadlineMs?: number;
  /** The deployment that it is a component of: that applies and removes it. @default people do */
  readonly deployment?: string;
  /** The handling of replicas on an unreachable cluster. @default they stay */
  readonly disconnect?: { readonly lostAfterMs: number; readonly replace: boolean };
}

export interface Service {
  readonly spec: ServiceSpec;
  /** The person or program that makes the service says to which project its runs belong; the service is everybody's. */
  readonly project: string;
  readonly desired: ServiceDesire;
  /** Of its private graph, the version that new runs take. */
  readonly version: number;
  /** Replicas of an older generation are renewed, one by one. */
  readonly generation: number;
  /** Why it is degraded; empty where it is not. */
  readonly reasons: readonly string[];
  /** Unix milliseconds. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** One that is to stop, while its run goes on. */
export interface Ending {
  readonly as: ReplicaEnd;
  readonly reason: string;
}

export interface Replica {
  /** `<service>-<number>`: also the instance of its node. */
  readonly id: string;
  readonly service: string;
  readonly number: number;
  /** The only cluster that it may run on. */
  readonly pinned?: string;
  readonly desired: 'running' | 'stopped';
  readonly observed: ReplicaState;
  /** Its newest run: a task. */
  readonly taskKey: string;
  /** Whether that run has not ended. */
  readonly isOpen: boolean;
  readonly generation: number;
  /** Where it runs or ran. */
  readonly cluster?: string;
  readonly nodeId?: string;
  /** Runs before this one. */
  readonly restarts: number;
  /** Ends in a row that nobody asked for. */
  readonly failures: number;
  readonly reason?: string;
  readonly ending?: Ending;
  /** When it starts again. `at`: Unix milliseconds; `dueMs`: the same by the monotonic clock. */
  readonly retry?: { readonly at: number; readonly dueMs: number };
  /** Since when it is observed so: Unix milliseconds, and by the monotonic clock, of which a restart makes the moment of the start. */
  readonly sinceAt: number;
  readonly sinceMs: number;
  /** When its cluster was told to start it, by the monotonic clock. */
  readonly startedMs: number;
}

const PREFIX = 'service:';
/** Ended runs that are kept of each service. */
const RUNS_KEPT = 100;
const TEXT_HEAD = '# The graph of a service, which is a part of Tutti.\n';
/** The run module of a service whose replicas are not nodes. */
const ANY_COMMAND = 'replica';

/** No graph of a user can be called so. */
export function serviceGraphName(service: string): string {
  return PREFIX + service;
}

export function isServiceGraph(graph: string): boolean {
  return graph.startsWith(PREFIX);
}

/** Its only module is a run module, which is called as the module that its replicas play. */
export function serviceModule({ module = ANY_COMMAND }: ServiceWork): string {
  return module;
}

/** As it is stored; the same work gives the same text. */
export function serviceGraphText(service: string, { run, require, module }: ServiceWork): string {
  const work: ServiceWork = { run, require, ...(module !== undefined && { module }) };
  return `${TEXT_HEAD}${JSON.stringify({ service, ...work })}\n`;
}

/** Nothing where it is the text of another graph. */
export function readServiceGraph(text: string): Graph | undefined {
  if (!text.startsWith(TEXT_HEAD)) return undefined;
  const { service, ...work } = JSON.parse(text.slice(TEXT_HEAD.length)) as ServiceWork & { service: string };
  return serviceGraph(service, work);
}

/** A run is attempted once: the service decides what follows. Its input says which replica it is. */
export function serviceGraph(service: string, work: ServiceWork): Graph {
  return {
    name: serviceGraphName(service),
    source: { name: 'replica', type: 'json' },
    retention: { maxIterations: RUNS_KEPT, keepLast: 0 },
    modules: [
      {
        ...{ name: serviceModule(work), inputs: ['replica'], previous: [], output: 'json' },
        ...{ require: work.require, timeoutMs: undefined, onError: 'fail', start: 'auto' },
        retry: { attempts: 1, backoffMs: 1000, factor: 2, maxBackoffMs: 30_000 },
        liveness: { unresponsiveAfterMs: 3000, deadAfterMs: 10_000 },
        run: work.run,
      },
    ],
  };
}

/** The pause before the next run of a replica that has ended so often in a row. */
export function restartPauseMs({ restart }: Pick<ServiceSpec, 'restart'>, failures: number): number {
  return Math.min(restart.backoffMs * 2 ** Math.min(failures, 30), restart.maxBackoffMs);
}

/** Whether it does what it is there for. */
export function isUp(
  { module }: Pick<ServiceSpec, 'module'>,
  { observed, isOpen }: Pick<Replica, 'observed' | 'isOpen'>,
): boolean {
  if (!isOpen) return false;
  return observed === 'ready' || (observed === 'running' && module === undefined);
}
