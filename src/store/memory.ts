/**
 * The store port in memory, for tests and the simulation.
 *
 * 1. A *disk* outlives the handles that are opened on it, as a data directory outlives its processes.
 * 2. A commit takes effect in a microtask, whole; a handle that crashes before it leaves nothing of it.
 * 3. Values are copied in and out: nobody's later change reaches what is stored.
 */
import { TuttiError } from '../base/errors.js';
import { type IdSource, systemIds } from '../base/ids.js';
import { beginsWith, compareKeys, keySize } from './key.js';
import { boundsOf, checkWrites } from './range.js';
import type { CommitOutcome, Entry, Key, Range, Reader, Store, StoreStats, Table, Write } from './store.js';

export interface MemoryDisk {
  readonly storeId: string;
  /** While it is set, commits with anything to put end as `full`; deletes are taken. @default false */
  full: boolean;
}

export interface MemoryStore extends Store {
  readonly disk: MemoryDisk;
  /** End as a killed process does: what is not committed yet never is, and nothing that is under way ever settles. */
  crash(): void;
}

export interface MemoryStoreOptions {
  /** Where the `store_id` comes from. @default systemIds */
  readonly ids?: Pick<IdSource, 'uuid'>;
}

/** A store on a disk of its own. */
export function createMemoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  return openMemoryStore(createMemoryDisk(options));
}

/** An empty disk. */
export function createMemoryDisk(options: MemoryStoreOptions = {}): MemoryDisk {
  return new Disk((options.ids ?? systemIds).uuid());
}

/** A new handle on a disk that `createMemoryDisk` made. */
export function openMemoryStore(disk: MemoryDisk): MemoryStore {
  if (!(disk instanceof Disk)) throw new TypeError('the disk must be one of createMemoryDisk');
  return new Handle(disk);
}

/** A table's entries in key order; a table that is shared with a snapshot is copied before it is changed. */
interface Rows {
  entries: Entry[];
  shared: boolean;
}

type Tables = ReadonlyMap<Table, readonly Entry[]>;

const NEVER = new Promise<never>(() => {});

class Disk implements MemoryDisk {
  full = false;
  epoch = 0;
  position = 0;
  private readonly tables = new Map<Table, Rows>();

  constructor(readonly storeId: string) {}

  entries(table: Table): readonly Entry[] {
    return this.tables.get(table)?.entries ?? [];
  }

  freeze(): Tables {
    for (const rows of this.tables.values()) rows.shared = true;
    return new Map([...this.tables].map(([table, rows]) => [table, rows.entries]));
  }

  apply(write: Write): void {
    const entries = this.writable(write.table);
    const at = firstIndex(entries, (entry) => compareKeys(entry.key, write.key) >= 0);
    const found = at < entries.length && compareKeys(entries[at]!.key, write.key) === 0;
    if (write.op === 'put') entries.splice(at, found ? 1 : 0, { key: write.key, value: write.value });
    else if (found) entries.splice(at, 1);
  }

  stats(): StoreStats {
    let bytesUsed = 0;
    const entries: Partial<Record<Table, number>> = {};
    for (const [table, rows] of this.tables) {
      entries[table] = rows.entries.length;
      for (const { key, value } of rows.entries) bytesUsed += keySize(key) + value.length;
    }
    return { bytesUsed, entries };
  }

  private writable(table: Table): Entry[] {
    let rows = this.tables.get(table);
    if (rows === undefined) {
      rows = { entries: [], shared: false };
      this.tables.set(table, rows);
    }
    if (rows.shared) {
      rows.entries = [...rows.entries];
      rows.shared = false;
    }
    return rows.entries;
  }
}

class Handle implements MemoryStore {
  private state: 'open' | 'closed' | 'crashed' = 'open';
  /** The newest reign that this handle has begun. */
  private epoch = 0;

  constructor(readonly disk: Disk) {}

  get storeId(): string {
    return this.disk.storeId;
  }

  async reign(): Promise<number> {
    await this.turn();
    this.disk.epoch += 1;
    this.epoch = this.disk.epoch;
    return this.epoch;
  }

  get position(): number {
    return this.disk.position;
  }

  /** There is no other place than the disk. */
  async applied(): Promise<void> {
    await this.turn();
  }

