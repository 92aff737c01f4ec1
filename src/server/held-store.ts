/** The store that an orchestrator works on, from the moment on at which no other one does. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { systemClock } from '../base/clock.js';
import type { TuttiError } from '../base/errors.js';
import type { Config } from '../config/options.js';
import { childReaders } from '../orchestrator/queries/service/child-process.js';
import { partsOf, tighten } from '../store/data-dir.js';
import { acquireDataDir } from '../store/holder.js';
import { openStore } from '../store/lmdb.js';
import type { SeenPeer } from '../store/postgres/peers.js';
import type { Store } from '../store/store.js';
import { alone, type KnownPeers, together } from './known-peers.js';
import { serveAsStandby } from './standby.js';

const READER = fileURLToPath(new URL('./reader.js', import.meta.url));

export interface HeldStore {
  readonly store: Store;
  readonly peers: KnownPeers;
  readonly startReader: ReturnType<typeof childReaders>;
  /** Until then, one that has waited answers as a standby at the address of the gateway. */
  readonly beforeServing: () => Promise<void>;
}

export interface Holding {
  readonly config: Config;
  readonly logger: Logger;
  /** Ends the waiting for another orchestrator. */
  readonly signal: AbortSignal;
  /** Another one leads, and this one waits. */
  readonly onStandby: (leader: SeenPeer | undefined) => void;
  readonly onLost: (error: TuttiError) => void;
  /** Steps that undo this, in their order. */
  readonly undo: (() => Promise<unknown>)[];
}

/** Nothing where the signal came first. */
export async function holdStore(holding: Holding): Promise<HeldStore | undefined> {
  const { config, logger, undo } = holding;
  undo.push(await acquireDataDir(config.data, { takeover: config.takeover }));
  const open = tighten(config.data);
  if (open !== undefined) logger.warn(open);
  if (config.store !== undefined) return holdShared(config.store, holding);
  const parts = partsOf(config.data);
  const store = await openStore({ dir: parts.store, identityFile: parts.identity });
  undo.push(() => store.close());
  return {
    store,
    peers: alone(() => systemClock.wallMs()),
    startReader: childReaders(READER, [config.data]),
    beforeServing: async () => {},
  };
}

async function holdShared(url: string, holding: Holding): Promise<HeldStore | undefined> {
  const { config, logger, signal, onStandby, onLost, undo } = holding;
  // Its client takes memory and files that a store on this machine has no use for.
  const { openPostgresStore } = await import('../store/postgres/store.js');
  const { takeLease } = await import('../store/postgres/lease.js');
  const lease = { holder: `${hostname()}:${process.pid}:${randomUUID()}`, ms: config.leaseMs };
  const store = await openPostgresStore({
    ...{ url, lease, onFenced: onLost },
    onDoubt: (doubt) => logger.warn(`the store's server: ${doubt}`),
  });
  undo.push(() => store.close());
  let standby: Awaited<ReturnType<typeof serveAsStandby>> | undefined;
  undo.push(async () => standby?.stop());
  const isTaken = await takeLease({
    ...{ url, ms: lease.ms, holder: lease.holder, signal },
    onWaiting: async (leader) => {
      standby ??= await serveAsStandby(config);
      onStandby(leader);
      return { id: lease.holder, ...standby.where };
    },
    onTrouble: (error) => {
      if (error === undefined) logger.info('the store works again');
      else logger.error(error.message);
    },
  });
  if (!isTaken) return undefined;
  // In its environment, which other users cannot see.
  const env = { ...process.env, TUTTI_STORE: url };
  return {
    ...{ store, peers: together(store), startReader: childReaders(READER, ['--store'], { env }) },
    beforeServing: async () => standby?.stop(),
  };
}
