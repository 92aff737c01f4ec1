/** What differs between iterations, part by part. */
import { printIndented } from '../../../../src/base/json/exact.js';
import type { TaskJson } from '../../../../src/contract/iteration.js';
import { inputLeaves, leavesOf } from './leaves.js';

export interface DifferingField {
  readonly path: string;
  /** In the order of the tasks; `undefined` where it is not there. */
  readonly values: readonly unknown[];
}

export interface DifferingPart {
  /** `input`, a module, or an input that is overridden. */
  readonly part: string;
  readonly fields: readonly DifferingField[];
}

export function differingParts(
  tasks: readonly Pick<TaskJson, 'input' | 'overrides' | 'modules'>[],
): DifferingPart[] {
  const named = tasks.flatMap(({ overrides }) =>
    Object.entries(overrides).flatMap(([module, values]) =>
      Object.keys(values).map((input) => `${module} ${input}`),
    ),
  );
  const inputs = [...new Set(named)].map((pair) => pair.split(' ') as [string, string]);
  const parts = new Map<string, Map<string, unknown[]>>();
  for (const [position, task] of tasks.entries()) {
    const edited = inputs.flatMap(([module, input]) => inputLeaves(task, module, input));
    for (const { part, path, value } of [...leavesOf(task), ...edited]) {
      const fields = parts.get(part) ?? new Map<string, unknown[]>();
      parts.set(part, fields);
      const values = fields.get(path) ?? tasks.map(() => undefined);
      values[position] = value;
      fields.set(path, values);
    }
  }
  return [...parts].flatMap(([part, fields]) => {
    const differing = [...fields].flatMap(([path, values]) => (areEqual(values) ? [] : [{ path, values }]));
    return differing.length > 0 ? [{ part, fields: differing }] : [];
  });
}

function areEqual(values: readonly unknown[]): boolean {
  const [first, ...rest] = values.map((value) => (value === undefined ? undefined : printIndented(value)));
  return rest.every((value) => value === first);
}
