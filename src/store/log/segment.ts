/**
 * A segment of the log: a file of a fixed size, filled with zeros before its first use, with a header and then records.
 *
 * S1. A file is called a segment only once its header is durable, so every segment has a valid one.
 * S2. The header's nonce is random for each use: what an earlier use left behind it does not pass as records (R1).
 * S3. Records are written one after the other, each durable before the next begins. So behind the first one that is not whole there is none
 *     that is: it is the torn end, and is cut. If there is one, here or in a later segment, the middle is damaged, which is
 *     an error that names the file and the offset.
 */
import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { TuttiError } from '../../base/errors.js';
import { RESTORE_HINT } from '../identity.js';
import { decodeRecord, type LogRecord, RECORD_MAGIC, wholeRecordAt } from './record.js';

const MAGIC = Buffer.from('TUTTILOG');
const FORMAT_VERSION = 1;
const USED_HEADER_BYTES = 48;
const NONCE_AT = 32;
/** Where records begin: on a page of their own, so that writing them never touches the header. */
export const SEGMENT_HEADER_BYTES = 4096;

export interface SegmentHeader {
  readonly epoch: number;
  readonly number: number;
  /** The checksums of its records begin with it. */
  readonly seed: number;
}

/** S2. The bytes of a new header, and what it says. */
export function makeHeader(epoch: number, number: number): { bytes: Buffer; header: SegmentHeader } {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES);
  MAGIC.copy(bytes);
  bytes.writeUInt32LE(FORMAT_VERSION, 12);
  bytes.writeBigUInt64LE(BigInt(epoch), 16);
  bytes.writeBigUInt64LE(BigInt(number), 24);
  randomBytes(USED_HEADER_BYTES - NONCE_AT).copy(bytes, NONCE_AT);
  bytes.writeUInt32LE(crc32(bytes.subarray(12, USED_HEADER_BYTES)), 8);
  return { bytes, header: { epoch, number, seed: seedOf(bytes) } };
}

/** S1. @throws `store_damaged`, `store_schema_newer` */
function readHeader(bytes: Buffer, path: string): SegmentHeader {
  const isHeader =
    bytes.length >= SEGMENT_HEADER_BYTES &&
    MAGIC.compare(bytes, 0, MAGIC.length) === 0 &&
    crc32(bytes.subarray(12, USED_HEADER_BYTES)) === bytes.readUInt32LE(8);
  if (!isHeader) throw damagedLog(path, 0, 'the header is not whole');
  const version = bytes.readUInt32LE(12);
  if (version > FORMAT_VERSION)
    throw new TuttiError('store_schema_newer', `${path} is a log of format ${version}`, {
      hint: 'Start the version of Tutti that wrote it, or a newer one.',
    });
  return {
    epoch: Number(bytes.readBigUInt64LE(16)),
    number: Number(bytes.readBigUInt64LE(24)),
    seed: seedOf(bytes),
  };
}

function seedOf(header: Buffer): number {
  return crc32(header.subarray(NONCE_AT, USED_HEADER_BYTES));
}

export function damagedLog(path: string, offset: number, what: string): TuttiError {
  return new TuttiError('store_damaged', `the log ${path} is damaged at offset ${offset}: ${what}`, {
    hint: RESTORE_HINT,
  });
}

/** A segment as it was found: its whole records from the beginning on. */
export interface Segment {
  readonly path: string;
  readonly header: SegmentHeader;
  readonly records: readonly LogRecord[];
  /** The header and the records. */
  readonly bytes: Buffer;
  /** There is a whole record behind the first one that is not whole. */
  readonly isFollowed: boolean;
}

/**
 * A segment; records up to `after` come without their rows.
 * @throws `store_damaged`: its header; ENOENT where it is gone.
 */
export async function readSegment(path: string, after: number): Promise<Segment> {
  const bytes = await readAll(path);
  const header = readHeader(bytes, path);
  const { epoch, seed } = header;
  const records: LogRecord[] = [];
  let at = SEGMENT_HEADER_BYTES;
  for (let position: number | undefined; ; ) {
    const record = decodeRecord(bytes, at, { position, epoch, seed, after });
    if (record === undefined) break;
    records.push(record);
    at += record.length;
    position = record.position + 1;
  }
  return { path, header, records, bytes: bytes.subarray(0, at), isFollowed: holdsRecord(bytes, at, seed) };
}

/** S3. */
function holdsRecord(bytes: Buffer, from: number, seed: number): boolean {
  for (let at = bytes.indexOf(RECORD_MAGIC, from); at >= 0; at = bytes.indexOf(RECORD_MAGIC, at + 1)) {
    if (wholeRecordAt(bytes, at, seed) !== undefined) return true;
  }
  return false;
}

async function readAll(path: string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const bytes = Buffer.allocUnsafeSlow(size);
    let filled = 0;
    while (filled < size) {
      const { bytesRead } = await file.read(bytes, filled, size - filled, filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return bytes.subarray(0, filled);
  } finally {
    await file.close();
  }
}
