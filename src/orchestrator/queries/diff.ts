/** The differences between two iterations, leaf by leaf. */

import { jsonDifferences } from '../../base/json/differences.js';
import { JsonText, printJson } from '../../base/json/json-text.js';
import { pointer } from '../../base/json/pointer.js';
import { outputReference, outputsOf } from '../../model/graph.js';
import type { CompiledGraph } from '../../model/task.js';
import type { Refusal, View } from '../port.js';
import { reusedModules } from '../tables/summary.js';
import { type Moment, taskOf } from './moment.js';
import { isRefusal } from './pages.js';

interface Difference {
  /** A JSON pointer. */
  readonly path: string;
  /** `null` where it is absent. */
  readonly a: unknown;
  readonly b: unknown;
}

function differences(a: unknown, b: unknown): Difference[] {
  return jsonDifferences(a, b).map((one) => ({
    path: pointer(...one.path),
    a: one.a ?? null,
    b: one.b ?? null,
  }));
}

/** Leaves that one answer names: two large outputs that have nothing in common differ in all of theirs. */
const MAX_DIFFERENCES = 10_000;

/** The differences of several pairs of values, no more than an answer holds. */
class Differing {
  #left = MAX_DIFFERENCES;
  #isTruncated = false;

  get isTruncated(): boolean {
    return this.#isTruncated;
  }

  between(a: unknown, b: unknown): Difference[] {
    const all = differences(a, b);
    const taken = all.slice(0, this.#left);
    this.#left -= taken.length;
    if (taken.length < all.length) this.#isTruncated = true;
    return taken;
  }
}

/** The types of these modules' outputs, by their references. */
function typesOf({ modules }: CompiledGraph, named: ReadonlySet<string>): Record<string, string> {
  const specs = modules.map(({ spec }) => spec).filter(({ name }) => named.has(name));
  const types = specs.flatMap((spec) =>
    outputsOf(spec).map(({ name, type }) => [outputReference(spec.name, name), type]),
  );
  return Object.fromEntries(types);
}

export async function diff(moment: Moment, problemId: string, a: number, b: number): Promise<View | Refusal> {
  const { reader, payloads, slices } = moment;
  const left = await taskOf(moment, { problemId, iterationId: a });
  if (isRefusal(left)) return left;
  const right = await taskOf(moment, { problemId, iterationId: b });
  if (isRefusal(right)) return right;
  const names = new Set<string>();
  const graphs = { a: (await payloads.graphOf(left)).compiled, b: (await payloads.graphOf(right)).compiled };
  for (const { modules } of [graphs.a, graphs.b]) for (const { spec } of modules) names.add(spec.name);
  const modules: Record<string, unknown> = {};
  const differing = new Differing();
  for (const name of names) {
    await slices.rest();
    const before = await payloads.moduleOutput(reader, left, name);
    const after = await payloads.moduleOutput(reader, right, name);
    const fields = differing.between(before?.json, after?.json);
    if (fields.length > 0) modules[name] = fields;
  }
  const input = differing.between(
    await payloads.inputOf(reader, left),
    await payloads.inputOf(reader, right),
  );
  const overrides = differing.between(
    new JsonText(printJson(await payloads.overridesOf(reader, left))),
    new JsonText(printJson(await payloads.overridesOf(reader, right))),
  );
  const reused = { a: reusedModules(left), b: reusedModules(right) };
  const differingModules = new Set(Object.keys(modules));
  const types = { a: typesOf(graphs.a, differingModules), b: typesOf(graphs.b, differingModules) };
  return {
    ...{ problem_id: problemId, a, b, input, overrides, reused, modules, types },
    truncated: differing.isTruncated,
  };
}
