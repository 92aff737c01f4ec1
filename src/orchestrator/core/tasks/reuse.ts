/**
 * Running a part of an iteration again: outputs of the parent that the new iteration reuses, and inputs that it changes.
 *
 * 1. A reference leads to the execution that published the output, also where the parent had taken it over itself.
 * 2. A reused output is there from the beginning, so it needs nothing before it. Modules that follow a reset module are not
 *    reused: they run again.
 * 3. A decision depends on the inputs that it was made on: it is reused with all the inputs of its module, or not at all.
 * 4. An override is for one module: other modules that take the same input get the graph's value.
 */
import { type Fault, summaryOf } from '../../../base/errors.js';
import { JsonText, printJson } from '../../../base/json/json-text.js';
import { type CachedResult, cachedRef } from '../../../model/cached.js';
import type { FactOf, NamedOutput } from '../../../model/facts.js';
import { outputReference, outputsOf, splitReference, typeOfOutput } from '../../../model/graph.js';
import type { PayloadRef } from '../../../model/payload.js';
import { passOf, type ReusedOutput, type Task } from '../../../model/task.js';
import type { Refusal } from '../../port.js';
import { refusal } from '../../refusal.js';
import { refFromRow } from '../../tables/payload-ref.js';
import { outputRefsOf } from '../../tables/task-payloads.js';
import type { TaskRow } from '../../tables/task-row.js';
import { aboutModule } from '../about.js';
import { emit } from '../emit.js';
import { SHOWN_OUTPUT_MAX_BYTES } from '../executions/executions.js';
import { type LoadedGraph, lookUpKey } from '../state.js';
import { ownRef, type PreparedInput, type PreparedRequest, reusableKey, type Turn } from '../turn.js';
import { compareValue } from './comparing.js';
import { indexedNow } from './indexing.js';

type Iterate = Extract<PreparedRequest, { kind: 'iterate' }>;

/** By module, what is taken over of the parent; or why it cannot be: every fault at once. */
export function takeOver(
  turn: Turn,
  graph: LoadedGraph,
  parent: TaskRow | undefined,
  request: Iterate,
): ReadonlyMap<string, ReusedOutput> | Refusal {
  const taken = new Map<string, ReusedOutput>();
  const { reuse = [], preparedOverrides = [] } = request;
  if (reuse.length === 0) return taken;
  if (!parent) {
    const message = 'is needed: no iteration has succeeded whose outputs could be reused';
    return badReuse([{ path: '/parent_iteration_id', code: 'no_parent', message }]);
  }
  const faults: Fault[] = [];
  for (const [at, module] of reuse.entries()) {
    const objection =
      objectionTo(turn, graph, parent, module) ?? whyNotDecided(graph, parent, request, module);
    if (objection) faults.push({ path: `/reuse/${at}`, ...objection });
    else if (preparedOverrides.some((one) => one.module === module)) {
      const message = `${module} is reused, so it does not run and gets no inputs`;
      faults.push({ path: `/reuse/${at}`, code: 'overridden_too', message });
    } else taken.set(module, reusedOutput(turn, parent, module));
  }
  return faults.length > 0 ? badReuse(faults) : taken;
}

function badReuse(faults: readonly Fault[]): Refusal {
  const message = `these outputs cannot be reused:  ${summaryOf(faults)}`;
  return refusal('invalid', 'bad_reuse', message, { details: faults });
}

function objectionTo(
  turn: Turn,
  graph: LoadedGraph,
  parent: TaskRow,
  module: string,
): Omit<Fault, 'path'> | undefined {
  const { compiled } = graph;
  const position = compiled.index.get(module);
  if (position === undefined) {
    return { code: 'unknown_module', message: `one of ${[...compiled.index.keys()].join(', ')}` };
  }
  if (outputRefsOf(parent, module).size === 0) {
    return {
      code: 'not_succeeded',
      message: `${module} has not succeeded in iteration ${parent.iteration_id}`,
    };
  }
  const before = turn.state.graph(parent.graph, parent.graph_version);
  const outputs = outputsOf(compiled.modules[position]!.spec);
  const spec = before?.compiled.modules[before.compiled.index.get(module) ?? -1]?.spec;
  const sides = { ours: 'the graph', theirs: `its version ${parent.graph_version}` };
  const isSame =
    spec !== undefined &&
    outputsOf(spec).length === outputs.length &&
    outputs.every(({ name, type }) => typeOfOutput(spec, name) === type) &&
    (before === graph ||
      outputs.every(({ type }) => graph.types.differences(before!.types.schemaOf(type), sides).length === 0));
  if (!isSame) {
    const message = `${module} published another type in iteration ${parent.iteration_id}: it ran on version ${parent.graph_version} of the graph`;
    return { code: 'type_changed', message };
  }
  return undefined;
}

/** A person has approved of inputs that this iteration may not have. */
function whyNotDecided(
  { compiled }: LoadedGraph,
  parent: TaskRow,
  { prepared, reuse = [] }: Iterate,
  module: string,
): Omit<Fault, 'path'> | undefined {
  const { spec } = compiled.modules[compiled.index.get(module)!]!;
  if (!spec.approve) return undefined;
  const { name: source } = compiled.graph.source;
  const isOther = (input: string): boolean =>
    parent.overrides?.[module]?.[input] !== undefined ||
    (input === source ? prepared !== undefined : !reuse.includes(splitReference(input).module));
  const other = spec.inputs.filter(isOther);
  if (other.length === 0) return undefined;
  const message = `a decision is reused only with all of its inputs:  ${other.join(', ')} may be another here`;
  return { code: 'inputs_not_reused', message };
}

