/** The `loops:` of a graph file: what is wrong between them and its modules. Works on a file that may have other faults too. */
import type { Fault } from '../../base/errors.js';
import { didYouMean } from '../../base/nearest.js';
import { bodyOf, splitReference } from '../../model/graph.js';
import { formatPath, show } from '../faults.js';
import { isRecord } from '../yaml/yaml.js';

/** The body of each is looked for in all of the graph. */
const MAX_LOOPS = 100;

interface Module {
  readonly name: string;
  readonly inputs: readonly string[];
}

interface Loop {
  readonly index: number;
  readonly body: readonly string[];
}

/** `raw`: the file's content. */
export function loopFaults(raw: unknown): Fault[] {
  if (!isRecord(raw) || !isRecord(raw.modules) || !Array.isArray(raw.loops)) return [];
  const modules = Object.entries(raw.modules).map(([name, module]): Module => {
    const inputs = isRecord(module) && Array.isArray(module.inputs) ? module.inputs : [];
    return { name, inputs: inputs.filter((input): input is string => typeof input === 'string') };
  });
  const faults: Fault[] = [];
  const add = (path: readonly (string | number)[], code: string, message: string) =>
    faults.push({ path: formatPath(['loops', ...path]), code, message });
  const loops: Loop[] = [];
  if (raw.loops.length > MAX_LOOPS)
    add([MAX_LOOPS], 'out_of_range', `a graph has at most ${MAX_LOOPS} loops`);
  for (const [index, loop] of raw.loops.slice(0, MAX_LOOPS).entries()) {
    if (!isRecord(loop)) continue;
    const { from, to } = loop;
    if (typeof from !== 'string' || typeof to !== 'string') continue;
    const names = modules.map(({ name }) => name);
    const unknown = Object.entries({ from, to }).filter(([, name]) => !names.includes(name));
    for (const [field, name] of unknown)
      add(
        [index, field],
        'unknown_module',
        `${show(name)} is not a module of this graph${didYouMean(name, names)}`,
      );
    if (unknown.length > 0) continue;
    const body = bodyOf(modules, { from, to });
    if (body.length === 0) {
      const message = `${to} does not lead to ${from}, so they do not form a loop: give the first module of a pass as to, and the last one as from`;
      add([index, 'to'], 'not_connected', message);
      continue;
    }
    // L1 of `loop.ts`.
    const other = loops.find((one) => one.body.some((name) => body.includes(name)));
    if (other) {
      const shared = body.filter((name) => other.body.includes(name)).join(', ');
      const message = `${shared} would be in loops[${other.index}] as well: a module is in one loop at most`;
      add([index], 'overlapping_loops', message);
    } else loops.push({ index, body });
  }
  if (faults.length > 0) return faults;
  const crossed = crossedLoop(modules, loops);
  if (crossed) {
    const message =
      'it would wait for itself: it needs an output of another loop, which needs an output of this loop';
    add([crossed.index], 'crossed_loops', message);
  }
  return faults;
}

/** One that would wait for itself, since what leads back to it goes through another loop, which ends as a whole. */
function crossedLoop(modules: readonly Module[], loops: readonly Loop[]): Loop | undefined {
  const loopOf = new Map(loops.flatMap((loop) => loop.body.map((name) => [name, loop] as const)));
  const groupOf = (name: string): Loop | string => loopOf.get(name) ?? name;
  const needs = new Map<Loop | string, Set<Loop | string>>();
  for (const { name, inputs } of modules) {
    const group = groupOf(name);
    const known = needs.get(group) ?? new Set();
    needs.set(group, known);
    for (const input of inputs) {
      const other = groupOf(splitReference(input).module);
      if (other !== group) known.add(other);
    }
  }
  return loops.find((loop) => {
    const seen = new Set<Loop | string>();
    const waiting = [...(needs.get(loop) ?? [])];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (next === loop) return true;
      if (seen.has(next)) continue;
      seen.add(next);
      waiting.push(...(needs.get(next) ?? []));
    }
    return false;
  });
}
