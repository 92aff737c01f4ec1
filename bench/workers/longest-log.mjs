/**
 * Leaves a store as a killed orchestrator does at worst: with as much in its log as may be there and not in its tables. The records write
 * rows again that are there, so nothing of what they say is new. On stdout: a JSON of how much that is.
 */
import { pathToFileURL } from 'node:url';

const { dist, dir, identityFile, bytes } = JSON.parse(String(process.argv[2]));
/** @param {string} path @returns {Promise<any>} */
const product = (path) => import(pathToFileURL(`${dist}/src/store/${path}`).href);
const { openStore, openTables } = await product('lmdb.js');
const { LogWriter } = await product('log/writer.js');
const { Spares } = await product('log/spares.js');
const { encodeRecord } = await product('log/record.js');
const SEGMENT_BYTES = 4 * 1024 ** 2;
/** Rows of a record: a busy batch. */
const ROWS = 200;

const store = await openStore({ dir, identityFile });
const earlier = await store.reign();
await store.close();
const { tables } = await openTables({ dir, identityFile }, false);
await tables.raiseEpoch(earlier);
const epoch = earlier + 1;
const log = await LogWriter.begin(dir, epoch, tables.logState().position, new Spares(dir, SEGMENT_BYTES));
await tables.need(epoch, epoch);
let written = 0;
let rows = 0;
while (written < bytes) {
  for (const table of ['iterations', 'task_events', 'payloads', 'unfinished']) {
    /** @type {any} */
    let after;
    for (;;) {
      const range = { prefix: [], limit: ROWS, ...(after === undefined ? {} : { after }) };
      const page = tables.range(table, range, []);
      if (page.length === 0 || written >= bytes) break;
      /** @param {{ key: unknown, value: Uint8Array }} entry */
      const putAgain = ({ key, value }) => ({ op: 'put', table, key, value });
      const record = encodeRecord(page.map(putAgain));
      await log.append(record.bytes);
      written += record.bytes.length;
      rows += page.length;
      after = page.at(-1).key;
    }
  }
}
await log.close(false);
await tables.close();
console.log(JSON.stringify({ written, rows }));
