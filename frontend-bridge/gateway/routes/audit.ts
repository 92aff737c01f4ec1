/** The audit: who did what, from where, with what result. */
import { Readable } from 'node:stream';
import { z } from 'zod';
import { flatten } from '../../../src/base/csv.js';
import { printJson } from '../../../src/base/json/json-text.js';
import { AUDIT_RESULTS } from '../../../src/model/audit.js';
import type { Coordinator, View } from '../../../src/orchestrator/port.js';
import { auditEntry } from '../answers/audit.js';
import { answers, content, pageOf, plainText } from '../answers/shape.js';
import { type App, within } from '../http.js';
import { pageShape, splitPage } from '../requests.js';
import { Routes } from '../route.js';
import { csvLines, EXPORT_TYPES, exported, jsonLines, spreadsheetField } from '../table-export.js';

/** An object in a table is its JSON, so that each row has the same columns. */
const COLUMNS = [
  ...['audit_id', 'at', 'last_at', 'times', 'by', 'access_id', 'address', 'project', 'action', 'operation'],
  ...['target', 'result', 'code', 'message'],
];

const time = z.iso.datetime({ offset: true }).exactOptional();
const filterShape = {
  by: z
    .string()
    .exactOptional()
    .describe('The name of a grant; `token`: the configured one; `configuration`'),
  address: z.string().exactOptional(),
  action: z.string().exactOptional().describe('Like `submit`, `manage_access`, `sign_in`, `join`'),
  result: z.enum(AUDIT_RESULTS).exactOptional(),
  project: z.string().exactOptional(),
  after: time.describe('RFC 3339'),
  before: time.describe('RFC 3339'),
};

export function auditRoutes(app: App, coordinator: Coordinator): void {
  new Routes(app, coordinator).find(
    '/v1/audit',
    {
      action: 'read_audit',
      summary: 'Audit entries of all projects: caller, address, action and result, newest first',
      description:
        'A page may have fewer entries than requested, or none, and still have a `next_cursor`: continue with it',
      querystring: z.strictObject({ ...pageShape, ...filterShape }),
      answer: pageOf(auditEntry),
    },
    (queries, { query }) => {
      const { rest, page } = splitPage(query);
      return queries.audit(rest, page);
    },
  );

  app.get(
    '/v1/audit/export',
    {
      config: { action: 'read_audit' },
      exposeHeadRoute: false,
      schema: {
        summary: 'All matching audit entries as one file',
        querystring: z.strictObject({
          ...filterShape,
          format: z.enum(['jsonl', 'csv']).default('jsonl'),
          spreadsheet: spreadsheetField,
        }),
        response: answers({
          200: content('One record per entry, newest first', {
            'application/x-ndjson': plainText,
            'text/csv': plainText,
          }),
        }),
      },
    },
    async (request, reply) => {
      const { queries } = within(coordinator, request);
      const { format, spreadsheet, ...filter } = request.query;
      const entries = await exported(reply, (page) => queries.audit(filter, page));
      reply
        .header('content-disposition', `attachment; filename="audit.${format}"`)
        .type(EXPORT_TYPES[format]);
      const lines =
        format === 'jsonl' ? jsonLines(entries) : csvLines(COLUMNS, rowsOf(entries), spreadsheet === 'true');
      return reply.send(Readable.from(lines));
    },
  );
}

async function* rowsOf(entries: AsyncIterable<View>): AsyncGenerator<string[]> {
  for await (const { target, ...entry } of entries) {
    const cells = flatten({ ...entry, target: printJson(target) });
    yield COLUMNS.map((column) => cells.get(column) ?? '');
  }
}
