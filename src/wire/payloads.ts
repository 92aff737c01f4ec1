/** A payload on the wire: the bytes, or the reference to a blob. */
import { SHA256 } from '../base/sha256.js';
import type { BlobRef } from '../model/payload.js';
import { invalid, uint } from './fields.js';
import type { tutti } from './generated/tutti.js';

export function readBlob(field: string, blob: tutti.v1.BlobRef.$Properties): BlobRef {
  const sha256 = blob.sha256 ?? '';
  if (!SHA256.test(sha256)) invalid(`${field}.sha256`, sha256, '64 lower-case hexadecimal digits');
  return { sha256, size: uint(`${field}.size`, blob.size) };
}

/** A blob with the address that it is fetched from. */
export function writeFetched({
  blob,
  url,
}: {
  readonly blob: BlobRef;
  readonly url: string;
}): tutti.v1.BlobRef.$Properties {
  return { sha256: blob.sha256, size: blob.size, url };
}
