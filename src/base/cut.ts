/** Text that is cut to a number of bytes. */

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * `text` where it has at most `maxBytes` bytes as UTF-8; otherwise its beginning and its end, with a mark between them that says how
 * many bytes are missing. Half of a surrogate pair becomes U+FFFD.
 *
 * @example cutMiddle('x'.repeat(100), 60) // 14 times x, '\n… 72 bytes are left out …\n', 14 times x
 */
export function cutMiddle(text: string, maxBytes: number): string {
  const bytes = encoder.encode(text);
  if (bytes.length <= maxBytes) return decoder.decode(bytes);
  const room = Math.max(0, maxBytes - encoder.encode(markOf(bytes.length)).length);
  const head = beginningOf(bytes, Math.ceil(room / 2));
  const tail = endOf(bytes, Math.floor(room / 2));
  const missing = bytes.length - head.length - tail.length;
  return `${decoder.decode(head)}${markOf(missing)}${decoder.decode(tail)}`;
}

/** `text` as valid Unicode: half of a surrogate pair becomes U+FFFD. */
export function wellFormed(text: string): string {
  return decoder.decode(encoder.encode(text));
}

function markOf(missing: number): string {
  return `\n… ${missing} bytes are left out …\n`;
}

/** At most `length` bytes, and no part of a character. */
function beginningOf(bytes: Uint8Array, length: number): Uint8Array {
  let end = length;
  while (end > 0 && isContinuation(bytes[end])) end -= 1;
  return bytes.subarray(0, end);
}

function endOf(bytes: Uint8Array, length: number): Uint8Array {
  let start = bytes.length - length;
  while (start < bytes.length && isContinuation(bytes[start])) start += 1;
  return bytes.subarray(start);
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0b1100_0000) === 0b1000_0000;
}
