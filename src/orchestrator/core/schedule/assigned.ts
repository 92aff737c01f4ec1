/** The content of an assignment: the inputs, and for a run module its command with its files. */
import { splitReference, typeOfOutput } from '../../../model/graph.js';
import { MAP_TYPE } from '../../../model/map.js';
import type { BlobRef, PayloadRef } from '../../../model/payload.js';
import { type RunFile, secretsOf } from '../../../model/run.js';
import {
  type Execution,
  itemRefOf,
  outputRef,
  overrideOf,
  passOf,
  resourcesOf,
  type Task,
} from '../../../model/task.js';
import type { AssignOrder } from '../journal.js';
import type { State } from '../state.js';

/** Of a run module, its work with the files of its graph version and the secrets that it takes. */
export function runFor(state: State, { task, position }: Execution): Pick<AssignOrder, 'run' | 'node'> {
  const { run } = task.graph.modules[position]!.spec;
  if (!run) return {};
  const files = filesOf(state, task, position);
  const env = Object.fromEntries(
    Object.entries(run.env).flatMap(([variable, value]) =>
      typeof value === 'string' ? [[variable, value]] : [],
    ),
  );
  const secrets = Object.fromEntries(
    Object.entries(secretsOf(run)).map(([variable, name]) => [variable, state.secrets.get(name)]),
  );
  const replica = state.replicas.get(state.runs.get(task.key) ?? '');
  const module = replica && state.services.get(replica.service)?.spec.module;
  return {
    run: {
      ...run,
      env: replica ? { ...env, TUTTI_SERVICE: replica.service, TUTTI_REPLICA: replica.id } : env,
      ...{ secrets, resources: resourcesOf(task, position), files },
    },
    ...(replica && module !== undefined && { node: { module, instance: replica.id } }),
  };
}

export function filesOf(state: State, task: Task, position: number): Omit<RunFile, 'url'>[] {
  const { key, modules } = task.graph;
  const stored = state.graph(key.name, key.version)?.files ?? {};
  return Object.entries(modules[position]!.spec.run?.files ?? {}).flatMap(([path, beside]) => {
    const blob = stored[beside];
    return blob ? [{ path, blob }] : [];
  });
}

/** `item`: of a module with `map`, the one that is given in the place of its list. */
export function inputsOf(task: Task, position: number, item?: number): AssignOrder['inputs'] {
  const { graph } = task.graph;
  const { spec } = task.graph.modules[position]!;
  const inputs: AssignOrder['inputs'][number][] = [];
  for (const name of spec.inputs) {
    if (item !== undefined && name === spec.map?.input) {
      inputs.push({ name, type: MAP_TYPE, ref: itemRefOf(task, position, item), previous: false });
      continue;
    }
    const override = overrideOf(task, position, name);
    if (name === graph.source.name) {
      inputs.push({ name, type: graph.source.type, ref: override ?? task.input, previous: false });
      continue;
    }
    const ref = override ?? outputRef(task, name);
    if (ref) inputs.push({ name, type: typeOfInput(task, name)!, ref, previous: false });
  }
  const former = formerOutputs(task, position);
  for (const [name, ref] of former ?? [])
    inputs.push({ name, type: typeOfInput(task, name)!, ref, previous: true });
  const fellows = former && task.graph.modules[position]!.loop!.body;
  for (const name of spec.previous) {
    if (fellows?.includes(task.graph.index.get(splitReference(name).module) ?? -1)) continue;
    // A name that stands for both is that of the input.
    const override = spec.inputs.includes(name) ? undefined : overrideOf(task, position, name);
    const ref = override ?? task.pinned.get(name);
    if (ref) inputs.push({ name, type: typeOfInput(task, name)!, ref, previous: true });
  }
  return inputs;
}

/** In a further pass of a loop, what its modules have put out in the one before, by reference. */
function formerOutputs(task: Task, position: number): [string, PayloadRef][] | undefined {
  if ((passOf(task, position) ?? 1) === 1) return undefined;
  return task.graph.modules[position]!.loop!.body.flatMap((at) => [...(task.runs[at]?.previous ?? [])]);
}

/** Of an output, by its reference. As `typeOf`, and by the index of the graph: it is asked for every input of every assignment. */
function typeOfInput({ graph }: Task, reference: string): string | undefined {
  const { module, name } = splitReference(reference);
  const compiled = graph.modules[graph.index.get(module) ?? -1];
  return compiled && typeOfOutput(compiled.spec, name);
}

/** The blobs that an agent fetches before it starts the command: large inputs, and the files of the graph. */
export function blobsFor(state: State, task: Task, position: number): BlobRef[] {
  const inputs = inputsOf(task, position).flatMap(({ ref }) => ref.blob ?? []);
  return [...inputs, ...filesOf(state, task, position).map(({ blob }) => blob)];
}
