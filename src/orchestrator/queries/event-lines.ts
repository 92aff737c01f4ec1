/**
 * Events, from the stored pages of their lines.
 *
 * The page that an event lies in is the last one that begins at or before it.
 */
import { JsonText } from '../../base/json/json-text.js';
import { DEFAULT_PROJECT } from '../../model/access.js';
import type { TaskId } from '../../model/task-id.js';
import type { Key, Reader } from '../../store/store.js';
import type { Page, PageRequest, Refusal, StreamEvent, View } from '../port.js';
import { events, type TypedTable, taskEvents } from '../tables/tables.js';
import { findExecution } from './iterations.js';
import { type Moment, taskOf } from './moment.js';
import { isRefusal, limitOf, MAX_PAGE_CHARACTERS, readCursor, writeCursor } from './pages.js';
import type { Slices } from './slices.js';

/** Text that is read at once, whatever the size of a batch. A single event may be larger. */
const CHUNK_CHARACTERS = 1024 * 1024;
/** Every event's JSON begins so: see `eventJson`. */
const ABOUT = /^\{"seq":\d+,"at":"[^"]*","type":"[^"]*","problem_id":"([^"]*)"(?:,"project":"([^"]*)")?/;

/** Every event of the task, in order. */
export async function eventsOfTask(
  moment: Moment,
  id: TaskId,
  page: PageRequest,
): Promise<Page<JsonText> | Refusal> {
  const row = await taskOf(moment, id);
  return isRefusal(row) ? row : eventsOf(moment, id, page, () => true);
}

export async function executionLog(
  moment: Moment,
  id: TaskId,
  executionId: string,
  page: PageRequest,
): Promise<Page<JsonText> | Refusal> {
  const found = await findExecution(moment, id, executionId);
  if (isRefusal(found)) return found;
  const isLine = (event: View): boolean =>
    event.type === 'execution.log' && event.execution_id === executionId;
  return eventsOf(moment, id, page, isLine);
}

/** Events of a task from the cursor on, those that `keep` keeps: as many as are asked for, or as fit a page. */
async function eventsOf(
  { reader, slices }: Moment,
  id: TaskId,
  page: PageRequest,
  keep: (event: View) => boolean,
): Promise<Page<JsonText> | Refusal> {
  const cursor = readCursor(page.cursor);
  if (isRefusal(cursor)) return cursor;
  const limit = limitOf(page);
  const seen = Number(cursor?.[0] ?? 0);
  const items: JsonText[] = [];
  let last = seen;
  let characters = 0;
  for await (const { row } of pagesFrom(taskEvents, reader, [id.problemId, id.iterationId], seen)) {
    for (const line of row.split('\n')) {
      const event = JSON.parse(line) as View & { seq: number };
      if (event.seq <= seen || !keep(event)) continue;
      characters += line.length;
      if (items.length === limit || (items.length > 0 && characters > MAX_PAGE_CHARACTERS))
        return { items, next_cursor: writeCursor([last]) };
      items.push(new JsonText(line, event));
      last = event.seq;
    }
    await slices.rest();
  }
  return { items, next_cursor: null };
}

/** Events of all projects after `after`, in order: at least one where there is one, at most about `limit`, of bounded size together. */
export async function eventsAfter(
  reader: Reader,
  slices: Slices,
  after: number,
  limit: number,
): Promise<StreamEvent[]> {
  const found: StreamEvent[] = [];
  let characters = 0;
  for await (const { key, row } of pagesFrom(events, reader, [], after)) {
    for (const [index, json] of row.split('\n').entries()) {
      const seq = Number(key[0]) + index;
      if (seq <= after) continue;
      characters += json.length;
      if (found.length > 0 && characters > CHUNK_CHARACTERS) return found;
      const [, problemId, project = DEFAULT_PROJECT] = ABOUT.exec(json) ?? [];
      found.push({ seq, problemId, project: problemId === undefined ? undefined : project, json });
    }
    if (found.length >= limit) return found;
    await slices.rest();
  }
  return found;
}

/** The stored pages from the one on that holds the event behind `seen`, one read after the other. */
async function* pagesFrom(
  table: TypedTable<string>,
  reader: Reader,
  prefix: Key,
  seen: number,
): AsyncGenerator<{ readonly key: Key; readonly row: string }> {
  const [start] = await table.keys(reader, {
    prefix,
    after: [...prefix, seen + 2],
    reverse: true,
    limit: 1,
  });
  const first = start ? Number(start.at(-1)) - 1 : 0;
  yield* table.walk(reader, { prefix, after: [...prefix, first], page: 1 });
}
