import { describe, expect, it } from 'vitest';
import {
  CONSTRAINTS,
  type ConstraintName,
  constraintFault,
  isConstraint,
} from '../../src/model/input-constraints.js';

/** Name, limit, a value that keeps to it, one that does not. */
const CASES: readonly (readonly [ConstraintName, unknown, unknown, unknown])[] = [
  ['equal', { a: [1] }, { a: [1] }, { a: [2] }],
  ['greater_than', 3, 4, 3],
  ['greater_or_equal', 3, 3, 2],
  ['less_than', 3, 2, 3],
  ['less_or_equal', 3, 3, 4],
  ['in_range', [1, 3], 3, 4],
  ['in_range', [1, 'UNBOUNDED'], 1e9, 0],
  ['valid_values', ['a', 1], 1, '1'],
  ['length', 2, 'ab', 'abc'],
  ['min_length', 2, [1, 2], [1]],
  ['max_length', 2, { a: 1 }, { a: 1, b: 2, c: 3 }],
  ['pattern', 'a+', 'aaa', 'aab'],
];

describe('a constraint', () => {
  it.each(CASES)('%s %j', (name, limit, kept, broken) => {
    expect(isConstraint(name, limit)).toBe(true);
    expect(constraintFault([{ name, limit }], kept)).toBeUndefined();
    expect(constraintFault([{ name, limit }], broken)).toContain(name);
  });

  it('is one of all that there are', () => {
    expect(new Set(CASES.map(([name]) => name))).toEqual(new Set(Object.keys(CONSTRAINTS)));
  });

  it.each([
    ['equal', null],
    ['greater_than', '3'],
    ['in_range', [1]],
    ['in_range', [1, 'many']],
    ['valid_values', []],
    ['length', -1],
    ['pattern', '('],
    ['pattern', `${'a'.repeat(501)}`],
  ] as const)('%s %j has a limit that is not one', (name, limit) => {
    expect(isConstraint(name, limit)).toBe(false);
  });

  it('is not kept by a value of another kind than it is about', () => {
    for (const name of [
      'greater_than',
      'less_than',
      'in_range',
      'min_length',
      'max_length',
      'pattern',
    ] as const) {
      const limit = { in_range: [1, 2], pattern: '.*' }[name as 'in_range'] ?? 1;
      expect(constraintFault([{ name, limit }], true)).toContain(name);
    }
  });

  it('says that a list or a map is needed', () => {
    expect(constraintFault([{ name: 'is', limit: 'list' }], {})).toContain('list');
    expect(constraintFault([{ name: 'is', limit: 'map' }], [])).toContain('map');
    expect(constraintFault([{ name: 'is', limit: 'map' }], {})).toBeUndefined();
  });
});
