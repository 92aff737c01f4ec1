/** What a question answers with, and how it is shown. */
import { figure } from './statistics.mjs';

/**
 * @typedef {object} Table
 * @property {string} title
 * @property {readonly string[]} head
 * @property {readonly (readonly (string | number)[])[]} rows
 */

/**
 * One thing as a multiple of another, measured beside it in the same run, once a round.
 * @typedef {object} Ratio
 * @property {string} name stable: floors are kept under it
 * @property {readonly number[]} rounds
 * @property {'higher' | 'lower'} better
 * @property {number} [bar] what it should reach
 * @property {true} [isAbsolute] a share of a fixed time: a busy machine is enough to miss it, so no floor is kept for it
 */

/**
 * @typedef {object} Report
 * @property {readonly Table[]} tables
 * @property {readonly Ratio[]} ratios
 * @property {readonly string[]} notMeasured
 * @property {object} figures everything that was measured, for the result file
 */

/**
 * @typedef {object} Question
 * @property {string} name
 * @property {(context: import('./tutti.mjs').Context) => Promise<Report>} run
 */

/** Three significant digits, and none behind the point from 100 on. @param {number} value */
export function digits(value) {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  const shown =
    size >= 100 || value === 0 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : value.toPrecision(3);
  return shown.replace(/\B(?=(\d{3})+(?!\d))(?<!\.\d*)/g, ',');
}

/** Median and spread of a figure that was taken once a round. @param {readonly number[]} rounds */
export function shown(rounds) {
  if (rounds.length === 0) return '–';
  const { median, spread } = figure(rounds);
  return rounds.length === 1 ? digits(median) : `${digits(median)} ±${(spread * 100).toFixed(0)}%`;
}

/** @param {Table} table */
export function printTable({ title, head, rows }) {
  const texts = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, column) => Math.max(...texts.map((row) => row[column]?.length ?? 0)));
  const line = (/** @type {readonly string[]} */ row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ');
  console.log(`\n${title}`);
  console.log(line(head));
  console.log(widths.map((width) => '-'.repeat(width)).join('  '));
  for (const row of texts.slice(1)) console.log(line(row));
}

/** @param {readonly Ratio[]} ratios @returns {Table} */
export function ratioTable(ratios) {
  return {
    title: 'Ratios, of the same run',
    head: ['ratio', 'median', 'spread', 'n', 'bar', ''],
    rows: ratios.map(({ name, rounds, better, bar }) => {
      const { median, spread, n } = figure(rounds);
      const sign = better === 'higher' ? '≥' : '≤';
      const reached =
        bar === undefined ? '' : (better === 'higher' ? median >= bar : median <= bar) ? 'yes' : 'no';
      return [
        name,
        digits(median),
        n > 1 ? `±${(spread * 100).toFixed(0)}%` : '–',
        n,
        bar === undefined ? '' : `${sign} ${bar}`,
        reached,
      ];
    }),
  };
}

/** Round by round, so that what disturbs a round disturbs both sides. @param {readonly number[]} of @param {readonly number[]} to */
export function ratioOf(of, to) {
  return of.map((value, round) => value / Number(to[round]));
}
