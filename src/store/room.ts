/**
 * Space that the tables' file has ahead of its data, so that LMDB never meets a full disk.
 *
 * LMDB's binding damages the process's memory when one of its writes finds no room. So the file is filled with zeros ahead of
 * LMDB's last page by ordinary writes, which may fail. A commit is acknowledged only where the most that its rows can take is there, on
 * top of what is reserved for those that are not in the tables yet.
 *
 * 1. Zeros are appended, never written at a place: LMDB may extend the file at the same time, in this process or another.
 * 2. Of the space ahead, `RESERVE_BYTES` are kept for what frees space and for a new reign.
 * 3. On a full disk other commits go on as long as LMDB has twice their need in free pages of its own.
 * 4. The file is filled beside the commits, long before they need it, and what is filled is synced at once: no commit waits for
 *    zeros, nor does a sync of the tables have them to write.
 */
import { fstatSync, type Stats, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

export interface RoomDeps {
  readonly pageBytes: number;
  /** The file may not outgrow it: LMDB would have to map more than the process may. */
  readonly mapBytes: number;
  /** The bytes of LMDB's pages, now, from the file's beginning to the last one. */
  used(): number;
  /** The bytes of those of them that hold data. */
  live(): number;
  /** The bytes of those of them that a change of an entry may write anew: not the pages that hold a part of one large value. */
  tree(): number;
}

/** Enough for a batch of 300 deletes wherever they fall, over and over, since each gives back what it takes. */
const RESERVE_BYTES = 8 * 1024 ** 2;
/** The space beyond the reserve is up to a quarter of the store, within these: small stores stay small, large ones rarely wait for it. */
const SMALLEST_SPARE_BYTES = 4 * 1024 ** 2;
const LARGEST_SPARE_BYTES = 32 * 1024 ** 2;
const ZEROS: Uint8Array = new Uint8Array(1024 ** 2);
/** So many times `ZEROS` are synced at once. */
const SYNCED_PIECES = 4;

/** A row that is to be written, by what its key and its value take. */
export interface RowSize {
  readonly keyBytes: number;
  readonly valueBytes: number;
}

/** The space that one transaction of the tables may take, while its rows are collected. */
export class Reservation {
  /** The space of its rows: their own pages, and bytes on shared pages. */
  pages = 0;
  small = 0;
  rows = 0;
  /** The bytes of all pages that are reserved for it, and of those that come with its data. */
  taken = 0;
  grown = 0;
}

/** The transaction that further rows will be in, and those of its rows that they replace. */
export interface Gathering {
  readonly reservation: Reservation;
  readonly replaced: readonly RowSize[];
}

export class FileRoom {
  private ahead = 0;
  private used = 0;
  /** The size that LMDB used at the last check. */
  private least = 0;
  /** Likewise, of the pages that a change may write anew. */
  private tree = 0;
  private underWay = 0;
  private growing = 0;
  private filling: Promise<unknown> | undefined;
  private closing = false;
  /** Of the file that is open, whatever its path leads to by now. */
  private readonly own: Pick<Stats, 'ino' | 'dev'>;

  private constructor(
    private readonly path: string,
    private readonly file: FileHandle,
    private readonly deps: RoomDeps,
  ) {
    this.own = fstatSync(file.fd);
  }

  static async open(path: string, deps: RoomDeps): Promise<FileRoom> {
    return new FileRoom(path, await open(path, 'a'), deps);
  }

  /** The fault of the file at its place, if it was replaced or cut. */
  outOfPlace(): string | undefined {
    const { ino, dev } = this.own;
    const found = statSync(this.path, { throwIfNoEntry: false });
    if (found === undefined) return 'was removed';
    if (found.ino !== ino || found.dev !== dev) return 'was replaced';
    return found.size < this.least ? 'was cut' : undefined;
  }

  /**
   * Reserves room for further rows of the transaction that they will be in, one call after the other. Another one may have begun while there was
   * no room: `into` says what holds when it is called. `vital`: they may use the reserve.
   * @returns Nothing, or what the system said where there is no room.
   */
  async reserve(into: () => Gathering, rows: readonly RowSize[], vital: boolean): Promise<unknown> {
    for (let cause: unknown; ; ) {
      const { reservation, replaced } = into();
      const more = Object.assign(new Reservation(), reservation);
      this.count(more, rows, 1);
      this.count(more, replaced, -1);
      let need = this.needOf(more);
      if (this.ahead - need < RESERVE_BYTES) {
        this.measure();
        need = this.needOf(more);
      }
      const isThere = this.ahead - need >= RESERVE_BYTES;
      if (isThere || (cause !== undefined && this.isWithin(need, vital))) {
        this.take(reservation, more, need);
        return undefined;
      }
      if (cause !== undefined) return cause;
      cause = this.tooLarge(need) ?? (await this.provide(need + RESERVE_BYTES));
    }
  }

  /** The transaction is over: LMDB's own figures say what it used. */
  giveBack(reservation: Reservation): void {
    this.underWay -= reservation.taken;
    this.growing -= reservation.grown;
    reservation.taken = 0;
    reservation.grown = 0;
    this.measure();
  }

  async close(): Promise<void> {
    this.closing = true;
    await this.filling;
    await this.file.close();
  }

  private take(reservation: Reservation, more: Reservation, need: number): void {
    const { pages, small, rows } = more;
    const grown = Math.max(reservation.grown, this.grownOf(more));
    this.growing += grown - reservation.grown;
    Object.assign(reservation, { pages, small, rows, grown, taken: reservation.taken + need });
    this.ahead -= need;
    this.used += need;
    this.underWay += need;
    if (this.ahead < RESERVE_BYTES + this.spare() / 2) void this.fill(0);
  }

  /** On a full disk. */
  private isWithin(need: number, vital: boolean): boolean {
    const free = this.deps.used() - this.deps.live();
    return this.ahead >= need && (vital || free >= 2 * need + this.underWay);
  }

  private tooLarge(need: number): Error | undefined {
    if (this.used + need + RESERVE_BYTES <= this.deps.mapBytes) return undefined;
    return new Error('the address space of the process is too small for a larger store (`ulimit -v`)');
  }

  /** Waits until so many bytes are ahead. Resolves to what the system said where they cannot be. */
  private async provide(bytes: number): Promise<unknown> {
    while (this.ahead < bytes) {
      const cause = await this.fill(bytes);
      if (cause !== undefined) return cause;
    }
    return undefined;
  }

  private measure(): void {
    // To read what a cut file no longer has would end the process.
    if (this.outOfPlace() === undefined) this.tree = this.deps.tree();
    this.lookAhead();
  }

  private lookAhead(): void {
    this.least = this.deps.used();
    this.used = this.least + this.underWay;
    this.ahead = fstatSync(this.file.fd).size - this.used;
  }

  private spare(): number {
    return Math.min(Math.max(this.used / 4, SMALLEST_SPARE_BYTES), LARGEST_SPARE_BYTES);
  }

  /** Appends until at least so many bytes are ahead, and the spare ones. Resolves to what the system said where not all would go. */
  private fill(bytes: number): Promise<unknown> {
    this.filling ??= this.append(Math.max(bytes, RESERVE_BYTES + this.spare())).finally(() => {
      this.filling = undefined;
    });
    return this.filling;
  }

  private async append(bytes: number): Promise<unknown> {
    try {
      while (this.ahead < bytes && !this.closing) {
        for (let piece = 0; piece < SYNCED_PIECES && this.ahead < bytes; piece += 1) {
          await this.file.write(ZEROS);
          this.lookAhead();
        }
        await this.file.datasync();
      }
      return undefined;
    } catch (error) {
      return error;
    }
  }

  private count(reservation: Reservation, rows: readonly RowSize[], times: 1 | -1): void {
    const { pageBytes } = this.deps;
    for (const { keyBytes, valueBytes: size } of rows) {
      if (size > pageBytes / 4) reservation.pages += times * Math.ceil((size + 64) / pageBytes);
      else reservation.small += times * (size + keyBytes + 32);
    }
    reservation.rows += times * rows.length;
  }

  /**
   * The most bytes of new pages that a transaction can lead to, beyond what is reserved for it. LMDB writes every page that it changes
   * anew: the leaf of each entry, a second one where that leaf splits, and a share of the branches, but no more than there are; then what
   * its data takes.
   */
  private needOf(reservation: Reservation): number {
    const { pageBytes } = this.deps;
    const there = this.tree + this.growing - reservation.grown;
    const changed = Math.min(3 * reservation.rows * pageBytes, there);
    return Math.max(0, Math.ceil(changed + this.grownOf(reservation)) - reservation.taken);
  }

  /** The new data, on pages that may be half full; then the roots and LMDB's list of free pages. */
  private grownOf({ pages, small }: Reservation): number {
    return Math.ceil(pages + (2 * small) / this.deps.pageBytes + 64) * this.deps.pageBytes;
  }
}
