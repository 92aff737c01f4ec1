/**
 * The state that survives a restart: only facts change it.
 *
 * D1. Only `apply` (`fold.ts`) changes what is in here, and says what it has changed.
 * D2. It holds what is unfinished: a finished task is in the store only.
 */
import type { Undo } from '../base/undo.js';
import type { Grant } from './access.js';
import type { Campaign } from './campaign.js';
import type { Cluster } from './cluster.js';
import type { Command } from './command.js';
import type { KeyEntry } from './connection-key.js';
import type { Deployment } from './deployment.js';
import type { NodeRecord } from './node-record.js';
import type { Problem } from './problem.js';
import type { Secret } from './secret.js';
import type { Replica, Service } from './service.js';
import type { CompiledGraph, DoneItem, Execution, Task } from './task.js';
import type { Webhook } from './webhook.js';

export interface DurableState {
  /** D1. */
  readonly undo: Undo;
  readonly problems: ReadonlyMap<string, Problem>;
  /** D2. By `<problem_id>/<iteration_id>`. */
  readonly tasks: ReadonlyMap<string, Task>;
  readonly executions: ReadonlyMap<string, Execution>;
  readonly nodes: ReadonlyMap<string, NodeRecord>;
  /** By their names. */
  readonly clusters: ReadonlyMap<string, Cluster>;
  /** By their names. */
  readonly secrets: ReadonlyMap<string, Secret>;
  /** By their names. */
  readonly webhooks: ReadonlyMap<string, Webhook>;
  /** By their ids. */
  readonly grants: ReadonlyMap<string, Grant>;
  /** Of connections, by `keyIdOf`. */
  readonly keys: ReadonlyMap<string, KeyEntry>;
  readonly commands: ReadonlyMap<string, Command>;
  /** By their ids. */
  readonly deployments: ReadonlyMap<string, Deployment>;
  /** By their ids. */
  readonly campaigns: ReadonlyMap<string, Campaign>;
  /** By their names. */
  readonly services: ReadonlyMap<string, Service>;
  /** By their ids. */
  readonly replicas: ReadonlyMap<string, Replica>;
  /** By the key of its newest run, a replica's id. */
  readonly runs: ReadonlyMap<string, string>;
  /** The newest entry of the audit; 0: there is none. */
  readonly audited: number;
  /** A graph version, made ready: the process has read it before its fact is applied. */
  compiled(name: string, version: number): CompiledGraph | undefined;
  /** The process attaches its own state to it. */
  addNode(record: NodeRecord): void;
  removeNode(node: NodeRecord): void;
}

/** When a fact has happened, and where it is noted what it has changed. */
export interface Moment {
  /** The newest `seq`: of a public fact, its own. */
  readonly seq: number;
  /** Unix milliseconds. */
  readonly at: number;
  /** The same moment by the monotonic clock of the process. */
  readonly nowMs: number;
  readonly changed: Changes;
}

/** Entities whose rows are written again, with their state at the end of the batch. */
export interface Changes {
  readonly problems: ReadonlySet<Problem>;
  readonly tasks: ReadonlySet<Task>;
  readonly nodes: ReadonlySet<NodeRecord>;
  readonly commands: ReadonlySet<Command>;
  /** Items of maps that are done. */
  readonly items: readonly DoneItem[];
  /** Tasks that have ended, by their keys. */
  readonly ended: ReadonlyMap<string, { readonly task: Task; readonly problem: Problem }>;
}
