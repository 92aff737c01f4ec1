/**
 * Compares the descriptive fields of problems with their events, in one pass over all events.
 *
 * M1. What no kept event says is taken from the row, and so proves nothing.
 * M2. Memory holds the problems whose newest change is still to come.
 */
import type { FactEvent } from '../../../model/facts.js';
import type { Problem } from '../../../model/problem.js';
import type { Reader } from '../../../store/store.js';
import type { ProblemRow } from '../../tables/problem-row.js';
import { problemFromRow, problemToRow } from '../../tables/problem-row.js';
import { readProblem } from '../../tables/read-rows.js';
import { differenceOf } from './differences.js';
import { FoldedState } from './state.js';

export interface RemarksFoldDeps {
  readonly reader: Reader;
  readonly fault: (where: string, what: string) => void;
  readonly count: (what: string) => void;
}

export class RemarksFold {
  readonly #deps: RemarksFoldDeps;
  readonly #state = new FoldedState();
  readonly #underWay = new Map<string, { readonly row: ProblemRow; readonly problem: Problem }>();

  constructor(deps: RemarksFoldDeps) {
    this.#deps = deps;
  }

  /** M2. Throws where the event does not fit what came before. */
  async take(event: FactEvent): Promise<void> {
    if (event.type !== 'problem.changed') return;
    const { problem_id, seq, at } = event;
    const known = this.#underWay.get(problem_id) ?? (await this.#begin(problem_id));
    if (!known) return;
    this.#state.problems.set(problem_id, known.problem);
    this.#state.apply({ ...event, gained: [], lost: [] }, seq, Date.parse(at));
    if (seq === known.row.changed_seq) this.#finish(problem_id, known);
    else this.#underWay.set(problem_id, known);
  }

  /** All events have been told. */
  finish(): void {
    for (const [problemId, known] of this.#underWay) this.#finish(problemId, known);
  }

  async #begin(problemId: string): Promise<{ row: ProblemRow; problem: Problem } | undefined> {
    const row = await readProblem(this.#deps.reader, problemId);
    return row && { row, problem: problemFromRow(row) };
  }

  /** M1. */
  #finish(
    problemId: string,
    { row, problem }: { readonly row: ProblemRow; readonly problem: Problem },
  ): void {
    this.#underWay.delete(problemId);
    this.#deps.count('changed problems folded');
    const difference = differenceOf(row, problemToRow(problem));
    if (difference) this.#deps.fault(`problems ${problemId}`, difference);
  }
}
