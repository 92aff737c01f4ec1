/**
 * The rows of the store: what each table holds, and how rows become state again after a restart.
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
import { DEFAULT_PROJECT, type Role } from '../../model/access.js';
import { decisionRef } from '../../model/approval.js';
import type { AuditResult } from '../../model/audit.js';
import type { CachedFrom } from '../../model/cached.js';
import type { ClusterFields } from '../../model/cluster.js';
import type { DeploymentOperation, DeploymentState, Direction } from '../../model/deployment.js';
import { hasEnded, type ObservedState } from '../../model/execution.js';
import type { BlobUse, FinalReport, StopCause } from '../../model/facts.js';
import { type ModuleSpec, outputReference, type Requirements } from '../../model/graph.js';
import type { LoopEnd } from '../../model/loop.js';
import type { DesiredStatus, Liveness, NodeStatus } from '../../model/node.js';
import type { BlobRef, PayloadRef } from '../../model/payload.js';
import { type ReportedError, STREAMS, type StreamName } from '../../model/protocol.js';
import type { CommandFields, Resources } from '../../model/run.js';
import type { Ending, Replica, ReplicaState, ServiceDesire, ServiceSpec } from '../../model/service.js';
import type {
  CompiledGraph,
  DoneItem,
  Execution,
  ItemRun,
  LogTally,
  ModulePhase,
  ModuleRun,
  Overrides,
  Retry,
  Task,
} from '../../model/task.js';
import { moduleName, NONE, newLog } from '../../model/task.js';
import { formatTaskId } from '../../model/task-id.js';
import type { TaskState } from '../../model/task-state.js';
import type { Waiting } from '../../model/waiting.js';
import { backoffMs, REJECTED_PAUSE_MS } from '../../scheduling/attempts.js';
import type { Key } from '../../store/store.js';
import type { TypesJson } from '../../wire/types.js';

export function encodeRow(row: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(row));
}

export function decodeRow<T>(bytes: Uint8Array): T {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()) as T;
}

/** The value of a row that is only its key. */
export const EMPTY: Uint8Array = new Uint8Array();

/** As rows have it: nothing where it is the one that everything belongs to that was made before there were others. */
export function storedProject(project: string): string | undefined {
  return project === DEFAULT_PROJECT ? undefined : project;
}

/** The project of what a row is about. */
export function projectOfRow({
  project = DEFAULT_PROJECT,
}: {
  readonly project?: string | undefined;
}): string {
  return project;
}

export interface GraphRow {
  readonly yaml: string;
  readonly types: TypesJson;
  readonly created_at: number;
  /** By path beside the graph file. */
  readonly files?: Readonly<Record<string, BlobRef>>;
}

export interface ProblemRow {
  readonly problem_id: string;
  readonly created_seq: number;
  readonly graph: string;
  /** @default default */
  readonly project?: string;
  readonly title: string;
  /** @default none */
  readonly tags?: readonly string[];
  /** @default none */
  readonly notes?: string;
  /** @default false */
  readonly starred?: boolean;
  /** @default false */
  readonly archived?: boolean;
  /** The newest `problem.changed`. @default none */
  readonly changed_seq?: number;
  readonly priority: number;
  readonly created_at: number;
  readonly newest_iteration_id: number;
}

/** The descriptive fields of a problem that lists show and compare. */
export interface MarksRow
  extends Pick<ProblemRow, 'title' | 'tags' | 'starred' | 'archived' | 'changed_seq'> {
  /** Its row has notes. */
  readonly noted?: boolean;
}

