/** A problem that has unfinished iterations, or that the batch in hand is about. */
export interface Problem {
  readonly problemId: string;
  readonly createdSeq: number;
  readonly graph: string;
  readonly priority: number;
  readonly title: string;
  /** Unix milliseconds. */
  readonly createdAt: number;
  readonly newestIterationId: number;
  readonly unfinished: number;
}
