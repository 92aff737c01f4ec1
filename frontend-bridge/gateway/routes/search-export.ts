/**
 * What a search finds, as one file: a record an iteration, with what is stored about it and the fields that were asked for. Records are
 * read page by page and streamed, so that a long search takes no more memory than a page; only Parquet needs all of them.
 */
import { Readable } from 'node:stream';
import { z } from 'zod';
import { BYTE_ORDER_MARK, csvLine, flatten, inertCell } from '../../../src/base/csv.js';
import { entriesOf } from '../../../src/base/json/exact.js';
import { printJson } from '../../../src/base/json/json-text.js';
import type {
  Coordinator,
  Page,
  PageRequest,
  Queries,
  SearchQuery,
  View,
} from '../../../src/orchestrator/port.js';
import { HttpError } from '../errors.js';
import { type App, found, within } from '../http.js';
import { parquetOf, type Row } from '../parquet.js';
import { searchShape } from '../requests.js';
import * as shape from '../schemas.js';

const PAGE = 1000;
/** A Parquet file is made in memory. */
const MOST_PARQUET_CELLS = 5_000_000;
const STORED = [
  ...['problem_id', 'iteration_id', 'state', 'graph', 'graph_version', 'parent_iteration_id'],
  ...['created_at', 'started_at', 'finished_at', 'reason', 'project'],
];
const ERROR = ['error.code', 'error.message'];
const TYPES = {
  csv: 'text/csv; charset=utf-8; header=present',
  jsonl: 'application/x-ndjson',
  parquet: 'application/vnd.apache.parquet',
} as const;

const query = z.strictObject({
  ...searchShape,
  format: z.enum(['jsonl', 'csv', 'parquet']).default('jsonl'),
  spreadsheet: z
    .enum(['true', 'false'])
    .default('false')
    .describe("For csv: a `'` before cells that would be formulas, and a byte order mark for Excel"),
});

export function searchExportRoute(app: App, coordinator: Coordinator): void {
  app.get(
    '/v1/iterations/export',
    {
      config: { action: 'read' },
      exposeHeadRoute: false,
      schema: {
        summary: 'All iterations that a search finds, with the fields that are asked for, as one file',
        querystring: query,
        response: shape.answers({
          200: shape.content('A record an iteration, in the order of the search', {
            'application/x-ndjson': shape.text,
            'text/csv': shape.text,
            'application/vnd.apache.parquet': shape.bytes,
          }),
        }),
      },
    },
    async (request, reply) => {
      const { queries } = within(coordinator, request);
      const { format, spreadsheet, ...search } = request.query;
      const names = [...STORED, ...ERROR, ...fieldsOf(search)];
      const read = async (page: PageRequest): Promise<Page<View>> => {
        const result = await queries.searchIterations(search, page);
        // Later pages come when the headers have been sent.
        return reply.sent || reply.raw.headersSent ? pageOf(result) : found(reply, result);
      };
      const rows = records(await read({ limit: PAGE }), read);
      reply.header('content-disposition', `attachment; filename="iterations.${format}"`).type(TYPES[format]);
      switch (format) {
        case 'jsonl':
          return reply.send(Readable.from(jsonLines(rows)));
        case 'csv':
          return reply.send(Readable.from(csvLines(names, rows, spreadsheet === 'true')));
        case 'parquet':
          return reply.send(Buffer.from(parquetOf(names, await gathered(rows, names.length))));
        default:
          return format satisfies never;
      }
    },
  );
}

function fieldsOf({ fields }: SearchQuery): string[] {
  return fields === undefined ? [] : fields.split(',').map((name) => name.trim());
}

function pageOf(result: Awaited<ReturnType<Queries['searchIterations']>>): Page<View> {
  if ('ok' in result) throw new Error(`${result.code}: ${result.message}`);
  return result.value;
}

async function* records(
  first: Page<View>,
  read: (page: PageRequest) => Promise<Page<View>>,
): AsyncGenerator<Row> {
  for (let page = first; ; page = await read({ limit: PAGE, cursor: page.next_cursor })) {
    for (const item of page.items) yield recordOf(item);
    if (page.next_cursor === null) return;
  }
}

function recordOf(item: View): Row {
  const error = (item.error ?? {}) as Readonly<Record<string, unknown>>;
  return {
    ...Object.fromEntries(STORED.map((name) => [name, item[name] ?? null])),
    'error.code': error.code ?? null,
    'error.message': error.message ?? null,
    ...Object.fromEntries(entriesOf((item.fields ?? {}) as object)),
  };
}

async function* jsonLines(rows: AsyncIterable<Row>): AsyncGenerator<string> {
  for await (const row of rows) yield `${printJson(row)}\n`;
}

async function* csvLines(
  names: readonly string[],
  rows: AsyncIterable<Row>,
  isForSpreadsheet: boolean,
): AsyncGenerator<string> {
  const shown = (text: string): string => (isForSpreadsheet ? inertCell(text) : text);
  yield (isForSpreadsheet ? BYTE_ORDER_MARK : '') + csvLine(names.map(shown));
  for await (const row of rows)
    yield csvLine(
      names.map((name) => shown(flatten({ cell: row[name] }).get('cell') ?? printJson(row[name] ?? ''))),
    );
}

async function gathered(rows: AsyncIterable<Row>, columns: number): Promise<Row[]> {
  const all: Row[] = [];
  for await (const row of rows) {
    all.push(row);
    if (all.length * columns > MOST_PARQUET_CELLS)
      throw new HttpError(
        413,
        'too_large',
        `More than ${all.length - 1} iterations do not fit one Parquet file.`,
        {
          hint: 'Narrow the filter, ask for fewer fields, or take format=csv or jsonl, which have no limit.',
        },
      );
  }
  return all;
}
