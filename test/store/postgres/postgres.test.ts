import { afterAll, beforeAll, describe } from 'vitest';
import { openPostgresStore } from '../../../src/store/postgres/store.js';
import { storeContract } from '../../contract/store.contract.js';
import { hasPostgres, type PostgresServer, startPostgres } from '../../support/postgres.js';

describe.skipIf(!hasPostgres)('PostgreSQL', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    // Nothing here ends it: each test would wait for a hundred files to be synced.
    server = await startPostgres(['fsync=off']);
  });
  afterAll(() => server?.remove());

  storeContract('the PostgreSQL store', async () => ({
    open: () => openPostgresStore({ url: server.url }),
    remove: async () => {
      await server.query('DROP SCHEMA tutti CASCADE');
    },
  }));
});
