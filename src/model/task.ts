/**
 * A task as the orchestrator holds it while it is unfinished: its graph, its modules' runs, their executions.
 *
 * 1. What was observed changes executions; only a plan changes the phase of a module.
 * 2. A module that nothing has happened to has no run yet: a queued task is small.
 */
import { decisionRef } from './approval.js';
import type { CachedFrom } from './cached.js';
import { type Condition, conditionsOf, loopKey, type Reading, readingsOf } from './condition.js';
import { type DesiredState, hasEnded, type ObservedState } from './execution.js';
import type { BlobUse, FinalReport, StopCause, TaskError } from './facts.js';
import {
  bodyOf,
  type Graph,
  type GraphKey,
  type ModuleSpec,
  type Requirements,
  splitReference,
} from './graph.js';
import type { LoopEnd, LoopSpec } from './loop.js';
import { itemRef } from './map.js';
import type { BlobRef, PayloadRef } from './payload.js';
import type { ReportedError, StreamName } from './protocol.js';
import { type CommandFields, playedBy, type Resources, secretsOf } from './run.js';
import type { TaskId } from './task-id.js';
import type { TaskState } from './task-state.js';
import type { Waiting } from './waiting.js';

/** A graph version made ready for scheduling: module names are resolved to positions. */
export interface CompiledGraph {
  readonly key: GraphKey;
  readonly graph: Graph;
  readonly modules: readonly CompiledModule[];
  readonly index: ReadonlyMap<string, number>;
  /** The values that conditions read, by their reference. */
  readonly readings: ReadonlyMap<string, readonly Reading[]>;
}

export interface CompiledModule {
  readonly position: number;
  readonly spec: ModuleSpec;
  /** Its inputs from other modules, each with the position of its module. */
  readonly inputs: readonly { readonly reference: string; readonly position: number }[];
  readonly takesSource: boolean;
  readonly condition: Condition | undefined;
  /** The loop that it is in. */
  readonly loop: CompiledLoop | undefined;
  /** Nodes are interchangeable for all runs of one slot class: who plays it, the labels that it requires, the resources that it takes. */
  readonly slotClass: string;
}

/** A loop with the positions of its modules. */
export interface CompiledLoop extends LoopSpec {
  /** In topological order: the last one is that of `from`. */
  readonly body: readonly number[];
  readonly condition: Condition;
}

/** A line that a node has logged about an execution. */
export interface LogTally {
  /** All that came, those that were left out included. */
  readonly lines: number;
  /** Of those that are stored. */
  readonly bytes: number;
  readonly leftOut: number;
  /** Of those left out: how many the log does not tell of yet. */
  readonly unsaid: number;
  /** Its budget is used up: everything further is left out. */
  readonly isFull: boolean;
}

export function newLog(): LogTally {
  return { lines: 0, bytes: 0, leftOut: 0, unsaid: 0, isFull: false };
}

