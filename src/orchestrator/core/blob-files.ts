/** The files of blobs, for what is read before a decision. */
import type { BlobRef } from '../../model/payload.js';

export interface BlobFiles {
  has(blob: BlobRef): Promise<boolean>;
  /** All of it; nothing where its file is gone or has other content. */
  read(blob: BlobRef): Promise<Uint8Array | undefined>;
  /** Keeps it as the file of a blob, whose row is to be committed at once. `busy`: that blob is being changed just now. */
  keep(bytes: Uint8Array): Promise<BlobRef | 'busy' | 'no room'>;
}
