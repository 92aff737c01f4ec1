/** A child that opens an LMDB store and does with it what it is asked for. */
import { writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { openStore } from '../../src/store/lmdb.js';
import type { Migration } from '../../src/store/schema.js';
import type { CommitOutcome, Key, Store } from '../../src/store/store.js';
import { answerRequests } from './answer-requests.js';

export type StoreRequest =
  /** `older`: as a version of Tutti does that knows schema 1 only. */
  | { readonly do: 'open'; readonly dir: string; readonly older?: true }
  /** Migrates a store of schema 1, and makes the file `mark` when so many of its rows are read. */
  | { readonly do: 'migrate'; readonly dir: string; readonly rows: number; readonly mark: string }
  | { readonly do: 'reign' }
  | { readonly do: 'commit'; readonly epoch: number; readonly keys: readonly Key[]; readonly bytes: number }
  | { readonly do: 'delete'; readonly epoch: number; readonly keys: readonly Key[] }
  | { readonly do: 'keys' }
  | { readonly do: 'position' }
  /** The keys once the tables have reached a position. */
  | { readonly do: 'keys at'; readonly position: number }
  | { readonly do: 'watch'; readonly key: Key }
  | { readonly do: 'exit' };

/** When, on the clock of `process.hrtime.bigint()`, a commit began and resolved. */
export interface TimedOutcome {
  readonly outcome: CommitOutcome;
  readonly start: string;
  readonly end: string;
}

const turn = promisify(setImmediate);
let store: Store;

answerRequests<StoreRequest>(async (request) => {
  switch (request.do) {
    case 'open':
      store = await openStore({ dir: request.dir, ...(request.older && { migrations: [] }) });
      return store.storeId;
    case 'migrate': {
      let rows = 0;
      const migration: Migration = (row) => {
        rows += 1;
        if (rows === request.rows) writeFileSync(request.mark, '');
        return [row];
      };
      store = await openStore({ dir: request.dir, migrations: [migration] });
      return store.storeId;
    }
    case 'reign':
      return store.reign();
    case 'commit': {
      const value = new Uint8Array(request.bytes).fill(7);
      const start = process.hrtime.bigint();
      const outcome = await store.commit(
        request.epoch,
        request.keys.map((key) => ({ op: 'put', table: 'events', key, value })),
      );
      return { outcome, start: String(start), end: String(process.hrtime.bigint()) } satisfies TimedOutcome;
    }
    case 'delete':
      return store.commit(
        request.epoch,
        request.keys.map((key) => ({ op: 'delete', table: 'events', key })),
      );
    case 'keys':
      return store.keys('events', { prefix: [] });
    case 'position':
      return store.position;
    case 'keys at':
      await store.applied(request.position);
      return store.keys('events', { prefix: [] });
    case 'watch':
      while ((await store.get('events', request.key)) === undefined) await turn();
      return String(process.hrtime.bigint());
    case 'exit':
      await store.close();
      return undefined;
    default:
      return request satisfies never;
  }
});
