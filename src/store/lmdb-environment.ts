/**
 * LMDB as the store uses it: how an environment is opened, and how keys cross the binding.
 */
import { closeSync, fstatSync, mkdirSync, openSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, open, type RootDatabase, type RootDatabaseOptionsWithPath } from 'lmdb';
import { readKey, writeKey } from './key.js';
import { type Limits, mapBytesWithin, readLimits } from './limits.js';
import { inspectHeader } from './lmdb-header.js';
import { makePrivate } from './private.js';
import type { Key } from './store.js';

/** Values of 1 KiB read and write faster on these than on pages of 4 KiB. An existing store keeps its own. */
const PAGE_BYTES = 8 * 1024;
/** Address space only; LMDB doubles it when a store outgrows it, which maps everything anew. */
const MAP_BYTES = 64 * 1024 ** 3;
/** Snapshots at once, of all processes that have the store open; each slot takes 64 bytes of the lock file. */
const MAX_READERS = 1024;
/** The tables, the store's own database, and room for those of newer versions. */
const MAX_DATABASES = 64;

/** Folders with data in them are their owner's alone. */
const PRIVATE = 0o700;
/** The initial size of a new store, with its reserve. */
const NEW_STORE_BYTES = 32 * 1024 ** 2;

export type LmdbKey = (string | number)[] | Uint8Array;
export type Environment = RootDatabase<Uint8Array, LmdbKey>;
export type Db = Database<Uint8Array, LmdbKey>;

/** Keys are tuples; the bounds of a range come as bytes. */
const keyEncoder = {
  writeKey(key: Key | Uint8Array, target: Uint8Array, at: number): number {
    if (!(key instanceof Uint8Array)) return writeKey(key, target, at);
    target.set(key, at);
    return at + key.length;
  },
  readKey,
};

export function storeFile(dir: string): string {
  return join(dir, 'store.mdb');
}

export interface EnvironmentOptions {
  /**
   * Let the system read ahead, for a reader of the whole file. Other reads are scattered over the file and do not need it: with 10⁶
   * iterations and nothing in memory, the 99th percentile of a page by state went from 33 to 4 ms without it (on a disk whose system
   * reads 8 MiB ahead). @default false
   */
  readonly readAhead?: boolean;
  /** Nothing is written, nor made where it is missing. @default false */
  readonly readOnly?: boolean;
  /** @default those of this process */
  readonly limits?: Limits;
}

/** The state of a store's place. */
export type Found =
  | { readonly kind: 'missing' | 'empty' }
  | { readonly kind: 'store'; readonly usedBytes: number; readonly fileBytes: number };

/** @throws HeaderFault: it is damaged, or something else. */
export function lookAt(dir: string): Found {
  let file: number;
  try {
    file = openSync(storeFile(dir), 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { kind: 'missing' };
    throw error;
  }
  try {
    const { size } = fstatSync(file);
    return size === 0 ? { kind: 'empty' } : { kind: 'store', ...inspectHeader(file), fileBytes: size };
  } finally {
    closeSync(file);
  }
}

/** An environment, and how much of the address space it may fill. */
export interface Opened {
  readonly root: Environment;
  readonly mapBytes: number;
}

/**
 * Open the environment of a data directory, which is made where it is missing.
 * @throws HeaderFault, `limit_too_low`
 */
export function openEnvironment(dir: string, options: EnvironmentOptions = {}): Opened {
  const { readAhead = false, readOnly = false, limits = readLimits() } = options;
  if (!readOnly) {
    mkdirSync(dir, { recursive: true, mode: PRIVATE });
  }
  const found = lookAt(dir);
  if (found.kind !== 'store' && !readOnly) needRoomBelow(dir);
  const { usedBytes, fileBytes } = found.kind === 'store' ? found : { usedBytes: 0, fileBytes: 0 };
  const mapBytes = mapBytesWithin(limits, {
    usedBytes,
    leastFileBytes: readOnly ? 0 : Math.max(fileBytes, NEW_STORE_BYTES),
    wantedBytes: MAP_BYTES,
  });
  // The binding's types do not have `noReadAhead`.
  const given: RootDatabaseOptionsWithPath & { path: string; noReadAhead: boolean } = {
    path: storeFile(dir),
    encoding: 'binary',
    pageSize: PAGE_BYTES,
    mapSize: mapBytes,
    maxReaders: MAX_READERS,
    maxDbs: MAX_DATABASES,
    noReadAhead: !readAhead,
    readOnly,
    // T3 of `lmdb-tables.ts`: a transaction is visible once it is synced, not before.
    overlappingSync: false,
    // Writes that are given together are one transaction, which starts at once.
    eventTurnBatching: false,
  };
  const root = open<Uint8Array, LmdbKey>(given);
  if (!readOnly) for (const path of [dir, given.path, `${given.path}-lock`]) makePrivate(path);
  return { root, mapBytes: mapBytes < MAP_BYTES ? mapBytes : Number.POSITIVE_INFINITY };
}

/** A new store begins with a few pages of LMDB's own making. */
function needRoomBelow(dir: string): void {
  const { bavail, bsize } = statfsSync(dir);
  if (bavail * bsize < NEW_STORE_BYTES) {
    throw Object.assign(new Error(`${dir} has less than ${NEW_STORE_BYTES} bytes of room`), {
      code: 'ENOSPC',
    });
  }
}

/** LMDB's statistics of one database; the binding does not type them. */
interface DatabaseStats {
  readonly pageSize: number;
  readonly entryCount: number;
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
}

/** LMDB's statistics of the main database: of itself, of all databases, of the list of free pages. */
interface RootStats extends DatabaseStats {
  readonly lastPageNumber: number;
  readonly free: DatabaseStats;
}

export interface Size {
  readonly entries: number;
  readonly bytes: number;
  /** The bytes of its tree alone: large values have pages of their own beside it. */
  readonly treeBytes: number;
  readonly pageBytes: number;
}

/** The entries of a database and the bytes of its pages. */
export function sizeOf(db: Db): Size {
  const stats = db.getStats() as DatabaseStats;
  const bytes = bytesOf(stats);
  const treeBytes = bytes - stats.overflowPages * stats.pageSize;
  return { entries: stats.entryCount, bytes, treeBytes, pageBytes: stats.pageSize };
}

/** The bytes of the file up to its last page, and those of the pages that are LMDB's own. */
export function fileSizeOf(root: Environment): { readonly used: number; readonly own: number } {
  const stats = root.getStats() as RootStats;
  return {
    used: (stats.lastPageNumber + 1) * stats.pageSize,
    own: bytesOf(stats) + bytesOf(stats.free) + 2 * stats.pageSize,
  };
}

function bytesOf(stats: DatabaseStats): number {
  return (stats.treeBranchPageCount + stats.treeLeafPageCount + stats.overflowPages) * stats.pageSize;
}

/** Open a named database, and make it where it is missing. `versioned`: its entries carry a version that writes can depend on. */
export function openDatabase(root: Environment, name: string, versioned = false): Db {
  // The binding takes a key encoder for any database; its types have it for the root only.
  const options = { encoding: 'binary', keyEncoder, useVersions: versioned } as const;
  return root.openDB<Uint8Array, LmdbKey>(name, options);
}
