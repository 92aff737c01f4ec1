/**
 * How a reign over a store on PostgreSQL begins.
 *
 * R1. Raising the epoch ends the commits of the older reign (`commit-log.ts`), taking the tables ends its writes to them (`table-session.ts`). Each
 *     waits for the statement that is under way.
 * R2. After both, the tables get all that the log holds: nobody adds to it meanwhile.
 */
import { TuttiError } from '../../base/errors.js';
import type { Address } from './address.js';
import type { Statement } from './connection.js';
import { asStoreError } from './errors.js';
import { TableSession } from './table-session.js';

const RAISE_EPOCH =
  'UPDATE tutti.leader SET epoch = epoch + 1, session = 0 WHERE $1::text IS NULL OR holder = $1 RETURNING epoch';

/** R1. @throws `fenced`: the holder has lost the lease */
export async function raiseEpoch(
  ask: (statement: Statement) => Promise<readonly (readonly unknown[])[]>,
  holder: string | undefined,
): Promise<number> {
  const [row] = await ask({ text: RAISE_EPOCH, values: [holder ?? null] });
  if (row === undefined)
    throw new TuttiError('fenced', 'the lease of the store was taken by another orchestrator');
  return Number(row[0]);
}

/** R1, R2. Returns the position that they have then; nothing where another reign has begun meanwhile, which the first commit meets. */
export async function takeTables(address: Address, epoch: number): Promise<number | undefined> {
  let tables: TableSession | undefined;
  try {
    tables = await TableSession.begin(address, epoch);
    await tables.catchUp(address.shown);
    return tables.position;
  } catch (error) {
    if (error instanceof TuttiError && error.code === 'fenced') return undefined;
    throw asStoreError(address.shown, error);
  } finally {
    await tables?.close();
  }
}
