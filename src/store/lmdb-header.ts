/**
 * The header of a store's file, read before LMDB maps it: LMDB keeps no checksums, trusts its meta pages, and ends the process
 * where the file is shorter than they say.
 *
 * H1. Of the two meta pages the one with the newer transaction counts. Each transaction writes the other one, so they are numbered one
 *     after the other, even on the first page and odd on the second; anything else is damage. In a copy only the second one was written.
 * H2. The file holds every page up to the last one. It is filled ahead of LMDB, so it never is shorter.
 * H3. The root of each database, and what lies leftmost below it, are pages of the right kind at the place where they say they are.
 * H4. Nothing is written.
 */
import { fstatSync, readSync } from 'node:fs';

const HEADER_BYTES = 24;
const META_BYTES = 168;
const MAGIC = 0xbeefc0de;
const DATA_VERSION = 2;
const PAGE_SIZES = [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536];
/** No system maps more. */
const LARGEST_MAP = 2n ** 47n;
const NO_PAGE = 2n ** 64n - 1n;
const DEEPEST = 32;

/** Flags of a page. */
const BRANCH = 0x01;
const LEAF = 0x02;
const META = 0x08;
/** Flag of a node whose value is a database's record. */
const SUB_DATABASE = 0x02;
const RECORD_BYTES = 48;

interface DatabaseRecord {
  readonly flags: number;
  readonly depth: number;
  readonly pages: bigint;
  readonly root: bigint;
}

interface MetaPage {
  readonly pageBytes: number;
  readonly mapBytes: bigint;
  readonly free: DatabaseRecord;
  readonly main: DatabaseRecord;
  readonly lastPage: bigint;
  readonly transaction: bigint;
}

/** The fault of the file, in words. */
export class HeaderFault extends Error {
  constructor(
    message: string,
    /** Nothing says that LMDB has made the file. */
    readonly isForeign: boolean = false,
  ) {
    super(message);
  }
}

/** Commits of another process may come between what is read here; each changes a meta page, and none goes on without end. */
const TRIES = 100;

/**
 * H4. The bytes up to the last page of an LMDB file.
 * @throws HeaderFault
 */
export function inspectHeader(fd: number): { readonly usedBytes: number } {
  for (let tries = 1; ; tries += 1) {
    const before = transactionsOf(fd);
    try {
      return inspect(fd);
    } catch (error) {
      if (tries === TRIES || transactionsOf(fd) === before) throw error;
    }
  }
}

function transactionsOf(fd: number): string {
  const { pageBytes, transaction } = readMeta(fd, 0, 0);
  return `${transaction} ${readMeta(fd, 1, pageBytes).transaction}`;
}

/** H2. */
function inspect(fd: number): { readonly usedBytes: number } {
  const { size } = fstatSync(fd);
  const first = readMeta(fd, 0, 0);
  const { pageBytes } = first;
  demand(size >= 2 * pageBytes, `is truncated: it has ${size} bytes`);
  const second = readMeta(fd, 1, pageBytes);
  demand(second.pageBytes === pageBytes, 'has two page sizes');
  const [newer, older] = second.transaction > first.transaction ? [second, first] : [first, second];
  const isCopy = isBlank(first);
  if (!isCopy) {
    demand(newer.transaction - older.transaction <= 1n, 'has lost the newer of its meta pages');
    demand(isOfPage(first, 0n) && isOfPage(second, 1n), 'has a meta page of another transaction');
  }
  demand(newer.lastPage >= older.lastPage, 'ends before pages that it has written');
  demand(
    newer.free.flags === older.free.flags && newer.main.flags === older.main.flags,
    'has two kinds of databases',
  );
  const usedBytes = Number(newer.lastPage + 1n) * pageBytes;
  demand(size >= usedBytes, `is truncated: it has ${size} bytes of ${usedBytes}`);
  demand(newer.mapBytes >= BigInt(usedBytes), 'is larger than its own map');
  const pages = new Pages(fd, newer);
  for (const part of ['free', 'main'] as const) {
    const { root } = newer[part];
    const isOld = isCopy || root === NO_PAGE || root === older[part].root;
    demand(isOld || pages.transactionOf(root) === newer.transaction, `has an older page ${root} as a root`);
  }
  pages.inspect(newer.free);
  for (const record of pages.inspect(newer.main)) pages.inspect(record);
  return { usedBytes };
}

