import { type ReactNode, useMemo } from 'react';
import type { Goal } from '../../../../src/model/campaign.js';
import { formatNumber } from '../../../../src/model/shown-numbers.js';
import { inWords } from '../iterations/charts.js';
import type { IterationRow } from '../iterations/use-rows.js';
import Chart, { type Series } from '../values/chart.js';
import { progressOf } from './progress.js';

export interface ProgressChartProps {
  readonly rows: readonly IterationRow[];
  readonly field: string;
  readonly goal: Goal;
}

/** The objective over the iterations, with the best so far. */
export default function ProgressChart({ rows, field, goal }: ProgressChartProps): ReactNode {
  const series = useMemo((): Series[] => progressOf(rows, field, goal), [rows, field, goal]);
  const [own, best] = series;
  const last = best?.y.at(-1);
  return (
    <figure className="chart progress-chart">
      <figcaption>
        <b>{field}</b> <small>{goal === 'min' ? 'the lower the better' : 'the higher the better'}</small>
        {typeof last === 'number' && <span className="figure">best {formatNumber(last)}</span>}
      </figcaption>
      <Chart label={inWords(field, undefined, own?.x ?? [], own?.y ?? [])} series={series} isCounted />
    </figure>
  );
}
