import 'uplot/dist/uPlot.min.css';
import { type ReactNode, useEffect, useRef } from 'react';
import UPlot from 'uplot';
import { useIsDark } from '../states/theme.js';
import { formatNumber } from '../values/numbers.js';

export interface PlotProps {
  readonly label: string;
  readonly unit: string | undefined;
  /** Iterations, rising. */
  readonly x: readonly number[];
  readonly y: readonly (number | null)[];
}

const HEIGHT = 180;
/** With more, the points would hide the line. */
const MOST_POINTS = 60;

/** One field over the iterations. What it shows is said in words too: a picture is nothing to a screen reader. */
export function Plot({ label, unit, x, y }: PlotProps): ReactNode {
  const frame = useRef<HTMLDivElement>(null);
  const scheme = useIsDark();
  // biome-ignore lint/correctness/useExhaustiveDependencies: a plot has the colours of the scheme that it was drawn in.
  useEffect(() => {
    const host = frame.current;
    if (!host) return undefined;
    const style = getComputedStyle(host);
    const color = (name: string): string => style.getPropertyValue(name).trim();
    const font = `12px ${style.fontFamily}`;
    const axis = {
      stroke: color('--soft'),
      font,
      grid: { stroke: color('--line'), width: 1 },
      ticks: { show: false },
    };
    const plot = new UPlot(
      {
        width: host.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false }, points: { size: 9 } },
        scales: {
          x: {
            time: false,
            range: (_plot, low, high) => (low === high ? [low - 1, high + 1] : [low - 0.3, high + 0.3]),
          },
        },
        axes: [
          { ...axis, size: 28, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000], grid: { show: false } },
          { ...axis, size: 64, values: (_plot, marks) => marks.map(formatNumber) },
        ],
        series: [
          {},
          {
            stroke: color('--busy'),
            width: 2,
            points: {
              show: x.length <= MOST_POINTS,
              size: 6,
              fill: color('--sheet'),
              stroke: color('--busy'),
            },
          },
        ],
      },
      [x as number[], y as (number | null)[]],
      host,
    );
    const resized = new ResizeObserver(() => plot.setSize({ width: host.clientWidth, height: HEIGHT }));
    resized.observe(host);
    return () => {
      resized.disconnect();
      plot.destroy();
    };
  }, [x, y, scheme]);
  return <div ref={frame} className="plot" role="img" aria-label={inWords(label, unit, x, y)} />;
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
