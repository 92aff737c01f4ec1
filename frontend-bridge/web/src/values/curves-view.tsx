import { lazy, type ReactNode, Suspense, useId, useMemo, useState } from 'react';
import type { Curve } from './curves.js';
import { smoothed } from './curves.js';
import { formatNumber } from './numbers.js';

const Chart = lazy(() => import('./chart.js'));

export interface Run {
  /** What it is called beside others. */
  readonly name: string;
  readonly curves: readonly Curve[];
}

/** The numbers that runs told as they went on: a chart for each name, a line for each run. */
export function CurvesView({ runs }: { runs: readonly Run[] }): ReactNode {
  const id = useId();
  const [isLog, setLog] = useState(false);
  const [weight, setWeight] = useState(0);
  const names = [...new Set(runs.flatMap(({ curves }) => curves.map(({ name }) => name)))];
  return (
    <div className="curves">
      <p className="chart-tools">
        <label className="choice">
          <input type="checkbox" checked={isLog} onChange={(change) => setLog(change.target.checked)} />
          <span>Logarithmic</span>
        </label>
        <label htmlFor={`${id}-smooth`}>Smooth</label>
        <input
          id={`${id}-smooth`}
          type="range"
          min={0}
          max={0.95}
          step={0.05}
          value={weight}
          onChange={(change) => setWeight(Number(change.target.value))}
        />
      </p>
      <ul className="charts">
        {names.map((name) => (
          <li key={name}>
            <CurveChart name={name} runs={runs} isLog={isLog} weight={weight} />
          </li>
        ))}
      </ul>
    </div>
  );
}

function CurveChart(props: {
  name: string;
  runs: readonly Run[];
  isLog: boolean;
  weight: number;
}): ReactNode {
  const { name, runs, isLog, weight } = props;
  const series = useMemo(
    () =>
      runs.flatMap((run) => {
        const curve = run.curves.find((one) => one.name === name);
        return curve ? [{ name: run.name, x: curve.x, y: smoothed(curve.y, weight) }] : [];
      }),
    [runs, name, weight],
  );
  const last =
    series.length === 1 ? runs.flatMap(({ curves }) => curves).find((one) => one.name === name) : undefined;
  const newest = last?.y.at(-1);
  return (
    <figure className="chart">
      <figcaption>
        <b>{name}</b>
        {newest !== undefined && newest !== null && <span className="figure">{formatNumber(newest)}</span>}
      </figcaption>
      <Suspense fallback={<p className="none">Reading …</p>}>
        <Chart label={inWords(name, series)} series={series} xLabel="step" logY={isLog} isCounted />
      </Suspense>
    </figure>
  );
}

function inWords(
  name: string,
  series: readonly { readonly name: string; readonly y: readonly (number | null)[] }[],
): string {
  const said = series.map(({ name: run, y }) => {
    const numbers = y.filter((value) => value !== null);
    const [first, newest] = [numbers[0], numbers.at(-1)];
    return first === undefined || newest === undefined
      ? `${run}: no numbers`
      : `${run}: ${numbers.length} steps, from ${formatNumber(first)} to ${formatNumber(newest)}`;
  });
  return `${name}. ${said.join('. ')}`;
}
