/**
 * Which fields can be found by index, and how what is older than its declaration gets into it.
 *
 * 1. Iterations that end after a graph has declared an index are in it by the commit that ended them (`core/tasks/indexing.ts`). Those that
 *    had begun before are proposed to the loop from here, page by page; until the last of them is in, the index is not used.
 * 2. An index that was there from a graph's first version has nothing older.
 * 3. What is added twice is the same row: a crash in between costs only the work.
 * 4. The loop adds only what is still as it was read: nothing that is gone gets in.
 * 5. One page is read and proposed at a time, however many indexes are to be completed.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from '../base/logger.js';
import { Mutex } from '../base/mutex.js';
import type { IndexEntry } from '../model/facts.js';
import { formatTaskId, type TaskId } from '../model/task-id.js';
import { taskHasEnded } from '../model/task-state.js';
import type { Entry, Key, Reader } from '../store/store.js';
import type { State } from './core/state.js';
import { indexedElements } from './core/tasks/indexing.js';
import type { EventStream } from './port.js';
import type { EndedIteration, Proposal, Proposals } from './proposals/proposals.js';
import { Payloads } from './queries/payloads.js';
import { type Declared, declaredBy } from './tables/declared-indexes.js';
import type { ProblemRow } from './tables/problem-row.js';
import { readProblem } from './tables/read-rows.js';
import { lateIndexKey } from './tables/records.js';
import { summaryOf } from './tables/summary.js';
import * as tables from './tables/tables.js';
import { lateIndexes } from './tables/tables.js';
import type { TaskRow } from './tables/task-row.js';

/** Problems, or iterations, that are read and added at once: between two pages the loop goes on. */
const PAGE = 100;
/** After a proposal that found no room. */
const AGAIN_MS = 5000;

export interface IndexesDeps {
  readonly store: Reader;
  readonly proposals: Proposals;
  readonly state: Pick<State, 'graph' | 'graphs'>;
  readonly events: Pick<EventStream, 'onCommitted'>;
  readonly logger: Logger;
}

export class Indexes {
  readonly #deps: IndexesDeps;
  readonly #payloads: Payloads;
  readonly #mutex = new Mutex();
  /** Complete ones, as `graph field since`. */
  readonly #complete = new Set<string>();
  /** Those that are being completed, as `graph field since`. */
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #stopping = new AbortController();

  constructor(deps: IndexesDeps) {
    this.#deps = deps;
    this.#payloads = new Payloads(deps.state);
  }

