/** `filter=`, `order_by=` and `fields=` made ready: every name looked up, every value checked, or refused with its position. */

import {
  type Comparison,
  cheapestFirst,
  comparisonsOf,
  conditionsOf,
  type Expression,
} from '../../../base/expression/expression.js';
import type { ExpressionParser } from '../../../base/expression/grammar.js';
import type { Refusal, SearchQuery } from '../../port.js';
import { refusal } from '../../refusal.js';
import { checkComparison, type Field, fieldOf } from './fields.js';

export interface Order {
  readonly name: string;
  readonly field: Field;
  readonly descending: boolean;
}

export interface CompiledSearch {
  readonly filter: Expression | undefined;
  /** Comparisons that must hold in every case. */
  readonly conditions: readonly Comparison[];
  /** Absent: in the order of the list. */
  readonly order: Order | undefined;
  /** Fields that the answer shows of each item, by name. */
  readonly shown: ReadonlyMap<string, Field>;
  /** Every field that is spoken of, by name. */
  readonly fields: ReadonlyMap<string, Field>;
}

/** Fields that one answer may show of each item. */
const MAX_SHOWN = 50;

/** The cost of reading a field: a stored field is in memory, a payload has to be read and decoded. */
const COST: Readonly<Record<Field['kind'], number>> = {
  ...{ stored: 0, time: 0 },
  ...{ notes: 1, input: 1, output: 1 },
};

export interface Vocabulary {
  readonly stored: Readonly<Record<string, Field>>;
  /** Of all graphs, in all versions. */
  readonly modules: ReadonlySet<string>;
}

export function compileSearch(
  query: SearchQuery,
  words: Vocabulary,
  parse: ExpressionParser,
): CompiledSearch | Refusal {
  const fields = new Map<string, Field>();
  const look = (name: string): Field | string => {
    const field = fields.get(name) ?? fieldOf(name, words.stored, words.modules);
    if (typeof field !== 'string') fields.set(name, field);
    return field;
  };

  let filter: Expression | undefined;
  if (query.filter !== undefined) {
    const parsed = parse(query.filter);
    if (!parsed.ok) return badFilter(parsed.position, parsed.message);
    const checked = new Map<Comparison, Comparison>();
    for (const comparison of comparisonsOf(parsed.expression)) {
      const field = look(comparison.field);
      if (typeof field === 'string') return badFilter(comparison.at, field);
      const result = checkComparison(comparison, field);
      if ('position' in result) return badFilter(result.position, result.message);
      checked.set(comparison, result);
    }
    filter = cheapestFirst(replaced(parsed.expression, checked), (name) => COST[fields.get(name)!.kind]);
  }

  let order: Order | undefined;
  if (query.order_by !== undefined) {
    const [, minus, name = '', word] = /^\s*(-?)([\w.-]+)(?:\s+(asc|desc))?\s*$/i.exec(query.order_by) ?? [];
    if (name === '' || (minus === '-' && word !== undefined))
      return malformed(
        'order_by',
        'bad_order_by',
        `${JSON.stringify(query.order_by)} is not FIELD, -FIELD or FIELD desc`,
      );
    const field = look(name);
    if (typeof field === 'string') return malformed('order_by', 'bad_order_by', field);
    order = { name, field, descending: minus === '-' || word?.toLowerCase() === 'desc' };
  }

  const shown = new Map<string, Field>();
  for (const name of query.fields?.split(',') ?? []) {
    const field = look(name.trim());
    if (typeof field === 'string') return malformed('fields', 'bad_fields', field);
    shown.set(name.trim(), field);
  }
  if (shown.size > MAX_SHOWN)
    return malformed('fields', 'bad_fields', `${shown.size} fields are too many: at most ${MAX_SHOWN}`);
  return { filter, conditions: conditionsOf(filter), order, shown, fields };
}

function replaced(expression: Expression, by: ReadonlyMap<Comparison, Comparison>): Expression {
  switch (expression.kind) {
    case 'compare':
      return by.get(expression) ?? expression;
    case 'not':
      return { kind: 'not', of: replaced(expression.of, by) };
    case 'and':
    case 'or':
      return { kind: expression.kind, of: expression.of.map((one) => replaced(one, by)) };
    default:
      return expression satisfies never;
  }
}

function badFilter(position: number, reason: string): Refusal {
  return malformed('filter', 'bad_filter', `position ${position}: ${reason}`);
}

function malformed(path: string, code: string, message: string): Refusal {
  const details = [{ path, code, message }];
  return refusal('malformed', code, `${path}: ${message}`, { details });
}
