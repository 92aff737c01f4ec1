/**
 * The events of a store: numbered without a gap, of the task that they stand with, and what rows are made of.
 *
 * E1. Rows are folded from their first event on. Where that one is gone, or is older than complete facts, this is counted.
 * E2. Memory holds a few pages, and the unfinished of what is folded.
 */
import { messageOf } from '../../../base/errors.js';
import { sha256Of } from '../../../base/sha256.js';
import { isFactEvent } from '../../../model/fact-reader.js';
import type { FactEvent } from '../../../model/facts.js';
import type { BlobRef } from '../../../model/payload.js';
import { entriesOf } from '../../../store/pages.js';
import type { Reader } from '../../../store/store.js';
import type { GraphsThen } from '../../queries/graph-versions.js';
import { factsSince } from '../../tables/facts-since.js';
import { readProblemAt } from '../../tables/read-rows.js';
import { cursorOf } from '../../tables/tables.js';
import type { TaskRow } from '../../tables/task-row.js';
import { FleetFold } from './fleet-fold.js';
import { RemarksFold } from './remarks-fold.js';
import { TaskFold } from './task-fold.js';

/** E2. Pages of events that are read at once: each has up to a mebibyte. */
const EVENT_PAGES = 16;
const WITHOUT_BEGINNING = 'without their first event';

export interface EventCheckDeps {
  readonly reader: Reader;
  /** Absent: iterations are not folded. */
  readonly graphs: GraphsThen | undefined;
  readonly fault: (where: string, what: string) => void;
  readonly count: (what: string, by?: number) => void;
}

export class EventCheck {
  readonly #deps: EventCheckDeps;
  /** The first event from which facts are complete. */
  #since = Number.POSITIVE_INFINITY;
  #fleet: FleetFold | undefined;

  constructor(deps: EventCheckDeps) {
    this.#deps = deps;
  }

  /** Numbered without a gap from the oldest that is kept up to the cursor. */
  async all(): Promise<void> {
    this.#since = (await factsSince(this.#deps.reader)) ?? Number.POSITIVE_INFINITY;
    const cursor = await cursorOf(this.#deps.reader);
    let expected: number | undefined;
    const fleet = new FleetFold(this.#deps);
    const remarks = new RemarksFold(this.#deps);
    for await (const { key, value } of entriesOf(this.#deps.reader, 'events', { page: EVENT_PAGES })) {
      const first = Number(key[0]);
      if (expected !== undefined && first !== expected)
        this.#deps.fault(`events ${first}`, `follows ${expected - 1}`);
      expected = first;
      for (const event of linesOf(value)) {
        const { seq } = event;
        if (seq !== expected)
          this.#deps.fault(`events ${first}`, `has event ${seq} where ${expected} should be`);
        expected += 1;
        this.#deps.count('events');
        if (this.#isFoldable(`events ${first}`, event))
          await this.#fit(`events ${first}`, seq, async () => {
            await fleet.take(event);
            await remarks.take(event);
          });
      }
    }
    this.#fleet = fleet;
    remarks.finish();
    if (expected !== undefined && expected !== cursor + 1)
      this.#deps.fault('meta cursor', `is ${cursor}, the newest event is ${expected - 1}`);
  }

  /** In order, of this task, and what its row is made of. */
  async ofTask(where: string, row: TaskRow): Promise<void> {
    let last = 0;
    let fold: TaskFold | undefined;
    for await (const { key, value } of entriesOf(this.#deps.reader, 'task_events', {
      prefix: [row.problem_id, row.iteration_id],
      page: EVENT_PAGES,
    })) {
      if (last === 0) fold = await this.#foldOf(row, Number(key[2]));
      for (const event of linesOf(value)) {
        if (event.seq <= last) this.#deps.fault(where, `has event ${event.seq} after ${last}`);
        if (event.problem_id !== row.problem_id || event.iteration_id !== row.iteration_id)
          this.#deps.fault(where, `has event ${event.seq}, which is of another task`);
        if (event.type === 'output.recorded') await this.#hash(where, row, event);
        last = event.seq;
        const folded = fold;
        if (!folded) continue;
        const isTold =
          this.#isFoldable(where, event) && (await this.#fit(where, event.seq, () => folded.take(event)));
        if (!isTold) fold = undefined;
      }
    }
    if (last === 0) this.#deps.fault(where, 'has no events');
    if (fold) await this.#fit(where, last, () => this.#compare(where, row, fold));
  }

  /** E1. */
  async #foldOf(row: TaskRow, first: number): Promise<TaskFold | undefined> {
    const graph = await this.#deps.graphs?.graph(row.graph, row.graph_version);
    const problem = await readProblemAt(this.#deps.reader, row.problem_seq);
    if (!graph || !problem) return undefined;
    if (first >= this.#since) return new TaskFold(row, problem, graph.compiled);
    this.#deps.count(`iterations ${WITHOUT_BEGINNING}`);
    return undefined;
  }

  #compare(where: string, row: TaskRow, fold: TaskFold): void {
    this.#deps.count('iterations folded');
    const difference = fold.difference();
    if (difference) this.#deps.fault(where, difference);
    const ofProblem = fold.problemDifference();
    if (ofProblem) this.#deps.fault(`problems ${row.problem_id}`, ofProblem);
  }

  /** After nodes, commands and clusters have been counted: compares them with what all events have made of them. */
  async fleet(counts: Readonly<Record<string, number>>): Promise<void> {
    await this.#fleet?.finish();
    for (const what of ['nodes', 'commands', 'clusters']) {
      const missing = (counts[what] ?? 0) - (counts[`${what} folded`] ?? 0);
      if (missing > 0) this.#deps.count(`${what} ${WITHOUT_BEGINNING}`, missing);
    }
  }

  /** An output is the one that its event says. */
  async #hash(where: string, row: TaskRow, event: StoredEvent): Promise<void> {
    const { execution_id = '', output_seq = 0, sha256, blob } = event;
    if (sha256 === undefined) return;
    const key = [row.problem_id, row.iteration_id, execution_id, output_seq];
    const bytes = blob ? undefined : await this.#deps.reader.get('payloads', key);
    const found = bytes ? sha256Of(bytes) : blob?.sha256;
    if (found !== undefined && found !== sha256)
      this.#deps.fault(
        where,
        `has output ${output_seq} of ${execution_id} as ${found}, and recorded ${sha256}`,
      );
  }

  /** Whether it is an event of complete facts. */
  #isFoldable(where: string, event: StoredEvent): event is FactEvent & StoredEvent {
    if (event.seq < this.#since) return false;
    if (isFactEvent(event)) return true;
    this.#deps.fault(where, `has event ${event.seq}, which is not one of a kind that is known`);
    return false;
  }

  /** Whether it fits what came before. */
  async #fit(where: string, seq: number, take: () => void | Promise<void>): Promise<boolean> {
    try {
      await take();
      return true;
    } catch (thrown) {
      this.#deps.fault(where, `has event ${seq}, which does not fit what came before: ${messageOf(thrown)}`);
      return false;
    }
  }
}

interface StoredEvent {
  readonly seq: number;
  readonly type: string;
  readonly problem_id?: string;
  readonly iteration_id?: number;
  readonly execution_id?: string;
  readonly output_seq?: number;
  readonly sha256?: string;
  readonly blob?: BlobRef;
}

function linesOf(page: Uint8Array): StoredEvent[] {
  const text = Buffer.from(page.buffer, page.byteOffset, page.byteLength).toString();
  return text.split('\n').map((line) => JSON.parse(line) as StoredEvent);
}