export interface Execution {
  readonly id: string;
  readonly lease: string;
  readonly task: Task;
  readonly position: number;
  /** From 1; numbers every execution of the module in this task. */
  readonly attempt: number;
  readonly generation: number;
  /** Of a module in a loop: the pass that it was made in. */
  readonly pass: number | undefined;
  /** Of a module with `map`: the number of its item, from 0. */
  readonly item: number | undefined;
  readonly nodeId: string;
  /** The boot that it was given to: a node whose boot is another one does not have it. */
  readonly bootId: string;
  /** Unix milliseconds, as all times here. */
  readonly assignedAt: number;
  /** Of a module with `cache`, where its result is to be found. */
  readonly cacheKey: string | undefined;
  readonly desired: DesiredState;
  /** Why it is to stop, while it is being stopped. */
  readonly stopCause: StopCause | undefined;
  readonly observed: ObservedState;
  /** The node said so itself, over the control plane. An output implies acceptance too but has no order with heartbeats. */
  readonly acceptedByReport: boolean;
  /** Of this process: heartbeats in a row that did not name it though the node had accepted it. */
  readonly missedBeats: number;
  /** Of this process: how many lines its last output waits for. */
  readonly awaitedLines: number;
  readonly acceptedAt: number | undefined;
  readonly startedAt: number | undefined;
  readonly finishedAt: number | undefined;
  /** How many outputs are committed: exactly those with seq 1 … committed. */
  readonly committed: number;
  /** How many there will be, once known. */
  readonly lastSeq: number | undefined;
  readonly final: FinalReport | undefined;
  /** Its named outputs that are committed, by name their seq. */
  readonly named: ReadonlyMap<string, number> | undefined;
  /** Those of its outputs that are blobs, by seq. */
  readonly blobs: ReadonlyMap<number, BlobRef> | undefined;
  /** Of streams that its log has in part only: all of each. */
  readonly wholeStreams: Readonly<Partial<Record<StreamName, BlobRef>>> | undefined;
  /** Of its last output, or of its named ones, what is indexed: by field, the element that stands for the value in the field's index. */
  readonly indexed: Readonly<Record<string, string>> | undefined;
  readonly progress: number | undefined;
  readonly message: string | undefined;
  readonly error: ReportedError | undefined;
  /** Of a run module. */
  readonly command: CommandFields | undefined;
  readonly log: LogTally;
}

/** An output that the task takes over as it is: nothing ran for it here. */
export interface ReusedOutput {
  /** Where the execution that published it stored it: also where the parent had it reused itself. */
  readonly ref: PayloadRef;
  /** Its named outputs, `ref` among them. @default it has one, without a name */
  readonly named?: ReadonlyMap<string, PayloadRef>;
  /** Of what a module with `cache` has taken: whose it is. */
  readonly cachedFrom?: CachedFrom;
  /** Its indexed fields, like `Execution.indexed`. */
  readonly indexed?: Readonly<Record<string, string>>;
}

/** When the next attempt may begin. */
export interface Retry {
  /** For people: Unix milliseconds. */
  readonly at: number;
  /** For the scheduler: its monotonic clock. */
  readonly dueMs: number;
}

export type ModulePhase =
  | {
      readonly kind: 'waiting';
      /** Nothing in what was recorded before there was such data. */
      readonly waiting: Waiting | undefined;
      readonly reason: string | undefined;
      readonly retry: Retry | undefined;
    }
  /** With `map`, from the moment that its list was taken apart until all of its items are done. */
  | MappingPhase
  /** Its items are done, and their results are together. */
  | {
      readonly kind: 'mapped';
      readonly ref: PayloadRef;
      /** As of `Execution`. */
      readonly indexed?: Readonly<Record<string, string>>;
    }
  /** Its newest execution is placed; it may have ended without the scheduler having seen it yet. */
  | { readonly kind: 'placed'; readonly execution: Execution }
  | { readonly kind: 'succeeded'; readonly execution: Execution }
  | { readonly kind: 'reused'; readonly output: ReusedOutput }
  /** It has succeeded by a person's decision, which is its output; `indexed` as of `Execution`. */
  | { readonly kind: 'approved'; readonly indexed?: Readonly<Record<string, string>> }
  /** Its service is as it is asked for. */
  | { readonly kind: 'served' }
  | { readonly kind: 'failed'; readonly error: ReportedError }
  | { readonly kind: 'skipped'; readonly reason: string }
  /** The task was stopped while this module ran. */
  | { readonly kind: 'stopped' };

/** A module with `map`, at work on its items. Its executions are those of the items that are open. */
export interface MappingPhase {
  readonly kind: 'mapping';
  /** Those with smaller numbers have begun. */
  readonly begun: number;
  /** Those that have begun and are not done, by their numbers. */
  readonly open: ReadonlyMap<number, ItemRun>;
  /** What the next one waits for, while none runs. */
  readonly waiting: Waiting | undefined;
  readonly reason: string | undefined;
}