function readMeta(fd: number, number: number, at: number): MetaPage {
  const page = Buffer.alloc(META_BYTES);
  demand(readSync(fd, page, 0, META_BYTES, at) === META_BYTES, 'is truncated within its meta pages');
  if (page.readUInt32LE(HEADER_BYTES) !== MAGIC) throw new HeaderFault('is not a file of LMDB', number === 0);
  demand((page.readUInt32LE(28) & 0xffff) === DATA_VERSION, 'is of another version of LMDB');
  const isMeta = page.readBigUInt64LE(0) === BigInt(number) && page.readUInt16LE(18) === META;
  demand(isMeta, `has no meta page ${number}`);
  const meta: MetaPage = {
    pageBytes: page.readUInt32LE(48),
    mapBytes: page.readBigUInt64LE(40),
    free: readRecord(page, 48),
    main: readRecord(page, 96),
    lastPage: page.readBigUInt64LE(144),
    transaction: page.readBigUInt64LE(152),
  };
  demand(PAGE_SIZES.includes(meta.pageBytes), 'has an impossible page size');
  demand(meta.mapBytes <= LARGEST_MAP, 'has an impossible map size');
  demand(meta.lastPage >= 1n && meta.lastPage < LARGEST_MAP, 'has an impossible number of pages');
  return meta;
}

/** As LMDB leaves the first meta page of a new store or a copy, until the second transaction. */
function isBlank({ transaction, lastPage, free, main }: MetaPage): boolean {
  return transaction === 0n && lastPage === 1n && free.root === NO_PAGE && main.root === NO_PAGE;
}

/** H1. */
function isOfPage({ transaction }: MetaPage, number: bigint): boolean {
  return transaction === 0n || transaction % 2n === number;
}

function readRecord(bytes: Buffer, at: number): DatabaseRecord {
  return {
    flags: bytes.readUInt16LE(at + 4),
    depth: bytes.readUInt16LE(at + 6),
    pages: [8, 16, 24].reduce((sum, offset) => sum + bytes.readBigUInt64LE(at + offset), 0n),
    root: bytes.readBigUInt64LE(at + 40),
  };
}

/** H3. */
class Pages {
  readonly #fd: number;
  readonly #meta: MetaPage;

  constructor(fd: number, meta: MetaPage) {
    this.#fd = fd;
    this.#meta = meta;
  }

  /** The leftmost way down from a database's root; gives the records of databases that it ends at. */
  inspect({ root, depth, pages }: DatabaseRecord): DatabaseRecord[] {
    const { lastPage } = this.#meta;
    if (root === NO_PAGE) {
      demand(depth === 0, 'has a database without a root');
      return [];
    }
    demand(depth >= 1 && depth <= DEEPEST && pages <= lastPage, 'has an impossible database');
    let number = root;
    for (let level = 1; ; level += 1) {
      const page = this.#read(number);
      const isLeaf = (page.readUInt16LE(18) & (BRANCH | LEAF)) === LEAF;
      demand(isLeaf === (level === depth), `has a page ${number} of the wrong kind`);
      const nodes = this.#nodes(page);
      if (isLeaf) return nodes.flatMap((at) => recordOf(page, at));
      demand(nodes.length > 0, `has an empty page ${number}`);
      number = childOf(page, nodes[0]!);
    }
  }

  transactionOf(number: bigint): bigint {
    return this.#read(number).readBigUInt64LE(8);
  }

  #read(number: bigint): Buffer {
    const { pageBytes, lastPage } = this.#meta;
    demand(number >= 2n && number <= lastPage, `refers to a page ${number} that it cannot have`);
    const page = Buffer.alloc(pageBytes);
    readSync(this.#fd, page, 0, pageBytes, Number(number) * pageBytes);
    const kind = page.readUInt16LE(18) & (BRANCH | LEAF);
    const isThere = page.readBigUInt64LE(0) === number && (kind === BRANCH || kind === LEAF);
    demand(isThere, `has something else in the place of page ${number}`);
    return page;
  }

  /** Where the page's nodes begin. */
  #nodes(page: Buffer): number[] {
    const lower = page.readUInt16LE(20);
    const upper = page.readUInt16LE(22);
    const room = this.#meta.pageBytes - HEADER_BYTES;
    demand(lower % 2 === 0 && lower <= upper && upper <= room, 'has a page with an impossible layout');
    const nodes = Array.from({ length: lower / 2 }, (_, index) =>
      page.readUInt16LE(HEADER_BYTES + 2 * index),
    );
    demand(
      nodes.every((at) => at >= upper && at + 8 <= room),
      'has a page with an impossible layout',
    );
    return nodes.map((at) => at + HEADER_BYTES);
  }
}

/** A node: low, high, flags and key size of 16 bits each, the key, the value. */
function childOf(page: Buffer, at: number): bigint {
  const [low, high, top] = [0, 2, 4].map((offset) => BigInt(page.readUInt16LE(at + offset)));
  return low! | (high! << 16n) | (top! << 32n);
}

function recordOf(page: Buffer, at: number): DatabaseRecord[] {
  if ((page.readUInt16LE(at + 4) & SUB_DATABASE) === 0) return [];
  const value = at + 8 + page.readUInt16LE(at + 6);
  demand(value + RECORD_BYTES <= page.length, 'has a page with an impossible layout');
  return [readRecord(page, value)];
}

function demand(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new HeaderFault(otherwise);
}
