/**
 * Finding iterations, or problems, by what is stored about them and by what their modules put out.
 *
 * 1. A page's cursor names a place in the order, not a count: what is written meanwhile neither repeats nor hides anything.
 * 2. A field that is indexed is found by its index, and so is the state of problems. Everything else is looked at one by one, for a bounded time, in slices between
 *    which the loop goes on; the answer says what was done and whether it came to the end.
 * 3. An order that needs all of them is refused when they are too many for the time: a page of some would not be the first page.
 */

import { holds } from '../../base/expression/expression.js';
import { plainOf, printJson } from '../../base/json/json-text.js';
import { ALL_PROJECTS } from '../../model/access.js';
import { tagOfMark } from '../../model/problem.js';
import type { TaskState } from '../../model/task-state.js';
import type { Key } from '../../store/store.js';
import type { Page, PageRequest, QueryReport, Refusal, View } from '../port.js';
import type { ProjectReader } from '../projects/reader.js';
import { refusal } from '../refusal.js';
import { exactValue, indexElement } from '../tables/index-key.js';
import type { ProblemRow } from '../tables/problem-row.js';
import type { Summary } from '../tables/summary.js';
import { iterationIndex, iterations, problems, problemsByMark } from '../tables/tables.js';
import { type Candidate, candidateOf, problemsInOrder, readCandidate, summarized } from './candidates.js';
import type { CompiledSearch } from './filter/compile.js';
import { type Field, indexName, markAmong, readField } from './filter/fields.js';
import { aboveLow, belowHigh, type IndexRange, isNarrowing, narrowed, wholeIndex } from './index-range.js';
import { isRefusal, limitOf, MAX_PAGE_CHARACTERS, readCursor, writeCursor } from './pages.js';
import type { FieldReads } from './payloads.js';
import { type Rank, Ranking } from './ranking.js';
import type { Slices } from './slices.js';
import { Unseen } from './unseen.js';

/** A field of one candidate. @default to compare: numbers as JavaScript reads them, not as they were written */
type ReadField = (name: string, toShow?: boolean) => Promise<unknown>;

/** The scope of a search: problems by their newest iteration, or iterations, of all problems or of one. */
export type Scope =
  | { readonly kind: 'problems' }
  | { readonly kind: 'iterations' }
  | { readonly kind: 'problem'; readonly problem: ProblemRow };

export interface SearchDeps extends FieldReads {
  readonly slices: Slices;
  readonly reader: ProjectReader;
  /** Whether every ended iteration (of this graph) that has the field is in its index. */
  readonly covers: (field: string, graph: string | undefined) => Promise<boolean>;
  readonly view: (summary: Summary) => View;
  /** Conditions besides the filter. */
  readonly accepts: (candidate: Candidate) => boolean | Promise<boolean>;
  /** Of problems: the state that all of them have, where something besides the filter says so. */
  readonly state?: TaskState | undefined;
  /** The same of a mark of their problems. */
  readonly mark?: string | undefined;
}

/** A page takes no longer than this, whatever it is asked for. */
export const SEARCH_MS = 1500;
/** Up to this number, results of an index are sorted into the order of the list; with more, a scan in that order soon fills a page. */
const GATHER_LIMIT = 20_000;
const READ_PAGE = 200;

type Place = readonly [problemSeq: number, iterationId: number];

export async function search(
  deps: SearchDeps,
  scope: Scope,
  query: CompiledSearch,
  page: PageRequest,
): Promise<Page<View> | Refusal> {
  const cursor = readCursor(page.cursor);
  if (isRefusal(cursor)) return cursor;
  return new Search(deps, scope, query, limitOf(page)).run(cursor);
}

class Search {
  readonly #deps: SearchDeps;
  readonly #scope: Scope;
  readonly #query: CompiledSearch;
  readonly #limit: number;
  readonly #startMs = performance.now();
  #scanned = 0;
  readonly #unseen = new Unseen();
  /** Of the fields that the page shows. */
  #characters = 0;

