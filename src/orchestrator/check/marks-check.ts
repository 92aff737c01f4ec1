/** The rows by which problems are found by what people have marked them with, against the problems themselves. */

import { isDeepStrictEqual } from 'node:util';
import { marksOf } from '../../model/problem.js';
import { entriesOf, keysOf } from '../../store/pages.js';
import type { Reader } from '../../store/store.js';
import { listed, unlisted } from '../projects/listing.js';
import { marksRowOf, type ProblemRow, remarksOf } from '../tables/problem-row.js';
import { readProblemAt } from '../tables/read-rows.js';
import { projectOfRow } from '../tables/row.js';
import * as tables from '../tables/tables.js';

export class MarksCheck {
  readonly #reader: Reader;
  readonly #fault: (where: string, what: string) => void;

  constructor(reader: Reader, fault: (where: string, what: string) => void) {
    this.#reader = reader;
    this.#fault = fault;
  }

  /** Everything by which this one is to be found is there. */
  async ofProblem(where: string, row: ProblemRow): Promise<void> {
    for (const mark of marksOf(remarksOf(row))) {
      if (
        (await this.#reader.get('problems_by_mark', listed(row.project, [mark, row.created_seq]))) ===
        undefined
      )
        this.#fault(where, `is marked ${mark}, and not found by it`);
    }
    const stored = await this.#reader.get('problem_marks', [row.created_seq]);
    const marks = stored && tables.problemMarks.decode(stored);
    const expected = row.changed_seq === undefined ? undefined : marksRowOf(row);
    if (!isDeepStrictEqual(marks, expected)) this.#fault(where, 'is listed with marks that are not its own');
  }

  /** Nothing is there that no problem has. */
  async strays(): Promise<void> {
    for await (const full of keysOf(this.#reader, 'problems_by_mark')) {
      const { project, key } = unlisted(full);
      const [mark, seq] = key;
      const problem = await readProblemAt(this.#reader, Number(seq));
      const isOwn = problem && projectOfRow(problem) === project;
      if (!isOwn || !marksOf(remarksOf(problem)).includes(String(mark)))
        this.#fault(
          `problems_by_mark ${String(mark)}`,
          `names ${problem?.problem_id ?? String(seq)}, which does not have it`,
        );
    }
    for await (const { key } of entriesOf(this.#reader, 'problem_marks')) {
      if (!(await readProblemAt(this.#reader, Number(key[0]))))
        this.#fault(`problem_marks ${String(key[0])}`, 'is of no problem');
    }
  }
}
