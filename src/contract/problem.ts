/** A problem, by itself and in lists. */
import type { TaskState } from '../model/task-state.js';
import type { StandingsJson } from './iteration.js';

export interface ProblemJson {
  readonly problem_id: string;
  readonly title: string | null;
  readonly graph: string;
  /** Its newest iteration's. */
  readonly state: TaskState;
  readonly standing?: StandingsJson;
  readonly created_at: string;
  readonly newest_iteration_id: number;
  readonly tags: readonly string[];
  readonly starred: boolean;
  readonly archived: boolean;
}

/** An item of a list of problems. */
export interface ListedProblemJson extends ProblemJson {
  /** `default` of everything that was not made in another project. */
  readonly project: string;
  /** Names the version that a change is made to. */
  readonly revision: number;
}

/** A problem by itself. */
export interface WholeProblemJson extends ListedProblemJson {
  /** Markdown. */
  readonly notes: string;
}

/** The changed descriptive fields of a problem. */
export interface ProblemChangeJson {
  readonly title?: string;
  readonly tags?: readonly string[];
  readonly notes?: string;
  readonly starred?: boolean;
  readonly archived?: boolean;
}

/** A failed problem with the error of its newest iteration. */
export interface FailureJson extends ProblemJson {
  readonly finished_at: string | null;
  readonly fields: {
    readonly 'error.message'?: string | null;
    readonly 'error.module'?: string | null;
  };
}
