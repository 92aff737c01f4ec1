/** The committed events: the present as it is committed, the past as a reader of the store tells it. */
import { DEFAULT_PROJECT, maySee } from '../model/access.js';
import type { EncodedEvent, Subject } from '../model/facts.js';
import type { Reader } from '../store/store.js';
import type { EventStream, StreamEvent } from './port.js';
import { cursorOf, events } from './tables/tables.js';

type Listener = (events: readonly StreamEvent[]) => void;

/** Text that is sent at once, whatever the size of a batch. A single event may be larger. */
const CHUNK_CHARACTERS = 1024 * 1024;

export class CommittedEvents implements EventStream {
  readonly read: EventStream['read'];
  readonly #store: Reader;
  readonly #listeners = new Set<Listener>();
  #cursor = 0;
  #oldest = 1;

  /** `past`: see `read`. */
  constructor(store: Reader, past: EventStream['read']) {
    this.#store = store;
    this.read = past;
  }

  /** Finds out what the store holds. */
  async start(): Promise<void> {
    this.#cursor = await cursorOf(this.#store);
    const [first] = await events.keys(this.#store, { prefix: [], limit: 1 });
    this.#oldest = first ? Number(first[0]) : this.#cursor + 1;
  }

  cursor(): number {
    return this.#cursor;
  }

  /** Earlier events are no longer stored. */
  trimmed(oldest: number): void {
    this.#oldest = Math.max(this.#oldest, oldest);
  }

  oldest(): number {
    return this.#oldest;
  }

  onCommitted(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The performer's side: these are durable now. */
  announce(encoded: readonly EncodedEvent[]): void {
    this.#cursor = encoded.at(-1)?.seq ?? this.#cursor;
    if (this.#listeners.size === 0) return;
    for (const chunk of chunksOf(encoded)) for (const listener of this.#listeners) listener(chunk);
  }
}

/** In pieces of bounded size, each of at least one event. */
function* chunksOf(encoded: readonly EncodedEvent[]): Generator<StreamEvent[]> {
  let chunk: StreamEvent[] = [];
  let characters = 0;
  for (const { seq, fact, json } of encoded) {
    if (chunk.length > 0 && characters + json.length > CHUNK_CHARACTERS) {
      yield chunk;
      chunk = [];
      characters = 0;
    }
    characters += json.length;
    chunk.push({ seq, ...placeOf(fact), json });
  }
  if (chunk.length > 0) yield chunk;
}

function placeOf({
  problem_id: problemId,
  project = DEFAULT_PROJECT,
}: Subject): Omit<StreamEvent, 'seq' | 'json'> {
  return { problemId, project: problemId === undefined ? undefined : project };
}

/** The same with what somebody may see who is bound to a project. */
export function eventsWithin(events: EventStream, bound: string): EventStream {
  const shown = (one: StreamEvent): StreamEvent => (maySee(bound, one.project) ? one : withoutContent(one));
  return {
    cursor: () => events.cursor(),
    oldest: () => events.oldest(),
    read: async (after, limit) => (await events.read(after, limit)).map(shown),
    onCommitted: (listener) => events.onCommitted((batch) => listener(batch.map(shown))),
  };
}

/** Every event's JSON begins so: see `eventJson`. */
const BEGIN = /^\{"seq":\d+,"at":"[^"]*"/;

function withoutContent({ seq, json }: StreamEvent): StreamEvent {
  return { seq, problemId: undefined, project: undefined, json: `${BEGIN.exec(json)![0]}}` };
}
