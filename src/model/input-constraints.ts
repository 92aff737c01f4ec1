/** Constraints on the value of an input, as TOSCA has them. */
import { RE2JS } from 're2js';

/** Each with what its limit is. */
export const CONSTRAINTS = {
  equal: 'a value',
  greater_than: 'a number',
  greater_or_equal: 'a number',
  less_than: 'a number',
  less_or_equal: 'a number',
  in_range: 'two numbers, like [1, 65535] or [1, UNBOUNDED]',
  valid_values: 'a list of values',
  length: 'a whole number from 0',
  min_length: 'a whole number from 0',
  max_length: 'a whole number from 0',
  pattern: 'a regular expression of the syntax of RE2',
} as const;
export type ConstraintName = keyof typeof CONSTRAINTS;

export interface Constraint {
  /** `is`: a list, or a map. */
  readonly name: ConstraintName | 'is';
  readonly limit: unknown;
}

const MAX_PATTERN_CHARACTERS = 500;

/** Whether `limit` is one for that constraint. */
export function isConstraint(name: ConstraintName, limit: unknown): boolean {
  switch (name) {
    case 'equal':
      return limit !== undefined && limit !== null;
    case 'greater_than':
    case 'greater_or_equal':
    case 'less_than':
    case 'less_or_equal':
      return typeof limit === 'number' && Number.isFinite(limit);
    case 'in_range':
      return (
        Array.isArray(limit) && limit.length === 2 && typeof limit[0] === 'number' && isUpperBound(limit[1])
      );
    case 'valid_values':
      return Array.isArray(limit) && limit.length > 0;
    case 'length':
    case 'min_length':
    case 'max_length':
      return Number.isSafeInteger(limit) && (limit as number) >= 0;
    case 'pattern':
      return (
        typeof limit === 'string' && limit.length <= MAX_PATTERN_CHARACTERS && patternOf(limit) !== undefined
      );
    default:
      return name satisfies never;
  }
}

/** Why a value does not keep to them; nothing where it does. */
export function constraintFault(constraints: readonly Constraint[], value: unknown): string | undefined {
  const broken = constraints.find((constraint) => !isKept(constraint, value));
  return broken && `${shown(value)} does not keep to ${broken.name} ${shown(broken.limit)}`;
}

function isKept({ name, limit }: Constraint, value: unknown): boolean {
  switch (name) {
    case 'is':
      return limit === 'list' ? Array.isArray(value) : isMap(value);
    case 'equal':
      return isSame(value, limit);
    case 'valid_values':
      return (limit as readonly unknown[]).some((one) => isSame(one, value));
    case 'greater_than':
      return typeof value === 'number' && value > (limit as number);
    case 'greater_or_equal':
      return typeof value === 'number' && value >= (limit as number);
    case 'less_than':
      return typeof value === 'number' && value < (limit as number);
    case 'less_or_equal':
      return typeof value === 'number' && value <= (limit as number);
    case 'in_range': {
      const [least, most] = limit as [number, number | string];
      return typeof value === 'number' && value >= least && (typeof most === 'string' || value <= most);
    }
    case 'length':
      return lengthOf(value) === limit;
    case 'min_length':
      return (lengthOf(value) ?? -1) >= (limit as number);
    case 'max_length':
      return (lengthOf(value) ?? Infinity) <= (limit as number);
    case 'pattern':
      return typeof value === 'string' && patternOf(limit as string)?.matches(value) === true;
    default:
      return name satisfies never;
  }
}

function isMap(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isUpperBound(limit: unknown): boolean {
  return limit === 'UNBOUNDED' || (typeof limit === 'number' && Number.isFinite(limit));
}

/** Of the whole value; RE2 takes time in proportion to its length. */
function patternOf(pattern: string): RE2JS | undefined {
  try {
    return RE2JS.compile(pattern);
  } catch {
    return undefined;
  }
}

/** Characters, elements or members. */
function lengthOf(value: unknown): number | undefined {
  if (typeof value === 'string') return [...value].length;
  if (Array.isArray(value)) return value.length;
  return typeof value === 'object' && value !== null ? Object.keys(value).length : undefined;
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function shown(value: unknown): string {
  return JSON.stringify(value);
}
