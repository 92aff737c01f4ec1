/**
 * The events of a batch as they are stored: pages of bounded size, each a JSON object a line, and for each task the lines of a page
 * that are about it.
 *
 * P1. A page is at most `PAGE_CHARACTERS` long, unless it is a single event: a reader of a page holds no more than that at once,
 *     whatever a batch weighed.
 * P2. A page ends where the next one begins: its key is the `seq` of its first event, and `seq` has no gaps.
 */
import { encodeTexts } from '../../base/encode-texts.js';
import { type EncodedEvent, taskIdOf } from '../../model/facts.js';
import { formatTaskId, type TaskId } from '../../model/task-id.js';

/** Of text. Small enough that a reader that wants a few events does not pay for many, large enough that mostly a batch is one page. */
export const PAGE_CHARACTERS: number = 1024 * 1024;

export interface EventPage {
  /** Of its first event. */
  readonly seq: number;
  readonly bytes: Uint8Array;
}

export interface TaskEventPage extends EventPage {
  readonly id: TaskId;
}

/** P1. The pages of these events, in order, with those of their tasks. */
export function* pagesOf(
  events: readonly EncodedEvent[],
): Generator<{ readonly page: EventPage; readonly tasks: readonly TaskEventPage[] }> {
  let start = 0;
  while (start < events.length) {
    let end = start;
    let characters = 0;
    do {
      characters += events[end]!.json.length + 1;
      end += 1;
    } while (end < events.length && characters + events[end]!.json.length <= PAGE_CHARACTERS);
    yield pageOf(events.slice(start, end));
    start = end;
  }
}

/** P2. */
function pageOf(events: readonly EncodedEvent[]): {
  readonly page: EventPage;
  readonly tasks: readonly TaskEventPage[];
} {
  const texts = events.map(({ json }) => json);
  const bytes = encodeTexts(texts, '\n');
  const characters = texts.reduce((sum, text) => sum + text.length, texts.length - 1);
  // Usually all of it is ASCII, and there is nothing to count.
  const bytesOf = bytes.length === characters ? (json: string) => json.length : Buffer.byteLength;
  const byTask = new Map<string, TaskLines>();
  let start = 0;
  for (const { seq, fact, json } of events) {
    const end = start + bytesOf(json);
    const id = taskIdOf(fact);
    if (id) {
      const key = formatTaskId(id);
      const known = byTask.get(key);
      if (known) known.add(start, end);
      else byTask.set(key, new TaskLines(id, seq, start, end));
    }
    start = end + 1;
  }
  return {
    page: { seq: events[0]!.seq, bytes },
    tasks: [...byTask.values()].map((lines) => ({ id: lines.id, seq: lines.seq, bytes: lines.of(bytes) })),
  };
}

/** Where the events of one task stand in the page of all: mostly side by side. */
class TaskLines {
  readonly #runs: { readonly start: number; end: number }[];

  constructor(
    readonly id: TaskId,
    /** The first one's. */
    readonly seq: number,
    start: number,
    end: number,
  ) {
    this.#runs = [{ start, end }];
  }

  add(start: number, end: number): void {
    const last = this.#runs.at(-1)!;
    // Between two neighbours there is a line break.
    if (last.end + 1 === start) last.end = end;
    else this.#runs.push({ start, end });
  }

  of(page: Buffer): Uint8Array {
    const parts = this.#runs.map(({ start, end }, position) =>
      // All but the last with the line break that follows them.
      page.subarray(start, position + 1 < this.#runs.length ? end + 1 : end),
    );
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }
}
