/** What stands in a task's input and outputs, leaf by leaf, under the names that the server's queries know. */
import { embeddedJson } from '../../../../src/base/json/embedded.js';
import { entriesOf } from '../../../../src/base/json/exact.js';
import { type JsonText, plainOf } from '../../../../src/base/json/json-text.js';
import type { TaskJson } from '../../../../src/contract/iteration.js';
import { splitReference } from '../../../../src/model/graph.js';
import { outputAt } from '../graphs/outputs.js';

export type Scalar = string | number | boolean;

export interface Leaf {
  /** `input` or a module. */
  readonly part: string;
  /** Within the part, with dots between the steps. */
  readonly path: string;
  readonly value: unknown;
}

/** Every value that is not a structure, and every list of such values; JSON inside texts and bytes is followed. */
export function leavesOf(task: Pick<TaskJson, 'input' | 'modules'>): Leaf[] {
  const leaves: Leaf[] = [];
  walk('input', [], task.input, leaves);
  for (const [name, module] of Object.entries(task.modules)) walk(name, [], module.output, leaves);
  return leaves;
}

/** What a module got as one of its inputs, overridden or not. */
export function inputLeaves(
  task: Pick<TaskJson, 'input' | 'overrides' | 'modules'>,
  module: string,
  input: string,
): Leaf[] {
  const leaves: Leaf[] = [];
  const overrides = task.overrides[module] ?? {};
  // What is not a module is the source.
  const isOutput = Object.hasOwn(task.modules, splitReference(input).module);
  const given = isOutput ? outputAt(task, input) : task.input;
  walk(
    `${input} as ${module} got it`,
    [],
    Object.hasOwn(overrides, input) ? overrides[input] : given,
    leaves,
  );
  return leaves;
}

function walk(part: string, steps: readonly string[], value: unknown, leaves: Leaf[]): void {
  const inner = typeof value === 'string' ? (embeddedJson(value)?.value ?? value) : value;
  if (inner === null || inner === undefined) return;
  if (isScalar(inner) || (Array.isArray(inner) && inner.every(isScalar))) {
    leaves.push({ part, path: steps.join('.'), value: inner });
    return;
  }
  for (const [name, field] of entriesOf(inner)) walk(part, [...steps, name], field, leaves);
}

function isScalar(value: unknown): value is Scalar | JsonText | null | undefined {
  const plain = plainOf(value);
  return typeof plain !== 'object' || plain === null;
}
