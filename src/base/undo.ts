/**
 * What was changed since a moment, so that it can be changed back. Whatever takes part in a step of the core changes its state through it.
 *
 * U1. Changes are undone in the opposite order. An item that comes back to a set or a map comes back as its last one.
 * U2. A change of a field, a map, a set or a list costs a few entries of one list, and no closure.
 */
type Op = 'set' | 'put' | 'remove' | 'add' | 'drop' | 'append' | 'call';

export class Undo {
  /** For each change: the operation, what was changed, where, what was there. */
  readonly #log: unknown[] = [];

  /** The present, to go back to. */
  get mark(): number {
    return this.#log.length;
  }

  set<T extends object, K extends keyof T>(target: T, field: K, value: T[K]): void {
    const before = target[field];
    if (before === value) return;
    this.#log.push('set', target, field, before);
    target[field] = value;
  }

  put<K, V>(map: ReadonlyMap<K, V>, key: K, value: V): void {
    const written = map as Map<K, V>;
    if (written.has(key)) this.#log.push('put', map, key, written.get(key));
    else this.#log.push('remove', map, key, undefined);
    written.set(key, value);
  }

  remove<K, V>(map: ReadonlyMap<K, V>, key: K): void {
    const written = map as Map<K, V>;
    if (!written.has(key)) return;
    this.#log.push('put', map, key, written.get(key));
    written.delete(key);
  }

  add<T>(set: ReadonlySet<T>, item: T): void {
    if (set.has(item)) return;
    this.#log.push('drop', set, item, undefined);
    (set as Set<T>).add(item);
  }

  /** Whether it was there. */
  drop<T>(set: ReadonlySet<T>, item: T): boolean {
    if (!set.has(item)) return false;
    this.#log.push('add', set, item, undefined);
    (set as Set<T>).delete(item);
    return true;
  }

  clear<T>(set: ReadonlySet<T>): void {
    for (const item of [...set]) this.drop(set, item);
  }

  append<T>(list: readonly T[], item: T): void {
    this.#log.push('append', list, undefined, undefined);
    (list as T[]).push(item);
  }

  /** For a change that has a shape of its own. */
  onUndo(back: () => void): void {
    this.#log.push('call', back, undefined, undefined);
  }

  /** Undoes everything since the mark. */
  back(mark: number): void {
    while (this.#log.length > mark) {
      const before = this.#log.pop();
      const where = this.#log.pop();
      const target = this.#log.pop();
      undo(this.#log.pop() as Op, target, where, before);
    }
  }

  /** What has been changed stays so. */
  keep(): void {
    this.#log.length = 0;
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
