/**
 * The lists of modules with `map`: the one that comes in, taken apart, and the results of its items, put together.
 *
 * L1. An item is the text that stands in the list, and so is a result: no number and no order of names changes on the way.
 * L2. Neither list is larger than `MAX_LIST_BYTES`: each is in memory as a whole, for a moment.
 */
import { isShallow, MAX_DEPTH } from '../../base/json/check-text.js';
import { itemsOf, JsonText } from '../../base/json/json-text.js';
import { MAP_TYPE, MAX_ITEMS, MAX_LIST_BYTES } from '../../model/map.js';
import type { PayloadRef } from '../../model/payload.js';
import type { ReportedError } from '../../model/protocol.js';
import { moduleName, type Task } from '../../model/task.js';
import type { Reader } from '../../store/store.js';
import type { BlobFiles } from '../core/blob-files.js';
import { inputsOf } from '../core/schedule/assigned.js';
import type { State } from '../core/state.js';
import type { LookedUp } from '../core/turn.js';
import { refFromRow } from '../tables/payload-ref.js';
import * as tables from '../tables/tables.js';

type Failed = { readonly kind: 'failed'; readonly error: ReportedError };

const TEXT = new TextDecoder();

/** What a module is given, item by item. */
export async function readList(
  store: Reader,
  files: BlobFiles,
  state: State,
  task: Task,
  position: number,
): Promise<NonNullable<LookedUp['list']>> {
  const { input } = task.graph.modules[position]!.spec.map!;
  const given = inputsOf(task, position).find(({ name, previous }) => name === input && !previous);
  if (!given) return failed('not_a_list', `${input} has no output`);
  const bytes = await readBytes(store, files, given.ref);
  if (bytes === 'too large') return tooLarge(`${input} is larger`);
  if (!bytes) return failed('blob_missing', `the blob of ${input} is gone or has other content`);
  const { key } = task.graph;
  // A blob may hold anything.
  const decoded = state.graph(key.name, key.version)?.types.decode(MAP_TYPE, bytes);
  if (!decoded?.ok)
    return failed('not_a_list', `${input} is not JSON${decoded ? `: ${decoded.message}` : ''}`);
  const items = itemsOf(new JsonText(TEXT.decode(bytes)), MAX_ITEMS + 1);
  if (!items) return failed('not_a_list', `${input} is ${kindOf(decoded.value)}: map needs a list`);
  if (items.length > MAX_ITEMS)
    return failed('list_too_large', `${input} has more than ${MAX_ITEMS} items, the maximum of a map`);
  // L1.
  return { kind: 'list', items: items.map(({ text }) => Buffer.from(text)) };
}

/** The results of all items, in their order. `inlineMaxBytes`: what is larger is a blob. */
export async function readResults(
  store: Reader,
  files: BlobFiles,
  { task, position }: { readonly task: Task; readonly position: number },
  inlineMaxBytes: number,
): Promise<NonNullable<LookedUp['results']> | undefined> {
  const { problemId, iterationId } = task.id;
  const module = moduleName(task, position);
  const { generation, items } = task.runs[position]!;
  const parts: Uint8Array[] = [];
  let size = 2;
  const prefix = [problemId, iterationId, module, generation];
  for await (const { row } of tables.items.walk(store, { prefix })) {
    const bytes = await readBytes(store, files, refFromRow(row.output));
    if (bytes === 'too large' || size + (bytes?.byteLength ?? 0) + 1 > MAX_LIST_BYTES)
      return tooLarge('the list of the results would be larger');
    if (!bytes) return failed('blob_missing', `the result of item ${row.item} is gone or has other content`);
    size += bytes.byteLength + 1;
    parts.push(bytes);
  }
  if (parts.length !== items?.total)
    throw new Error(`${module} has ${parts.length} results for ${items?.total} items`);
  const bytes = Buffer.from(`[${parts.map((part) => TEXT.decode(part)).join(',')}]`);
  if (!isShallow(bytes.toString(), MAX_DEPTH))
    return failed('too_deep', `a result is nested ${MAX_DEPTH} levels deep, so it does not fit into a list`);
  if (bytes.byteLength <= inlineMaxBytes)
    return { kind: 'list', bytes, blob: undefined, projects: undefined };
  const blob = await files.keep(bytes);
  if (blob === 'busy') return undefined;
  if (blob === 'no room') return { kind: blob };
  const known = await tables.blobs.get(store, [blob.sha256]);
  return { kind: 'list', bytes, blob, projects: known?.projects };
}

async function readBytes(
  store: Reader,
  files: BlobFiles,
  { problemId, iterationId, owner, seq, blob }: PayloadRef,
): Promise<Uint8Array | 'too large' | undefined> {
  if (!blob) return store.get('payloads', [problemId, iterationId, owner, seq]);
  return blob.size > MAX_LIST_BYTES ? 'too large' : files.read(blob);
}

/** L2. */
function tooLarge(what: string): Failed {
  return failed('list_too_large', `${what} than the ${MAX_LIST_BYTES} bytes that a map takes`);
}

function failed(code: string, message: string): Failed {
  return { kind: 'failed', error: { code, message, retryable: false } };
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  const type = typeof value;
  return type === 'object' ? 'an object' : `a ${type}`;
}