/** An item that has begun. */
export interface ItemRun {
  readonly phase:
    | Pick<Extract<ModulePhase, { kind: 'waiting' }>, 'kind' | 'reason' | 'retry'>
    | Extract<ModulePhase, { kind: 'placed' }>;
  /** As of a module. */
  readonly attempts: number;
  readonly diedBoots: readonly string[];
}

/** An item that is done: what its row tells. */
export interface DoneItem {
  readonly task: Task;
  readonly position: number;
  readonly generation: number;
  readonly pass: number | undefined;
  readonly item: number;
  /** Where its result is stored. */
  readonly output: PayloadRef;
  /** Whose result it has taken. @default it has run */
  readonly cachedFrom?: CachedFrom;
  readonly executions: readonly Execution[];
}

export interface ModuleRun {
  readonly phase: ModulePhase;
  /** Raised by a reset and by a further pass; outputs of older generations are refused. */
  readonly generation: number;
  /** Executions that failed or succeeded in this generation. */
  readonly attempts: number;
  /** Of a module in a loop: the pass that it is in, from 1. */
  readonly pass: number;
  /** By reference, what it has put out in the pass before. @default there was none */
  readonly previous?: ReadonlyMap<string, PayloadRef> | undefined;
  /** For a module with `map` whose list was split: how many items there are, and how many of them are done. */
  readonly items?: { readonly total: number; readonly done: number } | undefined;
  /** Of the last module of a loop: why that has ended. @default it has not */
  readonly loopEnd?: LoopEnd | undefined;
  /** All executions, oldest first; of items, those that are not done. */
  readonly executions: readonly Execution[];
  /** Boots that died, unasked, while they ran this module for this task. */
  readonly diedBoots: readonly string[];
  /** Of this process: it stands in the queue of its slot class. */
  readonly queued: boolean;
}

export type Overrides = ReadonlyMap<string, ReadonlyMap<string, PayloadRef>>;

/** Of most tasks: an empty map of one's own takes more than all the rest of what waits in a queue. */
export const NONE: ReadonlyMap<string, never> = new Map<string, never>();

export interface Task {
  readonly id: TaskId;
  /** `<problem_id>/<iteration_id>`. */
  readonly key: string;
  readonly graph: CompiledGraph;
  /** 0–100. */
  readonly priority: number;
  /** The `seq` of its problem's creation: problems are listed by it. */
  readonly problemSeq: number;
  /** Its problem's. */
  readonly project: string;
  readonly createdAt: number;
  readonly parentIterationId: number | undefined;
  /** The program that requested it, if it gave its name. */
  readonly client?: string | undefined;
  /** Of the request that submitted it, where that belongs to a trace. */
  readonly traceparent?: string | undefined;
  readonly input: PayloadRef;
  /** The parent's outputs that `previous` edges carry, fixed when the task was created. */
  readonly pinned: ReadonlyMap<string, PayloadRef>;
  /** By module and input, what it gets instead of what the graph would give it. */
  readonly overrides: Overrides;
  /** By module, labels that nodes must have for this task, beside those of the graph. */
  readonly require?: Requirements | undefined;
  /** By run module, what one execution takes in this task, instead of what the graph says. */
  readonly resources?: Readonly<Record<string, Resources>> | undefined;
  /**
   * By reference to a value (or `overrideKey`), the numbers of the comparisons that it makes true. A value that conditions look at and
   * that has no entry is a blob. @default no condition has looked at anything
   */
  readonly compared?: ReadonlyMap<string, readonly number[]> | undefined;
  readonly runs: readonly (ModuleRun | undefined)[];
  readonly state: TaskState;
  /** The requests of users for it. */
  readonly desired: 'ended' | 'cancelled' | 'aborted';
  /** Its place among equals: the `seq` of its submission, or of its last preemption. */
  readonly queueSeq: number;
  /** When that was. Grows with `queueSeq`, also where the wall clock steps back. */
  readonly queuedAt: number;
  readonly startedAt: number | undefined;
  readonly finishedAt: number | undefined;
  readonly error: TaskError | undefined;
  /** Why it was stopped. */
  readonly reason: string | undefined;
}

