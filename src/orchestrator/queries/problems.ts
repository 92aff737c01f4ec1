/** Problems: one by itself, and lists of them, newest first, with filters. Only a search looks into payloads: at the inputs' texts. */

import { fold } from '../../base/fold.js';
import type { Open } from '../../contract/answer.js';
import type { WholeProblemJson } from '../../contract/problem.js';
import { ARCHIVED, markOfTag, STARRED, tagOfMark } from '../../model/problem.js';
import type { Reader } from '../../store/store.js';
import type { Page, PageRequest, ProblemFilter, Refusal, View } from '../port.js';
import { refusal } from '../refusal.js';
import type { ProblemRow } from '../tables/problem-row.js';
import { iterationSummary, summaryOf } from '../tables/summary.js';
import { iterations, payloads, problems, problemsByMark } from '../tables/tables.js';
import type { TaskRow } from '../tables/task-row.js';
import { type Candidate, problemsInOrder } from './candidates.js';
import { type Moment, notFound, problemOf } from './moment.js';
import { badCursor, isRefusal, limitOf, readCursor, writeCursor } from './pages.js';
import { iterationView, problemView } from './views.js';

/** Iterations that one problem by itself shows. */
const NEWEST_SHOWN = 20;

/** Rows that one page may look at before it is handed out short, with the cursor to go on from. */
const SCAN_LIMIT = 20_000;
/** The same where their inputs are looked through as well. */
const SEARCH_LIMIT = 5_000;

export async function problem(moment: Moment, problemId: string): Promise<Open<WholeProblemJson> | Refusal> {
  const row = await problemOf(moment, problemId);
  return isRefusal(row) ? row : wholeProblem(moment, row);
}

/** By its `created_seq`. */
export async function problemCreatedAt(
  moment: Moment,
  createdSeq: number,
): Promise<Open<WholeProblemJson> | Refusal> {
  const row = await problems.get(moment.reader, [createdSeq]);
  return row
    ? wholeProblem(moment, row)
    : notFound('unknown_problem', `no problem with created_seq ${createdSeq}`);
}

async function wholeProblem({ reader }: Moment, row: ProblemRow): Promise<Open<WholeProblemJson>> {
  const newest = await iterations.range(reader, {
    prefix: [row.problem_id],
    reverse: true,
    limit: NEWEST_SHOWN,
  });
  return {
    ...problemView(summaryOf(row, newest[0]!.row)),
    notes: row.notes ?? '',
    newest_iterations: newest.map((one) => iterationView(iterationSummary(one.row))),
  };
}

/** Each tag that a problem has, in order: one look for each, however many problems have it. */
export async function tags({ reader, slices }: Moment, page: PageRequest): Promise<Page<View> | Refusal> {
  const after = readCursor(page.cursor);
  if (isRefusal(after)) return after;
  const limit = limitOf(page);
  const items: View[] = [];
  for (let last = String(after?.[0] ?? ''); ; ) {
    const [key] = await problemsByMark.keys(reader, {
      prefix: [],
      after: [markOfTag(last), Number.MAX_SAFE_INTEGER],
      limit: 1,
    });
    const tag = key && tagOfMark(String(key[0]));
    if (tag === undefined) return { items, next_cursor: null };
    if (items.length === limit) return { items, next_cursor: writeCursor([last]) };
    items.push({ tag });
    last = tag;
    await slices.rest();
  }
}

export async function listProblems(
  { reader, slices }: Moment,
  filter: ProblemFilter,
  page: PageRequest,
): Promise<Page<View> | Refusal> {
  const after = readPlace(page.cursor);
  if (isRefusal(after)) return after;
  const accepts = problemAcceptor(reader, filter);
  if (isRefusal(accepts)) return accepts;
  const limit = limitOf(page);
  const items: View[] = [];
  const scanLimit = filter.q === undefined ? SCAN_LIMIT : SEARCH_LIMIT;
  let scanned = 0;
  const wanted = { state: filter.state, mark: markOf(filter), after, descending: true };
  for await (const candidate of problemsInOrder(reader, wanted, slices)) {
    scanned += 1;
    if (await accepts(candidate)) items.push(problemView(candidate.summary));
    if (items.length === limit || scanned === scanLimit)
      return { items, next_cursor: writeCursor([candidate.summary.problem_seq]) };
    await slices.rest();
  }
  return { items, next_cursor: null };
}

/** The common mark of all of them. */
export function markOf({ starred, archived, tag }: ProblemFilter): string | undefined {
  if (tag !== undefined) return markOfTag(tag);
  if (starred) return STARRED;
  return archived ? ARCHIVED : undefined;
}

/** The `created_seq` behind which a page begins. */
export function readPlace(cursor: string | undefined): number | undefined | Refusal {
  const key = readCursor(cursor);
  if (key === undefined || isRefusal(key)) return key;
  const [seq] = key;
  return typeof seq === 'number' && key.length === 1 ? seq : badCursor(cursor!);
}

/** Whether a problem passes the filters that are not expressions, by its newest iteration. */
export function problemAcceptor(
  reader: Reader,
  filter: ProblemFilter,
): ((candidate: Candidate) => Promise<boolean>) | Refusal {
  const bounds = timeBounds(filter);
  if (isRefusal(bounds)) return bounds;
  const { graph, state, starred, archived, tag } = filter;
  const q = filter.q === undefined ? undefined : fold(filter.q);
  return async (candidate) => {
    const { summary } = candidate;
    return (
      (graph === undefined || summary.graph === graph) &&
      summary.problem_created_at > bounds.after &&
      summary.problem_created_at < bounds.before &&
      (state === undefined || summary.state === state) &&
      (starred === undefined || (summary.starred ?? false) === starred) &&
      (archived === undefined || (summary.archived ?? false) === archived) &&
      (tag === undefined || (summary.tags?.includes(tag) ?? false)) &&
      (q === undefined || (await remarksHold(candidate, q)) || inputHolds(reader, await candidate.whole(), q))
    );
  };
}

/** `q` is folded. */
async function remarksHold({ summary, notes }: Candidate, q: string): Promise<boolean> {
  const { title, tags = [] } = summary;
  return [title, ...tags].some((text) => fold(text).includes(q)) || fold(await notes()).includes(q);
}

const ESCAPE = /\\u([0-9a-f]{4})/gi;

/** `q` is folded. Whether an input holds it: its strings stand in its bytes, as protobuf and as JSON (perhaps with escapes). Blobs are not read. */
async function inputHolds(reader: Reader, task: TaskRow | undefined, q: string): Promise<boolean> {
  if (!task || task.input.blob) return false;
  const { problem_id, iteration_id, owner, seq } = task.input;
  const bytes = await payloads.get(reader, [problem_id, iteration_id, owner, seq]);
  if (!bytes) return false;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    .toString()
    .replace(ESCAPE, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
  return fold(text).includes(q);
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
      return refusal('malformed', 'bad_time', message, { details });
    }
    bounds[bound] = at;
  }
  return bounds;
}