  constructor(deps: SearchDeps, scope: Scope, query: CompiledSearch, limit: number) {
    this.#deps = deps;
    this.#scope = scope;
    this.#query = query;
    this.#limit = limit;
  }

  async run(cursor: Key | undefined): Promise<Page<View> | Refusal> {
    const { order } = this.#query;
    if (order !== undefined && !this.#isListOrder(order.name)) {
      const field = await this.#indexed(indexName(order.field));
      return field === undefined
        ? this.#sorted(cursor, order.descending)
        : this.#alongIndex(this.#rangeOf(field), cursor, order.descending);
    }
    const descending = order?.descending ?? this.#scope.kind !== 'problem';
    const range = await this.#bestRange();
    const gathered = range && (await this.#gather(range));
    return gathered === undefined
      ? this.#inListOrder(cursor, descending)
      : this.#fromGathered(gathered, range!.field, cursor, descending);
  }

  /** The order that the list has by itself: of creation. */
  #isListOrder(name: string): boolean {
    return name === 'created_at' || (name === 'iteration_id' && this.#scope.kind === 'problem');
  }

  async #indexed(field: string | undefined): Promise<string | undefined> {
    return field !== undefined && (await this.#deps.covers(field, this.#graph())) ? field : undefined;
  }

  /** The one graph that everything found is of, if there is one. */
  #graph(): string | undefined {
    if (this.#scope.kind === 'problem') return this.#scope.problem.graph;
    const named = this.#query.conditions.find(({ field, operator }) => field === 'graph' && operator === '=');
    return typeof named?.value === 'string' ? named.value : undefined;
  }

  /** The state that every problem has that can be found. */
  #state(): TaskState | undefined {
    if (this.#scope.kind !== 'problems') return undefined;
    const named = this.#query.conditions.find(({ field, operator }) => field === 'state' && operator === '=');
    return this.#deps.state ?? (named?.value as TaskState | undefined);
  }

  /** The mark that every problem has that can be found. */
  #mark(): string | undefined {
    if (this.#scope.kind === 'problem') return undefined;
    return this.#deps.mark ?? markAmong(this.#query.conditions);
  }

  /** The index that narrows the list if no output is indexed. */
  #listIndex(): string | undefined {
    const mark = this.#mark();
    if (mark !== undefined) return tagOfMark(mark) === undefined ? mark : 'tags';
    return this.#state() === undefined ? undefined : 'state';
  }