export const NOT_YET: ModulePhase = {
  kind: 'waiting',
  waiting: undefined,
  reason: undefined,
  retry: undefined,
};

/** The phase of a module, also of one that nothing has happened to. */
export function phaseOf(task: Task, position: number): ModulePhase {
  return task.runs[position]?.phase ?? NOT_YET;
}

/** The pass that a module is in; nothing where it is in no loop. */
export function passOf(task: Task, position: number): number | undefined {
  return task.graph.modules[position]!.loop && (task.runs[position]?.pass ?? 1);
}

/** Why a loop has ended, if it has. */
export function loopEndOf(task: Task, { body }: CompiledLoop): LoopEnd | undefined {
  return task.runs[body.at(-1)!]?.loopEnd;
}

/** Executions of a module that are to go on. */
export function runningExecutions(run: ModuleRun | undefined): Execution[] {
  return (run?.executions ?? []).filter(
    ({ observed, desired }) => !hasEnded(observed) && desired === 'running',
  );
}

/** The executions of an item, the oldest first. */
export function executionsOfItem({ executions, generation }: ModuleRun, item: number): Execution[] {
  return executions.filter((one) => one.item === item && one.generation === generation);
}

/** Where the value is stored that an execution for an item is given. */
export function itemRefOf(task: Task, position: number, item: number): PayloadRef {
  const { generation = 0 } = task.runs[position] ?? {};
  return itemRef(task.id, { module: moduleName(task, position), generation }, item);
}

/** Blobs that no execution has put out, and are its task's own: what a module with `cache` has taken, the results of a map. */
export function takenBlobs(phase: ModulePhase): BlobUse[] {
  if (phase.kind === 'mapped') {
    const { blob, owner, seq } = phase.ref;
    return blob ? [[blob.sha256, owner, seq]] : [];
  }
  if (phase.kind !== 'reused' || !phase.output.cachedFrom) return [];
  const { ref, named } = phase.output;
  return [...(named?.values() ?? [ref])].flatMap(({ blob, owner, seq }): BlobUse[] =>
    blob ? [[blob.sha256, owner, seq]] : [],
  );
}

/** Those of what it had taken in the pass before. What executions have put out is with them. */
export function takenBefore({ id }: Task, run: ModuleRun | undefined): BlobUse[] {
  return [...(run?.previous?.values() ?? [])].flatMap(({ blob, owner, seq, ...of }): BlobUse[] =>
    blob &&
    of.problemId === id.problemId &&
    of.iterationId === id.iterationId &&
    !run!.executions.some((execution) => execution.id === owner)
      ? [[blob.sha256, owner, seq]]
      : [],
  );
}

/** Where an output of a module that succeeded or was reused is stored: its last one, or the named one. */
export function outputRef(task: Task, reference: string): PayloadRef | undefined {
  const { module, name } = splitReference(reference);
  const { phase, generation = 0 } = task.runs[task.graph.index.get(module) ?? -1] ?? {};
  if (phase?.kind === 'reused') {
    const { ref, named } = phase.output;
    return name ? named?.get(name) : ref;
  }
  if (phase?.kind === 'approved') return decisionRef(task.id, module, generation);
  if (phase?.kind === 'mapped') return phase.ref;
  if (phase?.kind !== 'succeeded') return undefined;
  const { execution } = phase;
  const seq = name ? execution.named?.get(name) : execution.committed;
  return seq === undefined ? undefined : outputOf(execution, seq);
}

