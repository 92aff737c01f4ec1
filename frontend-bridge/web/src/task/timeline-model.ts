/** When each module of a task waited, was queued, ran and was tried again, from the task's events. */
import { hasEnded } from '../../../../src/model/execution.js';
import { splitReference } from '../../../../src/model/graph.js';
import { taskHasEnded } from '../../../../src/model/task-state.js';
import type { EventJson, GraphJson, IterationJson, ObservedState } from '../api/shapes.js';
import { modulesOf } from '../graphs/outputs.js';
import { observedStateOf, overriddenIn, reusedFrom, taskStateOf, text } from '../state/event-fields.js';

/**
 * `blocked`: inputs are missing. `queued`: it could run, and no node has a free slot. `backoff`: it waits for the next attempt.
 * `asked`: a person is to decide. `placing`: given to a node that has not accepted yet. `running`: a node has it.
 */
export type SpanKind = 'blocked' | 'queued' | 'backoff' | 'asked' | 'placing' | 'running';

export interface Span {
  readonly kind: SpanKind;
  /** Unix milliseconds. */
  readonly from: number;
  /** Open while it lasts. */
  readonly to: number | undefined;
  readonly attempt: number | undefined;
  /** How a running one ended. */
  readonly outcome: ObservedState | undefined;
}

export interface Row {
  readonly module: string;
  /** The iteration whose output stands for its own: nothing ran for it. */
  readonly reusedFrom: number | undefined;
  readonly spans: readonly Span[];
}

export interface Timeline {
  /** Unix milliseconds: the submission. */
  readonly start: number;
  /** The end, once there is one. */
  readonly end: number | undefined;
  readonly rows: readonly Row[];
}

/** A part of a task's time. */
export interface Scale {
  /** Unix milliseconds. */
  readonly start: number;
  readonly length: number;
}

const TOLD = new Set<EventJson['type']>([
  'module.waiting',
  'module.skipped',
  'module.reused',
  'approval.requested',
  'approval.decided',
  'command.issued',
]);

/** Those of a task's events that its timeline is drawn from: few, however much was logged. */
export function isOfTimeline(event: EventJson): boolean {
  return TOLD.has(event.type) || taskStateOf(event) !== undefined || observedStateOf(event) !== undefined;
}

export function buildTimeline(
  events: readonly EventJson[],
  graph: GraphJson,
  names: readonly string[],
): Timeline {
  const tracks = new Map(names.map((name) => [name, new Track()]));
  let start = Date.parse(events[0]?.at ?? '');
  let end: number | undefined;
  let overridden: IterationJson['overridden'] = {};
  const inputsOf = (name: string): readonly string[] =>
    (graph.modules[name]?.inputs ?? []).filter((input) => input !== graph.source.name);
  const isReady = (name: string): boolean =>
    inputsOf(name).every(
      (input) => overridden[name]?.includes(input) || tracks.get(splitReference(input).module)?.isDone,
    );
  const settle = (name: string, at: number): void =>
    tracks.get(name)?.open(isReady(name) ? 'queued' : 'blocked', at);
  const release = (at: number): void => {
    for (const [name, track] of tracks)
      if (track.kind === 'blocked' && isReady(name)) track.open('queued', at);
  };
  for (const event of events) {
    const at = Date.parse(event.at);
    const taskState = taskStateOf(event);
    if (event.type === 'iteration.submitted') {
      start = at;
      overridden = overriddenIn(event);
      for (const name of names) settle(name, at);
    } else if (taskState !== undefined && taskHasEnded(taskState)) {
      end = at;
      for (const track of tracks.values()) track.close(at);
    }
    const track = tracks.get(event.module ?? '');
    if (!track) continue;
    const observed = observedStateOf(event);
    if (observed !== undefined) {
      track.observe(event, observed, at);
      if (observed === 'failed' && graph.modules[event.module ?? '']?.on_error === 'ignore')
        track.isDone = true;
      if (observed === 'succeeded' || observed === 'failed') release(at);
    } else if (event.type === 'module.waiting') {
      track.open(text(event, 'retry_at') === undefined ? 'queued' : 'backoff', at);
    } else if (event.type === 'approval.requested') {
      track.open('asked', at);
    } else if (event.type === 'approval.decided') {
      if (text(event, 'decision') === 'approve' || graph.modules[event.module ?? '']?.on_error === 'ignore')
        track.finish(at);
      else track.close(at);
      release(at);
    } else if (event.type === 'module.skipped') {
      track.finish(at);
      release(at);
    } else if (event.type === 'module.reused') {
      track.finish(at);
      track.reusedFrom = reusedFrom(event)?.iteration_id;
      release(at);
    } else if (event.type === 'command.issued' && text(event, 'command') === 'reset') {
      const reset = withDependents(event.module ?? '', names, inputsOf);
      for (const name of reset) tracks.get(name)?.begin();
      for (const name of reset) tracks.get(name)?.reopen(at, isReady(name));
    }
  }
  const rows = names.map((module): Row => {
    const track = tracks.get(module);
    return { module, spans: track?.spans ?? [], reusedFrom: track?.reusedFrom };
  });
  return { start, end, rows };
}

