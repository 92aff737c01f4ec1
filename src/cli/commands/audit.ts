/** `tutti audit`: who did what, from where, with what result. */
import { pipeline } from 'node:stream/promises';
import { type Command, Option } from 'commander';
import { AUDIT_RESULTS } from '../../model/audit.js';
import { pageLimit } from '../arguments/arguments.js';
import type { Json } from '../client.js';
import type { Io } from '../io.js';
import { table } from '../print/table.js';
import { type CommonOptions, clientCommand, openSession } from '../program.js';

interface AuditOptions extends CommonOptions {
  readonly by?: string;
  readonly address?: string;
  readonly action?: string;
  readonly result?: string;
  readonly project?: string;
  readonly after?: string;
  readonly before?: string;
  readonly limit?: number;
  readonly cursor?: string;
  readonly export?: 'jsonl' | 'csv';
}

interface Found {
  readonly items: readonly Json[];
  readonly next_cursor: string | null;
}

const COLUMNS = ['ID', 'AT', 'BY', 'FROM', 'PROJECT', 'OPERATION', 'ABOUT', 'RESULT', 'TIMES'];

export function auditCommand(program: Command, io: Io): void {
  clientCommand(program, 'audit', 'List audit entries: caller, address, action and result, newest first')
    .option('--by <name>', 'the name of a grant; `token` is the configured token')
    .option('--address <address>', 'the address that the request came from')
    .option('--action <action>', 'the action: submit, command_task, manage_access, sign_in, join, …')
    .addOption(new Option('--result <result>', 'the result').choices(AUDIT_RESULTS))
    .option('--project <name>', 'the project of the work')
    .option('--after <time>', 'only entries after this time (RFC 3339, such as 2026-01-31T08:00:00Z)')
    .option('--before <time>', 'RFC 3339')
    .option('--limit <number>', '1 to 1000 (default 50)', pageLimit)
    .option('--cursor <cursor>', 'continue after an earlier page')
    .addOption(new Option('--export <format>', 'write all matches to stdout').choices(['jsonl', 'csv']))
    .action(async ({ limit, cursor, export: format, ...options }: AuditOptions) => {
      const session = openSession(options, io);
      const { by, address, action, result, project, after, before } = options;
      const filter = { by, address, action, result, project, after, before };
      if (format !== undefined) {
        const entries = await session.client.stream('/v1/audit/export', { ...filter, format });
        await pipeline(entries, io.stdout, { end: false });
        return;
      }
      const { value } = await session.client.get<Found>('/v1/audit', { ...filter, limit, cursor });
      session.print(value, () => {
        const more = value.next_cursor === null ? '' : `\n\nmore: --cursor ${value.next_cursor}`;
        return table(COLUMNS, value.items.map(rowOf)) + more;
      });
    });
}

function rowOf(entry: Json): string[] {
  const about = Object.values(entry.target as Json).join(' ');
  const result = entry.code === null ? entry.result : `${entry.result}: ${entry.code}`;
  return [
    ...[entry.audit_id, entry.last_at, entry.by ?? '-', entry.address ?? '-', entry.project ?? '-'],
    ...[entry.operation, about, result, entry.times],
  ].map(String);
}
