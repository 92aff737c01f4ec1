/** Commits that are in the log on PostgreSQL, and perhaps not in the tables. */
import { TuttiError } from '../../base/errors.js';
import { decodeRecord, type LogRecord } from '../log/record.js';
import type { Connection } from './connection.js';

const BEYOND = 'SELECT position, epoch, record FROM tutti.log WHERE position > $1 ORDER BY position LIMIT $2';

/** Those after a position, in order. @throws `store_damaged`, `store_schema_newer`, or what the server says */
export async function commitsBeyond(
  connection: Connection,
  shown: string,
  position: number,
  limit: number | null,
): Promise<readonly LogRecord[]> {
  const { rows } = await connection.ask({ text: BEYOND, values: [position, limit] });
  return rows.map(([at, epoch, record], i) => {
    const expected = { epoch: Number(epoch), seed: 0, position: position + i + 1, after: 0 };
    const decoded = Number(at) === expected.position && decodeRecord(record as Buffer, 0, expected);
    if (decoded) return decoded;
    throw new TuttiError(
      'store_damaged',
      `the store at ${shown} is damaged: commit ${expected.position} of its log is missing or was changed`,
      { hint: 'Restore the database from a backup.' },
    );
  });
}
