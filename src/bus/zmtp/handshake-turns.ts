/**
 * Shares the thread between handshakes and everything else, since anybody who reaches a socket can ask for a handshake, and one
 * takes about half a millisecond.
 *
 * 1. Handshakes take at most half of the time. Beyond it they wait.
 * 2. Those that wait take turns by address, so that a crowd at one address does not keep the others waiting.
 */
const WINDOW_MS = 20;
const WORK_MS = WINDOW_MS / 2;

type Work = () => void;

export class HandshakeTurns {
  /** By address; the address whose turn is next is the first. */
  readonly #waiting = new Map<string, Work[]>();
  #spentMs = 0;
  #window: NodeJS.Timeout | undefined;

  /** Works now, or when it is this address's turn. Returns whether it was now. */
  run(address: string, work: Work): boolean {
    if (this.#waiting.size === 0 && this.#spentMs < WORK_MS) {
      this.#work(work);
      return true;
    }
    const others = this.#waiting.get(address);
    if (others) others.push(work);
    else this.#waiting.set(address, [work]);
    return false;
  }

  #work(work: Work): void {
    this.#window ??= setTimeout(() => this.#nextWindow(), WINDOW_MS).unref();
    const beganMs = performance.now();
    work();
    this.#spentMs += performance.now() - beganMs;
  }

  #nextWindow(): void {
    this.#window = undefined;
    this.#spentMs = 0;
    while (this.#waiting.size > 0 && this.#spentMs < WORK_MS) this.#work(this.#take());
  }

  #take(): Work {
    const [address, works] = this.#waiting.entries().next().value!;
    this.#waiting.delete(address);
    const work = works.shift()!;
    if (works.length > 0) this.#waiting.set(address, works);
    return work;
  }
}
