/** Files of blobs in memory: those that were kept, and any other as one that is there. */
import { sha256Of } from '../../src/base/sha256.js';
import type { BlobFiles } from '../../src/orchestrator/core/blob-files.js';

export interface MemoryFiles extends BlobFiles {
  has: BlobFiles['has'];
  /** By their hashes. */
  readonly contents: Map<string, Uint8Array>;
}

export function memoryFiles(): MemoryFiles {
  const contents = new Map<string, Uint8Array>();
  return {
    contents,
    has: async () => true,
    read: async ({ sha256 }) => contents.get(sha256),
    async keep(bytes) {
      const blob = { sha256: sha256Of(bytes), size: bytes.byteLength };
      contents.set(blob.sha256, bytes);
      return blob;
    },
  };
}
