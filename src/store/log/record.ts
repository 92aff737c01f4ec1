/**
 * A record of the log: what one commit did, framed so that a reader knows where it ends, and that it is whole and in its place.
 *
 * R1. The checksum covers everything behind it, and begins with the nonce of the segment's header: a record that an earlier use of
 *     the same file left behind, or one that a payload imitates, never passes.
 * R2. A record carries its position and its epoch. Positions are consecutive; the reader compares both.
 * R3. What a record holds is in sections, each with a kind and a length. A reader skips the kinds that it has no use for.
 * R4. A format version that is newer than `RECORD_VERSION` is refused; older ones stay readable.
 *
 * | bytes | of a record |
 * |---|---|
 * | 4 | `TREC` |
 * | 4 | checksum (CRC-32) |
 * | 4 | length of the whole record |
 * | 2 | format version |
 * | 2 | number of sections |
 * | 8 | position |
 * | 8 | epoch |
 * | 8 + n | each section: kind (2), zero (2), length (4), content |
 */
import { crc32 } from 'node:zlib';
import { TuttiError } from '../../base/errors.js';
import { keySize, writeKey } from '../key.js';
import { TABLES, type Table, type Write } from '../store.js';

export const RECORD_VERSION = 1;
export const RECORD_HEADER_BYTES = 32;
const SECTION_HEADER_BYTES = 8;
export const RECORD_MAGIC: Buffer = Buffer.from('TREC');

/** R3. Kinds of sections. */
const WRITES = 1;

const PUT = 1;
const DELETE = 2;
const NAMES: ReadonlyMap<Table, Buffer> = new Map(TABLES.map((table) => [table, Buffer.from(table)]));
const KNOWN: ReadonlySet<string> = new Set(TABLES);

/** A row as a commit leaves it: a place in the record's bytes. Many wait for the tables, so it holds no views of them. */
export class Row {
  /** The encoded key, one character for each byte: equal and ordered as keys are. */
  readonly id: string;

  constructor(
    readonly table: Table,
    private readonly record: Buffer,
    private readonly keyAt: number,
    private readonly valueAt: number,
    /** Where it is deleted, nothing. */
    private readonly end: number | undefined,
  ) {
    this.id = record.toString('latin1', keyAt, valueAt);
  }

  get key(): Buffer {
    return this.record.subarray(this.keyAt, this.valueAt);
  }

  /** Nothing where it is deleted. */
  get value(): Buffer | undefined {
    return this.end === undefined ? undefined : this.record.subarray(this.valueAt, this.end);
  }

  get isDeleted(): boolean {
    return this.end === undefined;
  }

  get keyBytes(): number {
    return this.valueAt - this.keyAt;
  }

  get valueBytes(): number {
    return (this.end ?? this.valueAt) - this.valueAt;
  }
}

export interface LogRecord {
  readonly position: number;
  readonly epoch: number;
  /** Its bytes in the segment. */
  readonly length: number;
  readonly rows: readonly Row[];
}

/** Where a record stands: what its checksum and its header are compared with. */
export interface Place {
  readonly position: number;
  readonly epoch: number;
  /** CRC-32 of the segment's nonce. */
  readonly seed: number;
}

/**
 * A record that has no place yet, see `seal`.
 * @throws `bad_key` for the first write that has no valid key.
 */
export function encodeRecord(writes: readonly Write[]): EncodedRecord {
  let size = 0;
  const keySizes = new Array<number>(writes.length);
  for (let i = 0; i < writes.length; i += 1) {
    const write = writes[i]!;
    const bytes = keySize(write.key);
    keySizes[i] = bytes;
    size += 8 + NAMES.get(write.table)!.length + bytes + (write.op === 'put' ? write.value.length : 0);
  }
  const length = RECORD_HEADER_BYTES + SECTION_HEADER_BYTES + size;
  const bytes = Buffer.allocUnsafe(length);
  RECORD_MAGIC.copy(bytes);
  bytes.writeUInt32LE(length, 8);
  bytes.writeUInt16LE(RECORD_VERSION, 12);
  bytes.writeUInt16LE(1, 14);
  bytes.writeUInt32LE(WRITES, RECORD_HEADER_BYTES);
  bytes.writeUInt32LE(size, RECORD_HEADER_BYTES + 4);
  const rows = new Array<Row>(writes.length);
  let at = RECORD_HEADER_BYTES + SECTION_HEADER_BYTES;
  for (let i = 0; i < writes.length; i += 1) {
    const write = writes[i]!;
    const name = NAMES.get(write.table)!;
    const keyBytes = keySizes[i]!;
    bytes[at] = write.op === 'put' ? PUT : DELETE;
    bytes[at + 1] = name.length;
    bytes.writeUInt16LE(keyBytes, at + 2);
    bytes.writeUInt32LE(write.op === 'put' ? write.value.length : 0, at + 4);
    at += 8 + name.copy(bytes, at + 8);
    writeKey(write.key, bytes, at);
    const valueAt = at + keyBytes;
    let end: number | undefined;
    if (write.op === 'put') {
      bytes.set(write.value, valueAt);
      end = valueAt + write.value.length;
    }
    rows[i] = new Row(write.table, bytes, at, valueAt, end);
    at = end ?? valueAt;
  }
  return { bytes, rows };
}

