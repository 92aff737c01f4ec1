/** Payloads of late, by where they are stored: the newest ones, up to a bound in bytes. */
import type { PayloadRef } from '../model/task.js';

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
    this.#entries.set(key, bytes);
    this.#bytes += bytes.byteLength;
    for (const [oldest, old] of this.#entries) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#entries.delete(oldest);
      this.#bytes -= old.byteLength;
    }
  }
}

function keyOf(ref: PayloadRef): string {
  return ref.owner === 'input' ? `${ref.problemId}/${ref.iterationId}` : `${ref.owner}/${ref.seq}`;
}
