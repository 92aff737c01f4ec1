/**
 * Blobs on the disk, by their content.
 *
 * 1. A blob appears under its name only whole, verified and synced.
 * 2. It counts as there once the loop has committed its row, which leases it.
 * 3. A file that is there is not trusted. An upload of the same blob hashes it, and replaces it where it is damaged; a small one is
 *    hashed before it is served, a large one while it is, and then its end stays back until its hash is known. A range of a large
 *    one is compared by its size only: who asks for ranges puts them together and hashes the whole.
 */

import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import type { IdSource } from '../../base/ids.js';
import { SHA256, sha256Of } from '../../base/sha256.js';
import type { BlobRef } from '../../model/payload.js';
import type { Reader } from '../../store/store.js';
import { syncPath } from '../../store/sync.js';
import type { BlobFiles } from '../core/blob-files.js';
import type { Answer, Blobs, OpenBlob, Refusal } from '../port.js';
import { refusal } from '../refusal.js';
import * as tables from '../tables/tables.js';
import {
  blobPath,
  DiskFault,
  diskRefusal,
  hasBlobFile,
  hashOf,
  hashOfFile,
  makeFolders,
  onDisk,
  type Received,
  readBlobFile,
  readFrom,
  receiveInto,
  TooLarge,
} from './blob-files.js';

export interface BlobsDeps {
  readonly dir: string;
  /** A larger one is refused. */
  readonly maxBytes: number;
  readonly ids: IdSource;
  readonly store: Pick<Reader, 'get'>;
  /** Commits the blob's row, as uploaded by somebody of a project, or by somebody of none. */
  readonly commit: (blob: BlobRef, project: string | undefined) => Promise<Answer>;
  /** A file was found to hold something else than its blob, or to be gone. */
  readonly onDamaged?: (sha256: string) => void;
}

/** How the file of an upload ends that is not whole yet. */
const UNFINISHED = '.part';

/** So large a blob is hashed before it is served: reading it takes some milliseconds, and its refusal can still be said. */
const SMALL_BYTES = 1024 * 1024;

/** The orchestrator's own operations on blobs. */
export interface CollectableBlobs extends Blobs, BlobFiles {
  /** As `put`, by somebody of a project. */
  putBy(project: string, sha256: string, content: Readable): ReturnType<Blobs['put']>;
  /** Removes what uploads to a process before this one have left: nobody goes on with them. Before the first upload. */
  tidy(): Promise<void>;
  /** Removes a blob whose row `take` takes away; where it does not, or somebody uploads the blob just now, nothing happens. */
  collect(sha256: string, take: () => Promise<boolean>): Promise<void>;
}

export function createBlobs(deps: BlobsDeps): CollectableBlobs {
  const { dir } = deps;
  const uploads = new Uploads(deps);
  return {
    put: (sha256, content) => uploads.put(sha256, content),
    putBy: (project, sha256, content) => uploads.put(sha256, content, project),

    async tidy() {
      for (const name of await readdir(dir).catch(() => []))
        if (name.endsWith(UNFINISHED)) await rm(join(dir, name), { force: true });
    },

    async collect(sha256, take) {
      // An upload may wait for room on the disk, which only the collection can make.
      if (uploads.isUnderWay(sha256)) return;
      await uploads.exclusively(sha256, async () => {
        if (await take()) await rm(blobPath(dir, sha256), { force: true });
      });
    },

    open: (sha256) => openBlob(deps, sha256),

    has: (blob) => hasBlobFile(dir, blob),
    read: (blob) => readBlobFile(dir, blob),
    keep: (bytes) => uploads.keepOwn(bytes),
  };
}

/** Nobody has it, or the caller may not know of it. */
export function noSuchBlob(sha256: string): Refusal {
  return refusal('not_found', 'not_found', `no blob ${sha256} is stored`);
}

async function openBlob(deps: BlobsDeps, sha256: string): Promise<OpenBlob | Refusal> {
  const { dir, store, onDamaged } = deps;
  const bytes = SHA256.test(sha256) ? await store.get('blobs', [sha256]) : undefined;
  if (bytes === undefined) return noSuchBlob(sha256);
  const { size } = tables.blobs.decode(bytes);
  const path = blobPath(dir, sha256);
  try {
    const file = await open(path, 'r');
    try {
      const found = await file.stat();
      const isWhole = found.size === size && (size > SMALL_BYTES || (await hashOfFile(path)) === sha256);
      if (isWhole)
        return { size, read: (range) => readFrom(file, { sha256, size }, range), close: () => file.close() };
    } catch (thrown) {
      await file.close();
      throw thrown;
    }
    await file.close();
  } catch (thrown) {
    const fault = new DiskFault(thrown);
    if (fault.code !== 'ENOENT') return diskRefusal(fault);
  }
  onDamaged?.(sha256);
  return refusal('unavailable', 'blob_damaged', `the file of blob ${sha256} is gone or has other content`, {
    hint: 'Upload the content again: it takes the place of the damaged file.',
  });
}