  /** Sees to it that what the graphs declare now becomes complete. Resolves when it is, or when told to stop. Never rejects. */
  async refresh(): Promise<void> {
    for (const declared of [...this.#deps.state.graphs].flatMap(([name, versions]) =>
      declaredBy(name, versions),
    )) {
      const name = nameOf(declared);
      if (declared.since === 1 || this.#complete.has(name) || this.#underWay.has(name)) continue;
      const work = this.#complement(declared)
        .catch((thrown) => {
          this.#deps.logger.error(
            { err: thrown, ...declared },
            'an index could not be completed: it is not used',
          );
        })
        .finally(() => this.#underWay.delete(name));
      this.#underWay.set(name, work);
    }
    await Promise.all(this.#underWay.values());
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#underWay.values());
  }

  async #complement(declared: Declared): Promise<void> {
    const row = await lateIndexes.get(this.#deps.store, lateIndexKey(declared.graph, declared.field));
    if (row?.since !== declared.since) {
      // Heard from before the first look on, so that nothing ends unseen between the two.
      const changed = new Set<string>();
      const unsubscribe = this.#deps.events.onCommitted((events) => {
        for (const { problemId } of events) if (problemId !== undefined) changed.add(problemId);
      });
      try {
        const unfinished = await this.#addEnded(declared);
        await this.#addOthers(declared, unfinished, changed);
      } finally {
        unsubscribe();
      }
      if (this.#stopping.signal.aborted) return;
      if (!(await this.#propose({ kind: 'complete index', ...declared }))) return;
    }
    this.#complete.add(nameOf(declared));
  }

  /** Adds what has ended; returns what has not. */
  async #addEnded(declared: Declared): Promise<TaskId[]> {
    const unfinished: TaskId[] = [];
    let last: Key | undefined;
    for (;;) {
      const problems = await this.#deps.store.range('problems', {
        prefix: [],
        limit: PAGE,
        ...(last && { after: last }),
      });
      for (const { key, value } of problems) {
        last = key;
        const problem = tables.problems.decode(value);
        if (problem.graph === declared.graph) unfinished.push(...(await this.#addEndedOf(declared, problem)));
        if (this.#stopping.signal.aborted) return [];
      }
      if (problems.length < PAGE) return unfinished;
      await nextTurn();
    }
  }

  async #addEndedOf(declared: Declared, { problem_id }: ProblemRow): Promise<TaskId[]> {
    const unfinished: TaskId[] = [];
    let last: Key | undefined;
    for (;;) {
      let rows: readonly Entry[] = [];
      await this.#add(declared, async () => {
        rows = await this.#deps.store.range('iterations', {
          prefix: [problem_id],
          limit: PAGE,
          ...(last && { after: last }),
        });
        return rows.map(({ value }) => value);
      });
      for (const { key, value } of rows) {
        last = key;
        const task = tables.iterations.decode(value);
        if (!taskHasEnded(task.state))
          unfinished.push({ problemId: problem_id, iterationId: task.iteration_id });
      }
      if (rows.length < PAGE || this.#stopping.signal.aborted) return unfinished;
      await nextTurn();
    }
  }

  /** Those that were under way: each is added when it has ended. */
  async #addOthers(declared: Declared, tasks: readonly TaskId[], changed: Set<string>): Promise<void> {
    const waiting = new Map(tasks.map((id) => [formatTaskId(id), id]));
    for (const { problemId } of tasks) changed.add(problemId);
    while (waiting.size > 0 && !this.#stopping.signal.aborted) {
      const looked = [...waiting].filter(([, { problemId }]) => changed.has(problemId));
      changed.clear();
      await this.#add(declared, async () => {
        const rows: Uint8Array[] = [];
        for (const [name, { problemId, iterationId }] of looked) {
          const row = await this.#deps.store.get('iterations', [problemId, iterationId]);
          // Gone means that it had ended, and was not to be kept.
          if (!row || taskHasEnded(tables.iterations.decode(row).state)) waiting.delete(name);
          if (row) rows.push(row);
        }
        return rows;
      });
      if (waiting.size > 0) await this.#nextCommit();
    }
  }

  #nextCommit(): Promise<void> {
    const { signal } = this.#stopping;
    return new Promise((resolve) => {
      const done = (): void => {
        unsubscribe();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const unsubscribe = this.#deps.events.onCommitted(done);
      signal.addEventListener('abort', done);
    });
  }

  /** Of these rows, the iterations that have ended and that the index is to have. */
  async #endedIn({ field }: Declared, rows: readonly Uint8Array[]): Promise<EndedIteration[]> {
    const { store } = this.#deps;
    const iterations: EndedIteration[] = [];
    let problem: ProblemRow | undefined;
    for (const row of rows) {
      const task = tables.iterations.decode(row);
      if (!taskHasEnded(task.state)) continue;
      const index = await indexEntriesOf(store, this.#payloads, task, [field]);
      if (index.length === 0) continue;
      if (problem?.problem_id !== task.problem_id) problem = await readProblem(store, task.problem_id);
      if (problem === undefined) continue;
      iterations.push({
        task: { problemId: task.problem_id, iterationId: task.iteration_id },
        problemSeq: task.problem_seq,
        summary: summaryOf(problem, task),
        ...{ row, index },
      });
    }
    return iterations;
  }

  /** Adds those of a page that have ended. */
  async #add(declared: Declared, page: () => Promise<readonly Uint8Array[]>): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    await this.#mutex.run(async () => {
      const iterations = await this.#endedIn(declared, await page());
      if (iterations.length > 0) await this.#propose({ kind: 'index iterations', iterations });
    });
  }

  /** R4 of `proposals.ts`. Whether it is done; without room it is tried again until told to stop. */
  async #propose(proposal: Proposal): Promise<boolean> {
    for (;;) {
      const { kind } = await this.#deps.proposals.propose(proposal);
      if (kind === 'stopped') this.#stopping.abort();
      if (kind !== 'no room' || this.#stopping.signal.aborted) return kind === 'done';
      await this.#pause(AGAIN_MS);
    }
  }

  #pause(ms: number): Promise<void> {
    const { signal } = this.#stopping;
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done);
    });
  }
}

/** Where an ended iteration stands in the indexes of these fields, by the outputs that are stored of it. */
export async function indexEntriesOf(
  reader: Reader,
  payloads: Payloads,
  task: TaskRow,
  fields: readonly string[],
): Promise<IndexEntry[]> {
  const entries: IndexEntry[] = [];
  for (const field of fields) {
    const [module = ''] = field.split('.');
    const output = await payloads.readableOutput(reader, task, module);
    if (output !== undefined) entries.push(...Object.entries(indexedElements([field], module, output)));
  }
  return entries;
}

function nameOf({ graph, field, since }: Declared): string {
  return `${graph} ${field} ${since}`;
}
