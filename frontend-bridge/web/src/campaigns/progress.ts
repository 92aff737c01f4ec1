import { plainOf } from '../../../../src/base/json/json-text.js';
import { type Goal, isBetter } from '../../../../src/model/campaign.js';
import type { IterationRow } from '../iterations/use-rows.js';
import type { Series } from '../values/chart.js';

/** The objective over the iterations, and the best so far. A failed iteration has no value: the best so far goes on over it. */
export function progressOf(rows: readonly IterationRow[], field: string, goal: Goal): Series[] {
  const x = rows.map(({ iteration_id }) => iteration_id);
  const y = rows.map(({ values }) => {
    const found = plainOf(values[field]);
    return typeof found === 'number' && Number.isFinite(found) ? found : null;
  });
  let best: number | undefined;
  const bests = y.map((value) => {
    if (value !== null && isBetter(goal, value, best)) best = value;
    return best ?? null;
  });
  return [
    { name: field, x, y },
    { name: 'best so far', x, y: bests },
  ];
}
