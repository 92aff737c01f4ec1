/** Faults between the modules of a graph, and their order. The file may have other faults as well. */
import type { Fault } from '../../base/errors.js';
import { didYouMean } from '../../base/nearest.js';
import { bodyOf, type ModuleSpec, splitReference } from '../../model/graph.js';
import type { LoopSpec } from '../../model/loop.js';
import { formatPath, show } from '../faults.js';
import { isRecord } from '../yaml/yaml.js';

/** A module as far as its file says: names only, in their places. */
interface Edges {
  /** A value that is not a list of inputs has only that fault. */
  readonly hasInputs: boolean;
  readonly inputs: readonly unknown[];
  readonly previous: readonly unknown[];
  /** The source and the modules that its inputs are of, in the same places. */
  readonly sources: readonly string[];
  /** The names of its outputs; none where it has one without a name. */
  readonly outputs: readonly string[];
}

/** Each is compared with every name that there is. */
const MAX_SUGGESTIONS = 50;

/** `raw`: the file's content. */
export function graphFaults(raw: unknown): Fault[] {
  const { source, modules } = edgesOf(raw);
  const faults: Fault[] = [];
  const add = (path: readonly (string | number)[], code: string, message: string) =>
    faults.push({ path: formatPath(path), code, message });

  let suggestions = 0;
  const suggest = (word: string, more: readonly string[]): string => {
    suggestions += 1;
    return suggestions > MAX_SUGGESTIONS ? '' : didYouMean(word, [...more, ...modules.keys()]);
  };

  /** The module is there: has it such an output? */
  const addOutputFault = (
    place: readonly (string | number)[],
    module: string,
    output: string,
    code: string,
  ): void => {
    const { outputs } = modules.get(module)!;
    if (outputs.length === 0) {
      if (output !== '') add(place, code, `${module} has one output, without a name: give ${module}`);
    } else if (!outputs.includes(output)) {
      const known = outputs.map((each) => `${module}.${each}`).join(', ');
      const near = didYouMean(output, outputs);
      const what =
        output === ''
          ? `${module} has several outputs`
          : `${show(output)} is not an output of ${module}${near}`;
      add(place, code, `${what}: give one of ${known}`);
    }
  };

  if (modules.size === 0) add(['modules'], 'missing_field', 'a graph needs at least one module');
  for (const [name, { inputs, previous }] of modules) {
    const at = ['modules', name];
    if (!/^[a-z][a-z0-9_]{0,62}$/.test(name)) {
      const rule = 'lower-case letters, digits and _, beginning with a letter, at most 63 long';
      add(at, 'bad_name', `${show(name)} is not a name for a module: give one of ${rule}`);
    }
    if (name === source) add(at, 'name_taken', `${name} is the name of the source: give the module another`);
    eachName(inputs, (input, index, isFirst) => {
      const place = [...at, 'inputs', index];
      if (!isFirst) add(place, 'duplicate', `${show(input)} is given twice`);
      else if (input !== source) {
        const { module, name: output } = splitReference(input);
        if (modules.has(module)) addOutputFault(place, module, output, 'unknown_input');
        else {
          const near = suggest(module, source === undefined ? [] : [source]);
          add(place, 'unknown_input', `${show(module)} is neither the source nor a module${near}`);
        }
      }
    });
    eachName(previous, (input, index, isFirst) => {
      const place = [...at, 'previous', index];
      if (!isFirst) add(place, 'duplicate', `${show(input)} is given twice`);
      else {
        const { module, name: output } = splitReference(input);
        if (modules.has(module)) addOutputFault(place, module, output, 'unknown_module');
        else
          add(place, 'unknown_module', `${show(module)} is not a module of this graph${suggest(module, [])}`);
      }
    });
  }

  const inCycles = new Set<string>();
  for (const cycle of cyclesOf(source, modules)) {
    const [first, feeding] = [cycle[0]!, cycle.at(-1)!];
    const flow = [...cycle, first].join(' → ');
    const message = `${first} needs its own output: ${flow}`;
    const { sources } = modules.get(first)!;
    add(['modules', first, 'inputs', sources.indexOf(feeding)], 'cycle', message);
    for (const name of cycle) inCycles.add(name);
  }
  const reached = reachedFrom(source, modules, inCycles);
  for (const name of modules.keys()) {
    if (reached.has(name)) continue;
    const message = `nothing leads from the source ${source ?? ''} to ${name}, so it would never run`;
    add(['modules', name, 'inputs'], 'unreachable_module', message);
  }
  return faults;
}

