/**
 * Exports: one record an iteration, with its outputs, in order, as text.
 *
 * X1. Each page has a view of the store of its own: an export of a million rows holds no snapshot and no more than a page.
 * X2. A piece of text is handed out once it is worth sending, so that what is under way is bounded however large the rows are.
 */

import { BYTE_ORDER_MARK, csvLine, flatten, inertCell } from '../../base/csv.js';
import { printJson } from '../../base/json/json-text.js';
import type { Key } from '../../store/store.js';
import type { ExportFormat, View } from '../port.js';
import { iterationSummary } from '../tables/summary.js';
import { iterations } from '../tables/tables.js';
import type { TaskRow } from '../tables/task-row.js';
import type { Moment } from './moment.js';
import { iterationView } from './views.js';

/** Iterations that are held at once, with their outputs. */
const PAGE = 16;
/** X2. A piece has at least so many characters, but for the last one. */
const PIECE_CHARACTERS = 64 * 1024;

/** All iterations of a problem. @param look looks at the moment that it is called in */
export async function* exportedRows(look: Look, problemId: string): AsyncGenerator<View> {
  let after: Key | undefined;
  for (;;) {
    const page = await look((moment) => exportedPage(moment, problemId, after));
    yield* page.views;
    if (page.views.length < PAGE) return;
    after = page.last;
  }
}

export type Look = <T>(at: (moment: Moment) => Promise<T>) => Promise<T>;

/** X1. */
async function exportedPage(
  moment: Moment,
  problemId: string,
  after: Key | undefined,
): Promise<{ readonly views: View[]; readonly last: Key | undefined }> {
  const rows = await iterations.range(moment.reader, {
    prefix: [problemId],
    limit: PAGE,
    ...(after && { after }),
  });
  const views: View[] = [];
  for (const { row } of rows) {
    views.push(await exportedRow(moment, row));
    await moment.slices.rest();
  }
  return { views, last: rows.at(-1)?.key };
}

async function exportedRow({ reader, payloads }: Moment, row: TaskRow): Promise<View> {
  const outputs: Record<string, unknown> = {};
  for (const { spec } of (await payloads.graphOf(row)).compiled.modules)
    outputs[spec.name] = (await payloads.moduleOutput(reader, row, spec.name))?.json ?? null;
  const input = await payloads.inputOf(reader, row);
  const overrides = await payloads.overridesOf(reader, row);
  const project = row.project === undefined ? {} : { project: row.project };
  return { ...iterationView(iterationSummary(row)), ...project, input, overrides, outputs };
}

/** In pieces that are worth sending. `rows` may be called twice. */
export async function* exportedText(
  rows: () => AsyncIterable<View>,
  format: ExportFormat,
): AsyncGenerator<Uint8Array> {
  const lines =
    format === 'jsonl' ? jsonLines(rows()) : csvLines(await csvColumns(rows()), rows(), format !== 'csv');
  let piece = '';
  for await (const line of lines) {
    piece += line;
    if (piece.length < PIECE_CHARACTERS) continue;
    yield Buffer.from(piece);
    piece = '';
  }
  if (piece !== '') yield Buffer.from(piece);
}

async function* jsonLines(rows: AsyncIterable<View>): AsyncGenerator<string> {
  for await (const row of rows) yield `${printJson(row)}\n`;
}

/**
 * A table's header comes before its rows, and no record says which fields the others have: the records are read twice, so that none is
 * held. What appears only between the two readings is not in the table.
 */
async function csvColumns(rows: AsyncIterable<View>): Promise<Set<string>> {
  const columns = new Set<string>();
  for await (const row of rows) for (const column of flatten(row).keys()) columns.add(column);
  return columns;
}

async function* csvLines(
  columns: ReadonlySet<string>,
  rows: AsyncIterable<View>,
  isForSpreadsheet: boolean,
): AsyncGenerator<string> {
  const shown = (text: string): string => (isForSpreadsheet ? inertCell(text) : text);
  yield (isForSpreadsheet ? BYTE_ORDER_MARK : '') + csvLine(Array.from(columns, shown));
  for await (const row of rows) {
    const cells = flatten(row);
    yield csvLine(Array.from(columns, (column) => shown(cells.get(column) ?? '')));
  }
}
