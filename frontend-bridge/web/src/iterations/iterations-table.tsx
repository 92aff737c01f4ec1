import {
  createColumnHelper,
  createSortedRowModel,
  rowSortingFeature,
  type SortingState,
  tableFeatures,
  useTable,
} from '@tanstack/react-table';
import { useVirtualizer } from '@tanstack/react-virtual';
import { Fragment, type ReactNode, useMemo, useRef } from 'react';
import { plainOf } from '../../../../src/base/json/json-text.js';
import { TaskChip } from '../display/task-chip.js';
import { formatDuration, Moment } from '../display/time.js';
import { SelectionLink } from '../selection-link.js';
import type { FieldInfo } from './fields.js';
import type { IterationRow } from './use-rows.js';
import { ReusedMark, ValueCell } from './value-cell.js';

export interface IterationsTableProps {
  readonly rows: readonly IterationRow[];
  readonly columns: readonly FieldInfo[];
  /** A column's name, with `-` from the highest down. */
  readonly sort: string;
  readonly onSort: (sort: string) => void;
  /** Those that are to be compared. */
  readonly marked: readonly number[];
  readonly onMark: (iteration: number) => void;
  /** Absent where nobody may iterate. */
  readonly onIterate: ((iteration: number) => void) | undefined;
}

const features = tableFeatures({ rowSortingFeature, sortedRowModel: createSortedRowModel() });
const helper = createColumnHelper<typeof features, IterationRow>();

/** Rows are as high as this, in pixels, so that those out of sight need not be drawn. */
const ROW_HEIGHT = 40;
/** With fewer, all are drawn. */
const VIRTUAL_FROM = 100;

function definitionsOf(columns: readonly FieldInfo[]) {
  const byValue = { sortFn: compareCells, sortUndefined: 'last' } as const;
  return helper.columns([
    helper.accessor('iteration_id', { id: 'iteration_id', header: 'Iteration', ...byValue }),
    helper.accessor('state', { id: 'state', header: 'State', ...byValue }),
    helper.accessor((row) => row.parent_iteration_id ?? undefined, {
      id: 'parent',
      header: 'From',
      ...byValue,
    }),
    ...columns.map(({ name, label }) =>
      helper.accessor((row) => row.values[name] ?? undefined, { id: name, header: label, ...byValue }),
    ),
    helper.accessor((row) => row.duration_ms ?? undefined, {
      id: 'duration_ms',
      header: 'Took',
      ...byValue,
    }),
    helper.accessor('created_at', { id: 'created_at', header: 'Created', ...byValue }),
  ]);
}

