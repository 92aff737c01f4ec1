/**
 * How an orchestrator comes to lead a store on PostgreSQL: it waits until nobody holds the lease.
 *
 * L1. The lease runs by the database's clock, and only there.
 * L2. The lease decides who may begin a reign; the epoch decides whose commits count (`commit-log.ts`). A leader whose lease has run out leads on as
 *     long as nobody takes it.
 * L3. One that waits goes on waiting while the database is away.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { messageOf, TuttiError } from '../../base/errors.js';
import { parseStoreUrl } from './address.js';
import { Connection } from './connection.js';
import { forgetPeer, listPeers, notePeer, type Peer, type SeenPeer } from './peers.js';

/** A takeover after a lease that was given back takes no longer than that, and what the new leader needs. */
const LOOK_EVERY_MS = 200;

/** L1, L2. */
const TAKE = `
  UPDATE tutti.leader SET holder = $1, expires_at = clock_timestamp() + $2 * interval '1 millisecond'
  WHERE holder IS NULL OR holder = $1 OR expires_at < clock_timestamp()`;

export interface LeaseOptions {
  readonly url: string;
  readonly ms: number;
  /** Stops the waiting. */
  readonly signal: AbortSignal;
  readonly holder: string;
  /** Called when it begins to wait, and each time that another one leads; answers how this process is reached meanwhile. */
  readonly onWaiting: (leader: SeenPeer | undefined) => Promise<Peer>;
  /** L3. Called when it begins, and with nothing when it is over. */
  readonly onTrouble: (error: TuttiError | undefined) => void;
}

/** Returns whether the lease was taken; it was not where the signal came first. The store is there. @throws `store_unavailable` at the beginning */
export async function takeLease(options: LeaseOptions): Promise<boolean> {
  const waiting = new Waiting(options);
  try {
    return await waiting.run();
  } finally {
    await waiting.end();
  }
}

class Waiting {
  readonly #options: LeaseOptions;
  #connection: Connection | undefined;
  #self: Peer | undefined;
  /** Whom this process waits for; nothing before it has asked. */
  #leader: string | undefined;
  #isTroubled = false;
  #noteAt = 0;

  constructor(options: LeaseOptions) {
    this.#options = options;
  }

  async run(): Promise<boolean> {
    const { signal, onTrouble } = this.#options;
    for (let tries = 0; !signal.aborted; tries += 1) {
      try {
        if (await this.#look()) return true;
        if (this.#isTroubled) onTrouble(undefined);
        this.#isTroubled = false;
      } catch (error) {
        if (!(error instanceof TuttiError) && this.#connection?.isBroken !== true) throw error;
        if (tries === 0) throw error;
        if (!this.#isTroubled) onTrouble(asUnavailable(error));
        this.#isTroubled = true;
      }
      await pause(LOOK_EVERY_MS, undefined, { signal }).catch(() => {});
    }
    return false;
  }

  /** Whether the lease is this process's now. */
  async #look(): Promise<boolean> {
    const { url, holder, ms, onWaiting } = this.#options;
    if (this.#connection === undefined || this.#connection.isBroken)
      this.#connection = await Connection.open(parseStoreUrl(url));
    const connection = this.#connection;
    if ((await connection.ask({ text: TAKE, values: [holder, ms], name: 'take' })).count > 0) return true;
    const now = performance.now();
    if (now < this.#noteAt) return false;
    this.#noteAt = now + ms / 3;
    const leader = (await listPeers((statement) => connection.ask(statement))).find((peer) => peer.isLeader);
    if (this.#self === undefined || this.#leader !== (leader?.id ?? '')) this.#self = await onWaiting(leader);
    this.#leader = leader?.id ?? '';
    await connection.ask(notePeer(this.#self));
    return false;
  }

  async end(): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined || connection.isBroken) return;
    if (this.#options.signal.aborted) await connection.ask(forgetPeer(this.#options.holder)).catch(() => {});
    await connection.close();
  }
}

function asUnavailable(error: unknown): TuttiError {
  return error instanceof TuttiError ? error : new TuttiError('store_unavailable', messageOf(error));
}
