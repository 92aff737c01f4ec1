/**
 * The index over outputs: the rows by which an iteration is found once it has ended.
 *
 * 1. What is indexed is what the newest version of the task's graph declares, whatever version the task runs on.
 * 2. An output's values are noted when it is recorded, since it is decoded then, and become rows in the commit that ends the iteration.
 */
import type { Execution, Task } from '../../model/task.js';
import { moduleName } from '../../model/task.js';
import { indexElement, indexKey, valueAt } from '../index-key.js';
import { EMPTY } from '../records.js';
import type { State } from './state.js';
import type { Turn } from './turn.js';

/** Notes what the index is to know of an execution's last output. `value` is absent for one that is a blob. */
export function noteIndexed(state: State, execution: Execution, value: unknown): void {
  const { task } = execution;
  const declared = state.graph(task.graph.key.name)?.compiled.graph.index ?? [];
  if (declared.length === 0) return;
  const elements = indexedElements(declared, moduleName(task, execution.position), value);
  if (Object.keys(elements).length > 0) execution.indexed = elements;
}

/** The fields of a module's output that are indexed and there, each as an element of its index. */
export function indexedElements(
  declared: readonly string[],
  module: string,
  value: unknown,
): Record<string, string> {
  const elements: Record<string, string> = {};
  for (const field of declared) {
    const [name, ...path] = field.split('.');
    const element = name === module ? indexElement(valueAt(value, path)) : undefined;
    if (element !== undefined) elements[field] = element;
  }
  return elements;
}

/** The index rows of a task that ends in this turn. */
export function writeIndex(turn: Turn, task: Task): void {
  for (const run of task.runs) {
    const noted = run?.phase.kind === 'succeeded' ? run.phase.execution.indexed : undefined;
    for (const [field, element] of Object.entries(noted ?? {})) {
      turn.journal.put(
        'iteration_index',
        indexKey(field, element, task.problemSeq, task.id.iterationId),
        EMPTY,
      );
    }
  }
}