  async commit(epoch: number, writes: readonly Write[]): Promise<CommitOutcome> {
    checkWrites(writes);
    const copies = writes.map(copyOf);
    await this.turn();
    if (epoch !== this.disk.epoch || epoch !== this.epoch) return { kind: 'fenced', epoch: this.disk.epoch };
    if (this.disk.full && copies.some(({ op }) => op === 'put'))
      return { kind: 'full', message: 'the memory disk is set to be full' };
    for (const write of copies) this.disk.apply(write);
    this.disk.position += 1;
    return { kind: 'committed' };
  }

  async get(table: Table, key: Key): Promise<Uint8Array | undefined> {
    await this.turn();
    return find(this.disk.entries(table), key);
  }

  async range(table: Table, range: Range): Promise<Entry[]> {
    await this.turn();
    return select(this.disk.entries(table), range).map(({ key, value }) => ({
      key,
      value: new Uint8Array(value),
    }));
  }

  async keys(table: Table, range: Range): Promise<Key[]> {
    await this.turn();
    return select(this.disk.entries(table), range).map(({ key }) => key);
  }

  async snapshot<T>(read: (reader: Reader) => Promise<T>): Promise<T> {
    await this.turn();
    const view = new View(this.disk.freeze());
    try {
      return await read(view);
    } finally {
      view.end();
    }
  }

  async stats(): Promise<StoreStats> {
    await this.turn();
    return this.disk.stats();
  }

  outOfPlace(): undefined {
    return undefined;
  }

  async close(): Promise<void> {
    if (this.state === 'open') this.state = 'closed';
  }

  crash(): void {
    this.state = 'crashed';
  }

  /** Calls before `close` still complete; after a crash, none do. */
  private async turn(): Promise<void> {
    if (this.state === 'closed') throw new TuttiError('store_closed', 'the store is closed');
    await Promise.resolve();
    if (this.state === 'crashed') await NEVER;
  }
}

class View implements Reader {
  private ended = false;

  constructor(private readonly tables: Tables) {}

  end(): void {
    this.ended = true;
  }

  async get(table: Table, key: Key): Promise<Uint8Array | undefined> {
    return find(this.entries(table), key);
  }

  async range(table: Table, range: Range): Promise<Entry[]> {
    return select(this.entries(table), range).map(({ key, value }) => ({
      key,
      value: new Uint8Array(value),
    }));
  }

  async keys(table: Table, range: Range): Promise<Key[]> {
    return select(this.entries(table), range).map(({ key }) => key);
  }

  private entries(table: Table): readonly Entry[] {
    if (this.ended)
      throw new TuttiError(
        'snapshot_ended',
        'the snapshot has ended: its reader is valid until `read` settles',
      );
    return this.tables.get(table) ?? [];
  }
}

function copyOf(write: Write): Write {
  const key = [...write.key];
  return write.op === 'put' ? { ...write, key, value: new Uint8Array(write.value) } : { ...write, key };
}

function find(entries: readonly Entry[], key: Key): Uint8Array | undefined {
  keySize(key);
  const entry = entries[firstIndex(entries, (candidate) => compareKeys(candidate.key, key) >= 0)];
  return entry !== undefined && compareKeys(entry.key, key) === 0 ? new Uint8Array(entry.value) : undefined;
}

function select(entries: readonly Entry[], range: Range): Entry[] {
  const { prefix, after, reverse = false } = range;
  const bounds = boundsOf(range);
  if (bounds === undefined) return [];
  const isIn = (entry: Entry) => beginsWith(entry.key, prefix);
  let from = firstIndex(entries, ({ key }) => compareKeys(key, prefix) >= 0);
  let to = firstIndex(entries, (entry) => compareKeys(entry.key, prefix) > 0 && !isIn(entry));
  if (after !== undefined) {
    if (reverse)
      to = Math.min(
        to,
        firstIndex(entries, ({ key }) => compareKeys(key, after) >= 0),
      );
    else
      from = Math.max(
        from,
        firstIndex(entries, ({ key }) => compareKeys(key, after) > 0),
      );
  }
  if (from >= to) return [];
  return reverse
    ? entries.slice(Math.max(from, to - bounds.limit), to).reverse()
    : entries.slice(from, Math.min(to, from + bounds.limit));
}

/** The first index whose entry passes, in a list where all after it pass too; its length where none does. */
function firstIndex(entries: readonly Entry[], passes: (entry: Entry) => boolean): number {
  // New entries mostly belong at the end.
  const last = entries.at(-1);
  if (last === undefined || !passes(last)) return entries.length;
  let low = 0;
  let high = entries.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (passes(entries[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}
