/** What the page keeps current: each view is one answer of the API, kept up to date by the events that follow it. */
import type { EventJson, IterationJson, NodeJson, ProblemJson, TaskJson } from '../api/shapes.js';

export interface NodesView {
  readonly kind: 'nodes';
  readonly items: readonly NodeJson[];
}

/** The newest page of problems, newest first. */
export interface ProblemsView {
  readonly kind: 'problems';
  readonly items: readonly ProblemJson[];
}

/** A problem's iterations by `iteration_id`. */
export interface IterationsView {
  readonly kind: 'iterations';
  readonly problem_id: string;
  readonly items: readonly IterationJson[];
}

export interface TaskView {
  readonly kind: 'task';
  readonly task: TaskJson;
  /** By module, the `seq` of the newest output that was seen passing while the page was open. */
  readonly passed: Readonly<Record<string, number>>;
}

/** A task's events, in order. */
export interface TaskEventsView {
  readonly kind: 'task_events';
  readonly problem_id: string;
  readonly iteration_id: number;
  readonly items: readonly EventJson[];
}

export type View = NodesView | ProblemsView | IterationsView | TaskView | TaskEventsView;

/** A view and the event `seq` that it reflects. */
export interface Snapshot<V extends View = View> {
  readonly cursor: number;
  readonly view: V;
  /** An event said that something changed without saying to what: fetch again. */
  readonly incomplete: boolean;
}

/** What a view became; `complete: false` when the event did not say enough. */
export interface Reduced<V extends View> {
  readonly view: V;
  readonly complete: boolean;
}
