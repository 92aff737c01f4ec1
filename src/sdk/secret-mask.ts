/**
 * Secrets in what a command writes: each becomes as many asterisks as it has bytes, so that everything else stays where it is.
 *
 * M1. What is masked of a secret is each of its lines of four bytes or more: shorter ones would hide too much else.
 * M2. A secret is masked as it is. One that the command has encoded, or written with something between its letters, is not recognised.
 */
/** M1. */
const MIN_BYTES = 4;
const ASTERISK = 0x2a;

export class SecretMask {
  readonly #needles: readonly Buffer[];
  /** The most bytes that one secret has. */
  readonly longest: number;

  constructor(values: Iterable<string>) {
    const lines = [...values].flatMap((value) => value.split(/\r?\n/)).map((line) => Buffer.from(line));
    this.#needles = lines.filter((line) => line.byteLength >= MIN_BYTES);
    this.longest = Math.max(0, ...this.#needles.map((needle) => needle.byteLength));
  }

  /** M2. A copy in which nothing of a secret is left that lies in it as a whole. */
  bytes(piece: Uint8Array): Uint8Array {
    if (this.longest === 0) return piece;
    const plain = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    const masked = Buffer.from(plain);
    for (const needle of this.#needles) {
      for (let at = plain.indexOf(needle); at >= 0; at = plain.indexOf(needle, at + 1))
        masked.fill(ASTERISK, at, at + needle.byteLength);
    }
    return masked;
  }

  text(text: string): string {
    return this.longest === 0 ? text : Buffer.from(this.bytes(Buffer.from(text))).toString();
  }

  /** How many bytes at the end of a piece may be the beginning of a secret whose rest is still to come. */
  openEnd(piece: Uint8Array): number {
    const plain = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    for (let length = Math.min(this.longest - 1, plain.byteLength); length > 0; length -= 1) {
      const end = plain.subarray(plain.byteLength - length);
      if (
        this.#needles.some((needle) => needle.byteLength > length && needle.subarray(0, length).equals(end))
      )
        return length;
    }
    return 0;
  }
}
