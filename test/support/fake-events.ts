import type { EventStream, StreamEvent } from '../../src/orchestrator/port.js';

export interface FakeEvent {
  readonly type: string;
  readonly problem_id?: string;
  readonly iteration_id?: number;
  readonly [field: string]: unknown;
}

/** A committed event stream in memory. Storing and announcing may be told apart, as they are in a real commit. */
export interface FakeEvents extends EventStream {
  /** Store a batch and announce it. */
  commit(batch: readonly FakeEvent[]): readonly StreamEvent[];
  /** Store a batch: it can be read, and nobody was told. */
  store(batch: readonly FakeEvent[]): readonly StreamEvent[];
  /** Announce the oldest batch that was not announced yet, if there is one. */
  announce(): void;
  /** Forget every event up to `seq`. */
  trim(seq: number): void;
  all(): readonly StreamEvent[];
  listeners(): number;
  /** What every `read` waits for before it answers. */
  gate: () => Promise<void>;
}

export function createFakeEvents(at = '2026-01-01T00:00:00.000Z'): FakeEvents {
  const stored: StreamEvent[] = [];
  const unannounced: (readonly StreamEvent[])[] = [];
  const listeners = new Set<(events: readonly StreamEvent[]) => void>();
  let newest = 0;
  const fake: FakeEvents = {
    gate: async () => {},
    cursor: () => newest,
    oldest: () => stored[0]?.seq ?? newest + 1,
    async read(after, limit) {
      await fake.gate();
      return stored.filter((event) => event.seq > after).slice(0, limit);
    },
    onCommitted(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    store(batch) {
      const events = batch.map((event) => {
        newest += 1;
        return {
          seq: newest,
          problemId: event.problem_id,
          project: event.problem_id === undefined ? undefined : 'default',
          json: JSON.stringify({ seq: newest, at, ...event }),
        };
      });
      stored.push(...events);
      unannounced.push(events);
      return events;
    },
    announce() {
      const batch = unannounced.shift();
      if (batch !== undefined) for (const listener of listeners) listener(batch);
    },
    commit(batch) {
      const events = fake.store(batch);
      while (unannounced.length > 0) fake.announce();
      return events;
    },
    trim(seq) {
      stored.splice(0, stored.findLastIndex((event) => event.seq <= seq) + 1);
    },
    all: () => stored,
    listeners: () => listeners.size,
  };
  return fake;
}
