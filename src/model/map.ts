/**
 * Maps (`map:`): a module that runs once for each item of a list that it is given.
 *
 * I1. Items begin in their order. One that has not begun costs a number, and its value in the store.
 * I2. An item that is done leaves the memory: a row of its own tells of it.
 * I3. The module succeeds with its last item: its output is the list of their results, in the order of the items. An item that fails for
 *     good fails the module, and what runs for other items is stopped.
 */
import type { BlobRef, PayloadRef } from './payload.js';
import type { TaskId } from './task-id.js';

/** I3. The type of the list and of each result: what a list of anything else would be, no type says. */
export const MAP_TYPE = 'json';

/** Items at once where a graph does not say. */
export const DEFAULT_MAP_LIMIT = 100;
/** Those that run are in the row of their task, which is written again with each of them: it is to stay small. */
export const MAX_MAP_LIMIT = 1000;
export const MAX_ITEMS = 100_000;
/** Of the list that comes in, and of the one that goes out: each is put together in memory. */
export const MAX_LIST_BYTES: number = 16 * 1024 * 1024;

/** Which run of a module its items belong to: each reset and each pass begins another. */
interface OfMap {
  readonly module: string;
  readonly generation: number;
}

/** I1. Where the value of an item is stored. */
export function itemRef(
  { problemId, iterationId }: TaskId,
  { module, generation }: OfMap,
  item: number,
): PayloadRef {
  return { problemId, iterationId, owner: `item/${module}/${generation}`, seq: item };
}

/** I3. Where the list of results is stored. */
export function mappedRef(
  { problemId, iterationId }: TaskId,
  { module, generation }: OfMap,
  blob: BlobRef | undefined,
): PayloadRef {
  return { problemId, iterationId, owner: `mapped/${module}`, seq: generation + 1, ...(blob && { blob }) };
}

/** Where a task keeps a result that an item of it has taken from elsewhere. */
export function takenRef(
  { problemId, iterationId }: TaskId,
  { module, generation }: OfMap,
  item: number,
  blob: BlobRef | undefined,
): PayloadRef {
  const owner = `taken/${module}/${generation}`;
  return { problemId, iterationId, owner, seq: item, ...(blob && { blob }) };
}
