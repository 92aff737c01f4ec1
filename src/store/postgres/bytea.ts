/** Bytes as PostgreSQL takes them. */

const BYTEA = 17;
const ARRAY_HEADER_BYTES = 20;

/** A `bytea[]` in PostgreSQL's binary form: as text, each byte would take two characters and an escape. */
export function byteaArray(items: readonly Uint8Array[]): Buffer {
  const size = items.reduce((sum, item) => sum + 4 + item.length, ARRAY_HEADER_BYTES);
  const bytes = Buffer.allocUnsafe(size);
  // Dimensions, whether there are nulls, the type, the length, the first index. An empty array has no dimension.
  bytes.writeInt32BE(items.length === 0 ? 0 : 1, 0);
  bytes.writeInt32BE(0, 4);
  bytes.writeInt32BE(BYTEA, 8);
  if (items.length === 0) return bytes.subarray(0, 12);
  bytes.writeInt32BE(items.length, 12);
  bytes.writeInt32BE(1, 16);
  let at = ARRAY_HEADER_BYTES;
  for (const item of items) {
    at = bytes.writeInt32BE(item.length, at);
    bytes.set(item, at);
    at += item.length;
  }
  return bytes;
}
