/**
 * The index over outputs: the rows by which an iteration is found once it has ended.
 *
 * 1. What is indexed is what the newest version of the task's graph declares, whatever version the task runs on.
 * 2. An output's values are noted when it is recorded, since it is decoded then, and become rows in the commit that ends the iteration.
 */
import type { Task } from '../../../model/task.js';
import type { Key } from '../../../store/store.js';
import { listed } from '../../projects/listing.js';
import { indexElement, indexKey, valueAt } from '../../tables/index-key.js';
import type { State } from '../state.js';

/** The index entries of an output, by the current graph. */
export function indexedNow(
  state: State,
  graph: string,
  reference: string,
  value: unknown,
): Record<string, string> | undefined {
  const declared = state.graph(graph)?.compiled.graph.index ?? [];
  const elements = declared.length === 0 ? {} : indexedElements(declared, reference, value);
  return Object.keys(elements).length > 0 ? elements : undefined;
}

/** The fields of an output that are indexed and there, each as an element of its index. */
export function indexedElements(
  declared: readonly string[],
  reference: string,
  value: unknown,
): Record<string, string> {
  const elements: Record<string, string> = {};
  for (const field of declared) {
    const isOf = field.startsWith(`${reference}.`);
    const element = isOf
      ? indexElement(valueAt(value, field.slice(reference.length + 1).split('.')))
      : undefined;
    if (element !== undefined) elements[field] = element;
  }
  return elements;
}

/** Where a task that has ended stands in the indexes. */
export function indexKeysNow(task: Task): Key[] {
  return task.runs.flatMap((run) => {
    const phase = run?.phase;
    const noted =
      phase?.kind === 'succeeded'
        ? phase.execution.indexed
        : phase?.kind === 'reused'
          ? phase.output.indexed
          : phase?.kind === 'approved' || phase?.kind === 'mapped'
            ? phase.indexed
            : undefined;
    return Object.entries(noted ?? {}).map(([field, element]) =>
      listed(task.project, indexKey(field, element, task.problemSeq, task.id.iterationId)),
    );
  });
}
