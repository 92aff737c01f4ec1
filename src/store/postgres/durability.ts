/** Whether a server keeps what it has acknowledged, as far as it says so. */
import type { Connection } from './connection.js';

/** Of standbys, a role without special rights sees how many there are, and no more. */
const ASK = `SELECT current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'),
  current_setting('synchronous_standby_names'), (SELECT count(*) FROM pg_stat_replication)`;

/** What the operator should know, a sentence each. */
export async function doubtsAbout(connection: Connection): Promise<readonly string[]> {
  const { rows } = await connection.ask({ text: ASK });
  const [fsync, fullPages, commit, synchronous, standbys] = rows[0]!.map(String);
  const doubts: string[] = [];
  if (fsync === 'off')
    doubts.push('fsync is off: a loss of power can destroy the database or the last acknowledged commits');
  if (fullPages === 'off') doubts.push('full_page_writes is off: a loss of power may destroy the database');
  if (commit !== 'on' && commit !== 'remote_apply')
    doubts.push(
      `synchronous_commit is ${commit}, although "on" was requested: the last acknowledged commits may be lost`,
    );
  if (Number(standbys) > 0 && synchronous === '')
    doubts.push(
      `${standbys} of its standbys follow asynchronously: promoting one can lose the last acknowledged commits (synchronous_standby_names)`,
    );
  return doubts;
}
