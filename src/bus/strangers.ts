/**
 * The connections of one socket whose peers are not known: in the order in which they came, and by address.
 *
 * When there are too many, a new one replaces the oldest, and none is refused: a node that starts registers within
 * milliseconds of connecting, whereas those that hang on are the oldest.
 */
import type { ConnectionLimits } from './connection-limits.js';

export interface Stranger {
  readonly address: string;
}

export class Strangers<S extends Stranger> {
  readonly #limits: ConnectionLimits;
  readonly #all = new Set<S>();
  readonly #byAddress = new Map<string, Set<S>>();

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#all.size;
  }

  add(stranger: S): void {
    this.#all.add(stranger);
    const neighbours = this.#byAddress.get(stranger.address);
    if (neighbours) neighbours.add(stranger);
    else this.#byAddress.set(stranger.address, new Set([stranger]));
  }

  /** Returns whether it was one. */
  delete(stranger: S): boolean {
    if (!this.#all.delete(stranger)) return false;
    const neighbours = this.#byAddress.get(stranger.address);
    neighbours?.delete(stranger);
    if (neighbours?.size === 0) this.#byAddress.delete(stranger.address);
    return true;
  }

  /** The one whose place a new one from this address takes; nothing while there is room. `connections`: all of the socket. */
  victim(address: string, connections: number): S | undefined {
    const { strangers, strangersOfAddress } = this.#limits;
    const neighbours = this.#byAddress.get(address);
    if (neighbours && !isLocal(address) && neighbours.size >= strangersOfAddress) return oldestOf(neighbours);
    if (this.#all.size >= strangers || connections >= this.#limits.connections) return oldestOf(this.#all);
    return undefined;
  }

  /** Those that came first come first. */
  [Symbol.iterator](): Iterator<S> {
    return this.#all[Symbol.iterator]();
  }
}

function oldestOf<S>(strangers: ReadonlySet<S>): S | undefined {
  const [oldest] = strangers;
  return oldest;
}

function isLocal(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address);
}
