import { lazy, type ReactNode, Suspense, useMemo, useState } from 'react';
import { formatNumber } from '../../../../src/model/shown-numbers.js';
import { type ChartLook, ChartLookTools, PLAIN_LOOK } from './chart-look.js';
import type { Curve } from './curves.js';
import { smoothed } from './curves.js';

const Chart = lazy(() => import('./chart.js'));

export interface Run {
  /** What it is called beside others. */
  readonly name: string;
  readonly curves: readonly Curve[];
}

/** The numbers that runs told as they went on: a chart for each name, a line for each run. */
export function CurvesView({ runs }: { runs: readonly Run[] }): ReactNode {
  const [look, setLook] = useState(PLAIN_LOOK);
  const names = [...new Set(runs.flatMap(({ curves }) => curves.map(({ name }) => name)))];
  return (
    <div className="curves">
      <ChartLookTools look={look} onChange={setLook} />
      <ul className="charts">
        {names.map((name) => (
          <li key={name}>
            <CurveChart name={name} runs={runs} look={look} />
          </li>
        ))}
      </ul>
    </div>
  );
}

function CurveChart(props: { name: string; runs: readonly Run[]; look: ChartLook }): ReactNode {
  const { name, runs } = props;
  const { isLog, weight } = props.look;
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
