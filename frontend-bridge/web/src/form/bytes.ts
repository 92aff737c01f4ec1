/** Base64 as the API has it, and the bytes and texts that it stands for. */

/** Larger inputs of one field do not fit a request. */
export const BYTES_LIMIT: number = 6 * 1024 * 1024;

export function toBase64(bytes: Uint8Array): string {
  let binary = '';
  // `fromCharCode` takes its bytes as arguments, of which there may not be too many.
  for (let start = 0; start < bytes.length; start += 0x8000)
    binary += String.fromCharCode(...bytes.subarray(start, start + 0x8000));
  return btoa(binary);
}

/** Nothing when it is not base64. */
export function fromBase64(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) =>
      char.charCodeAt(0),
    );
  } catch {
    return undefined;
  }
}

/** The text that bytes are, where they are one that people can read. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what makes it no text.
    return /[\u0000-\u0008\u000e-\u001f]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}
