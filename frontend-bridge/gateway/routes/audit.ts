/** The audit: who did what, from where, with what result. */
import { Readable } from 'node:stream';
import { z } from 'zod';
import { BYTE_ORDER_MARK, csvLine, flatten, inertCell } from '../../../src/base/csv.js';
import { printJson } from '../../../src/base/json/json-text.js';
import { AUDIT_RESULTS } from '../../../src/model/audit.js';
import type { Coordinator, Page, PageRequest, View } from '../../../src/orchestrator/port.js';
import { type App, asked, found, sendFound, within } from '../http.js';
import { pageShape, splitPage } from '../requests.js';
import * as shape from '../schemas.js';

const PAGE = 1000;
/** An object in a table is its JSON, so that each row has the same columns. */
const COLUMNS = [
  ...['audit_id', 'at', 'last_at', 'times', 'by', 'access_id', 'address', 'project', 'action', 'operation'],
  ...['target', 'result', 'code', 'message'],
];
const TYPES = {
  csv: 'text/csv; charset=utf-8; header=present',
  jsonl: 'application/x-ndjson',
} as const;

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
  app.get(
    '/v1/audit',
    {
      config: { action: 'read_audit' },
      schema: {
        summary: 'Who did what, from where, with what result: of all projects, the newest first',
        description:
          'A page may have fewer entries than asked for, or none, and `next_cursor` all the same: go on with it',
        querystring: z.strictObject({ ...pageShape, ...filterShape }),
        response: shape.answers({ 200: shape.pageOf(shape.auditEntry) }),
      },
    },
    async (request, reply) => {
      const { rest, page } = splitPage(request.query);
      return sendFound(reply, await asked(coordinator, reply).audit(rest, page));
    },
  );

  app.get(
    '/v1/audit/export',
    {
      config: { action: 'read_audit' },
      exposeHeadRoute: false,
      schema: {
        summary: 'All entries of the audit that fit, as one file',
        querystring: z.strictObject({
          ...filterShape,
          format: z.enum(['jsonl', 'csv']).default('jsonl'),
          spreadsheet: z
            .enum(['true', 'false'])
            .default('false')
            .describe("For csv: a `'` before cells that would be formulas, and a byte order mark for Excel"),
        }),
        response: shape.answers({
          200: shape.content('An entry a record, the newest first', {
            'application/x-ndjson': shape.text,
            'text/csv': shape.text,
          }),
        }),
      },
    },
    async (request, reply) => {
      const { queries } = within(coordinator, request);
      const { format, spreadsheet, ...filter } = request.query;
      const read = async (page: PageRequest): Promise<Page<View>> => {
        const result = await queries.audit(filter, page);
        // Later pages come when the headers have been sent.
        if (!('ok' in result)) return reply.raw.headersSent ? result.value : found(reply, result);
        if (reply.raw.headersSent) throw new Error(`${result.code}: ${result.message}`);
        return found(reply, result);
      };
      const entries = entriesOf(await read({ limit: PAGE }), read);
      reply.header('content-disposition', `attachment; filename="audit.${format}"`).type(TYPES[format]);
      const lines = format === 'jsonl' ? jsonLines(entries) : csvLines(entries, spreadsheet === 'true');
      return reply.send(Readable.from(lines));
    },
  );
}

async function* entriesOf(
  first: Page<View>,
  read: (page: PageRequest) => Promise<Page<View>>,
): AsyncGenerator<View> {
  for (let page = first; ; page = await read({ limit: PAGE, cursor: page.next_cursor })) {
    yield* page.items;
    if (page.next_cursor === null) return;
  }
}

async function* jsonLines(entries: AsyncIterable<View>): AsyncGenerator<string> {
  for await (const entry of entries) yield `${printJson(entry)}\n`;
}

async function* csvLines(entries: AsyncIterable<View>, isForSpreadsheet: boolean): AsyncGenerator<string> {
  const shown = (text: string): string => (isForSpreadsheet ? inertCell(text) : text);
  yield (isForSpreadsheet ? BYTE_ORDER_MARK : '') + csvLine(COLUMNS);
  for await (const { target, ...entry } of entries) {
    const cells = flatten({ ...entry, target: printJson(target) });
    yield csvLine(COLUMNS.map((column) => shown(cells.get(column) ?? '')));
  }
}
