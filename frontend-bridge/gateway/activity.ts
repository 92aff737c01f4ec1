/**
 * What was submitted and what ended in the last hour, minute by minute: a fold of the event stream.
 *
 * A1. Nothing is counted while nobody asks: a question reads what was committed since the one before, and the first one looks back.
 * A2. A look back ends after an hour of events, or `lookLimit` of them: `since` says how far it reached.
 */
import type { ActivityMinuteJson } from '../../src/contract/figures.js';
import type { EventStream, StreamEvent } from '../../src/orchestrator/port.js';

const MINUTE_MS = 60_000;
const MINUTES = 60;
const LOOK_LIMIT = 200_000;
const CHUNK = 2_000;

type Counts = Record<Exclude<keyof ActivityMinuteJson, 'at'>, number>;

export interface ActivityDeps {
  readonly events: EventStream;
  /** Unix milliseconds. */
  readonly wallMs: () => number;
  /** Events that a first question may look through. @default 200000, about a second's work */
  readonly lookLimit?: number;
}

export class Activity {
  readonly #deps: Required<ActivityDeps>;
  /** By the number of the minute since 1970. */
  readonly #minutes = new Map<number, Counts>();
  #since = 0;
  /** Every event up to this `seq` that lies in the hour has been counted. */
  #upTo: number | undefined;
  #looking: Promise<unknown> = Promise.resolve();

  constructor(deps: ActivityDeps) {
    this.#deps = { lookLimit: LOOK_LIMIT, ...deps };
  }

  /** The last hour, as far as it is known, and the cursor that it reflects. */
  look(): Promise<{ cursor: number; since: string; minutes: ActivityMinuteJson[] }> {
    const look = this.#looking.then(() => this.#look());
    this.#looking = look.catch(() => {});
    return look;
  }

  async #look(): Promise<{ cursor: number; since: string; minutes: ActivityMinuteJson[] }> {
    const { events, wallMs, lookLimit } = this.#deps;
    const cursor = events.cursor();
    const first = Math.floor(wallMs() / MINUTE_MS) - MINUTES + 1;
    if (this.#upTo === undefined || cursor - this.#upTo > lookLimit) await this.#lookBack(cursor, first);
    else await this.#read(this.#upTo + 1, cursor);
    this.#upTo = cursor;
    for (const minute of this.#minutes.keys()) if (minute < first) this.#minutes.delete(minute);
    const minutes = Array.from({ length: MINUTES }, (_, index) => first + index);
    return {
      cursor,
      since: new Date(Math.max(this.#since, first * MINUTE_MS)).toISOString(),
      minutes: minutes.map((minute) => ({
        at: new Date(minute * MINUTE_MS).toISOString(),
        ...(this.#minutes.get(minute) ?? NOTHING),
      })),
    };
  }

  /** A1, A2. */
  async #lookBack(cursor: number, firstMinute: number): Promise<void> {
    const { events, lookLimit } = this.#deps;
    this.#minutes.clear();
    this.#since = 0;
    for (let end = cursor; ; ) {
      if (end < events.oldest()) return;
      const start = Math.max(events.oldest(), end - CHUNK + 1);
      const oldest = await this.#read(start, end);
      if (oldest !== undefined && oldest < firstMinute * MINUTE_MS) return;
      if (cursor - start >= lookLimit) {
        this.#since = oldest ?? 0;
        return;
      }
      end = start - 1;
    }
  }

  /** Counts the events from `start` to `end`; the time of the first. */
  async #read(start: number, end: number): Promise<number | undefined> {
    let oldest: number | undefined;
    for (let after = start - 1; after < end; ) {
      const read = await this.#deps.events.read(after, Math.min(CHUNK, end - after));
      const last = read.at(-1);
      if (last === undefined) break;
      oldest ??= timeOf(read[0]!);
      for (const event of read) if (event.seq <= end) this.#count(event);
      after = last.seq;
    }
    return oldest;
  }

  #count(event: StreamEvent): void {
    const word = WORDS[/"type":"iteration\.([a-z]+)"/.exec(event.json)?.[1] ?? ''];
    if (word === undefined) return;
    const minute = Math.floor(timeOf(event) / MINUTE_MS);
    const counts = this.#minutes.get(minute) ?? { ...NOTHING };
    counts[word] += 1;
    this.#minutes.set(minute, counts);
  }
}

const NOTHING: Readonly<Counts> = { submitted: 0, succeeded: 0, failed: 0, cancelled: 0, aborted: 0 };

const WORDS: Readonly<Record<string, keyof Counts>> = {
  submitted: 'submitted',
  succeeded: 'succeeded',
  failed: 'failed',
  cancelled: 'cancelled',
  aborted: 'aborted',
};

function timeOf(event: StreamEvent): number {
  const { at } = JSON.parse(event.json) as { at: string };
  return Date.parse(at);
}
