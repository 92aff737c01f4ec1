import 'uplot/dist/uPlot.min.css';
import { type ReactNode, useEffect, useMemo, useRef } from 'react';
import UPlot from 'uplot';
import { formatNumber } from '../../../../src/model/shown-numbers.js';
import { useIsDark } from '../display/theme.js';

export interface Series {
  /** What the line is called, where there are several. */
  readonly name: string;
  /** Rising. */
  readonly x: readonly number[];
  readonly y: readonly (number | null)[];
}

export interface ChartProps {
  /** What the picture says, in words: it is nothing to a screen reader. */
  readonly label: string;
  readonly series: readonly Series[];
  /** Below the axis. @default none */
  readonly xLabel?: string;
  /** Beside the axis. @default none */
  readonly yLabel?: string;
  /** Points without lines. @default false */
  readonly isScatter?: boolean;
  /** @default false */
  readonly logX?: boolean;
  /** @default false */
  readonly logY?: boolean;
  /** Steps of whole numbers only, such as iterations. @default false */
  readonly isCounted?: boolean;
}

const HEIGHT = 200;
/** With more, the points would hide the line. */
const MOST_POINTS = 60;
const AXIS_GAP = 18;
/** Told apart by brightness too. */
const COLOURS = ['#2f6fd0', '#c2571a', '#2b8a57', '#9a48b8', '#b08900', '#c23a5b', '#3a9aa8', '#7a7a7a'];

