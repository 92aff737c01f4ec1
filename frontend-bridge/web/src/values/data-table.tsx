import { useVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, useMemo, useRef, useState } from 'react';
import { plainOf, printJson } from '../../../../src/base/json/json-text.js';
import { shortNumber } from '../../../../src/model/shown-numbers.js';
import type { TableData } from './lists.js';

/** All rows are so high, in pixels. */
const ROW_PX = 28;
/** Longer texts are cut in a cell, and whole when one points at it. */
const CELL_CHARACTERS = 80;

interface Order {
  readonly column: number;
  readonly descending: boolean;
}

/** A table of any length: only what is in sight is drawn, and each column sorts it. */
export function DataTable({ data, label }: { data: TableData; label: string }): ReactNode {
  const { columns, rows } = data;
  const [order, setOrder] = useState<Order>();
  const sorted = useMemo(() => inOrder(rows, order), [rows, order]);
  const frame = useRef<HTMLElement>(null);
  const virtual = useVirtualizer({
    count: sorted.length,
    getScrollElement: () => frame.current,
    estimateSize: () => ROW_PX,
    overscan: 10,
  });
  const shown = virtual.getVirtualItems();
  const above = shown[0]?.start ?? 0;
  const below = virtual.getTotalSize() - (shown.at(-1)?.end ?? 0);
  const isNumeric = columns.map((_, at) => rows.some((row) => typeof plainOf(row[at]) === 'number'));
  return (
    <>
      <p className="value-note figure">
        {counted(rows.length, 'row')} × {counted(columns.length, 'column')}
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard. */}
      <section className="data-frame" ref={frame} tabIndex={0} aria-label={`${label}, scrolls`}>
        <table className="data-table" aria-rowcount={rows.length + 1}>
          <thead>
            <tr>
              <th scope="col" className="row-number">
                <span className="unseen">Row</span>
              </th>
              {columns.map((name, at) => {
                const direction =
                  order?.column === at ? (order.descending ? 'descending' : 'ascending') : undefined;
                return (
                  <th
                    // biome-ignore lint/suspicious/noArrayIndexKey: a table may have two columns of one name.
                    key={at}
                    scope="col"
                    aria-sort={direction}
                    className={isNumeric[at] ? 'number' : undefined}
                  >
                    <button type="button" className="data-sorter" onClick={() => setOrder(next(order, at))}>
                      {name === '' ? '(no name)' : name}
                      <span aria-hidden="true">{arrowOf(direction)}</span>
                    </button>
                  </th>
                );
              })}
            </tr>
          </thead>
          <tbody>
            {above > 0 && <Gap height={above} />}
            {shown.map(({ index }) => (
              <tr key={index} aria-rowindex={index + 2}>
                <th scope="row" className="row-number">
                  {sorted[index]?.at}
                </th>
                {sorted[index]?.row.map((value, at) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: a cell has no name but its column.
                  <Cell key={at} value={value} />
                ))}
              </tr>
            ))}
            {below > 0 && <Gap height={below} />}
          </tbody>
        </table>
      </section>
    </>
  );
}

function Cell({ value }: { value: unknown }): ReactNode {
  const plain = plainOf(value);
  if (plain === undefined || plain === null || plain === '') return <td className="none">–</td>;
  const whole = typeof plain === 'object' ? printJson(value) : String(value);
  const text = typeof plain === 'number' ? shortNumber(value) : cut(whole);
  return (
    <td
      className={typeof plain === 'number' ? 'number' : undefined}
      title={text === whole ? undefined : whole}
    >
      {text}
    </td>
  );
}

/** The room of rows that are not drawn. */
function Gap({ height }: { height: number }): ReactNode {
  return (
    <tr>
      <td style={{ height, padding: 0, border: 0 }} />
    </tr>
  );
}

function inOrder(
  rows: TableData['rows'],
  order: Order | undefined,
): { readonly at: number; readonly row: readonly unknown[] }[] {
  const numbered = rows.map((row, at) => ({ at, row }));
  if (order === undefined) return numbered;
  const sign = order.descending ? -1 : 1;
  return numbered.sort((a, b) => compare(plainOf(a.row[order.column]), plainOf(b.row[order.column]), sign));
}

/** Numbers before texts, and what is missing or no number last, in either direction. */
function compare(a: unknown, b: unknown, sign: number): number {
  const [first, second] = [rank(a), rank(b)];
  if (first !== second) return first - second;
  if (typeof a === 'number' && typeof b === 'number') return sign * (a - b) || 0;
  return sign * String(a).localeCompare(String(b), undefined, { numeric: true });
}

function rank(value: unknown): number {
  if (value === undefined || value === null || value === '' || Number.isNaN(value)) return 2;
  return typeof value === 'number' ? 0 : 1;
}

/** Up, down, and as it came. */
function next(order: Order | undefined, column: number): Order | undefined {
  if (order?.column !== column) return { column, descending: false };
  return order.descending ? undefined : { column, descending: true };
}

function arrowOf(direction: string | undefined): string {
  return direction === undefined ? '' : direction === 'ascending' ? ' ↑' : ' ↓';
}

function cut(text: string): string {
  return text.length > CELL_CHARACTERS ? `${text.slice(0, CELL_CHARACTERS)}…` : text;
}

function counted(count: number, what: string): string {
  return `${count.toLocaleString('en-US').replaceAll(',', '\u202f')} ${what}${count === 1 ? '' : 's'}`;
}
