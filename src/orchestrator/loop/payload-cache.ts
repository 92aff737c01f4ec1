/**
 * Payloads of unfinished tasks, by where they are stored: those of the newest tasks, up to a bound in bytes.
 *
 * They are copies: what comes in is a view of a received frame, and keeping the view would keep the whole frame's memory.
 */
import type { PayloadRef } from '../../model/payload.js';
import { formatTaskId, type TaskId } from '../../model/task-id.js';

/** The memory of an entry besides its bytes: keys, headers, map overhead. */
const ENTRY_BYTES = 500;

interface OfTask {
  readonly payloads: Map<string, Uint8Array>;
  bytes: number;
}

export class PayloadCache {
  readonly #maxBytes: number;
  readonly #tasks = new Map<string, OfTask>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Its current memory, including its own structures. */
  get bytes(): number {
    return this.#bytes;
  }

  get(ref: PayloadRef): Uint8Array | undefined {
    return this.#tasks.get(formatTaskId(ref))?.payloads.get(keyOf(ref));
  }

  put(ref: PayloadRef, bytes: Uint8Array): void {
    const name = formatTaskId(ref);
    const task = this.#tasks.get(name) ?? { payloads: new Map(), bytes: 0 };
    const key = keyOf(ref);
    if (task.payloads.has(key)) return;
    task.payloads.set(key, Buffer.from(bytes));
    const size = bytes.byteLength + ENTRY_BYTES;
    task.bytes += size;
    this.#bytes += size;
    this.#tasks.set(name, task);
    for (const oldest of this.#tasks.keys()) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#drop(oldest);
    }
  }

  /** The task has ended: only an iteration on it may still ask for its outputs, and reads them from the store. */
  forget(task: TaskId): void {
    this.#drop(formatTaskId(task));
  }

  #drop(name: string): void {
    this.#bytes -= this.#tasks.get(name)?.bytes ?? 0;
    this.#tasks.delete(name);
  }
}

function keyOf(ref: PayloadRef): string {
  return `${ref.owner}/${ref.seq}`;
}
