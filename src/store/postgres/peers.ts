/** The orchestrators of a store on PostgreSQL: each says where it is and, again and again, that it is there. */
import type { Connection, Statement } from './connection.js';

export interface Peer {
  /** Names the process, among all of all machines. */
  readonly id: string;
  readonly http: string;
  /** Nothing for a standby whose port is only chosen when it leads. */
  readonly control: string | undefined;
}

export interface SeenPeer extends Peer {
  readonly isLeader: boolean;
  readonly seenAt: Date;
}

/** One that has said nothing for so long is gone. */
const GONE_AFTER_S = 60;

const NOTE = `
  WITH gone AS (DELETE FROM tutti.peers WHERE seen_at < clock_timestamp() - interval '${GONE_AFTER_S} s' AND id <> $1)
  INSERT INTO tutti.peers (id, http, control, seen_at) VALUES ($1, $2, $3, clock_timestamp())
  ON CONFLICT (id) DO UPDATE SET http = excluded.http, control = excluded.control, seen_at = excluded.seen_at`;
const LIST = `
  SELECT id, http, control, id = (SELECT holder FROM tutti.leader) IS TRUE, seen_at FROM tutti.peers
  WHERE seen_at >= clock_timestamp() - interval '${GONE_AFTER_S} s' ORDER BY 4 DESC, id`;

export function notePeer({ id, http, control }: Peer): Statement {
  return { text: NOTE, values: [id, http, control ?? null], name: 'note peer' };
}

export function forgetPeer(id: string): Statement {
  return { text: 'DELETE FROM tutti.peers WHERE id = $1', values: [id] };
}

/** The leader first. */
export async function listPeers(ask: Connection['ask']): Promise<readonly SeenPeer[]> {
  const { rows } = await ask({ text: LIST });
  return rows.map(([id, http, control, isLeader, seenAt]) => ({
    ...{ id: String(id), http: String(http), control: control === null ? undefined : String(control) },
    ...{ isLeader: isLeader === true, seenAt: seenAt as Date },
  }));
}