/** Lines or points over a common axis. */
export default function Chart(props: ChartProps): ReactNode {
  const {
    label,
    series,
    xLabel,
    yLabel,
    isScatter = false,
    logX = false,
    logY = false,
    isCounted = false,
  } = props;
  const frame = useRef<HTMLDivElement>(null);
  const isDark = useIsDark();
  const data = useMemo(() => dataOf(series, logX, logY), [series, logX, logY]);
  const drawn = useRef<Drawn>(undefined);
  const newest = useRef(data);
  newest.current = data;
  const names = JSON.stringify(series.map(({ name }) => name));
  // A plot is made when it comes in sight, with the width that it was found to have there: asking for it would lay out the page.
  // biome-ignore lint/correctness/useExhaustiveDependencies: a plot has the colours of the scheme that it was drawn in.
  useEffect(() => {
    const host = frame.current;
    if (!host) return undefined;
    const look = { names: JSON.parse(names) as string[], xLabel, yLabel, isScatter, logX, logY, isCounted };
    const resized = new ResizeObserver(([entry]) => {
      const width = Math.floor(entry?.contentRect.width ?? 0);
      if (width > 0) drawn.current?.plot.setSize({ width, height: HEIGHT });
    });
    const seen = new IntersectionObserver(([entry]) => {
      const isInSight = entry?.isIntersecting ?? false;
      if (drawn.current) {
        drawn.current.isInSight = isInSight;
        drawNewest(drawn.current, newest.current);
      } else if (isInSight && entry) {
        const options = optionsOf(look, getComputedStyle(host), Math.floor(entry.boundingClientRect.width));
        const plot = new UPlot(options, newest.current as unknown as UPlot.AlignedData, host);
        drawn.current = { plot, data: newest.current, isInSight };
        resized.observe(host);
      }
    });
    seen.observe(host);
    return () => {
      seen.disconnect();
      resized.disconnect();
      drawn.current?.plot.destroy();
      drawn.current = undefined;
    };
  }, [names, xLabel, yLabel, isScatter, logX, logY, isCounted, isDark]);
  // A scrubber gives it other numbers many times a second: the plot stays, and gets them once in a frame.
  useEffect(() => {
    const frameId = window.requestAnimationFrame(() => drawn.current && drawNewest(drawn.current, data));
    return () => window.cancelAnimationFrame(frameId);
  }, [data]);
  return (
    <>
      <div ref={frame} className="plot" role="img" aria-label={label} />
      {series.length > 1 && (
        <ul className="chart-legend">
          {series.map(({ name }, at) => (
            <li key={name}>
              <span className="chart-swatch" style={{ background: COLOURS[at % COLOURS.length] }} />
              {name}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

type Data = readonly [readonly number[], ...(readonly (number | null)[])[]];

interface Drawn {
  readonly plot: UPlot;
  data: Data;
  isInSight: boolean;
}

/** A plot that is out of sight is left as it is: it is drawn when it comes in sight. */
function drawNewest(drawn: Drawn, data: Data): void {
  if (!drawn.isInSight || drawn.data === data) return;
  drawn.data = data;
  drawn.plot.setData(data as unknown as UPlot.AlignedData);
}

interface Look {
  readonly names: readonly string[];
  readonly xLabel: string | undefined;
  readonly yLabel: string | undefined;
  readonly isScatter: boolean;
  readonly logX: boolean;
  readonly logY: boolean;
  readonly isCounted: boolean;
}

/** `style`: of the element that the plot is drawn in. `width`: in pixels. */
function optionsOf(look: Look, style: CSSStyleDeclaration, width: number): UPlot.Options {
  const { names, xLabel, yLabel, isScatter, logX, logY, isCounted } = look;
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const axis: UPlot.Axis = {
    stroke: colour('--soft'),
    font: `12px ${style.fontFamily}`,
    labelFont: `12px ${style.fontFamily}`,
    labelSize: 18,
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
    values: (_plot, marks) => marks.map((mark) => (mark === null ? '' : formatNumber(mark))),
  };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: isScatter, drag: { x: false, y: false }, points: { size: 9 } },
    scales: {
      x: logX ? { time: false, distr: 3 } : { time: false, range: widened },
      y: logY ? { distr: 3 } : {},
    },
    axes: [
      {
        ...axis,
        ...(xLabel !== undefined && { label: xLabel }),
        size: 28,
        ...(isCounted && { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10_000, 100_000] }),
        grid: { ...axis.grid, show: isScatter },
      },
      { ...axis, ...(yLabel !== undefined && { label: yLabel }), size: widthOf },
    ],
    series: [{}, ...names.map((name, at) => lineOf(name, COLOURS[at % COLOURS.length]!, isScatter))],
  };
}

function lineOf(name: string, stroke: string, isScatter: boolean): UPlot.Series {
  return {
    label: name,
    stroke,
    width: 2,
    ...(isScatter && { paths: () => null }),
    points: {
      show: ({ data: [steps = []] }: UPlot) => isScatter || steps.length <= MOST_POINTS,
      size: isScatter ? 8 : 5,
      fill: stroke,
      stroke,
    },
  };
}

/** All series over one axis, with a gap wherever a number has no place: `NaN`, the infinities, and on a logarithmic axis what is not above 0. */
function dataOf(series: readonly Series[], logX: boolean, logY: boolean): Data {
  const tables = series.map(({ x, y }): [number[], (number | null)[]] => {
    const kept = x.map((_, at) => at).filter((at) => fits(x[at], logX));
    return [kept.map((at) => x[at]!), kept.map((at) => (fits(y[at], logY) ? y[at]! : null))];
  });
  if (tables.length === 1) return tables[0] as unknown as Data;
  return tables.length === 0 ? [[]] : (UPlot.join(tables as UPlot.AlignedData[]) as Data);
}

function fits(value: number | null | undefined, isLog: boolean): value is number {
  return typeof value === 'number' && Number.isFinite(value) && (!isLog || value > 0);
}

/** A little room on both sides. */
function widened(_plot: unknown, low: number, high: number): [number, number] {
  const room = low === high ? 1 : (high - low) * 0.02;
  return [low - room, high + room];
}

/** As wide as the longest mark is, so that none is cut. */
function widthOf(plot: UPlot, marks: readonly string[] | null): number {
  if (!marks || marks.length === 0) return 40;
  plot.ctx.save();
  plot.ctx.font = `${12 * devicePixelRatio}px ${getComputedStyle(plot.root).fontFamily}`;
  const widest = Math.max(...marks.map((mark) => plot.ctx.measureText(mark).width));
  plot.ctx.restore();
  return Math.ceil(widest / devicePixelRatio) + AXIS_GAP;
}
