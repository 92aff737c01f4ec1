/**
 * Payloads of late, by where they are stored: the newest ones, up to a bound in bytes.
 *
 * They are copies: what comes in is a view of a received frame, and keeping the view would keep the whole frame's memory.
 */
import type { PayloadRef } from '../model/task.js';

/** What an entry takes besides its bytes: keys, headers, the map's own. */
const ENTRY_BYTES = 500;

export class PayloadCache {
  readonly #maxBytes: number;
  readonly #entries = new Map<string, Uint8Array>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get(ref: PayloadRef): Uint8Array | undefined {
    return this.#entries.get(keyOf(ref));
  }

  put(ref: PayloadRef, bytes: Uint8Array): void {
    const key = keyOf(ref);
    if (this.#entries.has(key)) return;
    this.#entries.set(key, new Uint8Array(bytes));
    this.#bytes += bytes.byteLength + ENTRY_BYTES;
    for (const [oldest, old] of this.#entries) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#entries.delete(oldest);
      this.#bytes -= old.byteLength + ENTRY_BYTES;
    }
  }
}

function keyOf(ref: PayloadRef): string {
  // What no execution published is called alike in every task.
  return ref.seq === 0 ? `${ref.problemId}/${ref.iterationId}/${ref.owner}` : `${ref.owner}/${ref.seq}`;
}
