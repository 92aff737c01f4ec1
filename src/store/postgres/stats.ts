/** How much a store on PostgreSQL holds: counted where that is quick, as the server last estimated it elsewhere. */
import { type StoreStats, TABLES, type Table } from '../store.js';
import type { Statement } from './connection.js';

/** A count reads them all. */
const COUNTED_PAGES = 500;

const SIZES = `SELECT relname, reltuples, pg_total_relation_size(pg_class.oid), pg_relation_size(pg_class.oid)
  FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
  WHERE nspname = 'tutti' AND relname = ANY($1::text[])`;
const PAGE_BYTES = 8192;

export async function readStats(
  ask: (statement: Statement) => Promise<readonly (readonly unknown[])[]>,
): Promise<StoreStats> {
  let bytesUsed = 0;
  const entries: Partial<Record<Table, number>> = {};
  const small: Table[] = [];
  for (const [name, tuples, total, own] of await ask({ text: SIZES, values: [[...TABLES]] })) {
    bytesUsed += Number(total);
    if (Number(own) > COUNTED_PAGES * PAGE_BYTES && Number(tuples) >= 0)
      entries[name as Table] = Number(tuples);
    else small.push(name as Table);
  }
  const counts = small.map((table) => `(SELECT count(*) FROM tutti.${table})`);
  const [counted = []] = await ask({ text: `SELECT ${counts.join(', ') || 'NULL'}` });
  for (const [i, table] of small.entries()) entries[table] = Number(counted[i]);
  return { bytesUsed, entries };
}
