/**
 * One table as one database of LMDB: how its keys and values are stored, and how they are read.
 *
 * 1. From schema 2 on, a value is followed by a checksum (CRC-32, 4 bytes, little-endian) of the table's name, the key's bytes and the value. It is
 *    compared at every read of the value: what a disk has changed, or stored in another place, is an error and never an answer.
 * 2. A key is read without its value and without a comparison; `check` reads every value.
 */
import { crc32 } from 'node:zlib';
import type { Transaction } from 'lmdb';
import { TuttiError } from '../base/errors.js';
import { RESTORE_HINT } from './identity.js';
import { encodeKey, keySize } from './key.js';
import { type Db, type Size, sizeOf } from './lmdb-environment.js';
import { boundsOf } from './range.js';
import type { Entry, Key, Range, Table } from './store.js';

/** Values of schema 1 are stored as they are. */
export const FIRST_CHECKED_SCHEMA = 2;
const CHECKSUM_BYTES = 4;
const SHOWN_CHARACTERS = 200;

type Within = Transaction | undefined;

export class LmdbTable {
  readonly #name: Table;
  readonly #db: Db;
  /** CRC-32 of the name; nothing where values are stored without a checksum. */
  readonly #seed: number | undefined;

  constructor(name: Table, db: Db, schema: number) {
    this.#name = name;
    this.#db = db;
    this.#seed = schema >= FIRST_CHECKED_SCHEMA ? crc32(name) : undefined;
  }

  get size(): Size {
    return sizeOf(this.#db);
  }

  /** Within a write of the environment, whose own promise settles this one. */
  put(key: Uint8Array, value: Uint8Array): void {
    void this.#db.put(key, this.#stored(key, value));
  }

  /** As `put`. */
  remove(key: Uint8Array): void {
    void this.#db.remove(key);
  }

  /** @throws `store_damaged`, naming the table and the key. */
  get(key: Key, within: Within): Uint8Array | undefined {
    keySize(key);
    const bytes = encodeKey(key);
    const stored = this.#db.get(bytes, within === undefined ? {} : { transaction: within });
    return stored === undefined ? undefined : this.#value(key, bytes, stored);
  }

  /** @throws `store_damaged`, naming the table and the key. */
  *entries(range: Range, within: Within): Generator<Entry> {
    const options = optionsOf(range, within);
    if (options === undefined) return;
    for (const { key, value } of this.#db.getRange(options))
      yield { key: key as Key, value: this.#value(key as Key, undefined, value) };
  }

  *keys(range: Range, within: Within): Generator<Key> {
    const options = optionsOf(range, within);
    if (options === undefined) return;
    for (const key of this.#db.getKeys(options)) yield key as Key;
  }

  #stored(key: Uint8Array, value: Uint8Array): Uint8Array {
    if (this.#seed === undefined) return value;
    const stored = Buffer.allocUnsafe(value.length + CHECKSUM_BYTES);
    stored.set(value);
    stored.writeUInt32LE(checksum(this.#seed, key, value), value.length);
    return stored;
  }

  /** The binding's own buffers carry properties of its own; the bytes are the reader's alone. */
  #value(key: Key, bytes: Uint8Array | undefined, stored: Uint8Array): Uint8Array {
    const length = stored.byteLength - (this.#seed === undefined ? 0 : CHECKSUM_BYTES);
    if (length < 0) throw this.#damaged(key);
    const value = new Uint8Array(stored.buffer, stored.byteOffset, length);
    if (this.#seed === undefined) return value;
    const sum = new DataView(stored.buffer, stored.byteOffset + length).getUint32(0, true);
    if (checksum(this.#seed, bytes ?? this.#encoded(key), value) !== sum) throw this.#damaged(key);
    return value;
  }

  #encoded(key: Key): Uint8Array {
    try {
      return encodeKey(key);
    } catch {
      // No key was ever stored with such elements.
      throw this.#damaged(key);
    }
  }

  #damaged(key: Key): TuttiError {
    const shown = JSON.stringify(key).slice(0, SHOWN_CHARACTERS);
    return new TuttiError('store_damaged', `${this.#name} ${shown} is damaged: its checksum does not match`, {
      hint: RESTORE_HINT,
    });
  }
}

function checksum(seed: number, key: Uint8Array, value: Uint8Array): number {
  const ofKey = crc32(key, seed);
  // zlib takes the checksum of nothing, at no address, for 0.
  return value.length === 0 ? ofKey : crc32(value, ofKey);
}

function optionsOf(range: Range, transaction: Within): object | undefined {
  const bounds = boundsOf(range);
  if (bounds === undefined) return undefined;
  const { low, high, limit } = bounds;
  const common = { limit, ...(transaction === undefined ? {} : { transaction }) };
  return range.reverse === true
    ? { ...common, start: high, exclusiveStart: true, end: low, inclusiveEnd: true, reverse: true }
    : { ...common, start: low, end: high };
}
