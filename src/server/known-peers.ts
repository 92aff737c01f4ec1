/** The orchestrators of a store, as `/v1/peers` lists them. */
import type { PeerJson } from '../contract/peer.js';
import type { Peer, SeenPeer } from '../store/postgres/peers.js';
import type { PostgresStore } from '../store/postgres/store.js';

type Where = Omit<Peer, 'id'>;

export interface KnownPeers {
  /** This orchestrator leads, and is reached there. */
  announce(where: Where): Promise<void>;
  /** The leader first. */
  list(): Promise<readonly PeerJson[]>;
}

/** Of a store on this machine, which has one orchestrator. */
export function alone(wallMs: () => number): KnownPeers {
  let self: Where | undefined;
  return {
    async announce(where) {
      self = where;
    },
    list: async () =>
      self === undefined ? [] : [shown({ ...self, isLeader: true, seenAt: new Date(wallMs()) })],
  };
}

/** Of a store that several orchestrators share. */
export function together(store: Pick<PostgresStore, 'announce' | 'peers'>): KnownPeers {
  return {
    announce: (where) => store.announce(where),
    list: async () => (await store.peers()).map(shown),
  };
}

function shown({ http, control, isLeader, seenAt }: Omit<SeenPeer, 'id'>): PeerJson {
  const role = isLeader ? 'leader' : 'standby';
  return { http, control: control ?? null, role, seen_at: seenAt.toISOString() };
}
