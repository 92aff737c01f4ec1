/** Lists as one file: read page by page and streamed, so that a long one takes no more memory than a page. */
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { BYTE_ORDER_MARK, csvLine, inertCell } from '../../src/base/csv.js';
import { everyItem } from '../../src/base/every-item.js';
import { printJson } from '../../src/base/json/json-text.js';
import type { FoundJson, Page, PageRequest, Refusal } from '../../src/orchestrator/port.js';
import { refusalError } from './errors.js';
import { found } from './http.js';

export const EXPORT_TYPES = {
  csv: 'text/csv; charset=utf-8; header=present',
  jsonl: 'application/x-ndjson',
  parquet: 'application/vnd.apache.parquet',
} as const;

export const spreadsheetField: z.ZodDefault<z.ZodEnum<{ true: 'true'; false: 'false' }>> = z
  .enum(['true', 'false'])
  .default('false')
  .describe("For csv: a `'` before cells that would be formulas, and a byte order mark for Excel");

/** All items. Throws what the first page is refused with, while the reply can still say so; the headers tell the moment of that page. */
export async function exported<T>(
  reply: FastifyReply,
  ask: (page: PageRequest) => Promise<FoundJson<Page<T>> | Refusal>,
): Promise<AsyncGenerator<T>> {
  const items = everyItem(async (page) => {
    const result = await ask(page);
    if ('ok' in result) throw refusalError(result);
    if (page.cursor === undefined) found(reply, result);
    return result.value;
  });
  const first = await items.next();
  return first.done ? items : after(first.value, items);
}

async function* after<T>(first: T, rest: AsyncIterable<T>): AsyncGenerator<T> {
  yield first;
  yield* rest;
}

export async function* jsonLines(items: AsyncIterable<object>): AsyncGenerator<string> {
  for await (const item of items) yield `${printJson(item)}\n`;
}

export async function* csvLines(
  columns: readonly string[],
  rows: AsyncIterable<readonly string[]>,
  isForSpreadsheet: boolean,
): AsyncGenerator<string> {
  const shown = (cells: readonly string[]): readonly string[] =>
    isForSpreadsheet ? cells.map(inertCell) : cells;
  yield (isForSpreadsheet ? BYTE_ORDER_MARK : '') + csvLine(shown(columns));
  for await (const row of rows) yield csvLine(shown(row));
}
