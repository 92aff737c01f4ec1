/** The regression check: each ratio against the floor that is kept for it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { figure } from './statistics.mjs';

const FILE = fileURLToPath(new URL('../floors.json', import.meta.url));
/** Runs on one quiet machine, hours apart, differ by so much (latencies most), whatever the rounds of one run say. */
const NOISE = 0.3;
/** Rounds that differ by more say that the machine was busy, not that anything goes; one round alone says nothing of how it varies. */
const MOST_NOISE = 0.5;

/** @returns {Record<string, number>} */
function readFloors() {
  return JSON.parse(readFileSync(FILE, 'utf8'));
}

/**
 * Those ratios that are worse than their floor by more than the noise: `NOISE`, or what the rounds differ by
 * if that is more, up to `MOST_NOISE`, which is also that of a single round.
 * @param {readonly import('./report.mjs').Ratio[]} ratios
 */
export function belowFloor(ratios) {
  const floors = readFloors();
  return ratios.flatMap(({ name, rounds, better, isAbsolute }) => {
    const floor = floors[name];
    if (floor === undefined || isAbsolute) return [];
    const { median, spread } = figure(rounds);
    const noise = rounds.length > 1 ? Math.min(Math.max(NOISE, spread), MOST_NOISE) : MOST_NOISE;
    const holds = better === 'higher' ? median >= floor * (1 - noise) : median <= floor * (1 + noise);
    return holds
      ? []
      : [`${name}: ${median.toPrecision(3)}, its floor is ${floor} (noise ${(noise * 100).toFixed(0)} %)`];
  });
}

/** Keeps what was just measured as the floors; those of other questions stay. @param {readonly import('./report.mjs').Ratio[]} ratios */
export function keepFloors(ratios) {
  const measured = ratios
    .filter(({ isAbsolute }) => !isAbsolute)
    .map(({ name, rounds }) => [name, Number(figure(rounds).median.toPrecision(3))]);
  const floors = { ...readFloors(), ...Object.fromEntries(measured) };
  const sorted = Object.fromEntries(Object.entries(floors).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(FILE, `${JSON.stringify(sorted, undefined, 2)}\n`);
}
