import { type ReactNode, useMemo } from 'react';
import { plainOf } from '../../../../src/base/json/json-text.js';
import { formatNumber } from '../values/numbers.js';
import type { FieldInfo } from './fields.js';
import { changeOf } from './fields.js';
import { Plot } from './plot.js';
import type { IterationRow } from './use-rows.js';

/** The chosen columns that hold numbers, each over the iterations. */
export default function Charts(props: {
  rows: readonly IterationRow[];
  columns: readonly FieldInfo[];
}): ReactNode {
  const { rows, columns } = props;
  const numeric = columns.filter(({ name }) =>
    rows.some(({ values }) => typeof plainOf(values[name]) === 'number'),
  );
  if (numeric.length === 0)
    return <p className="none">None of the chosen columns holds numbers. Choose some under “Columns”.</p>;
  return (
    <ul className="charts">
      {numeric.map((info) => (
        <li key={info.name}>
          <Chart info={info} rows={rows} />
        </li>
      ))}
    </ul>
  );
}

function Chart({ info, rows }: { info: FieldInfo; rows: readonly IterationRow[] }): ReactNode {
  const { x, y } = useMemo(() => {
    const value = (row: IterationRow): number | null => {
      const found = plainOf(row.values[info.name]);
      return typeof found === 'number' ? found : null;
    };
    return { x: rows.map(({ iteration_id }) => iteration_id), y: rows.map(value) };
  }, [info.name, rows]);
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
      <Plot label={`${info.part} ${info.label}`} unit={info.unit} x={x} y={y} />
    </figure>
  );
}
