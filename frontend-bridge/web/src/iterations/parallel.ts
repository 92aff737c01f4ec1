/** Parallel coordinates: an axis for each field, and each iteration as a line that crosses every axis at its value. */
import { plainOf } from '../../../../src/base/json/json-text.js';
import { formatNumber } from '../../../../src/model/shown-numbers.js';
import type { FieldInfo } from './fields.js';
import type { IterationRow } from './use-rows.js';

export interface Axis {
  readonly info: FieldInfo;
  /** By row, from 0 (below) to 1; nothing where there is no such value. */
  readonly places: readonly (number | null)[];
  readonly marks: readonly { readonly place: number; readonly text: string }[];
}

/** What is let through of each axis, by its field: both ends inclusive. */
export type Windows = Readonly<Record<string, readonly [low: number, high: number]>>;

/** Texts are marks beside each other; with more, the marks would hide each other. */
const MOST_TEXTS = 12;

/** Fields with no more than one value, and with too many texts, have no axis. */
export function axesOf(
  rows: readonly IterationRow[],
  columns: readonly FieldInfo[],
  isLog: boolean,
): readonly Axis[] {
  return columns.flatMap((info) => {
    const values = rows.map((row) => plainOf(row.values[info.name]));
    const axis = numberAxis(values, isLog) ?? textAxis(values);
    return axis ? [{ info, ...axis }] : [];
  });
}

/** Whether a row goes through every window. */
export function passes(axes: readonly Axis[], windows: Windows, row: number): boolean {
  return axes.every(({ info, places }) => {
    const window = windows[info.name];
    const place = places[row] ?? null;
    return window === undefined || (place !== null && place >= window[0] && place <= window[1]);
  });
}

type Scale = Omit<Axis, 'info'>;

function numberAxis(values: readonly unknown[], isLog: boolean): Scale | undefined {
  const numbers = values.filter((value) => typeof value === 'number' && Number.isFinite(value)) as number[];
  const low = Math.min(...numbers);
  const high = Math.max(...numbers);
  if (!(low < high)) return undefined;
  const scaled = isLog && low > 0 ? Math.log : (value: number): number => value;
  const range = scaled(high) - scaled(low);
  return {
    places: values.map((value) =>
      typeof value === 'number' && Number.isFinite(value) ? (scaled(value) - scaled(low)) / range : null,
    ),
    marks: [
      { place: 0, text: formatNumber(low) },
      { place: 1, text: formatNumber(high) },
    ],
  };
}

function textAxis(values: readonly unknown[]): Scale | undefined {
  const isText = (value: unknown): boolean => typeof value === 'string' || typeof value === 'boolean';
  const texts = [...new Set(values.filter(isText).map(String))].sort();
  if (texts.length < 2 || texts.length > MOST_TEXTS) return undefined;
  const place = (text: string): number => texts.indexOf(text) / (texts.length - 1);
  return {
    places: values.map((value) => (isText(value) ? place(String(value)) : null)),
    marks: texts.map((text) => ({ place: place(text), text })),
  };
}
