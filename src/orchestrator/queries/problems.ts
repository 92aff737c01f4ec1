/** Lists of problems: newest first, with filters. Only a search looks into payloads: at the inputs' texts. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TaskState } from '../../model/task-state.js';
import { taskHasEnded } from '../../model/task-state.js';
import type { Key, Reader } from '../../store/store.js';
import { readTask } from '../load.js';
import type { Page, PageRequest, ProblemFilter, Refusal, View } from '../port.js';
import { decodeRow, type ProblemRow, type TaskRow } from '../records.js';
import type { Candidate } from './filter/fields.js';
import { isRefusal, limitOf, readCursor, writeCursor } from './pages.js';
import { problemView } from './views.js';

/** Rows that one page may look at before it is handed out short, with the cursor to go on from. */
const SCAN_LIMIT = 20_000;
/** The same where their inputs are looked through as well. */
const SEARCH_LIMIT = 5_000;
const SCAN_PAGE = 500;

export async function listProblems(
  reader: Reader,
  filter: ProblemFilter,
  page: PageRequest,
): Promise<Page<View> | Refusal> {
  const after = readCursor(page.cursor);
  if (isRefusal(after)) return after;
  const bounds = timeBounds(filter);
  if (isRefusal(bounds)) return bounds;
  const limit = limitOf(page);
  const source = sourceOf(reader, filter.state, limit);
  const items: View[] = [];
  const scanLimit = filter.q === undefined ? SCAN_LIMIT : SEARCH_LIMIT;
  let last = after;
  let rested = 0;
  for (let scanned = 0; scanned < scanLimit; ) {
    // The same thread decides: it is not kept from that for longer than a page takes.
    if (scanned - rested >= SCAN_PAGE) {
      rested = scanned;
      await nextTurn();
    }
    const keys = await source.keys(last);
    for (const key of keys) {
      last = key;
      scanned += 1;
      const view = await readProblemView(reader, source.createdSeq(key), filter, bounds);
      if (view) items.push(view);
      if (items.length === limit) return { items, next_cursor: writeCursor(last) };
    }
    if (keys.length < source.page) return { items, next_cursor: null };
  }
  return { items, next_cursor: last ? writeCursor(last) : null };
}

/** Where the keys come from, by state: the index of ended ones, the unfinished ones, or all. */
function sourceOf(
  reader: Reader,
  state: TaskState | undefined,
  limit: number,
): { page: number; keys(after: Key | undefined): Promise<Key[]>; createdSeq(key: Key): number } {
  const page = state === undefined ? limit : SCAN_PAGE;
  const read =
    (table: 'problems' | 'problems_by_state' | 'unfinished', prefix: Key) => (after: Key | undefined) =>
      reader.keys(table, { prefix, reverse: true, limit: page, ...(after && { after }) });
  if (state === undefined) return { page, keys: read('problems', []), createdSeq: (key) => Number(key[0]) };
  if (taskHasEnded(state)) {
    return { page, keys: read('problems_by_state', [state]), createdSeq: (key) => Number(key[1]) };
  }
  return { page, keys: read('unfinished', []), createdSeq: (key) => Number(key[0]) };
}

/** Whether a problem passes the filters that are no expression. */
export function problemAcceptor(
  reader: Reader,
  filter: ProblemFilter,
): ((candidate: Candidate) => Promise<boolean>) | Refusal {
  const bounds = timeBounds(filter);
  if (isRefusal(bounds)) return bounds;
  return async ({ problem, task }) =>
    passes(problem, filter, bounds) &&
    (filter.state === undefined || task.state === filter.state) &&
    (isTitled(problem, filter.q) || inputHolds(reader, task, filter.q ?? ''));
}

function passes(
  row: ProblemRow,
  { graph }: ProblemFilter,
  bounds: { readonly after: number; readonly before: number },
): boolean {
  if (graph !== undefined && row.graph !== graph) return false;
  return row.created_at > bounds.after && row.created_at < bounds.before;
}

async function readProblemView(
  reader: Reader,
  createdSeq: number,
  filter: ProblemFilter,
  bounds: { readonly after: number; readonly before: number },
): Promise<View | undefined> {
  const bytes = await reader.get('problems', [createdSeq]);
  if (!bytes) return undefined;
  const row = decodeRow<ProblemRow>(bytes);
  if (!passes(row, filter, bounds)) return undefined;
  const newest: TaskRow | undefined = await readTask(reader, {
    problemId: row.problem_id,
    iterationId: row.newest_iteration_id,
  });
  if (filter.state !== undefined && newest?.state !== filter.state) return undefined;
  if (!isTitled(row, filter.q) && !(await inputHolds(reader, newest, filter.q ?? ''))) return undefined;
  return problemView(row, newest);
}

function isTitled(row: ProblemRow, q: string | undefined): boolean {
  return q === undefined || row.title.toLowerCase().includes(q.toLowerCase());
}

/** Whether the newest input holds a text: its strings stand in its bytes as they are, as protobuf and as JSON. Blobs are not read. */
async function inputHolds(reader: Reader, newest: TaskRow | undefined, q: string): Promise<boolean> {
  if (newest === undefined || newest.input.blob) return false;
  const { problem_id, iteration_id, owner, seq } = newest.input;
  const bytes = await reader.get('payloads', [problem_id, iteration_id, owner, seq]);
  if (!bytes) return false;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    .toString()
    .toLowerCase()
    .includes(q.toLowerCase());
}

function timeBounds(filter: ProblemFilter): { after: number; before: number } | Refusal {
  const bounds = { after: Number.NEGATIVE_INFINITY, before: Number.POSITIVE_INFINITY };
  for (const [field, bound] of [
    ['created_after', 'after'],
    ['created_before', 'before'],
  ] as const) {
    const text = filter[field];
    if (text === undefined) continue;
    const at = Date.parse(text);
    if (Number.isNaN(at)) {
      const message = `${field} is ${JSON.stringify(text)}, not an RFC 3339 time`;
      const details = [{ path: field, code: 'bad_time', message: 'for example 2026-01-31T12:00:00Z' }];
      return { ok: false, kind: 'malformed', code: 'bad_time', message, details };
    }
    bounds[bound] = at;
  }
  return bounds;
}
