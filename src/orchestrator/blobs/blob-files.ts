/** Blobs as files: `<dir>/<first two digits>/<sha256>`, private, and the answers to failures of their disk. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { messageOf, TuttiError } from '../../base/errors.js';
import { DISK_FAILED, unavailableBy } from '../../base/io-errors.js';
import { sha256Of } from '../../base/sha256.js';
import type { BlobRef } from '../../model/payload.js';
import type { Refusal } from '../port.js';

export function blobPath(dir: string, sha256: string): string {
  return join(dir, sha256.slice(0, 2), sha256);
}

/** Of an upload, so much is written at once; twice as much is held. */
const PIECE_BYTES = 256 * 1024;
const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;

/** More than a blob may have. */
export class TooLarge extends Error {}
/** The disk's failure, as the system names it; not the upload's. */
export class DiskFault extends Error {
  readonly code: string;

  constructor(cause: unknown) {
    super(messageOf(cause), { cause });
    this.code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
  }
}

export async function onDisk<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (thrown) {
    throw new DiskFault(thrown);
  }
}

/** The folder of a blob; that of all of them is made again where it was removed, the data directory is not. */
export async function makeFolders(dir: string, sha256: string): Promise<void> {
  for (const folder of [dir, join(dir, sha256.slice(0, 2))]) {
    await onDisk(
      mkdir(folder, { mode: PRIVATE_FOLDER }).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      }),
    );
  }
}

export interface Received {
  readonly sha256: string;
  readonly size: number;
}

/** The hash and size of a content that is not kept. Throws `TooLarge`. */
export async function hashOf(content: Readable, maxBytes: number): Promise<Received> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of content as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size > maxBytes) throw new TooLarge();
    hash.update(chunk);
  }
  return { sha256: hash.digest('hex'), size };
}

/** Whether the file of a blob is there, with as many bytes. */
export async function hasBlobFile(dir: string, { sha256, size }: BlobRef): Promise<boolean> {
  const file = await stat(blobPath(dir, sha256)).catch(() => undefined);
  return file?.size === size;
}

/** All of a blob's file; nothing where that is gone or has other content. */
export async function readBlobFile(dir: string, { sha256, size }: BlobRef): Promise<Buffer | undefined> {
  const bytes = await readFile(blobPath(dir, sha256)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'EIO') return undefined;
    throw error;
  });
  return bytes?.byteLength === size && sha256Of(bytes) === sha256 ? bytes : undefined;
}

/** Of a whole file. */
export async function hashOfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** Writes one piece while the next one comes; the file is synced when this resolves. Throws `TooLarge`, `DiskFault`, and the content's own error. */
export async function receiveInto(path: string, content: Readable, maxBytes: number): Promise<Received> {
  const hash = createHash('sha256');
  const file = await onDisk(open(path, 'wx', PRIVATE_FILE));
  let size = 0;
  let piece: Buffer[] = [];
  let pieceBytes = 0;
  let written: Promise<void> = Promise.resolve();
  const writePiece = async (): Promise<void> => {
    await written;
    written = onDisk(file.appendFile(Buffer.concat(piece)));
    // Its failure is seen when it is awaited: before the next piece, or at the end.
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
    await onDisk(file.datasync());
  } finally {
    await written.catch(() => {});
    await file.close();
  }
  return { sha256: hash.digest('hex'), size };
}

/**
 * A part of a blob's file, or all of it. The whole is hashed on the way, and its end is held back until the hash is known: a reader never
 * gets other bytes as complete. Fails with `blob_damaged`.
 */
export function readFrom(
  file: FileHandle,
  { sha256, size }: Received,
  range: { readonly start: number; readonly end: number } | undefined,
): Readable {
  const expected = range === undefined ? size : range.end - range.start + 1;
  const hash = range === undefined ? createHash('sha256') : undefined;
  async function* pieces(): AsyncGenerator<Buffer> {
    let held: Buffer | undefined;
    let read = 0;
    for await (const piece of file.createReadStream({ ...range, autoClose: false })) {
      if (held !== undefined) yield held;
      held = piece as Buffer;
      read += held.byteLength;
      hash?.update(held);
    }
    if (read !== expected || (hash !== undefined && hash.digest('hex') !== sha256))
      throw new TuttiError('blob_damaged', `the file of blob ${sha256} has other content`);
    if (held !== undefined) yield held;
  }
  const content = Readable.from(pieces(), { objectMode: false });
  content.once('close', () => void file.close().catch(() => {}));
  return content;
}

/** The message for a client, without the server's paths. */
export function diskRefusal(fault: DiskFault): Refusal {
  return { ok: false, kind: 'unavailable', ...(unavailableBy(fault) ?? DISK_FAILED) };
}
