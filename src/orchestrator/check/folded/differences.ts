/** Where two rows differ, in words. */
import { isDeepStrictEqual } from 'node:util';

/** So many are named. */
const NAMED = 3;

/** Nothing where they do not. */
export function differenceOf(row: unknown, folded: unknown): string | undefined {
  const found = [...differences(row, folded, '')];
  if (found.length === 0) return undefined;
  const more = found.length > NAMED ? ` and ${found.length - NAMED} more` : '';
  return `is not the fold of its facts: ${found.slice(0, NAMED).join('; ')}${more}`;
}

function* differences(row: unknown, folded: unknown, path: string): Generator<string> {
  if (isDeepStrictEqual(row, folded)) return;
  if (!isTree(row) || !isTree(folded)) {
    yield `${path} is ${JSON.stringify(row) ?? 'absent'}, they make it ${JSON.stringify(folded) ?? 'absent'}`;
    return;
  }
  for (const name of new Set([...Object.keys(row), ...Object.keys(folded)]))
    yield* differences(row[name], folded[name], path === '' ? name : `${path}.${name}`);
}

function isTree(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