/** Iterations with any of their fields as columns, in any order of them. */
export function IterationsTable(props: IterationsTableProps): ReactNode {
  const { rows, columns, sort, onSort } = props;
  const definitions = useMemo(() => definitionsOf(columns), [columns]);
  const sorting = useMemo(
    (): SortingState => [{ id: sort.replace(/^-/, ''), desc: sort.startsWith('-') }],
    [sort],
  );
  const table = useTable({
    features,
    columns: definitions,
    data: rows as IterationRow[],
    state: { sorting },
    getRowId: (row) => String(row.iteration_id),
  });
  const sorted = table.getRowModel().rows;
  const frame = useRef<HTMLElement>(null);
  const isVirtual = sorted.length > VIRTUAL_FROM;
  const virtual = useVirtualizer({
    count: sorted.length,
    getScrollElement: () => frame.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 12,
    enabled: isVirtual,
  });
  const shown = isVirtual
    ? virtual.getVirtualItems().map(({ index }) => index)
    : sorted.map((_, index) => index);
  const above = isVirtual ? (virtual.getVirtualItems()[0]?.start ?? 0) : 0;
  const below = isVirtual ? virtual.getTotalSize() - (virtual.getVirtualItems().at(-1)?.end ?? 0) : 0;
  const infos = new Map(columns.map((info) => [info.name, info]));
  const headers = table.getHeaderGroups()[0]?.headers ?? [];
  const width = headers.length + 2;

  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard.
    <section className="table-frame" ref={frame} tabIndex={0} aria-label="Iterations, scrolls">
      <table className="iterations-table" aria-rowcount={sorted.length + 1}>
        <thead>
          <tr>
            <th scope="col">
              <span className="visually-hidden">Compare</span>
            </th>
            {headers.map(({ column }, at) => {
              const isSorted = sorting[0]?.id === column.id;
              const descending = isSorted && sorting[0]?.desc === true;
              const info = infos.get(column.id);
              const sorter = (
                <th
                  key={column.id}
                  scope="col"
                  aria-sort={isSorted ? (descending ? 'descending' : 'ascending') : undefined}
                  className={info && isNumeric(rows, info.name) ? 'number' : undefined}
                >
                  <button
                    type="button"
                    className="sorter"
                    title={info?.description}
                    onClick={() => onSort(isSorted && !descending ? `-${column.id}` : column.id)}
                  >
                    {info && <small>{info.part}</small>}
                    <span>
                      {String(column.columnDef.header)}
                      {info?.unit && <small className="unit"> {info.unit}</small>}
                      <span aria-hidden="true" className="arrow">
                        {isSorted ? (descending ? ' ↓' : ' ↑') : ''}
                      </span>
                    </span>
                  </button>
                </th>
              );
              if (at > 0) return sorter;
              return (
                <Fragment key={column.id}>
                  {sorter}
                  <th scope="col">
                    <span className="visually-hidden">Iterate</span>
                  </th>
                </Fragment>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {above > 0 && <Gap height={above} width={width} />}
          {shown.map((index) => {
            const row = sorted[index]?.original;
            return row && <Row key={row.iteration_id} row={row} index={index} {...props} />;
          })}
          {below > 0 && <Gap height={below} width={width} />}
        </tbody>
      </table>
    </section>
  );
}

function Row(props: IterationsTableProps & { row: IterationRow; index: number }): ReactNode {
  const { row, index, columns, marked, onMark, onIterate } = props;
  const { iteration_id: iteration, problem_id: problem } = row;
  return (
    <tr aria-rowindex={index + 2}>
      <td>
        <input
          type="checkbox"
          checked={marked.includes(iteration)}
          aria-label={`Compare iteration ${iteration}`}
          onChange={() => onMark(iteration)}
        />
      </td>
      <th scope="row">
        <SelectionLink className="iteration-link" to={{ problem, iteration }} current={false}>
          {iteration}
        </SelectionLink>
      </th>
      <td>
        {onIterate && (
          <button
            type="button"
            className="small"
            aria-label={`Iterate from ${iteration}`}
            onClick={() => onIterate(iteration)}
          >
            Iterate
          </button>
        )}
      </td>
      <td>
        <TaskChip state={row.state} standing={row.standing} />
      </td>
      <td className="figure">{row.parent_iteration_id ?? <span className="none">–</span>}</td>
      {columns.map(({ name }) => (
        <td key={name} className={typeof plainOf(row.values[name]) === 'number' ? 'number' : 'text'}>
          <ValueCell value={row.values[name]} />
          {row.reused.includes(name.split('.')[0] ?? '') && <ReusedMark />}
        </td>
      ))}
      <td className="figure">
        {row.duration_ms === null ? <span className="none">–</span> : formatDuration(row.duration_ms)}
      </td>
      <td className="figure">
        <Moment at={row.created_at} date="always" />
      </td>
    </tr>
  );
}

function isNumeric(rows: readonly IterationRow[], name: string): boolean {
  return rows.some(({ values }) => typeof plainOf(values[name]) === 'number');
}

/** The room of rows that are not drawn. */
function Gap({ height, width }: { height: number; width: number }): ReactNode {
  return (
    <tr>
      <td colSpan={width} style={{ height, padding: 0 }} />
    </tr>
  );
}

/** Numbers by size, everything else as people sort words; the table puts what is missing last. */
function compareCells(
  a: { getValue: (id: string) => unknown },
  b: { getValue: (id: string) => unknown },
  id: string,
): number {
  const [left, right] = [plainOf(a.getValue(id)), plainOf(b.getValue(id))];
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  return String(left).localeCompare(String(right), undefined, { numeric: true });
}
