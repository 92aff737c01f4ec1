/** Where an output is from that nothing ran for. */

import type { ModuleJson } from '../../../../src/contract/iteration.js';
import { shortId } from '../../../../src/model/short-id.js';

type Source = Pick<ModuleJson, 'reused_from' | 'cached_from'>;

/** `output of iteration 3`. */
export function sourceWords(source: Source): string {
  const place = placeWords(source);
  return place === undefined ? '' : `output of ${place}`;
}

/** `iteration 3`, or of a module with `cache`, which may have found it in another problem, `0189abcd/3`. */
export function placeWords({ reused_from, cached_from }: Source): string | undefined {
  if (reused_from) return `iteration ${reused_from.iteration_id}`;
  return cached_from ? `${shortId(cached_from.problem_id)}/${cached_from.iteration_id}` : undefined;
}
