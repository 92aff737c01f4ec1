/** The outputs of a graph's modules: by reference, `train` where a module has one, `train.plot` where it has several. */
import { partAt } from '../../../../src/base/json/exact.js';
import type { GraphJson, GraphModuleJson } from '../../../../src/contract/graph.js';
import type { TaskJson } from '../../../../src/contract/iteration.js';
import { outputReference, splitReference } from '../../../../src/model/graph.js';

export interface OutputOf {
  readonly reference: string;
  /** Empty where the module has one only. */
  readonly name: string;
  readonly type: string;
}

export function outputsOf(module: string, { output, outputs }: GraphModuleJson): OutputOf[] {
  if (!outputs) return [{ reference: module, name: '', type: output ?? '' }];
  return Object.entries(outputs).map(([name, { type }]) => ({
    ...{ reference: outputReference(module, name), name, type },
  }));
}

export function allOutputs({ modules }: GraphJson): OutputOf[] {
  return Object.entries(modules).flatMap(([module, spec]) => outputsOf(module, spec));
}

/** The types of a module's outputs, in a word. */
export function typesNote({ output, outputs }: GraphModuleJson): string {
  return outputs ? Object.keys(outputs).join(', ') : (output ?? '');
}

/** The modules, or the source, that inputs are of, each once. */
export function modulesOf(inputs: readonly string[] = []): string[] {
  return [...new Set(inputs.map((input) => splitReference(input).module))];
}

/** The value of an output, as the task has it; null before there is one. */
export function outputAt(task: Pick<TaskJson, 'modules'>, reference: string): unknown {
  const { module, name } = splitReference(reference);
  const output = task.modules[module]?.output ?? null;
  return name === '' || output === null ? output : (partAt(output, [name]) ?? null);
}