function reusedOutput(turn: Turn, parent: TaskRow, module: string): ReusedOutput {
  const refs = [...outputRefsOf(parent, module)].map(([reference, row]) => ({
    reference,
    ref: refFromRow(row),
  }));
  return outputAt(turn, parent.graph, module, refs);
}

function outputAt(
  turn: Turn,
  graph: string,
  module: string,
  refs: readonly { readonly reference: string; readonly ref: PayloadRef }[],
): ReusedOutput {
  const entries = refs.flatMap(({ reference, ref }) => {
    const value = turn.loaded.reusable.get(reusableKey(ref))?.value;
    return Object.entries(indexedNow(turn.state, graph, reference, value) ?? {});
  });
  const isNamed = refs[0]!.reference !== module;
  const last = refs.reduce((newest, one) => (one.ref.seq > newest.ref.seq ? one : newest));
  return {
    ref: last.ref,
    ...(isNamed && {
      named: new Map(refs.map(({ reference, ref }) => [splitReference(reference).name, ref])),
    }),
    ...(entries.length > 0 && { indexed: Object.fromEntries(entries) }),
  };
}

/** The reused modules, in the order of the graph. */
export function reuse(turn: Turn, task: Task, outputs: ReadonlyMap<string, ReusedOutput>): void {
  for (const { position, spec } of task.graph.modules) {
    const taken = outputs.get(spec.name);
    if (!taken) continue;
    const { iterationId, owner } = taken.ref;
    take(turn, task, position, taken, {
      reused_from: { iteration_id: iterationId, execution_id: owner },
    });
  }
}

/** A module with `cache` takes a result, which is copied to the task. */
export function recall(turn: Turn, task: Task, position: number, { from, outputs }: CachedResult): void {
  const { name: module } = task.graph.modules[position]!.spec;
  const refs = [...outputs].map(([name, ref]) => ({ reference: outputReference(module, name), ref }));
  take(turn, task, position, outputAt(turn, task.graph.key.name, module, refs), { cached_from: from });
  const pass = passOf(task, position);
  const found = turn.loaded.lookedUp.get(lookUpKey(task, position))?.found.values() ?? [];
  const bytes = [...found].find(({ result }) => result.from.execution_id === from.execution_id)?.bytes;
  for (const { seq, blob } of outputs.values()) {
    const inline = bytes?.get(seq);
    if (inline) turn.journal.payload(cachedRef(task.id, { module, pass }, seq, blob), inline);
  }
}

/** `taken`: where it is now. */
function take(
  turn: Turn,
  task: Task,
  position: number,
  { ref, indexed, named }: ReusedOutput,
  from: Pick<FactOf<'module.reused'>, 'reused_from' | 'cached_from'>,
): void {
  const { spec } = task.graph.modules[position]!;
  const { shown, ...where } = readOf(turn, ref);
  const parts = [...(named ?? [])].map(([name, ref]) => ({ name, ...readOf(turn, ref) }));
  const inside = parts.filter((one) => one.shown !== undefined);
  emit(turn, {
    type: 'module.reused',
    ...aboutModule(task, position),
    ...from,
    ...(named ? { output_seq: where.output_seq } : where),
    ...(!named && shown !== undefined && { output: shown }),
    ...(named && {
      output: new JsonText(printJson(Object.fromEntries(inside.map((one) => [one.name, one.shown])))),
      outputs: Object.fromEntries(parts.map(({ name, shown: _, ...one }) => [name, one])),
    }),
    ...(indexed && { indexed }),
  });
  for (const [name, at] of named ?? [['', ref]]) {
    const read = turn.loaded.reusable.get(reusableKey(at));
    compareValue(turn, task, outputReference(spec.name, name), read);
  }
}

/** An output that is taken over, and its value where events show it. */
function readOf(turn: Turn, ref: PayloadRef): NamedOutput & { readonly shown?: unknown } {
  const { seq, blob } = ref;
  const read = turn.loaded.reusable.get(reusableKey(ref));
  const size = blob?.size ?? read?.size;
  return {
    output_seq: seq,
    ...(size !== undefined && { size }),
    ...(blob && { blob }),
    ...(read && read.size <= SHOWN_OUTPUT_MAX_BYTES && { shown: read.shown }),
  };
}

/** Stores the overrides of a task, each as a payload of its own. */
export function storeOverrides(
  turn: Turn,
  task: Task['id'],
  request: Iterate | undefined,
): Record<string, Record<string, PayloadRef>> | undefined {
  if (!request?.preparedOverrides?.length) return undefined;
  const overrides: Record<string, Record<string, PayloadRef>> = {};
  for (const { module, input, value } of request.preparedOverrides) {
    overrides[module] ??= {};
    overrides[module][input] = storeOwn(turn, task, `override/${module}/${input}`, value);
  }
  return overrides;
}

/** Stores what a task brings along. */
export function storeOwn(turn: Turn, task: Task['id'], owner: string, value: PreparedInput): PayloadRef {
  if (value.kind === 'inline') {
    const ref = ownRef(task, owner);
    turn.journal.payload(ref, value.bytes);
    return ref;
  }
  const { sha256, size } = value;
  return ownRef(task, owner, { sha256, size });
}