/**
 * The modules that the length of the task was due to, in their order: the one that ended last, the one of its inputs that it had to wait
 * for longest, and so on to the beginning.
 */
export function criticalPath({ rows }: Timeline, graph: GraphJson): readonly string[] {
  const ends = new Map(
    rows.flatMap(({ module, spans }): [string, number][] => {
      const ran = spans.findLast(({ kind }) => kind === 'running' || kind === 'placing');
      return ran === undefined ? [] : [[module, ran.to ?? Number.POSITIVE_INFINITY]];
    }),
  );
  const latest = (names: Iterable<string>): string | undefined => {
    let found: string | undefined;
    for (const name of names)
      if (ends.has(name) && (found === undefined || (ends.get(name) ?? 0) > (ends.get(found) ?? 0)))
        found = name;
    return found;
  };
  const path: string[] = [];
  for (
    let name = latest(ends.keys());
    name !== undefined;
    name = latest(modulesOf(graph.modules[name]?.inputs))
  ) {
    if (path.includes(name)) break;
    path.unshift(name);
  }
  return path;
}

/** The module and all that follows from it. `names` is in playing order. */
function withDependents(
  module: string,
  names: readonly string[],
  inputsOf: (name: string) => readonly string[],
): Set<string> {
  const found = new Set([module]);
  for (const name of names) if (inputsOf(name).some((input) => found.has(input))) found.add(name);
  return found;
}

/** One module's way through a task. */
class Track {
  readonly spans: Span[] = [];
  /** It has given what its dependents wait for, or never will. */
  isDone = false;
  reusedFrom: number | undefined;
  #execution: string | undefined;

  get kind(): SpanKind | undefined {
    const last = this.spans.at(-1);
    return last?.to === undefined ? last?.kind : undefined;
  }

  open(kind: SpanKind, from: number, attempt?: number): void {
    if (this.kind === kind) return;
    this.close(from);
    this.spans.push({ kind, from, to: undefined, attempt, outcome: undefined });
  }

  close(to: number, outcome?: ObservedState): void {
    const last = this.spans.at(-1);
    if (last === undefined || last.to !== undefined) return;
    // What lasted no time is not worth a line, unless something ran.
    if (to <= last.from && last.kind !== 'running') this.spans.pop();
    else this.spans[this.spans.length - 1] = { ...last, to, outcome };
  }

  finish(at: number): void {
    this.close(at);
    this.isDone = true;
  }

  begin(): void {
    this.isDone = false;
    this.reusedFrom = undefined;
    this.#execution = undefined;
  }

  /** After a reset: what ran is cut, and the way begins again. */
  reopen(at: number, isReady: boolean): void {
    if (this.kind === 'placing' || this.kind === 'running') this.close(at, 'cancelled');
    this.open(isReady ? 'queued' : 'blocked', at);
  }

  observe(event: EventJson, state: ObservedState, at: number): void {
    if (state === 'assigned') {
      this.open('placing', at, event.attempt);
      this.#execution = event.execution_id;
    } else if (event.execution_id !== this.#execution) {
      return;
    } else if (!hasEnded(state)) {
      if (this.kind !== 'running') this.open('running', at, event.attempt);
    } else {
      if (this.kind === 'placing') this.open('running', at, event.attempt);
      this.close(at, state);
      if (state === 'succeeded') this.isDone = true;
      // After a failure, an event says whether there will be another attempt.
      else if (state !== 'failed') this.open('queued', at);
    }
  }
}
