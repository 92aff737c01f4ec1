/** Z85 (https://rfc.zeromq.org/spec/32/): 32 bytes of a key as 40 printable characters, as ZeroMQ shows and takes keys. */
const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';
const VALUES = new Map([...ALPHABET].map((character, value) => [character, value]));
const KEY_CHARACTERS = 40;

/** `bytes`: a multiple of four. */
export function toZ85(bytes: Uint8Array): string {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let text = '';
  for (let at = 0; at < view.length; at += 4) {
    const value = view.readUInt32BE(at);
    for (let divisor = 85 ** 4; divisor >= 1; divisor /= 85)
      text += ALPHABET[Math.floor(value / divisor) % 85];
  }
  return text;
}

/** The 32 bytes of a key, or nothing if it is not one. */
export function keyFromZ85(text: string): Buffer | undefined {
  if (text.length !== KEY_CHARACTERS) return undefined;
  const bytes = Buffer.alloc(32);
  for (let at = 0; at < KEY_CHARACTERS; at += 5) {
    let value = 0;
    for (const character of text.slice(at, at + 5)) {
      const digit = VALUES.get(character);
      if (digit === undefined) return undefined;
      value = value * 85 + digit;
    }
    if (value > 0xffff_ffff) return undefined;
    bytes.writeUInt32BE(value, (at / 5) * 4);
  }
  return bytes;
}
