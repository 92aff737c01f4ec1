/**
 * Refusals in the audit: none is left out, and no flood of them fills a disk.
 *
 * A1. Those of a day that have the same address, person, action and code share an entry, which counts them.
 * A2. Beyond `ENTRIES_A_DAY`, those of all addresses and persons share an entry for each action and code, of which there are few.
 * A3. The first one of an entry is written at once, further ones when somebody calls `flush`.
 */
import type { AuditNote, RefusedDeed } from '../../model/audit.js';

const DAY_MS = 24 * 3_600_000;
/** A2. Each takes some hundreds of bytes: a flood that never ends fills some hundreds of kilobytes a day. */
const ENTRIES_A_DAY = 1_000;
const MESSAGE_CHARACTERS = 300;
const PART_CHARACTERS = 200;

export interface RefusedDeedsDeps {
  /** Settles once it is durable, with the entry's number and time; with nothing where it cannot be now. */
  readonly commit: (note: AuditNote) => Promise<{ readonly id: number; readonly at: number } | undefined>;
  /** A monotonic clock. */
  readonly nowMs: () => number;
}

interface Shared {
  readonly deed: RefusedDeed;
  times: number;
  writtenTimes: number;
  entry: { readonly id: number; readonly at: number } | undefined;
}

export class RefusedDeeds {
  readonly #deps: RefusedDeedsDeps;
  #shared = new Map<string, Shared>();
  /** Those that have more than is written. */
  readonly #behind = new Set<Shared>();
  readonly #writing = new Map<Shared, Promise<void>>();
  #dayBeganMs = Number.NEGATIVE_INFINITY;

  constructor(deps: RefusedDeedsDeps) {
    this.#deps = deps;
  }

  /** A3. */
  note(deed: RefusedDeed, times = 1): void {
    const shared = this.#entryOf(deed);
    shared.times += times;
    if (shared.entry === undefined && !this.#writing.has(shared)) void this.#write(shared);
    else this.#behind.add(shared);
  }

  /** Settles when all that was noted before is written, or cannot be now. */
  async flush(): Promise<void> {
    await Promise.all(this.#writing.values());
    await Promise.all(Array.from(this.#behind, (shared) => this.#write(shared)));
  }

  /** A1. */
  #entryOf(deed: RefusedDeed): Shared {
    const now = this.#deps.nowMs();
    if (now - this.#dayBeganMs >= DAY_MS) {
      this.#dayBeganMs = now;
      this.#shared = new Map();
    }
    const { by = '', accessId = '', address = '', action, code } = deed;
    const own = JSON.stringify([address, by, accessId, action, code]);
    const isFull = this.#shared.size >= ENTRIES_A_DAY && !this.#shared.has(own);
    const key = isFull ? JSON.stringify([action, code]) : own;
    const known = this.#shared.get(key);
    if (known) return known;
    const { operation, message } = deed;
    const shown = isFull
      ? {
          action,
          code,
          operation: '',
          message: `of all that have no entry of their own: more than ${ENTRIES_A_DAY} a day`,
        }
      : {
          ...deed,
          operation: operation.slice(0, PART_CHARACTERS),
          message: message.slice(0, MESSAGE_CHARACTERS),
        };
    const shared: Shared = { deed: shown, times: 0, writtenTimes: 0, entry: undefined };
    this.#shared.set(key, shared);
    return shared;
  }

  #write(shared: Shared): Promise<void> {
    const writing = this.#commit(shared).finally(() => this.#writing.delete(shared));
    this.#writing.set(shared, writing);
    return writing;
  }

  async #commit(shared: Shared): Promise<void> {
    this.#behind.delete(shared);
    const { deed, times, entry } = shared;
    const written = await this.#deps.commit({ ...deed, result: 'refused', times, ...(entry && { entry }) });
    if (written) {
      shared.entry ??= written;
      shared.writtenTimes = times;
    }
    if (shared.times > shared.writtenTimes) this.#behind.add(shared);
  }
}
