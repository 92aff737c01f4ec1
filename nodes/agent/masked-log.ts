/**
 * The streams of a command without its secrets.
 *
 * A piece is read with so much around it that a secret which crosses its ends is seen as a whole. At the end of what has been written so
 * far, the beginning of a secret waits for its rest.
 */
import type { RunTask } from 'tutti/sdk';
import type { Engine, LogStream, Range } from './engine.js';

export class MaskedLog implements Pick<Engine, 'readLog'> {
  readonly #engine: Pick<Engine, 'readLog'>;
  readonly #mask: RunTask['mask'];
  /** The command has ended: it writes nothing more. */
  isComplete = false;

  constructor(engine: Pick<Engine, 'readLog'>, mask: RunTask['mask']) {
    this.#engine = engine;
    this.#mask = mask;
  }

  async readLog(key: string, stream: LogStream, range: Range): Promise<Uint8Array | undefined> {
    const { longest } = this.#mask;
    if (longest === 0) return this.#engine.readLog(key, stream, range);
    const { offset = 0, maxBytes } = range;
    const margin = longest - 1;
    const from = Math.max(0, offset - margin);
    const before = offset - from;
    const wanted = before + maxBytes + margin;
    const plain = await this.#engine.readLog(key, stream, { offset: from, maxBytes: wanted });
    if (plain === undefined) return undefined;
    const isOpen = plain.byteLength < wanted && !this.isComplete;
    const known = isOpen ? plain.byteLength - this.#mask.openEnd(plain) : plain.byteLength;
    const end = Math.min(known, before + maxBytes);
    return this.#mask.bytes(plain).subarray(before, Math.max(before, end));
  }
}