class Uploads {
  readonly #deps: BlobsDeps;
  /** Of each blob, the last that was begun with it: its file and its row change together. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(deps: BlobsDeps) {
    this.#deps = deps;
  }

  /** Whether a blob's file and its row are being changed. */
  isUnderWay(sha256: string): boolean {
    return this.#turns.has(sha256);
  }

  async exclusively<T>(sha256: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(sha256) ?? Promise.resolve()).then(work);
    const settled = turn.catch(() => {});
    this.#turns.set(sha256, settled);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(sha256) === settled) this.#turns.delete(sha256);
    }
  }

  async put(sha256: string, content: Readable, project?: string): ReturnType<Blobs['put']> {
    if (!SHA256.test(sha256)) {
      const message = `${JSON.stringify(sha256)} is not a SHA-256 in lower-case hex`;
      const details = [{ path: 'sha256', code: 'bad_sha256', message: '64 hexadecimal digits, lower case' }];
      return refusal('malformed', 'bad_sha256', message, { details });
    }
    // An upload may break off while it is not being read; the next read then finds it ended.
    content.on('error', () => {});
    const temporary = join(this.#deps.dir, `${this.#deps.ids.uuid()}${UNFINISHED}`);
    try {
      const isThere = await this.#isWhole(sha256);
      const received = await this.#receive(sha256, content, isThere ? undefined : temporary);
      if (received.sha256 !== sha256) {
        const message = `the content's SHA-256 is ${received.sha256}, not ${sha256}`;
        return refusal('invalid', 'bad_digest', message);
      }
      return await this.exclusively(sha256, () =>
        this.#keep(received, isThere ? undefined : temporary, project),
      );
    } catch (thrown) {
      return this.#refusalOf(thrown);
    } finally {
      await rm(temporary, { force: true }).catch(() => {});
    }
  }

  /** What the orchestrator itself has put together. It waits for nobody, since who changes a blob may wait for it. */
  async keepOwn(bytes: Uint8Array): ReturnType<BlobFiles['keep']> {
    const blob = { sha256: sha256Of(bytes), size: bytes.byteLength };
    if (this.isUnderWay(blob.sha256)) return 'busy';
    const temporary = join(this.#deps.dir, `${this.#deps.ids.uuid()}${UNFINISHED}`);
    try {
      return await this.exclusively(blob.sha256, async () => {
        if (await this.#isWhole(blob.sha256)) return blob;
        await makeFolders(this.#deps.dir, blob.sha256);
        await receiveInto(temporary, Readable.from([bytes]), bytes.byteLength);
        await this.#name(temporary, blob.sha256);
        return blob;
      });
    } catch (thrown) {
      if (thrown instanceof DiskFault) return 'no room';
      throw thrown;
    } finally {
      await rm(temporary, { force: true }).catch(() => {});
    }
  }

  async #name(temporary: string, sha256: string): Promise<void> {
    const path = blobPath(this.#deps.dir, sha256);
    await onDisk(rename(temporary, path));
    await onDisk(syncPath(dirname(path)));
  }

  /** Whether the file that is there is this blob; a damaged one is to be replaced. */
  async #isWhole(sha256: string): Promise<boolean> {
    const path = blobPath(this.#deps.dir, sha256);
    const found = await onDisk(
      hashOfFile(path).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined;
        // An unreadable file is replaced as well, where that is possible.
        if (error.code === 'EIO' || error.code === 'EISDIR') return 'unreadable';
        throw error;
      }),
    );
    if (found !== undefined && found !== sha256) this.#deps.onDamaged?.(sha256);
    return found === sha256;
  }

  async #receive(sha256: string, content: Readable, temporary: string | undefined): Promise<Received> {
    if (temporary === undefined) return await hashOf(content, this.#deps.maxBytes);
    await makeFolders(this.#deps.dir, sha256);
    return await receiveInto(temporary, content, this.#deps.maxBytes);
  }

  /** Under its name, and leased. Uploads of stored blobs come without a file. */
  async #keep(
    { sha256, size }: Received,
    temporary: string | undefined,
    project: string | undefined,
  ): ReturnType<Blobs['put']> {
    const path = blobPath(this.#deps.dir, sha256);
    if (temporary !== undefined) {
      await this.#name(temporary, sha256);
    } else if (!(await onDisk(stat(path).catch(() => undefined)))) {
      const message = `blob ${sha256} was removed just now`;
      return refusal('unavailable', 'blob_removed', message, { retryAfter: 1 });
    }
    const answer = await this.#deps.commit({ sha256, size }, project);
    return answer.ok ? { ok: true, blob: { sha256, size }, existed: temporary === undefined } : answer;
  }

  #refusalOf(thrown: unknown): Refusal {
    if (thrown instanceof DiskFault) return diskRefusal(thrown);
    if (thrown instanceof TooLarge) {
      const message = `a blob has at most ${this.#deps.maxBytes} bytes`;
      return refusal('too_large', 'too_large', message);
    }
    return refusal('malformed', 'upload_broken', 'the upload broke off');
  }
}