/** Where an output of an execution is stored. */
export function outputOf({ task, id: owner, blobs }: Execution, seq: number): PayloadRef {
  const blob = blobs?.get(seq);
  const { problemId, iterationId } = task.id;
  return { problemId, iterationId, owner, seq, ...(blob && { blob }) };
}

/** The approval that a module waits for, if it waits for one. */
export function awaitedApproval(phase: ModulePhase): Extract<Waiting, { code: 'approval' }> | undefined {
  return phase.kind === 'waiting' && phase.waiting?.code === 'approval' ? phase.waiting : undefined;
}

/** The service that a module waits for, if that is what it waits for. */
export function awaitedService(phase: ModulePhase): Extract<Waiting, { code: 'service' }> | undefined {
  return phase.kind === 'waiting' && phase.waiting?.code === 'service' ? phase.waiting : undefined;
}

/** The override of this input of a module. */
export function overrideOf(task: Task, position: number, input: string): PayloadRef | undefined {
  return task.overrides.get(moduleName(task, position))?.get(input);
}

/** Labels that a node must have to run a module in this task. */
export function requireOf(task: Task, position: number): Readonly<Record<string, string>> {
  const { require, name } = task.graph.modules[position]!.spec;
  const more = task.require && Object.hasOwn(task.require, name) ? task.require[name] : undefined;
  return more ? { ...require, ...more } : require;
}

/** The resources of one execution of a run module in this task. */
export function resourcesOf(task: Task, position: number): Resources {
  const { name, run } = task.graph.modules[position]!.spec;
  const own = task.resources && Object.hasOwn(task.resources, name) ? task.resources[name] : undefined;
  return own ?? run?.resources ?? { cpus: 1 };
}

/** As that of the module, with what this task asks for beside it. */
export function slotClassOf(task: Task, position: number): string {
  const { spec, slotClass } = task.graph.modules[position]!;
  if (!task.require && !task.resources) return slotClass;
  const resources = spec.run && resourcesOf(task, position);
  return slotClassFor(spec, requireOf(task, position), resources);
}

function slotClassFor(
  spec: ModuleSpec,
  require: Readonly<Record<string, string>>,
  resources: Resources | undefined,
): string {
  const labels = Object.entries(require).sort(([a], [b]) => (a < b ? -1 : 1));
  const player = playedBy(spec);
  if (labels.length === 0 && !resources) return player;
  const secrets = spec.run ? Object.values(secretsOf(spec.run)) : [];
  const { cpus, memoryBytes = 0, gpus = 0 } = resources ?? { cpus: 0 };
  return `${player} ${JSON.stringify(resources ? [labels, cpus, memoryBytes, gpus, ...secrets] : labels)}`;
}

/** The parts of a module's name in a task, for messages and events. */
export function moduleName(task: Task, position: number): string {
  return task.graph.modules[position]!.spec.name;
}

export function compileGraph(key: GraphKey, graph: Graph): CompiledGraph {
  const index = new Map(graph.modules.map((spec, position) => [spec.name, position]));
  const conditions = conditionsOf(graph);
  const loops = (graph.loops ?? []).map((loop): CompiledLoop => {
    const body = bodyOf(graph.modules, loop).map((name) => index.get(name)!);
    return { ...loop, body, condition: conditions.get(loopKey(loop.from))! };
  });
  const modules = graph.modules.map((spec, position): CompiledModule => {
    return {
      position,
      spec,
      inputs: spec.inputs.flatMap((reference) => {
        const from = index.get(splitReference(reference).module);
        return from === undefined ? [] : [{ reference, position: from }];
      }),
      takesSource: spec.inputs.includes(graph.source.name),
      condition: conditions.get(spec.name),
      loop: loops.find(({ body }) => body.includes(position)),
      slotClass: slotClassFor(spec, spec.require, spec.run?.resources),
    };
  });
  return { key, graph, modules, index, readings: readingsOf(conditions) };
}
