/**
 * What a task's events tell: of each module its attempts, its outputs as they came and its curves; of all of them their log.
 *
 * H1. Each event is read once, when it has come. What had happened by a moment is the beginning of each list, found by halving: going to
 *     a moment costs the same in a task of a hundred events and of a hundred thousand.
 * H2. Lists only grow, so the beginning of one is the list and a count.
 */
import { entriesOf } from '../../../../src/base/json/exact.js';
import type { ErrorJson } from '../../../../src/contract/answer.js';
import type { EventJson } from '../../../../src/contract/event.js';
import { hasEnded, type ObservedState } from '../../../../src/model/execution.js';
import type { LogLevel } from '../../../../src/model/protocol.js';
import { errorOf, flag, number, observedStateOf, text } from '../state/event-fields.js';
import { type Curve, Curves, isMetrics } from '../values/curves.js';
import { countUntil } from './halving.js';

export interface Attempt {
  readonly execution_id: string;
  readonly attempt: number;
  /** Of a module in a loop. */
  readonly pass: number | undefined;
  readonly node_id: string | undefined;
  readonly state: ObservedState;
  readonly assigned_at: string;
  readonly ended_at: string | null;
  readonly error: ErrorJson | undefined;
}

export interface RecordedOutput {
  readonly seq: number;
  readonly execution_id: string;
  readonly attempt: number;
  readonly output_seq: number;
  readonly last: boolean;
  /** Of a module with several outputs. */
  readonly name: string | undefined;
  readonly at: string;
  /** Absent when it was too large for its event. */
  readonly output: unknown;
}

export interface LogEntry {
  readonly seq: number;
  readonly module: string;
  /** Of a module with `map`: the one that it is about. */
  readonly item: number | undefined;
  readonly at: string;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The first `count` of `items`, of which there may be more. */
export interface Beginning<T> {
  readonly items: readonly T[];
  readonly count: number;
}

/** A module as it was at a moment. Of the items of a map, their log only: each has attempts and outputs of its own. */
export interface ModuleHistory {
  readonly attempts: readonly Attempt[];
  /** Final and named ones. */
  readonly finals: readonly RecordedOutput[];
  readonly partials: Beginning<RecordedOutput>;
  /** Without the lines that are numbers of a step. */
  readonly log: Beginning<LogEntry>;
  readonly curves: readonly Curve[];
}

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];
const NO_HISTORY: ModuleHistory = {
  attempts: [],
  finals: [],
  partials: { items: [], count: 0 },
  log: { items: [], count: 0 },
  curves: [],
};

export class TaskHistory {
  readonly #modules = new Map<string, ModuleTrack>();
  readonly #lines: LogEntry[] = [];
  #read = 0;

  /** Lines of all modules, in the order in which they came. */
  get lines(): readonly LogEntry[] {
    return this.#lines;
  }

  /** H1. `events`: those of one task, in order; always the same list, which may have grown since the last call. */
  read(events: readonly EventJson[]): this {
    for (; this.#read < events.length; this.#read += 1) this.#take(events[this.#read]!);
    return this;
  }

  /** After the event `seq`; without one, as far as it was read. */
  ofModule(name: string, seq: number = Number.POSITIVE_INFINITY): ModuleHistory {
    return this.#modules.get(name)?.at(seq) ?? NO_HISTORY;
  }

  #take(event: EventJson): void {
    const { module, execution_id: id } = event;
    if (module === undefined) return;
    if (event.type === 'execution.log') {
      const entry = readLog(event, module);
      this.#lines.push(entry);
      this.#track(module).log(entry);
    } else if (id !== undefined && number(event, 'item') === undefined) {
      if (event.type === 'output.recorded') this.#track(module).output(readOutput(event, id));
      else this.#track(module).observe(event, id);
    }
  }

  #track(module: string): ModuleTrack {
    const known = this.#modules.get(module);
    if (known) return known;
    const track = new ModuleTrack();
    this.#modules.set(module, track);
    return track;
  }
}

/** An attempt as it was from `seq` on. */
interface Step {
  readonly seq: number;
  readonly attempt: Attempt;
}

class ModuleTrack {
  readonly #steps: Step[] = [];
  readonly #newest = new Map<string, Attempt>();
  readonly #finals: RecordedOutput[] = [];
  readonly #partials: RecordedOutput[] = [];
  readonly #log: LogEntry[] = [];
  readonly #curves = new Curves();

  observe(event: EventJson, id: string): void {
    const state = observedStateOf(event);
    if (state === undefined) return;
    const earlier = this.#newest.get(id);
    const attempt: Attempt = {
      execution_id: id,
      attempt: event.attempt ?? earlier?.attempt ?? this.#newest.size + 1,
      pass: event.pass ?? earlier?.pass,
      node_id: event.node_id ?? earlier?.node_id,
      state,
      assigned_at: earlier?.assigned_at ?? event.at,
      ended_at: hasEnded(state) ? event.at : null,
      error: errorOf(event) ?? earlier?.error,
    };
    this.#newest.set(id, attempt);
    this.#steps.push({ seq: event.seq, attempt });
  }

  output(output: RecordedOutput): void {
    const isPartial = !output.last && output.name === undefined;
    (isPartial ? this.#partials : this.#finals).push(output);
    this.#curves.takeOutput(output);
  }

  log(entry: LogEntry): void {
    // What is drawn need not be read.
    if (!isMetrics(entry)) this.#log.push(entry);
    else if (entry.item === undefined) this.#curves.takeLine(entry);
  }

  /** H2. */
  at(seq: number): ModuleHistory {
    const attempts = new Map<string, Attempt>();
    for (const { attempt } of this.#steps.slice(0, countUntil(this.#steps, seq)))
      attempts.set(attempt.execution_id, attempt);
    return {
      attempts: [...attempts.values()],
      finals: this.#finals.slice(0, countUntil(this.#finals, seq)),
      partials: { items: this.#partials, count: countUntil(this.#partials, seq) },
      log: { items: this.#log, count: countUntil(this.#log, seq) },
      curves: this.#curves.at(seq),
    };
  }
}

function readOutput(event: EventJson, id: string): RecordedOutput {
  return {
    seq: event.seq,
    execution_id: id,
    attempt: event.attempt ?? 1,
    output_seq: number(event, 'output_seq') ?? 0,
    last: flag(event, 'last') ?? false,
    name: text(event, 'name'),
    at: event.at,
    output: event.output,
  };
}

/** The line that an `execution.log` tells. */
export function readLog(event: EventJson, module: string): LogEntry {
  const { fields } = event;
  return {
    seq: event.seq,
    module,
    item: number(event, 'item'),
    at: text(event, 'logged_at') ?? event.at,
    level: LEVELS.find((level) => level === event.level) ?? 'info',
    message: text(event, 'message') ?? '',
    fields: typeof fields === 'object' && fields !== null ? Object.fromEntries(entriesOf(fields)) : {},
  };
}
