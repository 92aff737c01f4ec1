/**
 * Who subscribes to which prefixes, and who wants a topic. Looked up by length, so that a thousand subscriptions of the same shape cost as
 * much as one.
 */
const NOBODY: ReadonlySet<never> = new Set();

export class TopicSubscribers<S> {
  readonly #byLength = new Map<number, Map<string, Set<S>>>();

  /** Twice is once. */
  add(prefix: string, subscriber: S): void {
    let byPrefix = this.#byLength.get(prefix.length);
    if (!byPrefix) {
      byPrefix = new Map();
      this.#byLength.set(prefix.length, byPrefix);
    }
    const subscribers = byPrefix.get(prefix);
    if (subscribers) subscribers.add(subscriber);
    else byPrefix.set(prefix, new Set([subscriber]));
  }

  remove(prefix: string, subscriber: S): void {
    const byPrefix = this.#byLength.get(prefix.length);
    const subscribers = byPrefix?.get(prefix);
    if (!byPrefix || !subscribers) return;
    subscribers.delete(subscriber);
    if (subscribers.size === 0) byPrefix.delete(prefix);
    if (byPrefix.size === 0) this.#byLength.delete(prefix.length);
  }

  isWanted(topic: string): boolean {
    for (const [length, byPrefix] of this.#byLength) {
      if (length <= topic.length && byPrefix.has(topic.slice(0, length))) return true;
    }
    return false;
  }

  /** Each of them once, however many of its prefixes begin the topic. The set is live where one prefix does. */
  of(topic: string): ReadonlySet<S> {
    let found: ReadonlySet<S> = NOBODY;
    let all: Set<S> | undefined;
    for (const [length, byPrefix] of this.#byLength) {
      const subscribers = length > topic.length ? undefined : byPrefix.get(topic.slice(0, length));
      if (!subscribers) continue;
      if (found.size === 0) found = subscribers;
      else {
        all ??= new Set(found);
        for (const subscriber of subscribers) all.add(subscriber);
      }
    }
    return all ?? found;
  }
}
