import { type ReactNode, useId, useMemo, useState } from 'react';
import { plainOf } from '../../../../src/base/json/json-text.js';
import { formatNumber } from '../../../../src/model/shown-numbers.js';
import Chart, { type Series } from '../values/chart.js';
import { type ChartLook, ChartLookTools, PLAIN_LOOK } from '../values/chart-look.js';
import { smoothed } from '../values/curves.js';
import { cut } from '../values/cut.js';
import { changeOf, type FieldInfo } from './fields.js';
import { ParallelChart } from './parallel-chart.js';
import type { IterationRow } from './use-rows.js';

const LABEL_LETTERS = 22;

/** The chosen columns: each that holds numbers over the iterations, any such one against any other, and all at once. */
export default function Charts(props: {
  rows: readonly IterationRow[];
  columns: readonly FieldInfo[];
}): ReactNode {
  const { rows, columns } = props;
  const [look, setLook] = useState(PLAIN_LOOK);
  const numeric = columns.filter(({ name }) =>
    rows.some(({ values }) => typeof plainOf(values[name]) === 'number'),
  );
  if (numeric.length === 0)
    return <p className="none">None of the chosen columns contains numbers. Choose some under “Columns”.</p>;
  return (
    <>
      <ChartLookTools look={look} onChange={setLook} />
      <ul className="charts">
        {numeric.map((info) => (
          <li key={info.name}>
            <OverIterations info={info} rows={rows} look={look} />
          </li>
        ))}
      </ul>
      {numeric.length > 1 && <Against rows={rows} columns={numeric} isLog={look.isLog} />}
      <ParallelChart rows={rows} columns={columns} isLog={look.isLog} />
    </>
  );
}

function OverIterations(props: {
  info: FieldInfo;
  rows: readonly IterationRow[];
  look: ChartLook;
}): ReactNode {
  const { info, rows, look } = props;
  const { x, y } = useMemo(
    () => ({
      x: rows.map(({ iteration_id }) => iteration_id),
      y: rows.map((row) => numberIn(row, info.name)),
    }),
    [info.name, rows],
  );
  const series = useMemo(
    (): Series[] => [{ name: info.name, x, y: smoothed(y, look.weight) }],
    [info.name, x, y, look.weight],
  );
  const values = y.filter((value) => value !== null);
  const [first, last] = [values[0], values.at(-1)];
  const change = changeOf(first, last);
  return (
    <figure className="chart">
      <figcaption>
        <span title={info.description}>
          <small>{info.part}</small> <b>{info.label}</b>
        </span>
        {last !== undefined && (
          <span className="figure">
            {formatNumber(last)}
            {info.unit && ` ${info.unit}`}
            {change && <small> {change} since the first</small>}
          </span>
        )}
      </figcaption>
      <Chart
        label={inWords(`${info.part} ${info.label}`, info.unit, x, y)}
        series={series}
        logY={look.isLog}
        isCounted
      />
    </figure>
  );
}

/** One field against another, a point for each iteration. */
function Against(props: {
  rows: readonly IterationRow[];
  columns: readonly FieldInfo[];
  isLog: boolean;
}): ReactNode {
  const { rows, columns, isLog } = props;
  const id = useId();
  const [names, setNames] = useState({ x: columns[1]?.name ?? '', y: columns[0]?.name ?? '' });
  const series = useMemo((): Series[] => {
    const points = rows
      .flatMap((row) => {
        const [x, y] = [numberIn(row, names.x), numberIn(row, names.y)];
        return x === null || y === null ? [] : [[x, y] as const];
      })
      .sort((a, b) => a[0] - b[0]);
    return [{ name: names.y, x: points.map(([x]) => x), y: points.map(([, y]) => y) }];
  }, [rows, names]);
  const choice = (axis: 'x' | 'y', label: string): ReactNode => (
    <>
      <label htmlFor={`${id}-${axis}`}>{label}</label>
      <select
        id={`${id}-${axis}`}
        value={names[axis]}
        onChange={({ target }) => setNames({ ...names, [axis]: target.value })}
      >
        {columns.map(({ name }) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </>
  );
  const count = series[0]?.x.length ?? 0;
  return (
    <figure className="chart">
      <figcaption className="chart-tools">
        {choice('y', 'Plot')}
        {choice('x', 'against')}
      </figcaption>
      <Chart
        label={`${names.y} against ${names.x}, ${count} iterations`}
        series={series}
        xLabel={names.x}
        yLabel={shortLabel(columns, names.y)}
        isScatter
        logX={isLog}
        logY={isLog}
      />
    </figure>
  );
}

/** No longer than the axis beside which it is written. */
function shortLabel(columns: readonly FieldInfo[], name: string): string {
  const label = columns.find((column) => column.name === name)?.label || name;
  return cut(label, LABEL_LETTERS);
}

function numberIn(row: IterationRow, name: string): number | null {
  const found = plainOf(row.values[name]);
  return typeof found === 'number' && Number.isFinite(found) ? found : null;
}

export function inWords(
  label: string,
  unit: string | undefined,
  x: readonly number[],
  y: readonly (number | null)[],
): string {
  const points = y.flatMap((value, at) => (value === null ? [] : [{ iteration: x[at] ?? 0, value }]));
  const first = points[0];
  const last = points.at(-1);
  const name = unit === undefined ? label : `${label} in ${unit}`;
  if (!first || !last) return `${name}: no values`;
  const values = points.map(({ value }) => value);
  const range = `between ${formatNumber(Math.min(...values))} and ${formatNumber(Math.max(...values))}`;
  return `${name} over ${points.length} iterations: ${formatNumber(first.value)} in iteration ${first.iteration}, ${formatNumber(last.value)} in iteration ${last.iteration}, ${range}`;
}
