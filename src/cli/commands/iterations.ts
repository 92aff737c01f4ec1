/** The commands that search iterations: `iterations` and `export`. */
import { pipeline } from 'node:stream/promises';
import { type Command, Option } from 'commander';
import { messageOf } from '../../base/errors.js';
import { inertText } from '../../base/inert.js';
import { shortId } from '../../model/short-id.js';
import { pageLimit } from '../arguments/arguments.js';
import { problemIdOf } from '../arguments/short-ids.js';
import type { Json } from '../client.js';
import { CliError, EXIT } from '../exit.js';
import { type Io, writeLine } from '../io.js';
import { jsonArray } from '../print/json-lines.js';
import { table } from '../print/table.js';
import { type CommonOptions, clientCommand, openSession } from '../program.js';
import { problemPath } from '../tasks/task.js';
import { varyingFields } from '../tasks/varying-fields.js';

interface SearchOptions extends CommonOptions {
  readonly filter?: string;
  readonly orderBy?: string;
  readonly fields?: string;
}

interface IterationsOptions extends SearchOptions {
  readonly limit?: number;
  readonly cursor?: string;
}

interface Found {
  readonly items: readonly (Json & { readonly fields?: Json })[];
  readonly next_cursor: string | null;
  readonly query?: { readonly hint?: string };
}

const COLUMNS = ['problem_id', 'iteration_id', 'state', 'graph', 'created_at'];

function searchCommand(program: Command, name: string, description: string): Command {
  return clientCommand(program, name, description)
    .argument('[problem_id]')
    .option('--filter <expression>', 'only matches, such as \'train.loss < 0.2 and state = "succeeded"\'')
    .option('--order-by <field>', 'sort by a field; -FIELD sorts in descending order')
    .option('--fields <names>', 'the fields to include, separated by commas, such as train.loss,input.rate');
}

export function iterationsCommand(program: Command, io: Io): void {
  searchCommand(program, 'iterations', 'List iterations, of all problems or of one')
    .option('--limit <number>', '1 to 1000 (default 50)', pageLimit)
    .option('--cursor <cursor>', 'continue after an earlier page')
    .action(async (problem: string | undefined, options: IterationsOptions) => {
      const session = openSession(options, io);
      const { filter, orderBy: order_by, fields, limit, cursor } = options;
      const path =
        problem === undefined
          ? '/v1/iterations'
          : `${problemPath(await problemIdOf(session.client, problem))}/iterations`;
      const search = { filter, order_by };
      const isOpen = fields === undefined && !session.json;
      const names = isOpen
        ? await varyingFields(session.client, path, search)
        : (fields ?? '')
            .split(',')
            .map((name) => name.trim())
            .filter((name) => name !== '');
      const asked = isOpen ? (names.length > 0 ? names.join(',') : undefined) : fields;
      const { value } = await session.client.get<Found>(path, { ...search, fields: asked, limit, cursor });
      session.print(value, () => {
        const rows = value.items.map(({ problem_id: id, fields: shown, ...one }) => [
          shortId(String(id)),
          ...COLUMNS.slice(1).map((column) => one[column]),
          ...names.map((name) => shown?.[name]),
        ]);
        const more = value.next_cursor === null ? '' : `\n\nmore: --cursor ${value.next_cursor}`;
        return table([...COLUMNS.map((column) => column.toUpperCase()), ...names], rows) + more;
      });
      if (value.query?.hint !== undefined) writeLine(io.stderr, inertText(value.query.hint));
    });
}

interface ExportOptions extends SearchOptions {
  readonly format: 'jsonl' | 'csv' | 'parquet';
}

export function exportCommand(program: Command, io: Io): void {
  searchCommand(
    program,
    'export',
    'Write iterations to stdout: those of a problem with their outputs, or the results of a search with selected fields',
  )
    .addOption(
      new Option('--format <format>', 'the output format (with --json: jsonl); parquet is for searches only')
        .choices(['jsonl', 'csv', 'parquet'])
        .default('jsonl'),
    )
    .addHelpText(
      'after',
      `
With --json, the records are the elements of one JSON list.
  tutti export PROBLEM_ID --format csv > all.csv
  tutti export --filter 'train.loss < 0.2' --fields train.loss,input.rate --format parquet > found.parquet`,
    )
    .action(async (problem: string | undefined, options: ExportOptions) => {
      const session = openSession(options, io);
      const format = session.json ? 'jsonl' : options.format;
      const isSeen = (io.stdout as Partial<NodeJS.WriteStream>).isTTY === true;
      if (format === 'parquet' && isSeen)
        throw new CliError(
          EXIT.badInput,
          'bad_option',
          '--format: parquet is not text: redirect it to a file with >.',
        );
      const id = problem === undefined ? undefined : await problemIdOf(session.client, problem);
      const { filter, orderBy, fields } = options;
      const isSearch = [filter, orderBy, fields].some((one) => one !== undefined) || format === 'parquet';
      const records =
        id !== undefined && !isSearch
          ? await session.client.stream(`${problemPath(id)}/export`, { format })
          : await session.client.stream('/v1/iterations/export', {
              filter: within(id, filter),
              order_by: orderBy,
              fields,
              format,
            });
      try {
        const text = session.json ? jsonArray(records) : records;
        await pipeline(isSeen ? inertLines(text) : text, io.stdout, { end: false });
      } catch (thrown) {
        // Who reads has seen enough, as `head` does.
        if ((thrown as { code?: unknown }).code !== 'EPIPE') throw brokenOff(thrown);
      }
    });
}

/** The filter, over the iterations of one problem. */
function within(problemId: string | undefined, filter: string | undefined): string | undefined {
  if (problemId === undefined) return filter;
  const own = `problem_id = "${problemId}"`;
  return filter === undefined ? own : `${own} and (${filter})`;
}

/** For a terminal. A file or a pipe gets every byte as it is. */
async function* inertLines(text: AsyncIterable<unknown>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  for await (const piece of text)
    yield inertText(
      typeof piece === 'string' ? piece : decoder.decode(piece as Uint8Array, { stream: true }),
    );
}

function brokenOff(cause: unknown): CliError {
  return new CliError(EXIT.failed, 'export_broken', `The export broke off: ${messageOf(cause)}`, { cause });
}
