/**
 * What a search finds, as one file: a record an iteration, with what is stored about it and the fields that were asked for. Only
 * Parquet needs all records at once.
 */
import { Readable } from 'node:stream';
import { z } from 'zod';
import { flatten } from '../../../src/base/csv.js';
import { entriesOf } from '../../../src/base/json/exact.js';
import { printJson } from '../../../src/base/json/json-text.js';
import type { Coordinator, SearchQuery, View } from '../../../src/orchestrator/port.js';
import { answers, bytes, content, plainText } from '../answers/shape.js';
import { HttpError } from '../errors.js';
import { type App, within } from '../http.js';
import { parquetOf, type Row } from '../parquet.js';
import { searchShape } from '../requests.js';
import { csvLines, EXPORT_TYPES, exported, jsonLines, spreadsheetField } from '../table-export.js';

/** A Parquet file is made in memory. */
const MOST_PARQUET_CELLS = 5_000_000;
const STORED = [
  ...['problem_id', 'iteration_id', 'state', 'graph', 'graph_version', 'parent_iteration_id'],
  ...['created_at', 'started_at', 'finished_at', 'reason', 'project'],
];
const ERROR = ['error.code', 'error.message'];

const query = z.strictObject({
  ...searchShape,
  format: z.enum(['jsonl', 'csv', 'parquet']).default('jsonl'),
  spreadsheet: spreadsheetField,
});

export function searchExportRoute(app: App, coordinator: Coordinator): void {
  app.get(
    '/v1/iterations/export',
    {
      config: { action: 'read' },
      exposeHeadRoute: false,
      schema: {
        summary: 'All iterations that match a search, with selected fields, as one file',
        querystring: query,
        response: answers({
          200: content('A record an iteration, in the order of the search', {
            'application/x-ndjson': plainText,
            'text/csv': plainText,
            'application/vnd.apache.parquet': bytes,
          }),
        }),
      },
    },
    async (request, reply) => {
      const { queries } = within(coordinator, request);
      const { format, spreadsheet, ...search } = request.query;
      const names = [...STORED, ...ERROR, ...fieldsOf(search)];
      const rows = records(await exported(reply, (page) => queries.searchIterations(search, page)));
      reply
        .header('content-disposition', `attachment; filename="iterations.${format}"`)
        .type(EXPORT_TYPES[format]);
      switch (format) {
        case 'jsonl':
          return reply.send(Readable.from(jsonLines(rows)));
        case 'csv':
          return reply.send(Readable.from(csvLines(names, cellsOf(names, rows), spreadsheet === 'true')));
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

async function* records(items: AsyncIterable<View>): AsyncGenerator<Row> {
  for await (const item of items) yield recordOf(item);
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

async function* cellsOf(names: readonly string[], rows: AsyncIterable<Row>): AsyncGenerator<string[]> {
  for await (const row of rows)
    yield names.map((name) => flatten({ cell: row[name] }).get('cell') ?? printJson(row[name] ?? ''));
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
