/** When each module of a task waited, was queued, ran and was tried again, from the task's events. */

import type { EventJson } from '../../../../src/contract/event.js';
import type { GraphJson } from '../../../../src/contract/graph.js';
import type { ItemCountsJson, IterationJson } from '../../../../src/contract/iteration.js';
import type { ObservedState } from '../../../../src/model/execution.js';
import { hasEnded } from '../../../../src/model/execution.js';
import { missingInputs, statesFor } from '../../../../src/model/module-state.js';
import { taskHasEnded } from '../../../../src/model/task-state.js';
import { placeWords } from '../display/source-words.js';
import { modulesOf } from '../graphs/outputs.js';
import {
  cachedFrom,
  number,
  observedStateOf,
  overriddenIn,
  reusedFrom,
  taskStateOf,
  text,
  wordsIn,
} from '../state/event-fields.js';
import { countUntil } from './halving.js';

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
  /** Of a module in a loop. */
  readonly pass?: number | undefined;
  /** How a running one ended. */
  readonly outcome: ObservedState | undefined;
}

export interface Row {
  readonly module: string;
  /** Whose output was taken over, in words: `iteration 3`. */
  readonly reusedFrom: string | undefined;
  /** Of a module with `map` that has begun. */
  readonly items?: ItemCountsJson | undefined;
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
  'module.served',
  'module.reused',
  'map.started',
  'item.waiting',
  'item.succeeded',
  'item.reused',
  'module.mapped',
  'loop.passed',
  'loop.ended',
  'approval.requested',
  'approval.decided',
  'command.issued',
]);

/** Those of a task's events that its timeline is drawn from: few, however much was logged. */
function isOfTimeline(event: EventJson): boolean {
  return TOLD.has(event.type) || taskStateOf(event) !== undefined || observedStateOf(event) !== undefined;
}

/** So many events lie between two courses that are kept: going anywhere costs no more than these. */
const STEP = 250;

/** The timeline of a task after any of its events. */
export class TimelineReplay {
  readonly #outline: EventJson[] = [];
  readonly #kept: Course[] = [];
  readonly #graph: GraphJson;
  readonly #names: readonly string[];
  #read = 0;
  #end: number | undefined;
  /** The one that was asked for last: most events of a task change nothing in it. */
  #shown: { readonly count: number; readonly timeline: Timeline } | undefined;

  /** `names`: its modules in playing order. */
  constructor(graph: GraphJson, names: readonly string[]) {
    this.#graph = graph;
    this.#names = names;
  }

