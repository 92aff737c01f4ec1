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

/** A problem by itself. */
export interface WholeProblemJson extends ProblemJson {
  /** `default`: of all that is bound to no other. */
  readonly project: string;
  /** Markdown. */
  readonly notes: string;
  /** What a change may be made to, and to nothing later. */
  readonly revision: number;
}

/** What people say about a problem, as far as it is to be another. */
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
