/**
 * Blobs on the disk, by their content: `<dir>/<first two digits>/<sha256>`.
 *
 * 1. A blob appears under its name only whole, verified and synced.
 * 2. It counts as there once the loop has committed its row, which leases it.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { IdSource } from '../base/ids.js';
import { unavailableBy } from '../base/io-errors.js';
import type { BlobRef } from '../model/payload.js';
import type { Reader } from '../store/store.js';
import { syncPath } from '../store/sync.js';
import type { Answer, Blobs, Refusal } from './port.js';
import { type BlobRow, decodeRow } from './records.js';

export interface BlobsDeps {
  readonly dir: string;
  /** A larger one is refused. */
  readonly maxBytes: number;
  readonly ids: IdSource;
  readonly store: Pick<Reader, 'get'>;
  /** Commits the blob's row. */
  readonly commit: (blob: BlobRef) => Promise<Answer>;
}

class TooLarge extends Error {}

/** Of an upload, so much is written at once; twice as much is held. */
const PIECE_BYTES = 256 * 1024;

/** How the file of an upload ends that is not whole yet. */
const UNFINISHED = '.part';

const SHA256 = /^[0-9a-f]{64}$/;

/** What only the house does with blobs. */
export interface CollectableBlobs extends Blobs {
  /** Removes what uploads to a process before this one have left: nobody goes on with them. Before the first upload. */
  tidy(): Promise<void>;
  /** Removes a blob whose row `commit` takes away; where it does not, nothing happens. */
  collect(sha256: string, commit: () => Promise<boolean>): Promise<void>;
}

export function createBlobs({ dir, maxBytes, ids, store, commit }: BlobsDeps): CollectableBlobs {
  /** Of each blob, the last that was begun with it: its file and its row change together. */
  const turns = new Map<string, Promise<unknown>>();

  async function exclusively<T>(sha256: string, work: () => Promise<T>): Promise<T> {
    const turn = (turns.get(sha256) ?? Promise.resolve()).then(work);
    const settled = turn.catch(() => {});
    turns.set(sha256, settled);
    try {
      return await turn;
    } finally {
      if (turns.get(sha256) === settled) turns.delete(sha256);
    }
  }

  const pathOf = (sha256: string): string => join(dir, sha256.slice(0, 2), sha256);

  /** Writes one piece while the next one comes; the file is synced when this resolves. */
  async function write(content: Readable, path: string): Promise<{ actual: string; size: number }> {
    const hash = createHash('sha256');
    const file = await open(path, 'wx');
    let size = 0;
    let piece: Buffer[] = [];
    let pieceBytes = 0;
    let written: Promise<void> = Promise.resolve();
    const writePiece = async (): Promise<void> => {
      await written;
      written = file.appendFile(Buffer.concat(piece));
      // Heard of when it is awaited: before the next piece, or at the end.
      written.catch(() => {});
      piece = [];
      pieceBytes = 0;
    };
    try {
      for await (const chunk of content as AsyncIterable<Buffer>) {
        size += chunk.byteLength;
        if (size > maxBytes) throw new TooLarge();
        hash.update(chunk);
        piece.push(chunk);
        pieceBytes += chunk.byteLength;
        if (pieceBytes >= PIECE_BYTES) await writePiece();
      }
      await writePiece();
      await written;
      await file.datasync();
    } finally {
      await written.catch(() => {});
      await file.close();
    }
    return { actual: hash.digest('hex'), size };
  }

  /** The content in a file of its own, whole, verified and synced; the caller removes it. */
  async function receive(sha256: string, content: Readable, temporary: string): Promise<BlobRef | Refusal> {
    try {
      await mkdir(join(dir, sha256.slice(0, 2)), { recursive: true });
      const { actual, size } = await write(content, temporary);
      if (actual !== sha256) {
        const message = `the content's SHA-256 is ${actual}, not ${sha256}`;
        return { ok: false, kind: 'invalid', code: 'bad_digest', message };
      }
      return { sha256, size };
    } catch (thrown) {
      if (thrown instanceof TooLarge) {
        return {
          ok: false,
          kind: 'too_large',
          code: 'too_large',
          message: `a blob has at most ${maxBytes} bytes`,
        };
      }
      const unavailable = unavailableBy(thrown);
      if (unavailable) return { ok: false, kind: 'unavailable', ...unavailable };
      return {
        ok: false,
        kind: 'malformed',
        code: 'upload_broken',
        message: 'the upload broke off before it was whole',
      };
    }
  }

  /** Under its name, and leased. Uploads of what is there already come without a file. */
  async function keep(sha256: string, temporary: string | undefined): ReturnType<Blobs['put']> {
    const there = await stat(pathOf(sha256)).catch(() => undefined);
    if (!there) {
      if (temporary === undefined) {
        const message = `blob ${sha256} has been removed at this moment`;
        return { ok: false, kind: 'unavailable', code: 'blob_removed', message, retryAfter: 1 };
      }
      await rename(temporary, pathOf(sha256));
      await syncPath(join(dir, sha256.slice(0, 2)));
    }
    const { size } = there ?? (await stat(pathOf(sha256)));
    const answer = await commit({ sha256, size });
    return answer.ok ? { ok: true, blob: { sha256, size }, existed: there !== undefined } : answer;
  }

  return {
    async put(sha256, content) {
      if (!SHA256.test(sha256)) {
        const message = `${JSON.stringify(sha256)} is not a SHA-256 in lower-case hex`;
        const details = [
          { path: 'sha256', code: 'bad_sha256', message: '64 hexadecimal digits, lower case' },
        ];
        return { ok: false, kind: 'malformed', code: 'bad_sha256', message, details };
      }
      // An upload may break off while nobody reads it; whoever reads it then finds it ended.
      content.on('error', () => {});
      const temporary = join(dir, `${ids.uuid()}${UNFINISHED}`);
      try {
        const known = await stat(pathOf(sha256)).catch(() => undefined);
        if (known) content.resume();
        const received = known ? undefined : await receive(sha256, content, temporary);
        if (received && 'ok' in received) return received;
        return await exclusively(sha256, () => keep(sha256, received && temporary));
      } finally {
        await rm(temporary, { force: true });
      }
    },

    async tidy() {
      for (const name of await readdir(dir).catch(() => []))
        if (name.endsWith(UNFINISHED)) await rm(join(dir, name), { force: true });
    },

    collect: (sha256, take) =>
      exclusively(sha256, async () => {
        if (await take()) await rm(pathOf(sha256), { force: true });
      }),

    async stat(sha256) {
      const bytes = SHA256.test(sha256) ? await store.get('blobs', [sha256]) : undefined;
      return bytes && { sha256, size: decodeRow<BlobRow>(bytes).size };
    },

    read: (sha256, range) => createReadStream(pathOf(sha256), range),
  };
}
