import { type MouseEvent, type ReactNode, useLayoutEffect, useMemo, useRef, useState } from 'react';
import type { ModuleState } from '../../../../src/model/execution.js';
import { useIsDark } from '../display/theme.js';
import { stateAt } from '../state/items-reducer.js';
import { type Grid, gridOf, itemAt, squaresOf } from './grid.js';

/** Pixels that the strip may take, however many items there are. */
const HEIGHT_PX = 112;

/** The colour of a state, by its name in the stylesheet, and how much of it. */
const COLOURS: Readonly<Record<ModuleState, readonly [name: string, alpha: number]>> = {
  waiting: ['--line', 1],
  skipped: ['--line', 0.5],
  assigned: ['--busy', 0.5],
  accepted: ['--busy', 0.5],
  running: ['--busy', 1],
  succeeded: ['--good', 0.75],
  reused: ['--good', 0.4],
  failed: ['--bad', 1],
  lost: ['--bad', 0.7],
  cancelled: ['--held', 0.8],
  preempted: ['--held', 0.8],
  rejected: ['--held', 0.8],
};

export interface HeatStripProps {
  readonly states: Uint8Array;
  /** What it shows, in words. */
  readonly label: string;
  readonly selected: number | undefined;
  readonly onSelect: (item: number) => void;
}

/** All items of a map as small squares in their order, in the colours of their states. The list below goes to any item with the keyboard. */
export function HeatStrip({ states, label, selected, onSelect }: HeatStripProps): ReactNode {
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useWidth(canvas);
  const isDark = useIsDark();
  const grid = useMemo(() => gridOf(states.length, width, HEIGHT_PX), [states.length, width]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another theme has other colours.
  useLayoutEffect(() => {
    if (canvas.current) draw(canvas.current, grid, states, selected);
  }, [grid, states, selected, isDark]);
  const itemUnder = ({ nativeEvent }: MouseEvent): number | undefined =>
    itemAt(grid, states.length, nativeEvent.offsetX, nativeEvent.offsetY);
  return (
    <canvas
      ref={canvas}
      className="heat"
      role="img"
      aria-label={label}
      style={{ height: grid.rows * grid.cell }}
      onMouseMove={(event) => {
        const item = itemUnder(event);
        event.currentTarget.title = item === undefined ? '' : titleOf(grid, states, item);
      }}
      onClick={(event) => {
        const item = itemUnder(event);
        if (item !== undefined) onSelect(item);
      }}
    />
  );
}

function titleOf({ share }: Grid, states: Uint8Array, item: number): string {
  const last = Math.min(item + share, states.length) - 1;
  return last === item ? `item ${item}: ${stateAt(states, item)}` : `items ${item} to ${last}`;
}

function draw(
  canvas: HTMLCanvasElement,
  { columns, rows, cell, share }: Grid,
  states: Uint8Array,
  selected: number | undefined,
): void {
  const context = canvas.getContext('2d');
  if (!context) return;
  const scale = window.devicePixelRatio;
  canvas.width = columns * cell * scale;
  canvas.height = rows * cell * scale;
  // A stylesheet's width would stretch what is drawn.
  canvas.style.width = `${columns * cell}px`;
  context.scale(scale, scale);
  const style = getComputedStyle(canvas);
  const side = cell > 3 ? cell - 1 : cell;
  for (const [state, squares] of squaresOf({ columns, rows, cell, share }, states)) {
    const [name, alpha] = COLOURS[state];
    context.fillStyle = style.getPropertyValue(name);
    context.globalAlpha = alpha;
    for (const square of squares)
      context.fillRect((square % columns) * cell, Math.floor(square / columns) * cell, side, side);
  }
  if (selected === undefined || selected >= states.length) return;
  const square = Math.floor(selected / share);
  context.globalAlpha = 1;
  context.strokeStyle = style.color;
  context.lineWidth = 2;
  const [left, top] = [(square % columns) * cell, Math.floor(square / columns) * cell];
  context.strokeRect(left - 1, top - 1, cell + 1, cell + 1);
}

/** That of what it stands in: its own is drawn to fit. */
function useWidth(canvas: { readonly current: HTMLElement | null }): number {
  const [width, setWidth] = useState(320);
  useLayoutEffect(() => {
    const frame = canvas.current?.parentElement;
    if (!frame) return;
    const look = (): void => setWidth(Math.floor(frame.clientWidth));
    look();
    const watched = new ResizeObserver(look);
    watched.observe(frame);
    return () => watched.disconnect();
  }, [canvas]);
  return width;
}