  #rangeOf(field: string): IndexRange {
    const own = this.#query.conditions.filter(
      (one) => indexName(this.#query.fields.get(one.field)!) === field,
    );
    return own.reduce(narrowed, wholeIndex(field));
  }

  /** Of the first condition that an index knows. */
  async #bestRange(): Promise<IndexRange | undefined> {
    // The few iterations of one problem are next to each other: nothing finds them faster.
    if (this.#scope.kind === 'problem' && this.#scope.problem.newest_iteration_id <= READ_PAGE)
      return undefined;
    for (const condition of this.#query.conditions) {
      if (!isNarrowing(condition)) continue;
      const field = await this.#indexed(indexName(this.#query.fields.get(condition.field)!));
      if (field !== undefined) return this.#rangeOf(field);
    }
    return undefined;
  }

  /** The keys of a range, unless they are too many to be sorted at once. */
  async #gather(range: IndexRange): Promise<Key[] | undefined> {
    const gathered: Key[] = [];
    const { field, low } = range;
    for await (const key of iterationIndex.walkKeys(this.#deps.reader, { prefix: [field], after: low })) {
      if (!belowHigh(range, key)) return gathered;
      gathered.push(key);
      if (gathered.length > GATHER_LIMIT || (await this.#isOver())) return undefined;
    }
    return gathered;
  }

  async #fromGathered(
    gathered: readonly Key[],
    index: string,
    cursor: Key | undefined,
    descending: boolean,
  ): Promise<Page<View> | Refusal> {
    const after = this.#placeAfter(cursor, 'list', 2);
    if (isRefusal(after)) return after;
    const sign = descending ? -1 : 1;
    const ahead = gathered
      .map((key) => ({ key, place: placeOfKey(key) }))
      .filter(
        ({ place }) => after === undefined || sign * comparePlaces(place, after as unknown as Place) > 0,
      )
      .sort((a, b) => sign * comparePlaces(a.place, b.place));
    const items: View[] = [];
    let last: Place | undefined;
    for (const { key, place } of ahead) {
      if (await this.#isOver()) return this.#page(items, ['list', ...(last ?? after ?? place)], false, index);
      last = place;
      const summary = await iterationIndex.get(this.#deps.reader, key);
      const view = await this.#fit(await this.#candidateAt(key, summary));
      if (view) items.push(view);
      if (this.#isFull(items))
        return this.#page(items, place === ahead.at(-1)!.place ? undefined : ['list', ...place], true, index);
    }
    return this.#page(items, undefined, true, index);
  }

  async #inListOrder(cursor: Key | undefined, descending: boolean): Promise<Page<View> | Refusal> {
    const after = this.#placeAfter(cursor, 'list', 2);
    if (isRefusal(after)) return after;
    const items: View[] = [];
    let last: Place | undefined = after as unknown as Place | undefined;
    for await (const candidate of this.#candidates(last, descending)) {
      if (this.#isFull(items)) return this.#page(items, ['list', ...last!], true, this.#listIndex());
      if (last !== undefined && (await this.#isOver()))
        return this.#page(items, ['list', ...last], false, this.#listIndex());
      last = placeOf(candidate);
      const view = await this.#fit(candidate);
      if (view) items.push(view);
    }
    return this.#page(items, undefined, true, this.#listIndex());
  }

  async #alongIndex(
    range: IndexRange,
    cursor: Key | undefined,
    descending: boolean,
  ): Promise<Page<View> | Refusal> {
    const after = this.#placeAfter(cursor, 'index', 3);
    if (isRefusal(after)) return after;
    const items: View[] = [];
    let last: Key | undefined = after && [range.field, ...after];
    const start = last ?? (descending ? range.high : range.low);
    const entries = iterationIndex.walk(this.#deps.reader, {
      prefix: [range.field],
      reverse: descending,
      // Mostly all of them fit.
      first: Math.min(READ_PAGE, this.#limit + 1),
      page: READ_PAGE,
      ...(start && { after: start }),
    });
    for await (const { key, row } of entries) {
      if (!(descending ? aboveLow(range, key) : belowHigh(range, key))) break;
      if (this.#isFull(items)) return this.#page(items, ['index', ...last!.slice(1)], true, range.field);
      if (last !== undefined && (await this.#isOver()))
        return this.#page(items, ['index', ...last.slice(1)], false, range.field);
      last = key;
      const view = await this.#fit(await this.#candidateAt(key, row));
      if (view) items.push(view);
    }
    return this.#page(items, undefined, true, range.field);
  }

  /** Looks at all of them, and keeps the first of the order. */
  async #sorted(cursor: Key | undefined, descending: boolean): Promise<Page<View> | Refusal> {
    const after = this.#placeAfter(cursor, 'sorted', 3);
    if (isRefusal(after)) return after;
    const { order } = this.#query;
    const sign = descending ? -1 : 1;
    const compare = (a: Rank, b: Rank): number =>
      sign * (compareTexts(a[0], b[0]) || comparePlaces([a[1], a[2]], [b[1], b[2]]));
    const first = new Ranking(compare, this.#limit);
    for await (const candidate of this.#candidates(undefined, true)) {
      if (await this.#isOver()) return tooSlow(order!.name, this.#scanned);
      this.#scanned += 1;
      const read = this.#reader(candidate);
      if (!(await this.#fits(candidate, read))) continue;
      const element = indexElement(await read(order!.name));
      if (element === undefined) continue;
      const rank = [element, ...placeOf(candidate)] as const;
      if (after !== undefined && compare(rank, after as unknown as Rank) <= 0) continue;
      if (!first.takes(rank)) continue;
      const before = this.#characters;
      const view = await this.#shown(candidate, read);
      first.add({ rank, view, characters: this.#characters - before });
    }
    const { items, isCut } = first.page();
    const next = isCut ? (['sorted', ...items.at(-1)!.rank] as Key) : undefined;
    return this.#page(
      items.map(({ view }) => view),
      next,
      true,
      this.#listIndex(),
    );
  }

  /** All of the scope, in the order of the list, from behind a place. */
  async *#candidates(after: Place | undefined, descending: boolean): AsyncGenerator<Candidate> {
    if (this.#scope.kind === 'problem') {
      yield* this.#iterationsOf(this.#scope.problem, after?.[1], descending);
      return;
    }
    if (this.#scope.kind === 'problems') {
      yield* problemsInOrder(
        this.#deps.reader,
        { state: this.#state(), mark: this.#mark(), after: after?.[0], descending },
        this.#deps.slices,
      );
      return;
    }
    if (after !== undefined) {
      const begun = await problems.get(this.#deps.reader, [after[0]]);
      if (begun) yield* this.#iterationsOf(begun, after[1], descending);
    }
    for await (const row of this.#problemsAfter(after?.[0], descending))
      yield* this.#iterationsOf(row, undefined, descending);
  }

  async *#problemsAfter(seq: number | undefined, descending: boolean): AsyncGenerator<ProblemRow> {
    const { reader } = this.#deps;
    const mark = this.#mark();
    const prefix = mark === undefined ? [] : [mark];
    const walk = { prefix, reverse: descending, ...(seq !== undefined && { after: [...prefix, seq] }) };
    if (mark === undefined && reader.bound !== ALL_PROJECTS) {
      const wanted = { state: undefined, after: seq, descending };
      for await (const { summary } of problemsInOrder(reader, wanted, this.#deps.slices))
        yield* [await problems.get(reader, [summary.problem_seq])].filter((row) => row !== undefined);
      return;
    }
    if (mark === undefined) {
      for await (const { row } of problems.walk(reader, walk)) yield row;
      return;
    }
    for await (const key of problemsByMark.walkKeys(reader, walk)) {
      const row = await problems.get(reader, [key[1]!]);
      if (row) yield row;
    }
  }

  async *#iterationsOf(
    problem: ProblemRow,
    after: number | undefined,
    descending: boolean,
  ): AsyncGenerator<Candidate> {
    const prefix = [problem.problem_id];
    for await (const { row } of iterations.walk(this.#deps.reader, {
      prefix,
      reverse: descending,
      ...(after !== undefined && { after: [...prefix, after] }),
    }))
      yield candidateOf(problem, row);
  }

  /** The iteration that an index entry names, if it is in the scope. */
  async #candidateAt(key: Key, summary: Summary | undefined): Promise<Candidate | undefined> {
    const [field, element, problemSeq, iterationId] = key as [string, string, number, number];
    const { reader } = this.#deps;
    if (this.#scope.kind === 'problem' && this.#scope.problem.created_seq !== problemSeq) return undefined;
    const exact = exactValue(element);
    const known = exact === undefined ? {} : { known: { field, value: exact } };
    // Whether it is its problem's newest, only the problem's own row says.
    if (this.#scope.kind === 'problems') {
      const problem = await problems.get(reader, [problemSeq]);
      if (problem?.newest_iteration_id !== iterationId) return undefined;
    }
    const found = summary
      ? await summarized(reader, summary)
      : await readCandidate(reader, problemSeq, iterationId);
    return found && { ...found, ...known };
  }

  async #fit(candidate: Candidate | undefined): Promise<View | undefined> {
    this.#scanned += 1;
    if (candidate === undefined) return undefined;
    const read = this.#reader(candidate);
    return (await this.#fits(candidate, read)) ? this.#shown(candidate, read) : undefined;
  }

  async #fits(candidate: Candidate, read: (name: string) => Promise<unknown>): Promise<boolean> {
    if (!(await this.#deps.accepts(candidate))) return false;
    return this.#query.filter === undefined || holds(this.#query.filter, read);
  }

  async #shown(candidate: Candidate, read: ReadField): Promise<View> {
    const view = this.#deps.view(candidate.summary);
    if (this.#query.shown.size === 0) return view;
    const fields: Record<string, unknown> = {};
    for (const name of this.#query.shown.keys()) {
      fields[name] = (await read(name, true)) ?? null;
      this.#characters += sizeOf(fields[name]);
    }
    return { ...view, fields };
  }

  #isFull(items: readonly View[]): boolean {
    return items.length === this.#limit || this.#characters > MAX_PAGE_CHARACTERS;
  }

  /** Fields of one candidate; each payload is read once, and only when it is asked for. */
  #reader(candidate: Candidate): ReadField {
    const outputs = new Map<string, Promise<unknown>>();
    const once = (key: string, read: () => Promise<unknown>): Promise<unknown> => {
      const found = outputs.get(key) ?? read();
      outputs.set(key, found);
      return found;
    };
    const payloads: FieldReads = {
      input: (task) => once('', () => this.#deps.input(task)),
      output: (task, module) => once(module, () => this.#deps.output(task, module)),
    };
    return async (name, toShow = false) => {
      const field = this.#query.fields.get(name)!;
      const value = await readField(field, candidate, payloads, toShow);
      if (!toShow) await this.#unseen.note(name, field, value, () => wholeOf(field, candidate, payloads));
      return value;
    };
  }

  /** Lets the loop go on when a slice is over; whether the time is. */
  async #isOver(): Promise<boolean> {
    const now = performance.now();
    await this.#deps.slices.rest();
    return now - this.#startMs > SEARCH_MS;
  }

  /** The rest of a cursor of this plan; another plan's stands for another order. */
  #placeAfter(cursor: Key | undefined, plan: string, length: number): Key | undefined | Refusal {
    if (cursor === undefined) return undefined;
    const [kind, ...place] = cursor;
    if (kind === plan && place.length === length) return place;
    const message = 'the cursor belongs to another order';
    const details = [
      { path: 'cursor', code: 'bad_cursor', message: 'use the filter and order that it came from' },
    ];
    return refusal('malformed', 'bad_cursor', message, { details });
  }

  #page(
    items: readonly View[],
    next: Key | undefined,
    complete: boolean,
    index: string | undefined,
  ): Page<View> {
    const unseen = next === undefined ? this.#unseen.hint() : undefined;
    const query: QueryReport = {
      indexed: index !== undefined,
      ...(index !== undefined && { index }),
      scanned: this.#scanned,
      complete,
      elapsed_ms: Math.round(performance.now() - this.#startMs),
      ...(unseen !== undefined && { hint: unseen }),
      ...(!complete && {
        hint: 'the time ran out before the page was full: continue with next_cursor, or index a field of the filter',
      }),
    };
    return { items, next_cursor: next === undefined ? null : writeCursor(next), query };
  }
}

/** The input or the output that a field is in. */
async function wholeOf(field: Field, candidate: Candidate, read: FieldReads): Promise<unknown> {
  const task = await candidate.whole();
  if (!task || (field.kind !== 'input' && field.kind !== 'output')) return undefined;
  return plainOf(await (field.kind === 'input' ? read.input(task) : read.output(task, field.module)));
}

/** Characters of a value as JSON, about. */
function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length;
  return typeof value === 'object' && value !== null ? printJson(value).length : 8;
}

function placeOf({ summary }: Candidate): Place {
  return [summary.problem_seq, summary.iteration_id];
}

function placeOfKey(key: Key): Place {
  return [Number(key[2]), Number(key[3])];
}

function comparePlaces(a: Place, b: Place): number {
  return a[0] - b[0] || a[1] - b[1];
}

function compareTexts(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function tooSlow(field: string, scanned: number): Refusal {
  return refusal(
    'timeout',
    'query_too_slow',
    `ordering by ${field} has to read all of them, and the time ran out after ${scanned}`,
    { hint: `index the field in the graph file (index: [${field}]), or narrow the filter to fewer` },
  );
}
