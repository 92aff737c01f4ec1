/** The payloads that the row of a task refers to. */

import { decisionRef } from '../../model/approval.js';
import { outputReference } from '../../model/graph.js';
import { NONE } from '../../model/task.js';
import { type PayloadRefRow, refToRow } from './payload-ref.js';
import type { TaskRow } from './task-row.js';

/**
 * Where the outputs of a module are stored, if it has succeeded or was reused, by their references: its last output, or its named ones. They
 * are stored by the execution that published them; a decision, by its module.
 */
export function outputRefsOf(task: TaskRow, module: string): ReadonlyMap<string, PayloadRefRow> {
  const row = Object.hasOwn(task.modules, module) ? task.modules[module] : undefined;
  if (row?.phase === 'reused') {
    if (!row.reused_outputs) return row.reused ? new Map([[module, row.reused]]) : NONE;
    return byReference(module, Object.entries(row.reused_outputs));
  }
  if (row?.phase === 'mapped') return row.mapped ? new Map([[module, row.mapped]]) : NONE;
  if (row?.phase === 'approved') {
    const id = { problemId: task.problem_id, iterationId: task.iteration_id };
    return new Map([[module, refToRow(decisionRef(id, module, row.generation))]]);
  }
  const execution = row?.phase === 'succeeded' ? row.executions.at(-1) : undefined;
  if (!execution) return NONE;
  const { execution_id: owner, named, outputs } = execution;
  const refAt = (seq: number): PayloadRefRow => {
    const blob = execution.blobs?.find(([at]) => at === seq)?.[1];
    const { problem_id, iteration_id } = task;
    return { problem_id, iteration_id, owner, seq, ...(blob && { blob }) };
  };
  if (!named) return new Map([[module, refAt(outputs)]]);
  return byReference(
    module,
    Object.entries(named).map(([name, seq]): [string, PayloadRefRow] => [name, refAt(seq)]),
  );
}

function byReference(module: string, refs: readonly [string, PayloadRefRow][]): Map<string, PayloadRefRow> {
  return new Map(refs.map(([name, ref]) => [outputReference(module, name), ref]));
}

/** Every payload that a task was made from or brought along, its modules' own outputs left out. */
export function refsOf(task: TaskRow): PayloadRefRow[] {
  return [
    task.input,
    ...Object.values(task.pinned ?? {}),
    ...Object.values(task.overrides ?? {}).flatMap((rows) => Object.values(rows)),
    ...Object.values(task.modules).flatMap(
      ({ reused, mapped, reused_outputs = {}, previous = {}, executions }) => [
        ...(reused ? [reused] : []),
        ...(mapped ? [mapped] : []),
        ...Object.values(reused_outputs),
        ...Object.values(previous).filter(({ owner }) =>
          executions.every(({ execution_id }) => execution_id !== owner),
        ),
      ],
    ),
  ];
}
