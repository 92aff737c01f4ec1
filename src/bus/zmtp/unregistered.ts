/**
 * The connections of one socket whose peers have not registered, in the order in which they came, and by address.
 *
 * When there are too many, a new one replaces the oldest, and none is refused: a node that starts registers within
 * milliseconds of connecting, so the oldest are those that do not mean to.
 */
import type { ConnectionLimits } from './connection-limits.js';

interface HasAddress {
  readonly address: string;
}

export class Unregistered<C extends HasAddress> {
  readonly #limits: ConnectionLimits;
  readonly #all = new Set<C>();
  readonly #byAddress = new Map<string, Set<C>>();

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#all.size;
  }

  add(connection: C): void {
    this.#all.add(connection);
    const neighbours = this.#byAddress.get(connection.address);
    if (neighbours) neighbours.add(connection);
    else this.#byAddress.set(connection.address, new Set([connection]));
  }

  /** Returns whether it was one. */
  delete(connection: C): boolean {
    if (!this.#all.delete(connection)) return false;
    const neighbours = this.#byAddress.get(connection.address);
    neighbours?.delete(connection);
    if (neighbours?.size === 0) this.#byAddress.delete(connection.address);
    return true;
  }

  /** The one whose place a new one from this address takes; nothing while there is room. `connections`: all of the socket. */
  victim(address: string, connections: number): C | undefined {
    const { unregistered, unregisteredOfAddress } = this.#limits;
    const neighbours = this.#byAddress.get(address);
    if (neighbours && !isLocal(address) && neighbours.size >= unregisteredOfAddress)
      return oldestOf(neighbours);
    if (this.#all.size >= unregistered || connections >= this.#limits.connections) return oldestOf(this.#all);
    return undefined;
  }

  /** Those that came first come first. */
  [Symbol.iterator](): Iterator<C> {
    return this.#all[Symbol.iterator]();
  }
}

function oldestOf<C>(connections: ReadonlySet<C>): C | undefined {
  const [oldest] = connections;
  return oldest;
}

function isLocal(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address);
}
