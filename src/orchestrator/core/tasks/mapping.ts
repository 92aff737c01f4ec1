/**
 * A module with `map`: its list is taken apart, its items take results, and theirs are put together. All that it needs has been looked up.
 *
 * 1. Each item is stored as a payload of its own, so that an assignment is given it as it is given any input.
 */
import { sha256Of } from '../../../base/sha256.js';
import type { CachedResult } from '../../../model/cached.js';
import { BLOB_LEASE_MS } from '../../../model/limits.js';
import { MAP_TYPE, mappedRef, takenRef } from '../../../model/map.js';
import { itemRefOf, moduleName, type Task } from '../../../model/task.js';
import { aboutItem, aboutModule } from '../about.js';
import { emit } from '../emit.js';
import { SHOWN_OUTPUT_MAX_BYTES } from '../executions/executions.js';
import { lookUpKey } from '../state.js';
import { reusableKey, type Turn } from '../turn.js';
import { compareValue } from './comparing.js';
import { indexedNow } from './indexing.js';

/** 1. */
export function startMap(turn: Turn, task: Task, position: number): void {
  const list = turn.loaded.lookedUp.get(lookUpKey(task, position))?.list;
  if (list?.kind !== 'list') throw new Error('a list is taken apart that was not looked up');
  emit(turn, { type: 'map.started', ...aboutModule(task, position), items: list.items.length });
  for (const [item, bytes] of list.items.entries())
    turn.journal.payload(itemRefOf(task, position, item), bytes);
  turn.state.broker.enqueue(task);
}

/** The item takes a result, which is copied to the task. */
export function recallItem(
  turn: Turn,
  task: Task,
  position: number,
  item: number,
  { from, outputs }: CachedResult,
): void {
  const ref = outputs.get('')!;
  const found = turn.loaded.lookedUp.get(lookUpKey(task, position, item))?.found.values() ?? [];
  const bytes = [...found].find(({ result }) => result.from.execution_id === from.execution_id)?.bytes;
  const read = turn.loaded.reusable.get(reusableKey(ref));
  const size = ref.blob?.size ?? read?.size;
  const { generation } = task.runs[position]!;
  emit(turn, {
    type: 'item.reused',
    ...aboutItem(task, position, item),
    cached_from: from,
    ...(size !== undefined && { size }),
    ...(ref.blob && { blob: ref.blob }),
    ...(read && read.size <= SHOWN_OUTPUT_MAX_BYTES && { output: read.shown }),
  });
  const inline = bytes?.get(ref.seq);
  const of = { module: moduleName(task, position), generation };
  if (inline) turn.journal.payload(takenRef(task.id, of, item, undefined), inline);
}

/** The module succeeds with the list of its items' results. */
export function putTogether(turn: Turn, task: Task, position: number): void {
  const { state, loaded, journal } = turn;
  const results = loaded.lookedUp.get(lookUpKey(task, position))?.results;
  if (results?.kind !== 'list') throw new Error('results are put together that were not looked up');
  const { bytes, blob, projects } = results;
  const { items, generation } = task.runs[position]!;
  const { key } = task.graph;
  const module = moduleName(task, position);
  if (blob) {
    const lease_until = turn.wallMs + BLOB_LEASE_MS;
    emit(turn, { type: 'blob.stored', ...blob, lease_until, ...(projects && { projects }) });
  }
  const decoded = blob ? undefined : state.graph(key.name, key.version)?.types.decode(MAP_TYPE, bytes);
  const read = decoded?.ok ? decoded : undefined;
  const indexed = read && indexedNow(state, key.name, module, read.value);
  emit(turn, {
    type: 'module.mapped',
    ...aboutModule(task, position),
    items: items!.total,
    size: bytes.byteLength,
    sha256: blob?.sha256 ?? sha256Of(bytes),
    ...(blob && { blob }),
    ...(read && bytes.byteLength <= SHOWN_OUTPUT_MAX_BYTES && { output: read.shown }),
    ...(indexed && { indexed }),
  });
  if (!blob) journal.payload(mappedRef(task.id, { module, generation }, undefined), bytes);
  compareValue(turn, task, module, read);
}
