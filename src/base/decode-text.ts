/**
 * The text of a file or a pipe, as editors and shells write it: UTF-8 with or without a byte order mark, or UTF-16 with one (Windows
 * PowerShell). Throws `TypeError` for anything else: no byte is replaced by another.
 */
export function decodeText(bytes: Uint8Array): string {
  const encoding = encodingOf(bytes);
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    throw new TypeError(`it is not ${encoding.toUpperCase()} text: save it as UTF-8`);
  }
}

function encodingOf([first, second]: Uint8Array): string {
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  return first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8';
}
