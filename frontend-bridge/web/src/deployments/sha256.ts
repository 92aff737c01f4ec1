/**
 * The SHA-256 of bytes (FIPS 180-4), in lower-case hexadecimal. A browser has its own only where the page is served securely, and the page
 * is also used over plain HTTP within a network.
 */

/** The first 32 bits of the fractional parts of the roots of the first primes: of cube roots for `K`, of square roots for `START`. */
const PRIMES = primes(64);
const K = Uint32Array.from(PRIMES, (prime) => fraction(Math.cbrt(prime)));
const START = Uint32Array.from(PRIMES.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));
/** Bytes. */
const BLOCK = 64;

export function sha256Of(content: Uint8Array): string {
  const hash = Uint32Array.from(START);
  const schedule = new Uint32Array(64);
  const padded = pad(content);
  const words = new DataView(padded.buffer);
  for (let at = 0; at < padded.length; at += BLOCK) {
    for (let t = 0; t < 16; t += 1) schedule[t] = words.getUint32(at + 4 * t);
    for (let t = 16; t < 64; t += 1) {
      const [a, b] = [schedule[t - 15]!, schedule[t - 2]!];
      const first = turn(a, 7) ^ turn(a, 18) ^ (a >>> 3);
      const second = turn(b, 17) ^ turn(b, 19) ^ (b >>> 10);
      schedule[t] = schedule[t - 16]! + first + schedule[t - 7]! + second;
    }
    compress(hash, schedule);
  }
  return Array.from(hash, (word) => word.toString(16).padStart(8, '0')).join('');
}

function compress(hash: Uint32Array, schedule: Uint32Array): void {
  let [a, b, c, d, e, f, g, h] = hash as unknown as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  for (let t = 0; t < 64; t += 1) {
    const choice = (e & f) ^ (~e & g);
    const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + choice + K[t]! + schedule[t]!) | 0;
    const majority = (a & b) ^ (a & c) ^ (b & c);
    const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + majority) | 0;
    [a, b, c, d, e, f, g, h] = [(one + two) | 0, a, b, c, (d + one) | 0, e, f, g];
  }
  for (const [index, word] of [a, b, c, d, e, f, g, h].entries()) hash[index]! += word;
}

/** A bit of one, zeros, and the length in bits, to whole blocks. */
function pad(content: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.ceil((content.length + 9) / BLOCK) * BLOCK);
  padded.set(content);
  padded[content.length] = 0x80;
  new DataView(padded.buffer).setBigUint64(padded.length - 8, BigInt(content.length) * 8n);
  return padded;
}

function turn(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}

function fraction(root: number): number {
  return ((root - Math.floor(root)) * 2 ** 32) >>> 0;
}

function primes(count: number): readonly number[] {
  const found: number[] = [];
  for (let candidate = 2; found.length < count; candidate += 1)
    if (found.every((prime) => candidate % prime !== 0)) found.push(candidate);
  return found;
}
