/** Numbers for people: six digits unless more are asked for. */
import { plainOf } from '../base/json/json-text.js';

const DIGITS = 6;
/** From here on a fraction is nothing beside the whole part. */
const WHOLE_FROM = 10 ** DIGITS;
const LARGEST_WHOLE = 1e15;

/** A number as it was written where that is short enough or whole, otherwise with six digits. */
export function shortNumber(value: unknown): string {
  const written = String(value);
  const number = plainOf(value);
  if (typeof number !== 'number' || !Number.isFinite(number)) return written;
  if (/^-?\d+$/.test(written) || significantDigits(written) <= DIGITS) return written;
  const size = Math.abs(number);
  if (size >= WHOLE_FROM && size < LARGEST_WHOLE) return String(Math.round(number));
  return String(Number(number.toPrecision(DIGITS)));
}

function significantDigits(written: string): number {
  const [digits = ''] = written.replace(/[-.]/g, '').split(/e/i);
  return digits.replace(/^0+/, '').length;
}

const MOST_DECIMALS = 10;
/** By the number of decimals: making a format costs far more than writing a number with it, and charts have many numbers. */
const formats = Array.from(
  { length: MOST_DECIMALS + 1 },
  (_, digits) => new Intl.NumberFormat('en-US', { maximumFractionDigits: digits }),
);

/** Six digits at most, and thin spaces between thousands. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= LARGEST_WHOLE))
    return value
      .toExponential(4)
      .replace(/\.?0+e/, 'e')
      .replace('e+', 'e');
  const wanted = Number.isInteger(value) ? 0 : DIGITS - 1 - Math.floor(Math.log10(size));
  const digits = Math.max(0, Math.min(MOST_DECIMALS, wanted));
  return formats[digits]!.format(value).replaceAll(',', '\u202f');
}

const UNITS = ['B', 'kB', 'MB', 'GB'];

/** `23.4 kB` */
export function formatSize(bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const amount = bytes / 1000 ** power;
  return `${power === 0 ? amount : amount.toFixed(amount < 10 ? 2 : amount < 100 ? 1 : 0)} ${UNITS[power]}`;
}