function eachName(
  list: readonly unknown[],
  visit: (name: string, index: number, isFirst: boolean) => void,
): void {
  const seen = new Set<string>();
  list.forEach((name, index) => {
    if (typeof name !== 'string') return;
    visit(name, index, !seen.has(name));
    seen.add(name);
  });
}

function edgesOf(raw: unknown): { source: string | undefined; modules: Map<string, Edges> } {
  const file = (raw ?? {}) as { source?: { name?: unknown } | null; modules?: unknown };
  const modules = new Map<string, Edges>();
  const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
  if (typeof file.modules === 'object' && file.modules !== null && !Array.isArray(file.modules)) {
    for (const [name, module] of Object.entries(file.modules)) {
      const { inputs, previous, outputs } = (module ?? {}) as Readonly<Record<string, unknown>>;
      modules.set(name, {
        hasInputs: Array.isArray(inputs),
        inputs: list(inputs),
        previous: list(previous),
        sources: list(inputs).map((input) => splitReference(String(input)).module),
        outputs: isRecord(outputs) ? Object.keys(outputs) : [],
      });
    }
  }
  const name = file.source?.name;
  return { source: typeof name === 'string' ? name : undefined, modules };
}

/** One cycle of each group of modules that need each other, in the direction of the data, from its first module in the file. */
function cyclesOf(source: string | undefined, modules: ReadonlyMap<string, Edges>): string[][] {
  const order = new Map([...modules.keys()].map((name, place) => [name, place]));
  const cycles: string[][] = [];
  const inCycles = new Set<string>();
  const done = new Set<string>();
  /** Where each module of the path stands in it. */
  const path = new Map<string, number>();

  function visit(name: string): void {
    const at = path.get(name);
    if (at !== undefined) {
      if (inCycles.has(name)) return;
      // The path runs from a module to its inputs: against the data.
      const cycle = [...path.keys()].slice(at).reverse();
      if (cycle.some((member) => inCycles.has(member))) return;
      const start = cycle.reduce((best, one) => (order.get(one)! < order.get(best)! ? one : best));
      const turn = cycle.indexOf(start);
      cycles.push([...cycle.slice(turn), ...cycle.slice(0, turn)]);
      for (const member of cycle) inCycles.add(member);
      return;
    }
    if (done.has(name)) return;
    path.set(name, path.size);
    for (const input of modules.get(name)?.sources ?? []) {
      if (input !== source && modules.has(input)) visit(input);
    }
    path.delete(name);
    done.add(name);
  }

  for (const name of order.keys()) visit(name);
  return cycles;
}

/** Modules that the source's value leads to. What has another fault already (an unknown input, a cycle) is not held against its dependents. */
function reachedFrom(
  source: string | undefined,
  modules: ReadonlyMap<string, Edges>,
  inCycles: ReadonlySet<string>,
): Set<string> {
  const leadsAnyway = (input: string): boolean =>
    input === source || !modules.has(input) || source === undefined;
  const users = new Map<string, string[]>();
  const reached = new Set<string>();
  const waiting = [...inCycles];
  for (const [name, { hasInputs, sources }] of modules) {
    if (!hasInputs || sources.some(leadsAnyway)) waiting.push(name);
    for (const input of new Set(sources)) {
      const known = users.get(input);
      if (known) known.push(name);
      else users.set(input, [name]);
    }
  }
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (reached.has(next)) continue;
    reached.add(next);
    waiting.push(...(users.get(next) ?? []));
  }
  return reached;
}

/** Each module after all its inputs, and after all of a loop whose outputs it gets; of several that could be next, the first in the file. */
export function inTopologicalOrder(
  source: string,
  specs: readonly ModuleSpec[],
  loops: readonly LoopSpec[] = [],
): ModuleSpec[] {
  const bodies = loops.map((loop) => bodyOf(specs, loop));
  const neededFor = (spec: ModuleSpec, input: string): readonly string[] => {
    const { module } = splitReference(input);
    const body = bodies.find((one) => one.includes(module));
    return body && !body.includes(spec.name) ? body : [module];
  };
  const placed = new Set([source]);
  const ordered: ModuleSpec[] = [];
  let waiting = [...specs];
  while (waiting.length > 0) {
    const next = waiting.find((spec) =>
      spec.inputs.every((input) => neededFor(spec, input).every((name) => placed.has(name))),
    );
    if (!next) throw new Error('a graph with a cycle has no order');
    placed.add(next.name);
    ordered.push(next);
    waiting = waiting.filter((spec) => spec !== next);
  }
  return ordered;
}
