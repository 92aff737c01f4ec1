/**
 * Which fields can be found by index, and how what is older than its declaration gets into it.
 *
 * 1. Iterations that end after a graph has declared an index are in it by the commit that ended them (`decide/indexing.ts`). Those that
 *    had begun before are added here, beside the loop, page by page; until the last of them is in, the index is not used.
 * 2. An index that was there from a graph's first version has nothing older.
 * 3. What is added twice is the same row: a crash in between costs only the work.
 * 4. What is read and what is added for it are one turn of `inTurn`, and so is the removal of an iteration: nothing that is gone gets in.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { InTurn } from '../base/in-turn.js';
import type { Logger } from '../base/logger.js';
import { formatTaskId, type TaskId } from '../model/task-id.js';
import { taskHasEnded } from '../model/task-state.js';
import type { Entry, Key, Reader, Store, Write } from '../store/store.js';
import { indexedElements } from './decide/indexing.js';
import type { State } from './decide/state.js';
import { type Declared, declaredBy } from './declared-indexes.js';
import { indexKey } from './index-key.js';
import { readProblem, readTask } from './load.js';
import type { EventStream } from './port.js';
import { createPayloads, type Payloads } from './queries/payloads.js';
import { decodeRow, encodeRow, type IndexRow, type ProblemRow, type TaskRow } from './records.js';
import { summaryOf } from './summary.js';

/** Problems, or iterations, that are read and added at once: between two pages the loop goes on. */
const PAGE = 100;
/** After a commit that found no room. */
const AGAIN_MS = 5000;

export interface IndexesDeps {
  readonly store: Store;
  readonly state: Pick<State, 'graph' | 'graphs'>;
  readonly epoch: number;
  readonly events: Pick<EventStream, 'onCommitted'>;
  /** Shared with whoever removes iterations. */
  readonly inTurn: InTurn;
  readonly logger: Logger;
}

export class Indexes {
  readonly #deps: IndexesDeps;
  readonly #payloads: Payloads;
  /** Complete ones, as `graph field since`. */
  readonly #complete = new Set<string>();
  /** Those that are being completed, as `graph field since`. */
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #stopping = new AbortController();

  constructor(deps: IndexesDeps) {
    this.#deps = deps;
    this.#payloads = createPayloads(deps.state);
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
    const key: Key = ['index', declared.graph, declared.field];
    const bytes = await this.#deps.store.get('meta', key);
    if (bytes === undefined || decodeRow<IndexRow>(bytes).since !== declared.since) {
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
      const row: IndexRow = { since: declared.since };
      if (!(await this.#commit([{ op: 'put', table: 'meta', key, value: encodeRow(row) }]))) return;
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
        const problem = decodeRow<ProblemRow>(value);
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
      await this.#add(async () => {
        rows = await this.#deps.store.range('iterations', {
          prefix: [problem_id],
          limit: PAGE,
          ...(last && { after: last }),
        });
        const tasks = rows.map(({ value }) => decodeRow<TaskRow>(value));
        return this.#rowsOf(declared, tasks);
      });
      for (const { key, value } of rows) {
        last = key;
        const task = decodeRow<TaskRow>(value);
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
      await this.#add(async () => {
        const ended: TaskRow[] = [];
        for (const [name, id] of looked) {
          const task = await readTask(this.#deps.store, id);
          // Gone means that it had ended, and was not to be kept.
          if (!task || taskHasEnded(task.state)) waiting.delete(name);
          if (task) ended.push(task);
        }
        return this.#rowsOf(declared, ended);
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

  async #rowsOf({ field }: Declared, tasks: readonly TaskRow[]): Promise<Write[]> {
    const { store } = this.#deps;
    const writes: Write[] = [];
    let problem: ProblemRow | undefined;
    for (const task of tasks) {
      if (!taskHasEnded(task.state)) continue;
      const keys = await indexKeysOf(store, this.#payloads, task, [field]);
      if (keys.length === 0) continue;
      if (problem?.problem_id !== task.problem_id) problem = await readProblem(store, task.problem_id);
      if (problem === undefined) continue;
      const value = encodeRow(summaryOf(problem, task));
      for (const key of keys) writes.push({ op: 'put', table: 'iteration_index', key, value });
    }
    return writes;
  }

  /** Adds what `rows` finds, all in one turn; without room, again and anew until told to stop. */
  async #add(rows: () => Promise<Write[]>): Promise<void> {
    const { inTurn, store, epoch } = this.#deps;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const outcome = await inTurn.run(async () => {
        const writes = await rows();
        return writes.length === 0 ? undefined : store.commit(epoch, writes);
      });
      if (outcome === undefined || outcome.kind === 'committed') return;
      if (outcome.kind === 'fenced') this.#stopping.abort();
      else await this.#pause(AGAIN_MS);
    }
  }

  /** Whether it is committed; without room it is tried again until told to stop. */
  async #commit(writes: readonly Write[]): Promise<boolean> {
    for (;;) {
      const outcome = await this.#deps.store.commit(this.#deps.epoch, writes);
      if (outcome.kind === 'committed') return true;
      if (outcome.kind === 'fenced' || this.#stopping.signal.aborted) {
        this.#stopping.abort();
        return false;
      }
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
export async function indexKeysOf(
  reader: Reader,
  payloads: Payloads,
  task: TaskRow,
  fields: readonly string[],
): Promise<Key[]> {
  const keys: Key[] = [];
  for (const field of fields) {
    const [module = ''] = field.split('.');
    const output = await payloads.moduleOutput(reader, task, module);
    const elements = output?.raw.kind === 'inline' ? indexedElements([field], module, output.json) : {};
    for (const [name, element] of Object.entries(elements))
      keys.push(indexKey(name, element, task.problem_seq, task.iteration_id));
  }
  return keys;
}

function nameOf({ graph, field, since }: Declared): string {
  return `${graph} ${field} ${since}`;
}