export function marksRowOf({ title, tags, starred, archived, changed_seq, notes }: ProblemRow): MarksRow {
  return {
    title,
    ...(tags && { tags }),
    ...(starred && { starred }),
    ...(archived && { archived }),
    ...(changed_seq !== undefined && { changed_seq }),
    ...(notes !== undefined && { noted: true }),
  };
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

export interface PayloadRefRow {
  readonly problem_id: string;
  readonly iteration_id: number;
  readonly owner: string;
  readonly seq: number;
  readonly blob?: BlobRef;
}

export interface ExecutionRow {
  readonly execution_id: string;
  readonly lease: string;
  readonly attempt: number;
  readonly generation: number;
  /** Of a module in a loop. */
  readonly pass?: number;
  /** Of a module with `map`. */
  readonly item?: number;
  readonly node_id: string;
  readonly boot_id: string;
  readonly state: ObservedState;
  readonly stop?: StopCause;
  readonly accepted?: true;
  readonly assigned_at: number;
  readonly cache_key?: string;
  readonly accepted_at?: number;
  readonly started_at?: number;
  readonly finished_at?: number;
  readonly outputs: number;
  readonly last_seq?: number;
  readonly final?: FinalReport;
  /** Its named outputs, by name their seq. */
  readonly named?: Readonly<Record<string, number>>;
  readonly blobs?: readonly (readonly [number, BlobRef])[];
  readonly whole_streams?: Readonly<Partial<Record<StreamName, BlobRef>>>;
  readonly indexed?: Readonly<Record<string, string>>;
  readonly progress?: number;
  readonly message?: string;
  readonly error?: ReportedError;
  readonly command?: CommandFields;
  /** Of its log; lines that came after the row was written last are not counted. */
  readonly log?: LogRow;
}

/** An item of a map that is done. */
export interface ItemRow {
  readonly module: string;
  readonly generation: number;
  /** Of a module in a loop. */
  readonly pass?: number;
  readonly item: number;
  /** Where its result is stored. */
  readonly output: PayloadRefRow;
  /** Whose result it has taken. */
  readonly cached_from?: CachedFrom;
  readonly executions: readonly ExecutionRow[];
}

/** An item that has begun and is not done; its executions are those of its module. */
export interface OpenItemRow {
  /** As of a module: it is placed where there is none. */
  readonly reason?: string;
  readonly retry_at?: number;
  readonly waits?: true;
  readonly attempts: number;
  readonly died_boots?: readonly string[];
}

export interface LogRow {
  readonly lines: number;
  readonly bytes: number;
  readonly left_out?: number;
  readonly unsaid?: number;
  readonly full?: true;
}

export interface ModuleRow {
  readonly phase:
    | 'waiting'
    | 'mapping'
    | 'mapped'
    | 'placed'
    | 'succeeded'
    | 'reused'
    | 'approved'
    | 'served'
    | 'failed'
    | 'skipped'
    | 'stopped';
  /** Of a module with `map` whose list was taken apart. */
  readonly items?: { readonly total: number; readonly done: number };
  /** While it is at work on them: how many have begun, and those that are open by their numbers. */
  readonly map?: {
    readonly begun: number;
    readonly open: Readonly<Record<string, OpenItemRow>>;
  };
  /** Where its results are. */
  readonly mapped?: PayloadRefRow;
  /** The output that was taken over. */
  readonly reused?: PayloadRefRow;
  /** Where it has named outputs, all of them by name. */
  readonly reused_outputs?: Readonly<Record<string, PayloadRefRow>>;
  /** Where a module with `cache` has taken it. */
  readonly cached_from?: CachedFrom;
  /** Of an output that was taken over, or of a decision, what is indexed. */
  readonly indexed?: Readonly<Record<string, string>>;
  readonly reason?: string;
  readonly waiting?: Waiting;
  readonly retry_at?: number;
  readonly error?: ReportedError;
  readonly generation: number;
  readonly attempts: number;
  /** Of a module in a loop. @default 1 */
  readonly pass?: number;
  /** By reference, what it has put out in the pass before. */
  readonly previous?: Readonly<Record<string, PayloadRefRow>>;
  readonly loop_end?: LoopEnd;
  readonly died_boots?: readonly string[];
  readonly executions: readonly ExecutionRow[];
}

export interface TaskRow {
  readonly problem_id: string;
  readonly iteration_id: number;
  readonly graph: string;
  readonly graph_version: number;
  readonly priority: number;
  readonly problem_seq: number;
  /** @default default */
  readonly project?: string;
  readonly queue_seq: number;
  /** @default created_at */
  readonly queued_at?: number;
  readonly created_at: number;
  readonly started_at?: number;
  readonly finished_at?: number;
  readonly parent_iteration_id?: number;
  readonly client?: string;
  readonly traceparent?: string;
  readonly input: PayloadRefRow;
  readonly pinned?: Readonly<Record<string, PayloadRefRow>>;
  /** By module and input. */
  readonly overrides?: Readonly<Record<string, Readonly<Record<string, PayloadRefRow>>>>;
  /** By module and label. */
  readonly require?: Requirements;
  /** By run module. */
  readonly resources?: Readonly<Record<string, Resources>>;
  /** By value, the comparisons of conditions that it makes true. */
  readonly compared?: Readonly<Record<string, readonly number[]>>;
  readonly state: TaskState;
  readonly desired: Task['desired'];
  readonly reason?: string;
  readonly error?: NonNullable<Task['error']>;
  readonly modules: Readonly<Record<string, ModuleRow>>;
}

export interface NodeRow {
  readonly node_id: string;
  readonly module: string;
  readonly instance: string;
  readonly boot_id: string;
  readonly incarnation: number;
  readonly version: string;
  readonly capacity: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly status: NodeStatus;
  readonly desired: DesiredStatus;
  readonly liveness: Liveness;
  readonly error?: ReportedError;
  readonly last_seen_at: number;
}

export interface ClusterRow extends ClusterFields {
  readonly created_at: number;
}

export interface SecretRow {
  readonly name: string;
  readonly sealed: string;
  readonly created_at: number;
  readonly updated_at: number;
}

export interface DeploymentRow {
  readonly deployment_id: string;
  readonly name: string;
  readonly project?: string | undefined;
  readonly state: DeploymentState;
  readonly version?: number | undefined;
  readonly operation_id: number;
  readonly operation: DeploymentOperation;
  readonly direction: Direction;
  readonly message?: string | undefined;
  readonly created_at: number;
  readonly updated_at: number;
}

export interface ServiceRow {
  readonly name: string;
  /** Of its runs. */
  readonly project?: string | undefined;
  readonly spec: ServiceSpec;
  readonly desired: ServiceDesire;
  readonly graph_version: number;
  readonly generation: number;
  readonly reasons: readonly string[];
  readonly created_at: number;
  readonly updated_at: number;
}

export interface ReplicaRow {
  readonly replica_id: string;
  readonly service: string;
  readonly number: number;
  readonly pinned?: string | undefined;
  readonly desired: Replica['desired'];
  readonly observed: ReplicaState;
  readonly task_id: string;
  readonly open: boolean;
  readonly generation: number;
  readonly cluster?: string | undefined;
  readonly node_id?: string | undefined;
  readonly restarts: number;
  readonly failures: number;
  readonly reason?: string | undefined;
  readonly ending?: Ending | undefined;
  readonly retry_at?: number | undefined;
  readonly since: number;
}

export interface WebhookRow {
  readonly name: string;
  readonly id: string;
  /** @default all */
  readonly project?: string | undefined;
  readonly origin: string;
  readonly sealed: string;
  readonly signed: boolean;
  readonly filter: readonly string[] | undefined;
  readonly problem: string | undefined;
  readonly created_at: number;
  readonly cursor: number;
  readonly failures: number;
  readonly missed: number;
  readonly last_status: string | undefined;
  readonly last_at: number | undefined;
}

export interface GrantRow {
  readonly access_id: string;
  readonly name: string;
  readonly role: Role;
  /** @default default */
  readonly project?: string;
  readonly hash: string;
  readonly created_at: number;
  readonly expires_at: number | undefined;
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

export interface CommandPartRow {
  readonly node_id: string;
  readonly execution_id?: string;
  readonly acked_at?: number;
  readonly stopped_at?: number;
  readonly error?: ReportedError;
}

export interface CommandRow {
  readonly command_id: string;
  readonly target: { readonly node_id?: string; readonly task_id?: string; readonly module?: string };
  /** Of the task. @default default */
  readonly project?: string;
  readonly command: string;
  readonly reason?: string;
  readonly issued_at: number;
  readonly state: 'pending' | 'acked' | 'refused' | 'expired';
  readonly parts: readonly CommandPartRow[];
}

/** The execution that a module is shown by: its newest one; while it is at work on items, one that is under way, if any is. */
export function newestOf(row: ModuleRow | undefined): ExecutionRow | undefined {
  const underWay =
    row?.phase === 'mapping' ? row.executions.findLast(({ state }) => !hasEnded(state)) : undefined;
  return underWay ?? row?.executions.at(-1);
}

/** The owner of the blob that has all of a stream of an execution; its `seq` is 0. */
export function streamOwner(stream: StreamName, executionId: string): string {
  return `log/${stream}/${executionId}`;
}

/** Streams of an execution of which blobs have all. */
export function wholeStreamsOf({ execution_id, whole_streams = {} }: ExecutionRow): BlobUse[] {
  return STREAMS.flatMap((stream): BlobUse[] => {
    const blob = whole_streams[stream];
    return blob ? [[blob.sha256, streamOwner(stream, execution_id), 0]] : [];
  });
}

export function refToRow(ref: PayloadRef): PayloadRefRow {
  const { problemId, iterationId, owner, seq, blob } = ref;
  return { problem_id: problemId, iteration_id: iterationId, owner, seq, ...(blob && { blob }) };
}

export function refFromRow(row: PayloadRefRow): PayloadRef {
  const { problem_id, iteration_id, owner, seq, blob } = row;
  return { problemId: problem_id, iterationId: iteration_id, owner, seq, ...(blob && { blob }) };
}

function refsToRow(refs: ReadonlyMap<string, PayloadRef>): Record<string, PayloadRefRow> {
  return Object.fromEntries([...refs].map(([name, ref]) => [name, refToRow(ref)]));
}

export function refsFromRow(rows: Readonly<Record<string, PayloadRefRow>>): Map<string, PayloadRef> {
  return new Map(Object.entries(rows).map(([name, ref]) => [name, refFromRow(ref)]));
}

function overridesFromRow({ overrides }: TaskRow): Overrides {
  if (!overrides) return NONE;
  return new Map(Object.entries(overrides).map(([module, rows]) => [module, refsFromRow(rows)]));
}

/**
 * Where the outputs of a module are stored, if it has succeeded or was reused, by their references: its last output, or its named ones. They
 * are stored by the execution that published them; a decision, by its module.
 */
export function outputRefsOf(task: TaskRow, module: string): ReadonlyMap<string, PayloadRefRow> {
  const row = Object.hasOwn(task.modules, module) ? task.modules[module] : undefined;
  if (row?.phase === 'reused') {
    if (!row.reused_outputs) return row.reused ? new Map([[module, row.reused]]) : NONE;
    return byReference(module, Object.entries(row.reused_outputs));
  }
  if (row?.phase === 'mapped') return row.mapped ? new Map([[module, row.mapped]]) : NONE;
  if (row?.phase === 'approved') {
    const id = { problemId: task.problem_id, iterationId: task.iteration_id };
    return new Map([[module, refToRow(decisionRef(id, module, row.generation))]]);
  }
  const execution = row?.phase === 'succeeded' ? row.executions.at(-1) : undefined;
  if (!execution) return NONE;
  const { execution_id: owner, named, outputs } = execution;
  const refAt = (seq: number): PayloadRefRow => {
    const blob = execution.blobs?.find(([at]) => at === seq)?.[1];
    const { problem_id, iteration_id } = task;
    return { problem_id, iteration_id, owner, seq, ...(blob && { blob }) };
  };
  if (!named) return new Map([[module, refAt(outputs)]]);
  return byReference(
    module,
    Object.entries(named).map(([name, seq]): [string, PayloadRefRow] => [name, refAt(seq)]),
  );
}

function byReference(module: string, refs: readonly [string, PayloadRefRow][]): Map<string, PayloadRefRow> {
  return new Map(refs.map(([name, ref]) => [outputReference(module, name), ref]));
}

/** Every payload that a task was made from or brought along, its modules' own outputs left out. */
export function refsOf(task: TaskRow): PayloadRefRow[] {
  return [
    task.input,
    ...Object.values(task.pinned ?? {}),
    ...Object.values(task.overrides ?? {}).flatMap((rows) => Object.values(rows)),
    ...Object.values(task.modules).flatMap(
      ({ reused, mapped, reused_outputs = {}, previous = {}, executions }) => [
        ...(reused ? [reused] : []),
        ...(mapped ? [mapped] : []),
        ...Object.values(reused_outputs),
        ...Object.values(previous).filter(({ owner }) =>
          executions.every(({ execution_id }) => execution_id !== owner),
        ),
      ],
    ),
  ];
}

function logToRow({ lines, bytes, leftOut, unsaid, isFull }: LogTally): LogRow | undefined {
  if (lines === 0) return undefined;
  return {
    ...{ lines, bytes },
    ...(leftOut > 0 && { left_out: leftOut }),
    ...(unsaid > 0 && { unsaid }),
    ...(isFull && { full: true }),
  };
}

function logFromRow(row: LogRow | undefined): LogTally {
  if (!row) return newLog();
  const { lines, bytes, left_out = 0, unsaid = 0, full = false } = row;
  return { lines, bytes, leftOut: left_out, unsaid, isFull: full };
}

/** Absent fields are left out by `JSON.stringify`. */
function executionToRow(execution: Execution): unknown {
  return {
    execution_id: execution.id,
    lease: execution.lease,
    attempt: execution.attempt,
    generation: execution.generation,
    pass: execution.pass,
    item: execution.item,
    node_id: execution.nodeId,
    boot_id: execution.bootId,
    state: execution.observed,
    stop: execution.stopCause,
    accepted: execution.acceptedByReport || undefined,
    assigned_at: execution.assignedAt,
    cache_key: execution.cacheKey,
    accepted_at: execution.acceptedAt,
    started_at: execution.startedAt,
    finished_at: execution.finishedAt,
    outputs: execution.committed,
    last_seq: execution.lastSeq,
    final: execution.final,
    named: execution.named && Object.fromEntries(execution.named),
    blobs: execution.blobs && [...execution.blobs],
    whole_streams: execution.wholeStreams,
    indexed: execution.indexed,
    progress: execution.progress,
    message: execution.message,
    error: execution.error,
    command: execution.command,
    log: logToRow(execution.log),
  } satisfies Record<keyof ExecutionRow, unknown>;
}

function runToRow(run: ModuleRun): unknown {
  const { phase } = run;
  return {
    phase: phase.kind,
    items: run.items,
    map: mapToRow(phase),
    mapped: phase.kind === 'mapped' ? refToRow(phase.ref) : undefined,
    reused: phase.kind === 'reused' ? refToRow(phase.output.ref) : undefined,
    reused_outputs: phase.kind === 'reused' && phase.output.named ? refsToRow(phase.output.named) : undefined,
    cached_from: phase.kind === 'reused' ? phase.output.cachedFrom : undefined,
    indexed: indexedOf(phase),
    reason: 'reason' in phase ? phase.reason : undefined,
    waiting: 'waiting' in phase ? phase.waiting : undefined,
    retry_at: phase.kind === 'waiting' ? phase.retry?.at : undefined,
    error: phase.kind === 'failed' ? phase.error : undefined,
    generation: run.generation,
    attempts: run.attempts,
    pass: run.pass > 1 ? run.pass : undefined,
    previous: run.previous && refsToRow(run.previous),
    loop_end: run.loopEnd,
    died_boots: run.diedBoots.length > 0 ? run.diedBoots : undefined,
    executions: run.executions.map(executionToRow),
  } satisfies Record<keyof ModuleRow, unknown>;
}

function mapToRow(phase: ModulePhase): ModuleRow['map'] {
  if (phase.kind !== 'mapping') return undefined;
  const open = [...phase.open].map(([item, { phase, attempts, diedBoots }]): [number, OpenItemRow] => [
    item,
    {
      ...(phase.kind === 'waiting' && { waits: true }),
      ...(phase.kind === 'waiting' && phase.reason !== undefined && { reason: phase.reason }),
      ...(phase.kind === 'waiting' && phase.retry && { retry_at: phase.retry.at }),
      attempts,
      ...(diedBoots.length > 0 && { died_boots: diedBoots }),
    },
  ]);
  return { begun: phase.begun, open: Object.fromEntries(open) };
}

/** The row of an item that is done. */
export function itemToRow(done: DoneItem): unknown {
  const { task, position, generation, pass, item, output, cachedFrom, executions } = done;
  return {
    module: moduleName(task, position),
    generation,
    pass,
    item,
    output: refToRow(output),
    cached_from: cachedFrom,
    executions: executions.map(executionToRow),
  } satisfies Record<keyof ItemRow, unknown>;
}

/** Where `items` has it. */
export function itemKey({ task, position, generation, item }: DoneItem): Key {
  return [task.id.problemId, task.id.iterationId, moduleName(task, position), generation, item];
}

function indexedOf(phase: ModulePhase): Readonly<Record<string, string>> | undefined {
  if (phase.kind === 'approved' || phase.kind === 'mapped') return phase.indexed;
  return phase.kind === 'reused' ? phase.output.indexed : undefined;
}

export function taskToRow(task: Task): unknown {
  const modules: Record<string, unknown> = {};
  for (const [position, run] of task.runs.entries()) {
    if (run) modules[moduleName(task, position)] = runToRow(run);
  }
  return {
    problem_id: task.id.problemId,
    iteration_id: task.id.iterationId,
    graph: task.graph.key.name,
    graph_version: task.graph.key.version,
    priority: task.priority,
    problem_seq: task.problemSeq,
    project: storedProject(task.project),
    queue_seq: task.queueSeq,
    queued_at: task.queuedAt,
    created_at: task.createdAt,
    started_at: task.startedAt,
    finished_at: task.finishedAt,
    parent_iteration_id: task.parentIterationId,
    client: task.client,
    traceparent: task.traceparent,
    input: refToRow(task.input),
    pinned: task.pinned.size > 0 ? refsToRow(task.pinned) : undefined,
    overrides:
      task.overrides.size > 0
        ? Object.fromEntries([...task.overrides].map(([module, refs]) => [module, refsToRow(refs)]))
        : undefined,
    require: task.require,
    resources: task.resources,
    compared: task.compared && Object.fromEntries(task.compared),
    state: task.state,
    desired: task.desired,
    reason: task.reason,
    error: task.error,
    modules,
  } satisfies Record<keyof TaskRow, unknown>;
}

export function executionFromRow(row: ExecutionRow, task: Task, position: number): Execution {
  return {
    id: row.execution_id,
    lease: row.lease,
    task,
    position,
    attempt: row.attempt,
    generation: row.generation,
    pass: row.pass,
    item: row.item,
    nodeId: row.node_id,
    bootId: row.boot_id,
    assignedAt: row.assigned_at,
    cacheKey: row.cache_key,
    desired: row.stop || hasEnded(row.state) ? 'stopped' : 'running',
    stopCause: row.stop,
    observed: row.state,
    acceptedByReport: row.accepted ?? false,
    missedBeats: 0,
    awaitedLines: 0,
    acceptedAt: row.accepted_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    committed: row.outputs,
    lastSeq: row.last_seq,
    final: row.final,
    named: row.named && new Map(Object.entries(row.named)),
    blobs: row.blobs && new Map(row.blobs),
    wholeStreams: row.whole_streams,
    indexed: row.indexed,
    progress: row.progress,
    message: row.message,
    error: row.error,
    command: row.command,
    log: logFromRow(row.log),
  };
}

/** Where the monotonic clock stands against the wall's, for due times that were stored. */
export interface Clocks {
  readonly nowMs: number;
  readonly wallMs: number;
  /** The wall clock's time at the last record before this start. @default wallMs */
  readonly lastMs?: number;
}

export function taskFromRow(row: TaskRow, graph: CompiledGraph, clocks: Clocks): Task {
  const id = { problemId: row.problem_id, iterationId: row.iteration_id };
  const runs: (ModuleRun | undefined)[] = [];
  const task: Task = {
    id,
    key: formatTaskId(id),
    graph,
    priority: row.priority,
    problemSeq: row.problem_seq,
    project: projectOfRow(row),
    createdAt: row.created_at,
    parentIterationId: row.parent_iteration_id,
    client: row.client,
    traceparent: row.traceparent,
    input: refFromRow(row.input),
    pinned: row.pinned ? refsFromRow(row.pinned) : NONE,
    overrides: overridesFromRow(row),
    require: row.require,
    resources: row.resources,
    compared: row.compared && new Map(Object.entries(row.compared)),
    runs,
    state: row.state,
    desired: row.desired,
    queueSeq: row.queue_seq,
    queuedAt: row.queued_at ?? row.created_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    error: row.error,
    reason: row.reason,
  };
  for (const module of graph.modules) {
    const moduleRow = row.modules[module.spec.name];
    if (moduleRow) runs[module.position] = runFromRow(moduleRow, task, module.position, clocks);
  }
  return task;
}

function runFromRow(row: ModuleRow, task: Task, position: number, clocks: Clocks): ModuleRun {
  const executions = row.executions.map((execution) => executionFromRow(execution, task, position));
  return {
    phase: phaseFromRow(row, executions, task.graph.modules[position]!.spec, clocks),
    generation: row.generation,
    attempts: row.attempts,
    pass: row.pass ?? 1,
    previous: row.previous && refsFromRow(row.previous),
    items: row.items,
    loopEnd: row.loop_end,
    executions,
    diedBoots: [...(row.died_boots ?? [])],
    queued: false,
  };
}

function phaseFromRow(
  row: ModuleRow,
  executions: readonly Execution[],
  spec: ModuleSpec,
  clocks: Clocks,
): ModulePhase {
  const newest = executions.at(-1);
  switch (row.phase) {
    case 'waiting': {
      const { reason, waiting } = row;
      return { kind: 'waiting', waiting, reason, retry: retryFromRow(row, spec, clocks) };
    }
    case 'mapping':
      return mappingFromRow(row, executions, spec, clocks);
    case 'mapped': {
      if (!row.mapped) throw new Error('a module is stored as mapped without its results');
      const { indexed } = row;
      return {
        kind: 'mapped',
        ref: refFromRow(row.mapped),
        ...(indexed && { indexed }),
      };
    }
    case 'placed':
    case 'succeeded':
      if (!newest) throw new Error(`a module is stored as ${row.phase} without an execution`);
      return { kind: row.phase, execution: newest };
    case 'reused':
      if (!row.reused) throw new Error('a module is stored as reused without an output');
      return {
        kind: 'reused',
        output: {
          ref: refFromRow(row.reused),
          ...(row.reused_outputs && { named: refsFromRow(row.reused_outputs) }),
          ...(row.cached_from && { cachedFrom: row.cached_from }),
          ...(row.indexed && { indexed: row.indexed }),
        },
      };
    case 'approved':
      return { kind: 'approved', ...(row.indexed && { indexed: row.indexed }) };
    case 'failed':
      return { kind: 'failed', error: row.error ?? { code: 'unknown', message: '', retryable: false } };
    case 'served':
      return { kind: 'served' };
    case 'skipped':
      return { kind: 'skipped', reason: row.reason ?? '' };
    case 'stopped':
      return { kind: 'stopped' };
    default:
      return row.phase satisfies never;
  }
}

function mappingFromRow(
  { map, waiting, reason, generation }: ModuleRow,
  executions: readonly Execution[],
  spec: ModuleSpec,
  clocks: Clocks,
): ModulePhase {
  if (!map) throw new Error('a module is stored as mapping without its items');
  const open = Object.entries(map.open).map(([number, row]): [number, ItemRun] => {
    const item = Number(number);
    const { attempts, died_boots: diedBoots = [] } = row;
    const newest = executions.findLast((one) => one.item === item && one.generation === generation);
    if (row.waits) {
      const phase = { kind: 'waiting' as const, reason: row.reason, retry: retryFromRow(row, spec, clocks) };
      return [item, { phase, attempts, diedBoots: [...diedBoots] }];
    }
    if (!newest) throw new Error(`item ${item} is stored as placed without an execution`);
    return [item, { phase: { kind: 'placed', execution: newest }, attempts, diedBoots: [...diedBoots] }];
  });
  return { kind: 'mapping', begun: map.begun, open: new Map(open), waiting, reason };
}

/**
 * A pause ends at its time of the wall clock. It is never longer than its module makes it, nor than what was left of it when something was
 * recorded last, wherever the wall clock has been set. What people read stays what the fact said.
 */
function retryFromRow(
  row: Pick<ModuleRow, 'retry_at' | 'attempts'>,
  spec: ModuleSpec,
  clocks: Clocks,
): Retry | undefined {
  const { nowMs, wallMs, lastMs = wallMs } = clocks;
  const at = row.retry_at;
  if (at === undefined) return undefined;
  const longestMs = Math.max(backoffMs(spec, row.attempts), REJECTED_PAUSE_MS);
  const leftMs = Math.max(0, Math.min(at - wallMs, at - lastMs, longestMs));
  return { at, dueMs: nowMs + leftMs };
}
