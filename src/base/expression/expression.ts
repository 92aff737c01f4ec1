/** A filter or a condition as a tree, and whether something fits it. */
import { fold } from '../fold.js';

export type Scalar = string | number | boolean;
export type Operator = '=' | '!=' | '<' | '<=' | '>' | '>=' | '~' | 'has';

export interface Comparison {
  readonly kind: 'compare';
  /** As written: `state`, `carbon_footprint.carbon_footprint`. */
  readonly field: string;
  /** Where it stands in the text, from 1. */
  readonly at: number;
  readonly operator: Operator;
  readonly value: Scalar | null;
  readonly valueAt: number;
}

export type Expression =
  | Comparison
  | { readonly kind: 'not'; readonly of: Expression }
  | { readonly kind: 'and' | 'or'; readonly of: readonly Expression[] };

/** Every comparison in an expression, in the order of the text. */
export function comparisonsOf(expression: Expression): Comparison[] {
  switch (expression.kind) {
    case 'compare':
      return [expression];
    case 'not':
      return comparisonsOf(expression.of);
    case 'and':
    case 'or':
      return expression.of.flatMap(comparisonsOf);
    default:
      return expression satisfies never;
  }
}

/** The comparisons that have to hold whatever else does: those joined by `and` at the top. */
export function conditionsOf(expression: Expression | undefined): Comparison[] {
  if (expression === undefined) return [];
  if (expression.kind === 'compare') return [expression];
  return expression.kind === 'and' ? expression.of.flatMap(conditionsOf) : [];
}

/** Whether it holds; `look` gives what stands in a field, `undefined` where there is nothing. */
export async function holds(
  expression: Expression,
  look: (field: string) => unknown | Promise<unknown>,
): Promise<boolean> {
  switch (expression.kind) {
    case 'compare':
      return compare(await look(expression.field), expression);
    case 'not':
      return !(await holds(expression.of, look));
    case 'and':
      for (const one of expression.of) if (!(await holds(one, look))) return false;
      return true;
    case 'or':
      for (const one of expression.of) if (await holds(one, look)) return true;
      return false;
    default:
      return expression satisfies never;
  }
}

/** Whether it holds, of comparisons that are decided already. */
export function holdsBy(expression: Expression, isTrue: (comparison: Comparison) => boolean): boolean {
  switch (expression.kind) {
    case 'compare':
      return isTrue(expression);
    case 'not':
      return !holdsBy(expression.of, isTrue);
    case 'and':
      return expression.of.every((one) => holdsBy(one, isTrue));
    case 'or':
      return expression.of.some((one) => holdsBy(one, isTrue));
    default:
      return expression satisfies never;
  }
}

/** The fault of the value for this operator, independent of the field. */
export function whyNotCompared({ operator, value }: Comparison): string | undefined {
  if (operator === '~' && typeof value !== 'string') return '~ takes a quoted text';
  if (operator === 'has' && value === null) return 'has takes a text, a number, true or false';
  if (value === null && operator !== '=' && operator !== '!=') return 'null goes with = and != only';
  if (typeof value === 'boolean' && !['=', '!=', 'has'].includes(operator))
    return `${value} goes with = and != only`;
  return undefined;
}

/** The same expression with its parts in the order of their cost, so that the dear ones are seldom looked at. */
export function cheapestFirst(expression: Expression, cost: (field: string) => number): Expression {
  const total = (one: Expression): number => Math.max(...comparisonsOf(one).map(({ field }) => cost(field)));
  switch (expression.kind) {
    case 'compare':
      return expression;
    case 'not':
      return { kind: 'not', of: cheapestFirst(expression.of, cost) };
    case 'and':
    case 'or': {
      const of = expression.of.map((one) => cheapestFirst(one, cost));
      return { kind: expression.kind, of: of.sort((a, b) => total(a) - total(b)) };
    }
    default:
      return expression satisfies never;
  }
}

/**
 * What is not there, or of another type than the value, fits no comparison but those with `null`. `~` is "contains", without regard to
 * case and to how characters are written (`fold`); in a list it is enough that one item does. `has` is true of a list of which one item is equal.
 * The others compare texts byte by byte.
 */
export function compare(
  actual: unknown,
  { operator, value }: Pick<Comparison, 'operator' | 'value'>,
): boolean {
  if (value === null) return (operator === '=') === (actual === undefined || actual === null);
  if (operator === '~') return contains(actual, fold(String(value)));
  if (operator === 'has')
    return Array.isArray(actual) && actual.some((item) => compare(item, { operator: '=', value }));
  if (typeof actual !== typeof value) return false;
  const order = compareScalars(actual as Scalar, value);
  switch (operator) {
    case '=':
      return order === 0;
    case '!=':
      return order !== 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
    default:
      return operator satisfies never;
  }
}

function contains(actual: unknown, part: string): boolean {
  if (Array.isArray(actual)) return actual.some((item) => contains(item, part));
  return typeof actual === 'string' && fold(actual).includes(part);
}

/** Of two values of one type. Texts in the order of their UTF-8 bytes, as the store has them; `NaN` is equal to itself only. */
function compareScalars(a: Scalar, b: Scalar): number {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return 0;
  if (typeof a === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b as string));
  return Number(a) - Number(b);
}
