/**
 * The changes since a moment, so that they can be undone. All code that takes part in a step of the core changes its state through it.
 *
 * U1. Changes are undone in the opposite order. An item that comes back to a set or a map comes back as its last one.
 * U2. A change of a field, a map, a set or a list costs a few entries of one list, and no closure. The list is used again, since one that
 *     grows anew with every batch would be most of what the collector of garbage has to do.
 */
type Op = 'set' | 'put' | 'remove' | 'add' | 'drop' | 'append' | 'call';

/** So long a list is kept for the next batch: that of some thousand steps. */
const KEPT_ENTRIES = 1_000_000;

export class Undo {
  /** For each change: the operation, what was changed, where, what was there. */
  #log: unknown[] = [];
  /** So much of the list is in use. */
  #length = 0;

  /** The present, to go back to. */
  get mark(): number {
    return this.#length;
  }

  set<T extends object, K extends keyof T>(target: T, field: K, value: T[K]): void {
    const before = target[field];
    if (before === value) return;
    this.#note('set', target, field, before);
    target[field] = value;
  }

  put<K, V>(map: ReadonlyMap<K, V>, key: K, value: V): void {
    const written = map as Map<K, V>;
    if (written.has(key)) this.#note('put', map, key, written.get(key));
    else this.#note('remove', map, key, undefined);
    written.set(key, value);
  }

  remove<K, V>(map: ReadonlyMap<K, V>, key: K): void {
    const written = map as Map<K, V>;
    if (!written.has(key)) return;
    this.#note('put', map, key, written.get(key));
    written.delete(key);
  }

  add<T>(set: ReadonlySet<T>, item: T): void {
    if (set.has(item)) return;
    this.#note('drop', set, item, undefined);
    (set as Set<T>).add(item);
  }

  /** Whether it was there. */
  drop<T>(set: ReadonlySet<T>, item: T): boolean {
    if (!set.has(item)) return false;
    this.#note('add', set, item, undefined);
    (set as Set<T>).delete(item);
    return true;
  }

  clear<T>(set: ReadonlySet<T>): void {
    for (const item of [...set]) this.drop(set, item);
  }

  append<T>(list: readonly T[], item: T): void {
    this.#note('append', list, undefined, undefined);
    (list as T[]).push(item);
  }

  /** For a change that has a shape of its own. `back` changes things itself, not through this. */
  onUndo(back: () => void): void {
    this.#note('call', back, undefined, undefined);
  }

  /** U1. Undoes everything since the mark. */
  back(mark: number): void {
    const log = this.#log;
    const used = this.#length;
    for (let at = used - 4; at >= mark; at -= 4) undo(log[at] as Op, log[at + 1], log[at + 2], log[at + 3]);
    log.fill(undefined, mark, used);
    this.#length = mark;
  }

  /** Keeps all changes. */
  keep(): void {
    if (this.#length > KEPT_ENTRIES) this.#log = [];
    else this.#log.fill(undefined, 0, this.#length);
    this.#length = 0;
  }

  /** U2. */
  #note(op: Op, target: unknown, where: unknown, before: unknown): void {
    const log = this.#log;
    log[this.#length] = op;
    log[this.#length + 1] = target;
    log[this.#length + 2] = where;
    log[this.#length + 3] = before;
    this.#length += 4;
  }
}

function undo(op: Op, target: unknown, where: unknown, before: unknown): void {
  switch (op) {
    case 'set':
      (target as Record<PropertyKey, unknown>)[where as PropertyKey] = before;
      return;
    case 'put':
      (target as Map<unknown, unknown>).set(where, before);
      return;
    case 'remove':
      (target as Map<unknown, unknown>).delete(where);
      return;
    case 'add':
      (target as Set<unknown>).add(where);
      return;
    case 'drop':
      (target as Set<unknown>).delete(where);
      return;
    case 'append':
      (target as unknown[]).pop();
      return;
    case 'call':
      (target as () => void)();
      return;
    default:
      op satisfies never;
  }
}
