/** The few figures that the tables show. */

/**
 * The value below which a share of the samples lies (nearest rank); `NaN` without samples.
 * @param {readonly number[]} samples
 * @param {number} share from 0 to 1
 */
export function percentile(samples, share) {
  const sorted = Float64Array.from(samples).sort();
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** @param {readonly number[]} samples */
export function median(samples) {
  const sorted = Float64Array.from(samples).sort();
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return /** @type {number} */ (sorted[middle]);
  return (Number(sorted[middle - 1]) + Number(sorted[middle])) / 2;
}

/**
 * Half the distance between the smallest and the largest, as a share of the median: what runs of the same thing differ by.
 * @param {readonly number[]} samples
 */
export function spread(samples) {
  if (samples.length < 2) return 0;
  return (Math.max(...samples) - Math.min(...samples)) / 2 / Math.abs(median(samples));
}

/**
 * A figure that was measured once a round.
 * @typedef {{ n: number, median: number, min: number, max: number, spread: number }} Figure
 */

/**
 * @param {readonly number[]} rounds
 * @returns {Figure}
 */
export function figure(rounds) {
  return {
    n: rounds.length,
    median: median(rounds),
    min: Math.min(...rounds),
    max: Math.max(...rounds),
    spread: spread(rounds),
  };
}

/**
 * One more of what is measured again and again, under its name.
 * @template T
 * @param {Record<string | number, T[]>} all
 * @param {string | number} name
 * @param {T} one
 */
export function collect(all, name, one) {
  const some = all[name] ?? [];
  all[name] = some;
  some.push(one);
}
