/**
 * The log on PostgreSQL: a commit is one row, put in by one statement, which is one transaction and one round trip.
 *
 * G1. A commit counts only while its epoch reigns: the statement takes a share of the leader's row, which a new reign has to wait for, and that
 *     names no other epoch. So once a reign has begun, no commit of an older one gets in.
 * G2. Only one handle commits at a time, so positions come from it and have no gaps. The primary key refuses one that is there.
 * G3. A commit whose answer was lost is looked up before anything else is committed. The look-up first raises the number of the session, which the
 *     lost statement then no longer finds: it has taken effect by then, or it never will.
 * G4. A database that has lost what it had acknowledged is not written to: the state in memory has gone on from there.
 * G5. Looking the leader's row up does not write it, so a view that is held for long leaves no versions of it behind.
 */
import { messageOf, TuttiError } from '../../base/errors.js';
import { RECORD_HEADER_BYTES, seal } from '../log/record.js';
import type { CommitOutcome } from '../store.js';
import type { Address } from './address.js';
import { type Answer, Connection, type Statement } from './connection.js';
import { asStoreError, isRefused, storeWentBack } from './errors.js';

/** A server that has not answered by then is looked for anew. */
const COMMIT_WITHIN_MS = 10_000;
/** A process that ends has five seconds. */
const CLOSE_WITHIN_MS = 1000;

/** G1, G2, G3, G5. */
const APPEND = `INSERT INTO tutti.log (position, epoch, record)
  SELECT $3, $1, $4 FROM tutti.leader WHERE epoch = $1 AND session = $2 FOR SHARE`;
const NEXT_SESSION = 'UPDATE tutti.leader SET session = session + 1 WHERE epoch = $1 RETURNING session';
const RENEW = `UPDATE tutti.leader SET expires_at = clock_timestamp() + $2 * interval '1 millisecond' WHERE epoch = $1`;
const GIVE_BACK = `UPDATE tutti.leader SET expires_at = '-infinity', holder = NULL WHERE epoch = $1`;
export const NEWEST_POSITION =
  'SELECT greatest(position, (SELECT max(position) FROM tutti.log)) FROM tutti.applied';

interface Session {
  readonly connection: Connection;
  readonly number: number;
}

export class CommitLog {
  readonly #address: Address;
  /** The newest reign that this handle has begun. */
  readonly epoch: number;
  #position: number;
  #session: Session | undefined;
  /** G3. What may be at the position after the newest. */
  #uncertain: Buffer | undefined;
  /** G3. What was found there, at the newest position now; the same batch is given again. */
  #found: Buffer | undefined;

  constructor(address: Address, epoch: number, position: number) {
    this.#address = address;
    this.epoch = epoch;
    this.#position = position;
  }

  /** Of the newest commit that counts. */
  get position(): number {
    return this.#position;
  }

  /** Whether a commit would find a session that works. */
  get isConnected(): boolean {
    return this.#session?.connection.isBroken === false;
  }

