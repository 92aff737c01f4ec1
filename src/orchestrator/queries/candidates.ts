/**
 * The candidates of a search: iterations by their summaries; the whole row and the payloads are read only when needed.
 *
 * 1. Problems come in the order of their creation, whatever state they are in: those whose newest iteration has ended from the stretch
 *    of its state in `problems_by_state`, the others, which are few, from `unfinished`; together they are all, each once.
 * 2. All of it is read in one snapshot, so that a problem that ends meanwhile is in one of them.
 * 3. Problems that have a mark (a star, a tag, archived) come from the stretch of that mark in `problems_by_mark`, in the same order.
 * 4. A summary tells the title and the marks of the time when it was written: of a problem that was changed, `problem_marks` has those of now.
 */
import { TASK_ENDS, type TaskState, taskHasEnded } from '../../model/task-state.js';
import type { Entry, Key, Reader } from '../../store/store.js';
import type { ProblemRow } from '../tables/problem-row.js';
import { decodeSummary, remarked, type Summary, summaryOf } from '../tables/summary.js';
import { iterations, problemMarks, problems } from '../tables/tables.js';
import type { TaskRow } from '../tables/task-row.js';
import type { Slices } from './slices.js';

/** An iteration that may be found; of problems, their newest one. */
export interface Candidate {
  readonly summary: Summary;
  /** Its row, which is large, and lies elsewhere. */
  readonly whole: () => Promise<TaskRow | undefined>;
  /** The notes of its problem. */
  readonly notes: () => Promise<string>;
  /** A value of an output that is known without its payload, by the name that an index has for it. */
  readonly known?: { readonly field: string; readonly value: unknown };
}

export interface ProblemsWanted {
  /** @default all */
  readonly state: TaskState | undefined;
  /** Begin behind the one with this `created_seq`. */
  readonly after: number | undefined;
  readonly descending: boolean;
  /** The mark that they must have. @default all */
  readonly mark?: string | undefined;
}

/** Entries that are read at once: a page of a list, mostly. */
const READ_PAGE = 64;

/** A candidate whose row has been read. */
export function candidateOf(problem: ProblemRow, task: TaskRow): Candidate {
  const { notes = '' } = problem;
  return { summary: summaryOf(problem, task), whole: async () => task, notes: async () => notes };
}

/** A candidate whose row is read when it is asked for. */
export async function summarized(reader: Reader, written: Summary): Promise<Candidate> {
  const { problem_id, iteration_id, problem_seq } = written;
  const marks = await problemMarks.get(reader, [problem_seq]);
  const summary = marks ? remarked(written, marks) : written;
  return {
    summary,
    whole: () => iterations.get(reader, [problem_id, iteration_id]),
    notes: async () => (summary.noted ? ((await problems.get(reader, [problem_seq]))?.notes ?? '') : ''),
  };
}

/** A candidate by its rows, where nothing holds its summary. @param iterationId the newest if absent */
export async function readCandidate(
  reader: Reader,
  problemSeq: number,
  iterationId?: number,
): Promise<Candidate | undefined> {
  const problem = await problems.get(reader, [problemSeq]);
  if (!problem) return undefined;
  const { problem_id, newest_iteration_id } = problem;
  const task = await iterations.get(reader, [problem_id, iterationId ?? newest_iteration_id]);
  return task && candidateOf(problem, task);
}

/** Problems with their newest iterations. With a state that is not an end, those in other such states as well. */
export async function* problemsInOrder(
  reader: Reader,
  wanted: ProblemsWanted,
  slices: Slices,
): AsyncGenerator<Candidate> {
  const { state, after, descending, mark } = wanted;
  const ends = state === undefined ? TASK_ENDS : TASK_ENDS.filter((end) => end === state);
  const isUnfinished = state === undefined || !taskHasEnded(state);
  const stretches =
    mark === undefined
      ? [
          ...ends.map((end) => new KeyRange(reader, 'problems_by_state', [end], after, descending)),
          ...(isUnfinished ? [new KeyRange(reader, 'unfinished', [], after, descending)] : []),
        ]
      : [new KeyRange(reader, 'problems_by_mark', [mark], after, descending)];
  for (;;) {
    let first: KeyRange | undefined;
    for (const stretch of stretches) {
      if (stretch.isEmpty) await stretch.fill();
      if (stretch.isBefore(first)) first = stretch;
    }
    if (first === undefined) return;
    const { seq, value } = first.take();
    const candidate = await candidateAt(reader, seq, value, first.table);
    if (candidate) yield candidate;
    // Skipped candidates are counted only here.
    else await slices.rest();
  }
}

/** Nothing where the stretch is not the one that the problem is to come from. */
async function candidateAt(
  reader: Reader,
  seq: number,
  value: Uint8Array,
  table: KeyRange['table'],
): Promise<Candidate | undefined> {
  if (table === 'problems_by_mark') return readCandidate(reader, seq);
  const summary = decodeSummary(value);
  if (summary) return summarized(reader, summary);
  const candidate = await readCandidate(reader, seq);
  return candidate && taskHasEnded(candidate.summary.state) === (table !== 'unfinished')
    ? candidate
    : undefined;
}

/** Problems of one kind in the order of their creation, read ahead page by page. */
class KeyRange {
  #read: Entry[] = [];
  #at = 0;
  #after: Key | undefined;
  #isOver = false;
  /** Of what was read last. */
  #seq: number | undefined;

  constructor(
    readonly reader: Reader,
    readonly table: 'problems_by_state' | 'problems_by_mark' | 'unfinished',
    readonly prefix: Key,
    after: number | undefined,
    readonly descending: boolean,
  ) {
    this.#seq = after;
    this.#after = this.#behind();
  }

  get isEmpty(): boolean {
    return this.#at === this.#read.length;
  }

  /** Sees to it that there is a next one, unless it is over. */
  async fill(): Promise<void> {
    while (this.isEmpty && !this.#isOver) {
      const read = await this.reader.range(this.table, {
        prefix: this.prefix,
        reverse: this.descending,
        limit: READ_PAGE,
        ...(this.#after && { after: this.#after }),
      });
      this.#isOver = read.length < READ_PAGE;
      this.#read = read.filter((entry) => this.#isAnother(entry));
      this.#at = 0;
      this.#after = this.#behind();
    }
  }

  isBefore(other: KeyRange | undefined): boolean {
    const next = this.#read[this.#at];
    if (next === undefined || other === undefined) return next !== undefined;
    const difference = this.#seqOf(next) - other.#seqOf(other.#read[other.#at]!);
    return this.descending ? difference > 0 : difference < 0;
  }

  take(): { readonly seq: number; readonly value: Uint8Array } {
    const entry = this.#read[this.#at]!;
    this.#at += 1;
    return { seq: this.#seqOf(entry), value: entry.value };
  }

  /** A problem may have several unfinished iterations. */
  #isAnother(entry: Entry): boolean {
    const seq = this.#seqOf(entry);
    const isAnother = seq !== this.#seq;
    this.#seq = seq;
    return isAnother;
  }

  /** Behind all that there is of the problem that was read last: no other key begins with its number. */
  #behind(): Key | undefined {
    const seq = this.#seq;
    if (seq === undefined) return undefined;
    return this.table === 'unfinished' && !this.descending ? [seq + 1] : [...this.prefix, seq];
  }

  #seqOf({ key }: Entry): number {
    return Number(key[this.prefix.length]);
  }
}
