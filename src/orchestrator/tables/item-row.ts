/** An item of a map that is done. */

import type { CachedFrom } from '../../model/cached.js';
import type { DoneItem } from '../../model/task.js';
import { moduleName } from '../../model/task.js';
import type { Key } from '../../store/store.js';
import { type ExecutionRow, executionToRow } from './execution-row.js';
import { type PayloadRefRow, refToRow } from './payload-ref.js';

/** An item of a map that is done. */
export interface ItemRow {
  readonly module: string;
  readonly generation: number;
  /** Of a module in a loop. */
  readonly pass?: number;
  readonly item: number;
  /** Where its result is stored. */
  readonly output: PayloadRefRow;
  /** Whose result it has taken. */
  readonly cached_from?: CachedFrom;
  readonly executions: readonly ExecutionRow[];
}

/** The row of an item that is done. */
export function itemToRow(done: DoneItem): unknown {
  const { task, position, generation, pass, item, output, cachedFrom, executions } = done;
  return {
    module: moduleName(task, position),
    generation,
    pass,
    item,
    output: refToRow(output),
    cached_from: cachedFrom,
    executions: executions.map(executionToRow),
  } satisfies Record<keyof ItemRow, unknown>;
}

/** Where `items` has it. */
export function itemKey({ task, position, generation, item }: DoneItem): Key {
  return [task.id.problemId, task.id.iterationId, moduleName(task, position), generation, item];
}
