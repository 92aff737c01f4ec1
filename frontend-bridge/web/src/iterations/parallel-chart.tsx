import { type PointerEvent, type ReactNode, useMemo, useState } from 'react';
import { cut } from '../values/cut.js';
import type { FieldInfo } from './fields.js';
import { type Axis, axesOf, passes, type Windows } from './parallel.js';
import type { IterationRow } from './use-rows.js';

const HEIGHT = 260;
const TOP = 40;
const BOTTOM = 14;
const AXIS_WIDTH = 150;
const MARK_LETTERS = 18;
/** A pull shorter than this is a click, which lets everything through again. */
const LEAST_WINDOW = 0.02;

/** All chosen fields at once. Pulling along an axis picks the iterations that cross it there. */
export function ParallelChart(props: {
  rows: readonly IterationRow[];
  columns: readonly FieldInfo[];
  isLog: boolean;
}): ReactNode {
  const { rows, columns, isLog } = props;
  const axes = useMemo(() => axesOf(rows, columns, isLog), [rows, columns, isLog]);
  const [windows, setWindows] = useState<Windows>({});
  if (axes.length < 2) return null;
  const chosen = rows.filter((_, at) => passes(axes, windows, at));
  const isPicked = chosen.length < rows.length;
  const numbers = chosen.map(({ iteration_id }) => iteration_id);
  return (
    <figure className="chart">
      <figcaption className="chart-tools">
        <b>All of these at once</b>
        <span role="status">
          {isPicked
            ? `${chosen.length} of ${rows.length} iterations: ${shortList(numbers)}`
            : 'Drag along an axis to select.'}
        </span>
        {isPicked && (
          <button type="button" className="quiet" onClick={() => setWindows({})}>
            Show all
          </button>
        )}
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a keyboard scrolls it. */}
      <section className="parallel" tabIndex={0} aria-label="All fields at once, scrolls">
        <svg
          style={{ minWidth: axes.length * AXIS_WIDTH }}
          viewBox={`0 0 ${axes.length * AXIS_WIDTH} ${HEIGHT}`}
          role="img"
          aria-label={`${rows.length} iterations over ${axes.map(({ info }) => info.name).join(', ')}`}
        >
          {rows.map((row, at) => (
            <Line key={row.iteration_id} row={row} at={at} axes={axes} isChosen={passes(axes, windows, at)} />
          ))}
          {axes.map((axis, at) => (
            <AxisLine
              key={axis.info.name}
              axis={axis}
              x={xOf(at)}
              window={windows[axis.info.name]}
              onWindow={(window) => setWindows(withWindow(windows, axis.info.name, window))}
            />
          ))}
        </svg>
      </section>
    </figure>
  );
}

/** As colourful as its place on the last axis. */
function Line(props: { row: IterationRow; at: number; axes: readonly Axis[]; isChosen: boolean }): ReactNode {
  const { row, at, axes, isChosen } = props;
  const last = axes.at(-1)?.places[at] ?? 0;
  let isDown = false;
  const path = axes
    .map(({ places }, index) => {
      const place = places[at] ?? null;
      const step = place === null ? '' : `${isDown ? 'L' : 'M'}${xOf(index)} ${yOf(place).toFixed(1)}`;
      isDown = place !== null;
      return step;
    })
    .join('');
  return (
    <path
      d={path}
      className={isChosen ? 'parallel-line' : 'parallel-line parallel-out'}
      style={{ '--share': `${Math.round(last * 100)}%` } as React.CSSProperties}
    >
      <title>iteration {row.iteration_id}</title>
    </path>
  );
}

function AxisLine(props: {
  axis: Axis;
  x: number;
  window: readonly [number, number] | undefined;
  onWindow: (window: readonly [number, number] | undefined) => void;
}): ReactNode {
  const { axis, x, window, onWindow } = props;
  const [start, setStart] = useState<number>();
  const pull = (event: PointerEvent<SVGRectElement>, from: number): void => {
    const to = placeOf(event);
    onWindow(Math.abs(to - from) < LEAST_WINDOW ? undefined : [Math.min(from, to), Math.max(from, to)]);
  };
  return (
    <g>
      <text x={x} y={14} className="parallel-name">
        <title>{axis.info.description ?? axis.info.name}</title>
        {cut(axis.info.label || axis.info.name, MARK_LETTERS)}
      </text>
      <text x={x} y={28} className="parallel-part">
        {cut(axis.info.part, MARK_LETTERS)}
      </text>
      <line x1={x} x2={x} y1={TOP} y2={HEIGHT - BOTTOM} className="parallel-axis" />
      {axis.marks.map(({ place, text }) => (
        <text key={place} x={x + 6} y={yOf(place) + (place === 1 ? 10 : place === 0 ? -2 : 4)}>
          {cut(text, MARK_LETTERS)}
        </text>
      ))}
      {window && (
        <rect
          className="parallel-window"
          x={x - 5}
          width={10}
          y={yOf(window[1])}
          height={yOf(window[0]) - yOf(window[1])}
        />
      )}
      <rect
        className="parallel-handle"
        data-axis={axis.info.name}
        x={x - 12}
        width={24}
        y={TOP}
        height={HEIGHT - BOTTOM - TOP}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          setStart(placeOf(event));
        }}
        onPointerMove={(event) => start !== undefined && pull(event, start)}
        onPointerUp={(event) => {
          if (start !== undefined) pull(event, start);
          setStart(undefined);
        }}
        onPointerCancel={() => setStart(undefined)}
      />
    </g>
  );
}

function xOf(axis: number): number {
  return AXIS_WIDTH * (axis + 0.5);
}

function yOf(place: number): number {
  return HEIGHT - BOTTOM - place * (HEIGHT - BOTTOM - TOP);
}

/** Where along its axis the pointer is, from 0 to 1. */
function placeOf({ clientY, currentTarget }: PointerEvent<SVGRectElement>): number {
  const { top, height } = currentTarget.getBoundingClientRect();
  return Math.min(1, Math.max(0, 1 - (clientY - top) / height));
}

function withWindow(windows: Windows, name: string, window: readonly [number, number] | undefined): Windows {
  const others = Object.fromEntries(Object.entries(windows).filter(([other]) => other !== name));
  return window === undefined ? others : { ...others, [name]: window };
}

function shortList(numbers: readonly number[]): string {
  const shown = numbers.slice(0, 12).join(', ');
  return numbers.length > 12 ? `${shown} … ${numbers.length - 12} more` : shown || 'none';
}
