/**
 * The prefixes that are subscribed to, and whether one of them begins a topic. Looked up by length, so that a thousand
 * subscriptions of the same shape cost as much as one.
 */
export class TopicPrefixes {
  readonly #byLength = new Map<number, Map<string, number>>();

  add(prefix: string): void {
    let counts = this.#byLength.get(prefix.length);
    if (!counts) {
      counts = new Map();
      this.#byLength.set(prefix.length, counts);
    }
    counts.set(prefix, (counts.get(prefix) ?? 0) + 1);
  }

  /** Takes back one `add`; the last one removes the prefix. */
  remove(prefix: string): void {
    const counts = this.#byLength.get(prefix.length);
    const count = counts?.get(prefix);
    if (!counts || count === undefined) return;
    if (count > 1) counts.set(prefix, count - 1);
    else counts.delete(prefix);
    if (counts.size === 0) this.#byLength.delete(prefix.length);
  }

  match(topic: string): boolean {
    for (const [length, counts] of this.#byLength) {
      if (length <= topic.length && counts.has(topic.slice(0, length))) return true;
    }
    return false;
  }
}