  /** `events`: always the same list, which may have grown since the last call. */
  read(events: readonly EventJson[]): this {
    for (; this.#read < events.length; this.#read += 1) {
      const event = events[this.#read]!;
      if (this.#read === 0) this.#kept.push(new Course(this.#graph, this.#names, Date.parse(event.at)));
      if (isOfTimeline(event)) this.#outline.push(event);
      const state = taskStateOf(event);
      if (state !== undefined && taskHasEnded(state)) this.#end = Date.parse(event.at);
    }
    return this;
  }

  /** When the task ended, in Unix milliseconds, as far as it was read. */
  get end(): number | undefined {
    return this.#end;
  }

  /** After the event `seq`; without one, as far as it was read. */
  at(seq: number = Number.POSITIVE_INFINITY): Timeline {
    const count = countUntil(this.#outline, seq);
    if (this.#shown?.count !== count) this.#shown = { count, timeline: this.#after(count) };
    return this.#shown.timeline;
  }

  #after(count: number): Timeline {
    const wanted = Math.floor(count / STEP);
    for (let step = this.#kept.length; step > 0 && step <= wanted; step += 1)
      this.#kept.push(this.#played(step - 1, step * STEP));
    const course = this.#kept[wanted] ? this.#played(wanted, count) : undefined;
    return course?.timeline ?? new Course(this.#graph, this.#names, Number.NaN).timeline;
  }

  #played(step: number, to: number): Course {
    const course = this.#kept[step]!.copy();
    for (const event of this.#outline.slice(step * STEP, to)) course.take(event);
    return course;
  }
}

/** The ways of all modules of a task, as far as they were told. */
class Course {
  readonly #graph: GraphJson;
  readonly #names: readonly string[];
  #tracks: ReadonlyMap<string, Track>;
  #start: number;
  #end: number | undefined;
  #overridden: IterationJson['overridden'] = {};
  /** Loops that have ended, by their last module. */
  #ended: ReadonlySet<string> = new Set();

  constructor(graph: GraphJson, names: readonly string[], start: number) {
    this.#graph = graph;
    this.#names = names;
    this.#tracks = new Map(names.map((name) => [name, new Track()]));
    this.#start = start;
  }

  get timeline(): Timeline {
    const rows = [...this.#tracks].map(
      ([module, { spans, items, reusedFrom }]): Row => ({ module, spans, reusedFrom, items: items?.counts }),
    );
    return { start: this.#start, end: this.#end, rows };
  }

  copy(): Course {
    const copy = new Course(this.#graph, this.#names, this.#start);
    copy.#tracks = new Map([...this.#tracks].map(([name, track]) => [name, track.copy()]));
    copy.#end = this.#end;
    copy.#overridden = this.#overridden;
    copy.#ended = this.#ended;
    return copy;
  }

  take(event: EventJson): void {
    const at = Date.parse(event.at);
    const taskState = taskStateOf(event);
    if (event.type === 'iteration.submitted') {
      this.#start = at;
      this.#overridden = overriddenIn(event);
      for (const [name, track] of this.#tracks) track.open(this.#isReady(name) ? 'queued' : 'blocked', at);
    } else if (taskState !== undefined && taskHasEnded(taskState)) {
      this.#end = at;
      for (const track of this.#tracks.values()) {
        track.close(at);
        track.items?.end();
      }
    }
    if (event.type === 'loop.passed') this.#beginAnew(wordsIn(event, 'modules'), at, number(event, 'pass'));
    else if (event.type === 'loop.ended') {
      this.#ended = new Set([...this.#ended, text(event, 'from') ?? '']);
      this.#release(at);
    }
    const name = event.module ?? '';
    const track = this.#tracks.get(name);
    if (track) this.#takeOf(name, track, event, at);
  }

  #takeOf(name: string, track: Track, event: EventJson, at: number): void {
    const observed = observedStateOf(event);
    track.items?.take(event);
    if (observed !== undefined && number(event, 'item') !== undefined) {
      // A module with `map` runs from its first item to its last.
      if (observed === 'assigned') track.open('running', at);
      if (observed !== 'failed' || this.#graph.modules[name]?.on_error !== 'ignore') return;
      track.isDone = true;
      this.#release(at);
    } else if (observed !== undefined) {
      track.observe(event, observed, at);
      if (observed === 'failed' && this.#graph.modules[name]?.on_error === 'ignore') track.isDone = true;
      if (observed === 'succeeded' || observed === 'failed') this.#release(at);
    } else if (event.type === 'module.waiting') {
      track.open(text(event, 'retry_at') === undefined ? 'queued' : 'backoff', at);
    } else if (event.type === 'approval.requested') {
      track.open('asked', at);
    } else if (event.type === 'approval.decided') {
      const goesOn =
        text(event, 'decision') === 'approve' || this.#graph.modules[name]?.on_error === 'ignore';
      if (goesOn) track.finish(at);
      else track.close(at);
      this.#release(at);
    } else if (event.type === 'map.started') {
      track.items = new ItemTrack(number(event, 'items') ?? 0);
    } else if (event.type === 'module.mapped') {
      track.close(at, 'succeeded');
      track.isDone = true;
      this.#release(at);
    } else if (event.type === 'module.skipped' || event.type === 'module.served') {
      track.finish(at);
      this.#release(at);
    } else if (event.type === 'module.reused') {
      track.finish(at);
      track.reusedFrom = placeWords({ reused_from: reusedFrom(event), cached_from: cachedFrom(event) });
      this.#release(at);
    } else if (event.type === 'command.issued' && text(event, 'command') === 'reset') {
      const reset = withDependents(name, this.#names, (one) => this.#inputsOf(one));
      this.#beginAnew([...reset], at);
    }
  }

  /** `pass`: of a loop; after a reset, what is placed says which one it is. */
  #beginAnew(names: readonly string[], at: number, pass?: number): void {
    this.#ended = new Set([...this.#ended].filter((from) => !names.includes(from)));
    for (const one of names) this.#tracks.get(one)?.begin(pass);
    for (const one of names) this.#tracks.get(one)?.reopen(at, this.#isReady(one));
  }

  #inputsOf(name: string): readonly string[] {
    const { modules, source } = this.#graph;
    return (modules[name]?.inputs ?? []).filter((input) => input !== source.name);
  }

  #isReady(name: string): boolean {
    const states = statesFor(
      name,
      this.#graph.loops ?? [],
      (module) => (this.#tracks.get(module)?.isDone ? 'succeeded' : 'waiting'),
      (from) => this.#ended.has(from),
    );
    return missingInputs(this.#inputsOf(name), this.#overridden[name] ?? [], states).length === 0;
  }

  #release(at: number): void {
    for (const [name, track] of this.#tracks)
      if (track.kind === 'blocked' && this.#isReady(name)) track.open('queued', at);
  }
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
  spans: Span[] = [];
  /** It has given what its dependents wait for, or never will. */
  isDone = false;
  reusedFrom: string | undefined;
  items: ItemTrack | undefined;
  #execution: string | undefined;
  #pass: number | undefined;

  copy(): Track {
    const copy = new Track();
    copy.spans = this.spans.slice();
    copy.isDone = this.isDone;
    copy.reusedFrom = this.reusedFrom;
    copy.items = this.items?.copy();
    copy.#execution = this.#execution;
    copy.#pass = this.#pass;
    return copy;
  }

  get kind(): SpanKind | undefined {
    const last = this.spans.at(-1);
    return last?.to === undefined ? last?.kind : undefined;
  }

  open(kind: SpanKind, from: number, attempt?: number): void {
    if (this.kind === kind) return;
    this.close(from);
    this.spans.push({ kind, from, to: undefined, attempt, pass: this.#pass, outcome: undefined });
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

  begin(pass: number | undefined): void {
    this.isDone = false;
    this.#pass = pass;
    this.reusedFrom = undefined;
    this.items = undefined;
    this.#execution = undefined;
  }

  /** After a reset: what ran is cut, and the way begins again. */
  reopen(at: number, isReady: boolean): void {
    if (this.kind === 'placing' || this.kind === 'running') this.close(at, 'cancelled');
    this.open(isReady ? 'queued' : 'blocked', at);
  }

  observe(event: EventJson, state: ObservedState, at: number): void {
    if (state === 'assigned') {
      this.#pass = event.pass;
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

/** How far the items of a map are. */
class ItemTrack {
  readonly #total: number;
  #done = 0;
  /** Executions that are under way. */
  #running: Set<string> = new Set();
  #retrying: Set<number> = new Set();

  constructor(total: number) {
    this.#total = total;
  }

  get counts(): ItemCountsJson {
    return {
      total: this.#total,
      done: this.#done,
      running: this.#running.size,
      retrying: this.#retrying.size,
    };
  }

  copy(): ItemTrack {
    const copy = new ItemTrack(this.#total);
    copy.#done = this.#done;
    copy.#running = new Set(this.#running);
    copy.#retrying = new Set(this.#retrying);
    return copy;
  }

  /** Nothing is tried again. */
  end(): void {
    this.#retrying.clear();
  }

  take(event: EventJson): void {
    const item = number(event, 'item');
    if (item === undefined) return;
    const { execution_id: execution = '' } = event;
    const observed = observedStateOf(event);
    if (event.type === 'item.succeeded' || event.type === 'item.reused') this.#done += 1;
    else if (event.type === 'item.waiting') this.#retrying.add(item);
    else if (observed === 'assigned') {
      this.#retrying.delete(item);
      this.#running.add(execution);
    } else if (observed !== undefined && hasEnded(observed)) this.#running.delete(execution);
  }
}
