/** `npm run mutants` takes hours: that each mutant still fits the sources shows at once. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
// @ts-expect-error a plain module, for a command of its own
import { MUTANTS as UNTYPED } from './mutants.mjs';

const MUTANTS: readonly Readonly<Record<'what' | 'file' | 'find' | 'put', string>>[] = UNTYPED;

it.each(MUTANTS.map((mutant) => [mutant.what, mutant] as const))(
  '%s: is a change of one place',
  (_what, mutant) => {
    const pieces = readFileSync(mutant.file, 'utf8').split(mutant.find);
    expect(pieces).toHaveLength(2);
    expect(mutant.put).not.toBe(mutant.find);
  },
);
