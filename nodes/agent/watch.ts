/**
 * Looks at all commands of the agent at once.
 *
 * W1. While there is a command, there is one look after the other: as soon as one has ended, and after `everyMs` in any case.
 * W2. A listener gets every look at its command, in order, each after the one before was dealt with; the last is `ended` or `unknown`.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Engine, EngineUnavailable, type Observed } from './engine.js';
import type { Health } from './health.js';

export type Look = (observed: Observed) => Promise<void>;

interface Watched {
  readonly look: Look;
  readonly fail: (why: unknown) => void;
  /** The listener is dealing with a look. */
  busy: boolean;
}

export class Watch {
  readonly #engine: Engine;
  readonly #health: Health;
  readonly #everyMs: number;
  readonly #watched = new Map<string, Watched>();
  #isLooking = false;
  /** Ends the wait for an end: there is another set of commands to wait for. */
  #wake = new AbortController();
  #isWoken = false;

  constructor(engine: Engine, health: Health, everyMs: number) {
    this.#engine = engine;
    this.#health = health;
    this.#everyMs = everyMs;
  }

  /** Settles once the command has ended or is unknown, or the signal is aborted. Rejects with what `look` throws. */
  follow(key: string, look: Look, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        this.#watched.delete(key);
        signal.removeEventListener('abort', onAbort);
        this.#news();
        act();
      };
      const onAbort = () => settle(resolve);
      if (signal.aborted) {
        resolve();
        return;
      }
      signal.addEventListener('abort', onAbort, { once: true });
      const watched: Watched = {
        busy: false,
        fail: (why) => settle(() => reject(why)),
        look: async (observed) => {
          try {
            await look(observed);
          } catch (thrown) {
            // It looks again.
            if (!(thrown instanceof EngineUnavailable)) watched.fail(thrown);
            return;
          }
          if (observed.state === 'ended' || observed.state === 'unknown') settle(resolve);
        },
      };
      this.#watched.set(key, watched);
      this.#news();
      if (!this.#isLooking) void this.#lookOn();
    });
  }

  /** W1. */
  async #lookOn(): Promise<void> {
    this.#isLooking = true;
    try {
      while (this.#watched.size > 0) {
        const seen = await this.#health.untilAnswered(() => this.#lookOnce());
        for (const [key, observed] of seen) this.#tell(key, observed);
      }
    } catch (thrown) {
      for (const { fail } of [...this.#watched.values()]) fail(thrown);
    }
    this.#isLooking = false;
  }

  #news(): void {
    this.#isWoken = true;
    this.#wake.abort();
  }

  async #lookOnce(): Promise<ReadonlyMap<string, Observed>> {
    const dueAt = performance.now() + this.#everyMs;
    for (let leftMs = this.#everyMs; leftMs > 0; leftMs = this.#isWoken ? dueAt - performance.now() : 0) {
      this.#isWoken = false;
      this.#wake = new AbortController();
      const keys = [...this.#watched].flatMap(([key, { busy }]) => (busy ? [] : [key]));
      if (keys.length > 0) await this.#engine.waitForEnd(keys, Math.ceil(leftMs), this.#wake.signal);
      else await delay(leftMs, undefined, { signal: this.#wake.signal }).catch(() => {});
    }
    const keys = [...this.#watched.keys()];
    return keys.length === 0 ? new Map() : await this.#engine.observe(keys);
  }

  /** W2. */
  #tell(key: string, observed: Observed): void {
    const watched = this.#watched.get(key);
    if (!watched || watched.busy) return;
    watched.busy = true;
    void watched.look(observed).finally(() => {
      watched.busy = false;
    });
  }
}
