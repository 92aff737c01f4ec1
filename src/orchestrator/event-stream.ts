/** The committed events: the present as it is committed, the past by pages of the store. */
import { type EncodedEvent, taskIdOf } from '../model/facts.js';
import type { Reader } from '../store/store.js';
import type { EventStream, StreamEvent } from './port.js';
import { decodeRow } from './records.js';

type Listener = (events: readonly StreamEvent[]) => void;

/** Every event's JSON begins so: see `Journal`. */
const PROBLEM_ID = /^\{"seq":\d+,"at":"[^"]*","type":"[^"]*","problem_id":"([^"]*)"/;

/** Text that is sent or read at once, whatever the size of a batch. A single event may be larger. */
const CHUNK_CHARACTERS = 1024 * 1024;

export class CommittedEvents implements EventStream {
  readonly #store: Reader;
  readonly #listeners = new Set<Listener>();
  #cursor = 0;
  #oldest = 1;

  constructor(store: Reader) {
    this.#store = store;
  }

  /** Finds out what the store holds. */
  async start(): Promise<void> {
    const cursor = await this.#store.get('meta', ['cursor']);
    this.#cursor = cursor ? decodeRow<number>(cursor) : 0;
    const [first] = await this.#store.keys('events', { prefix: [], limit: 1 });
    this.#oldest = first ? Number(first[0]) : this.#cursor + 1;
  }

  cursor(): number {
    return this.#cursor;
  }

  /** Nothing before it is kept any more. */
  trimmed(oldest: number): void {
    this.#oldest = Math.max(this.#oldest, oldest);
  }

  oldest(): number {
    return this.#oldest;
  }

  async read(after: number, limit: number): Promise<readonly StreamEvent[]> {
    // The page that holds the next event is the last one that begins at or before it.
    const [start] = await this.#store.keys('events', {
      prefix: [],
      after: [after + 2],
      reverse: true,
      limit: 1,
    });
    const events: StreamEvent[] = [];
    let characters = 0;
    let from = start ? Number(start[0]) - 1 : 0;
    while (events.length < limit) {
      const [page] = await this.#store.range('events', { prefix: [], after: [from], limit: 1 });
      if (!page) break;
      from = Number(page.key[0]);
      for (const event of readPage(from, page.value)) {
        if (event.seq <= after) continue;
        characters += event.json.length;
        if (events.length > 0 && characters > CHUNK_CHARACTERS) return events;
        events.push(event);
      }
    }
    return events;
  }

  onCommitted(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The performer's side: these are durable now. */
  announce(events: readonly EncodedEvent[]): void {
    this.#cursor = events.at(-1)?.seq ?? this.#cursor;
    if (this.#listeners.size === 0) return;
    for (const chunk of chunksOf(events)) for (const listener of this.#listeners) listener(chunk);
  }
}

/** In pieces of bounded size, each of at least one event. */
function* chunksOf(events: readonly EncodedEvent[]): Generator<StreamEvent[]> {
  let chunk: StreamEvent[] = [];
  let characters = 0;
  for (const { seq, fact, json } of events) {
    if (chunk.length > 0 && characters + json.length > CHUNK_CHARACTERS) {
      yield chunk;
      chunk = [];
      characters = 0;
    }
    characters += json.length;
    chunk.push({ seq, problemId: taskIdOf(fact)?.problemId, json });
  }
  if (chunk.length > 0) yield chunk;
}

function readPage(first: number, page: Uint8Array): StreamEvent[] {
  const lines = Buffer.from(page.buffer, page.byteOffset, page.byteLength).toString().split('\n');
  return lines.map((json, index) => ({ seq: first + index, problemId: PROBLEM_ID.exec(json)?.[1], json }));
}
