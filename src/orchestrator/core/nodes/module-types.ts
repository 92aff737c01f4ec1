/**
 * The types of a module in a graph version, and whether a node can work with them.
 *
 * T1. A task keeps the types of its version, whatever the newest one says. An assignment names its output's type, and carries the descriptors
 *     of its version where the welcome of its node did not.
 * T2. A node that does not take its types from assignments knows those of its last welcome. It gets no work with others: it is asked to
 *     register again as soon as a version with other types is stored.
 * T3. A node that was written against other types than a version's gets no work of that version.
 */
import { isPlayedByNodes, typesOfModule } from '../../../model/graph.js';
import type { CompiledGraph } from '../../../model/task.js';
import { refuseAt } from '../refusals.js';
import type { FleetNode, LoadedGraph, ModuleTypes, State } from '../state.js';
import type { Turn } from '../turn.js';
import { welcomeOf } from './welcome.js';

/** T1. */
export function typesOf(state: State, loaded: LoadedGraph, module: string): ModuleTypes {
  let modules = state.moduleTypes.get(loaded);
  if (!modules) {
    modules = new Map();
    state.moduleTypes.set(loaded, modules);
  }
  let types = modules.get(module);
  if (!types) {
    const { graph, modules: compiled, index } = loaded.compiled;
    const { spec } = compiled[index.get(module)!]!;
    const outputType = spec.output ?? '';
    const descriptors = loaded.types.descriptors(typesOfModule(graph, module));
    const names = spec.outputs ? JSON.stringify(spec.outputs) : outputType;
    types = { outputType, descriptors, key: `${names}\n${Buffer.from(descriptors).toString('latin1')}` };
    modules.set(module, types);
  }
  return types;
}

/** Whether a graph has the module, and nodes of its name do its work. */
function hasForNodes({ modules, index }: CompiledGraph, module: string): boolean {
  const position = index.get(module);
  return position !== undefined && isPlayedByNodes(modules[position]!.spec);
}

/** The newest version of every graph that has the module. */
function newestOf(state: State, module: string): LoadedGraph[] {
  return [...state.graphs.values()].flatMap((versions) => {
    const loaded = versions.at(-1);
    return loaded && hasForNodes(loaded.compiled, module) ? [loaded] : [];
  });
}

/** T2. The node is told these by its welcome. */
export function noteTold(state: State, node: FleetNode): void {
  const told = newestOf(state, node.module).map((loaded) => typesOf(state, loaded, node.module));
  const isOne = told.every(({ descriptors }) => Buffer.compare(descriptors, told[0]!.descriptors) === 0);
  // Graphs may mean different things by one name: then each assignment says which.
  const known = isOne || !node.typesByAssignment ? told.map(({ key }) => key) : [];
  state.undo.set(node, 'toldTypes', new Set(known));
  // A cache of what follows from them.
  state.undo.set(node, 'misfits', new Map());
}

/** Why the node gets no work of this graph version; `undefined` where it does. */
export function misfitOf(state: State, node: FleetNode, graph: CompiledGraph): string | undefined {
  const known = node.misfits.get(graph);
  if (known !== undefined) return known || undefined;
  const misfit = findMisfit(state, node, graph);
  node.misfits.set(graph, misfit ?? '');
  return misfit;
}

/** T3. */
function findMisfit(state: State, node: FleetNode, graph: CompiledGraph): string | undefined {
  const loaded = state.graph(graph.key.name, graph.key.version);
  if (!loaded || !hasForNodes(loaded.compiled, node.module)) return undefined;
  const { outputType, key } = typesOf(state, loaded, node.module);
  if (node.declaredOutput !== '' && node.declaredOutput !== outputType)
    return `it publishes ${node.declaredOutput}, not ${outputType || 'named outputs'}`;
  if (!node.typesByAssignment && !node.toldTypes.has(key)) return 'it has not received these types';
  const types = typesOfModule(graph.graph, node.module);
  const sides = { ours: 'the graph', theirs: 'the node' };
  const other = node.schemas.find(
    (schema) => types.includes(schema.type) && loaded.types.differences(schema, sides).length > 0,
  );
  return other && `it was written against another form of ${other.type}`;
}

/** A new version is stored: connected nodes are told at once, where it changes the content of their welcome. */
export function announceTypes(turn: Turn, stored: LoadedGraph, before: LoadedGraph | undefined): void {
  const { state } = turn;
  for (const { spec } of stored.compiled.modules) {
    if (!isPlayedByNodes(spec)) continue;
    const old = before?.compiled.index.has(spec.name) ? typesOf(state, before, spec.name) : undefined;
    const liveness = before?.compiled.modules[before.compiled.index.get(spec.name) ?? -1]?.spec.liveness;
    const hasChanged = old?.key !== typesOf(state, stored, spec.name).key;
    const isLimited = liveness?.deadAfterMs !== spec.liveness.deadAfterMs;
    if (!hasChanged && !isLimited) continue;
    for (const node of state.nodesByModule.get(spec.name) ?? []) {
      if (node.route === undefined) continue;
      if (node.typesByAssignment) turn.journal.tell(node, welcomeOf(turn, node, []));
      else if (hasChanged) refuseAt(turn, node, 'say_hello', 'the types of its module have changed', {});
    }
  }
}
