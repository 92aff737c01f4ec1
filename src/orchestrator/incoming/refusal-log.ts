/**
 * Refusals in the log: enough to see which peer is refused and why, and too few for a peer to fill a disk with them.
 *
 * 1. One line a second for each peer and code, and `LINES_PER_SECOND` in all. What has no line of its own is counted by its code, and
 *    the next line of that code says how many there were.
 * 2. What a peer sent is cut: a line has a bounded length.
 */
import type { Logger } from '../../base/logger.js';
import { RateLimiter } from '../../base/rate-limiter.js';
import type { Refused } from '../port.js';

/** A flood fills some gigabytes a month, not a day. */
const LINES_PER_SECOND = 10;
const MESSAGE_CHARACTERS = 300;
const PEER_CHARACTERS = 80;

export interface RefusalLogDeps {
  readonly logger: Pick<Logger, 'info'>;
  /** A monotonic clock. */
  readonly nowMs: () => number;
}

export class RefusalLog {
  readonly #deps: RefusalLogDeps;
  readonly #byPeer = new RateLimiter(1);
  readonly #overall = new RateLimiter(LINES_PER_SECOND);
  /** By code, of which there are few. */
  readonly #unlogged = new Map<string, number>();

  constructor(deps: RefusalLogDeps) {
    this.#deps = deps;
  }

  note({ via, peer, code, message, times = 1 }: Refused): void {
    const now = this.#deps.nowMs();
    const name = `${via} ${code}`;
    const unlogged = this.#unlogged.get(name) ?? 0;
    if (!this.#byPeer.admits(`${name} ${peer}`, now) || !this.#overall.admits('', now)) {
      this.#unlogged.set(name, unlogged + times);
      return;
    }
    this.#unlogged.delete(name);
    const others = unlogged + times - 1;
    this.#deps.logger.info(
      {
        via,
        peer: peer.slice(0, PEER_CHARACTERS),
        code,
        reason: message.slice(0, MESSAGE_CHARACTERS),
        ...(others > 0 && { unlogged: others }),
      },
      'refused',
    );
  }
}
