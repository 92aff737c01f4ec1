/**
 * The tables of the store: what each of them holds. The rows of most stand in files of their own (`task-row.ts` …), which say how they become
 * state again after a restart.
 *
 * | table | key | value |
 * |---|---|---|
 * | projects | name | empty; of each but `default` that something belongs to |
 * | meta | `cursor` | the newest event's seq |
 * | meta | `facts_since` | the first seq from which facts are complete (`facts-since.ts`) |
 * | meta | `index`, graph, field | `IndexRow`: what was found before the index was declared |
 * | meta | `ages_held` | `AgesRow`, while the wall clock is in doubt |
 * | graphs | name, version | `GraphRow` |
 * | problems | created_seq | `ProblemRow` |
 * | problem_ids | problem_id | created_seq; none of a problem that is being removed as a whole |
 * | problems_by_state | state, created_seq | `Summary` of the newest iteration (`summary.ts`); only problems whose newest iteration has ended |
 * | problem_marks | created_seq | `MarksRow`; only problems that were changed: summaries of before do not know |
 * | problems_by_mark | mark (`starred`, `archived`, `tag/` and the tag), created_seq | empty |
 * | iterations | problem_id, iteration_id | `TaskRow` |
 * | iteration_index | field, value's element (`index-key.ts`), created_seq of the problem, iteration_id | `Summary`; of ended iterations |
 * | approvals | created_seq, problem_id, iteration_id, module | empty; modules of unfinished iterations that wait for a decision |
 * | unfinished | created_seq, problem_id, iteration_id | empty |
 * | payloads | problem_id, iteration_id, owner, seq | the bytes; `owner` is `input`, `override/<module>/<input>`, `approval/<module>`, `cached/<module>`, one of `model/map.ts` or an execution_id |
 * | events | first seq | the events of one batch, a JSON object a line |
 * | task_events | problem_id, iteration_id, first seq | those of them that are about the task |
 * | nodes | node_id | `NodeRow` |
 * | boots | boot_id | `BootRow`; boots that a newer one has replaced |
 * | commands | command_id | `CommandRow` |
 * | commands_pending | command_id | empty |
 * | idempotency | key | `IdempotencyRow` |
 * | idempotency_by_time | expires_at, key | empty |
 * | blobs | sha256 | `BlobRow` |
 * | clusters | name | `ClusterRow` |
 * | secrets | name | `SecretRow` |
 * | webhooks | name | `WebhookRow` |
 * | deployments | problem_id | `DeploymentRow` |
 * | campaigns | problem_id | `CampaignRow` |
 * | campaign_specs | problem_id | `CampaignSpec`; as it was asked for |
 * | services | name | `ServiceRow` |
 * | replicas | replica_id | `ReplicaRow` |
 * | grants | access_id | `GrantRow` |
 * | connection_keys | key_id (`model/connection-key.ts`) | `KeyEntry` |
 * | audit | audit_id, from 1 on | `AuditRow`; no retention |
 * | results | cache key (`cache-key.ts`) | `ResultRow`; of executions of modules with `cache` that have succeeded |
 * | items | problem_id, iteration_id, module, generation, number | `ItemRow`; items of maps that are done (`model/map.ts`) |
 * | item_executions | problem_id, iteration_id, execution_id | `ItemName`: in which of them the execution is told |
 * | blob_refs | sha256, problem_id, iteration_id, owner, seq | empty; `owner` may also be `log/<stream>/<execution_id>` |
 *
 * Of a problem that does not belong to the project `default`, the keys of `problems_by_state`, `problems_by_mark`, `unfinished`, `approvals` and
 * `iteration_index` begin with one more element (`projects/listing.ts`).
 *
 * Rows are JSON in UTF-8, in the words of the public surface; times are Unix milliseconds.
 */
import type { AuditResult } from '../../model/audit.js';
import type { CachedFrom } from '../../model/cached.js';
import type { BlobRef } from '../../model/payload.js';
import type { Key } from '../../store/store.js';
import type { TypesJson } from '../../wire/types.js';

export interface GraphRow {
  readonly yaml: string;
  readonly types: TypesJson;
  readonly created_at: number;
  /** By path beside the graph file. */
  readonly files?: Readonly<Record<string, BlobRef>>;
}

/** An index that has everything that ended before its declaration, too. */
export interface IndexRow {
  /** The graph version that declared it, and every later one has. */
  readonly since: number;
}

/** Where `meta` has the `IndexRow` of a field. */
export function lateIndexKey(graph: string, field: string): Key {
  return ['index', graph, field];
}

/** While the wall clock is in doubt. */
export interface AgesRow {
  /** Where the clock was expected when it leapt: Unix milliseconds. */
  readonly expected_at: number;
  readonly leapt_to: number;
}

/** Where `meta` has the `AgesRow`. */
export const AGES_DOUBTED: Key = ['ages_held'];

export interface IdempotencyRow {
  readonly hash: string;
  readonly answer: unknown;
  readonly expires_at: number;
}

export interface BlobRow {
  readonly size: number;
  readonly lease_until: number;
  /** Those whose people have uploaded it. @default none */
  readonly projects?: readonly string[];
}

/** The newest execution that has succeeded with what its key stands for. */
export interface ResultRow extends CachedFrom {
  /** By name, or under an empty one: where each of its results stands among its outputs. */
  readonly outputs: Readonly<Record<string, { readonly seq: number; readonly blob?: BlobRef }>>;
}

/** Refusals that are alike share one. */
export interface AuditRow {
  readonly audit_id: number;
  /** Of the first one. */
  readonly at: number;
  readonly last_at: number;
  readonly times: number;
  readonly by?: string;
  readonly access_id?: string;
  readonly address?: string;
  readonly project?: string;
  readonly action: string;
  readonly operation: string;
  readonly target?: Readonly<Record<string, string | number>>;
  readonly result: AuditResult;
  readonly code?: string;
  readonly message?: string;
}

export interface BootRow {
  readonly node_id: string;
  readonly replaced_at: number;
}