  /**
   * Puts a record in. Calls of this and of `renew` come one after the other.
   * @throws `store_failed` (G4)
   */
  async append(bytes: Buffer): Promise<CommitOutcome> {
    return this.#settle(async () => {
      const session = await this.#connected();
      if (typeof session === 'number') return { kind: 'fenced', epoch: session };
      const found = this.#found;
      if (found === undefined) return this.#put(session, bytes);
      if (!isSame(found, bytes))
        throw new TuttiError('store_failed', 'another batch follows the one whose answer was lost');
      this.#found = undefined;
      return { kind: 'committed' };
    });
  }

  /** Looks whether the epoch still reigns, and extends the lease by the database's clock where one is given. */
  async renew(leaseMs: number | undefined): Promise<CommitOutcome> {
    return this.#settle(async () => {
      const session = await this.#connected();
      if (typeof session === 'number') return { kind: 'fenced', epoch: session };
      const renewal = leaseMs === undefined ? undefined : { text: RENEW, values: [this.epoch, leaseMs] };
      if (renewal !== undefined && (await this.#ask(session, renewal)).count > 0)
        return { kind: 'committed' };
      const epoch = await this.#reigning(session);
      return epoch === this.epoch ? { kind: 'committed' } : { kind: 'fenced', epoch };
    });
  }

  /** @param isGivenBack whether another orchestrator may take the lease at once */
  async close(isGivenBack: boolean): Promise<void> {
    const { connection } = this.#session ?? {};
    if (connection === undefined || connection.isBroken) return;
    // Where it fails, the lease runs out.
    if (isGivenBack)
      await connection
        .ask({ text: GIVE_BACK, values: [this.epoch], withinMs: CLOSE_WITHIN_MS })
        .catch(() => {});
    await connection.close();
  }

  async #settle(work: () => Promise<CommitOutcome>): Promise<CommitOutcome> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof TuttiError && error.code === 'store_failed') throw error;
      const message = messageOf(error);
      return this.#uncertain === undefined ? { kind: 'full', message } : { kind: 'unknown', message };
    }
  }

  /** Begins a session where none works. Returns the epoch that reigns instead, if so. */
  async #connected(): Promise<Session | number> {
    if (this.#session !== undefined && !this.#session.connection.isBroken) return this.#session;
    const connection = await Connection.open(this.#address);
    try {
      const session = { connection, number: 0 };
      const begun = await this.#ask(session, { text: NEXT_SESSION, values: [this.epoch] });
      if (begun.count === 0) {
        const epoch = await this.#reigning(session);
        await connection.close();
        return epoch;
      }
      const { rows } = await this.#ask(session, { text: NEWEST_POSITION });
      this.#compare(Number(rows[0]![0]));
      this.#session = { connection, number: Number(begun.rows[0]![0]) };
      return this.#session;
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  /** G3, G4. */
  #compare(newest: number): void {
    const uncertain = this.#uncertain;
    if (uncertain !== undefined && newest === this.#position + 1) {
      this.#position = newest;
      this.#found = uncertain;
    } else if (newest !== this.#position) {
      throw storeWentBack(this.#address.shown, this.#position, newest);
    }
    this.#uncertain = undefined;
  }

  async #put(session: Session, bytes: Buffer): Promise<CommitOutcome> {
    const position = this.#position + 1;
    seal(bytes, { position, epoch: this.epoch, seed: 0 });
    const values = [this.epoch, session.number, position, bytes];
    let count: number;
    try {
      ({ count } = await this.#ask(session, { text: APPEND, values, name: 'append' }));
    } catch (error) {
      if (!isRefused(error)) this.#uncertain = bytes;
      throw error;
    }
    if (count > 0) {
      this.#position = position;
      return { kind: 'committed' };
    }
    const epoch = await this.#reigning(session);
    if (epoch !== this.epoch) return { kind: 'fenced', epoch };
    // A statement that began a session, and whose answer was lost, has come through late.
    await session.connection.close();
    return { kind: 'full', message: 'the session with the database was replaced' };
  }

  async #reigning(session: Session): Promise<number> {
    const { rows } = await this.#ask(session, { text: 'SELECT epoch FROM tutti.leader' });
    return Number(rows[0]?.[0] ?? 0);
  }

  async #ask({ connection }: Session, statement: Statement): Promise<Answer> {
    try {
      return await connection.ask({ withinMs: COMMIT_WITHIN_MS, ...statement });
    } catch (error) {
      if (isRefused(error)) throw error;
      throw asStoreError(this.#address.shown, error);
    }
  }
}

/** Whether they hold the same writes: what differs in the header is their place. */
function isSame(one: Buffer, other: Buffer): boolean {
  return (
    one.length === other.length &&
    one.subarray(RECORD_HEADER_BYTES).equals(other.subarray(RECORD_HEADER_BYTES))
  );
}