export interface EncodedRecord {
  readonly bytes: Buffer;
  readonly rows: readonly Row[];
}

/** Gives a record its place. */
export function seal(bytes: Buffer, { position, epoch, seed }: Place): void {
  bytes.writeBigUInt64LE(BigInt(position), 16);
  bytes.writeBigUInt64LE(BigInt(epoch), 24);
  bytes.writeUInt32LE(crc32(bytes.subarray(8), seed), 4);
}

/** The identity of an encoded key: equal and ordered as the bytes are. */
export function idOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}

/**
 * R1. The length of the record that stands whole at `at`, whatever its position; `undefined` where none does.
 */
export function wholeRecordAt(bytes: Buffer, at: number, seed: number): number | undefined {
  if (at + RECORD_HEADER_BYTES > bytes.length) return undefined;
  if (RECORD_MAGIC.compare(bytes, at, at + 4) !== 0) return undefined;
  const length = bytes.readUInt32LE(at + 8);
  if (length < RECORD_HEADER_BYTES || at + length > bytes.length) return undefined;
  return crc32(bytes.subarray(at + 8, at + length), seed) === bytes.readUInt32LE(at + 4) ? length : undefined;
}

/** R2. */
export interface Expected {
  readonly epoch: number;
  readonly seed: number;
  /** Nothing for the first record of a segment, which may have any. */
  readonly position: number | undefined;
  /** Up to this position, rows are left out. */
  readonly after: number;
}

/**
 * The record at `at`, if it is whole and the one that belongs there.
 * @throws `store_schema_newer`: another version of Tutti wrote it.
 */
export function decodeRecord(bytes: Buffer, at: number, expected: Expected): LogRecord | undefined {
  const length = wholeRecordAt(bytes, at, expected.seed);
  if (length === undefined) return undefined;
  const version = bytes.readUInt16LE(at + 12);
  if (version > RECORD_VERSION) throw newerRecord(`a record of format ${version}`);
  const position = Number(bytes.readBigUInt64LE(at + 16));
  const epoch = Number(bytes.readBigUInt64LE(at + 24));
  if (position !== (expected.position ?? position) || epoch !== expected.epoch) return undefined;
  if (position <= expected.after) return { position, epoch, length, rows: [] };
  const rows: Row[] = [];
  let section = at + RECORD_HEADER_BYTES;
  for (let rest = bytes.readUInt16LE(at + 14); rest > 0; rest -= 1) {
    const size = bytes.readUInt32LE(section + 4);
    const from = section + SECTION_HEADER_BYTES;
    if (bytes.readUInt16LE(section) === WRITES) decodeWrites(bytes, from, from + size, rows);
    section = from + size;
  }
  return { position, epoch, length, rows };
}

function decodeWrites(bytes: Buffer, from: number, to: number, rows: Row[]): void {
  for (let at = from; at < to; ) {
    const op = bytes[at]!;
    const keyAt = at + 8 + bytes[at + 1]!;
    const valueAt = keyAt + bytes.readUInt16LE(at + 2);
    const end = valueAt + bytes.readUInt32LE(at + 4);
    const table = bytes.toString('latin1', at + 8, keyAt);
    if (!KNOWN.has(table)) throw newerRecord(`writes to a table "${table}"`);
    rows.push(new Row(table as Table, bytes, keyAt, valueAt, op === DELETE ? undefined : end));
    at = end;
  }
}

/** R4. */
function newerRecord(what: string): TuttiError {
  return new TuttiError(
    'store_schema_newer',
    `the store's log holds ${what}, unknown to this version of Tutti`,
    {
      hint: 'Start the version of Tutti that wrote it, or a newer one.',
    },
  );
}
