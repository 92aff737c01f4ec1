/** How many items of a map are how far. */
import type { ItemCountsJson } from '../../../../src/contract/iteration.js';

const counting = new Intl.NumberFormat('en');

export function formatCount(count: number): string {
  return counting.format(count);
}

/** `4,000 of 10,000 items · 100 running · 3 to be tried again` */
export function countsInWords({ total, done, running, retrying }: ItemCountsJson): string {
  const parts = [`${formatCount(done)} of ${formatCount(total)} items`];
  if (running > 0) parts.push(`${formatCount(running)} running`);
  if (retrying > 0) parts.push(`${formatCount(retrying)} to be tried again`);
  return parts.join(' · ');
}

/** 0–1 */
export function shareDone({ total, done }: ItemCountsJson): number {
  return total === 0 ? 1 : done / total;
}
