/** Definitions of properties, attributes and inputs: types, defaults and constraints. */
import {
  CONSTRAINTS,
  type Constraint,
  type ConstraintName,
  constraintFault,
  isConstraint,
} from '../../../model/input-constraints.js';
import { show } from '../../faults.js';
import { isRecord } from '../../yaml/yaml.js';
import type { At, Given, Report } from './report.js';

const TYPES = ['string', 'integer', 'float', 'boolean', 'list', 'map'] as const;
export type ValueType = (typeof TYPES)[number];

export interface Schema {
  readonly type: ValueType;
  readonly constraints: readonly Constraint[];
  /** Of each element of a list, or of each value of a map. */
  readonly entries?: Schema;
}

export interface Definition extends Schema {
  readonly required: boolean;
  /** As it is written: it may hold functions. */
  readonly default?: unknown;
  /** Of the default. */
  readonly at: At;
  readonly description?: string;
}

const SCHEMA = ['type', 'description', 'constraints', 'entry_schema'];
const FIELDS = [...SCHEMA, 'required', 'default', 'metadata'];
const WITH_ENTRIES: readonly string[] = ['list', 'map'] satisfies ValueType[];

export function definitionOf(value: unknown, at: At, report: Report): Definition {
  const given = report.fields(value, at, FIELDS);
  const { required, description } = given;
  if (required !== undefined && typeof required !== 'boolean')
    report.add([...at, 'required'], 'wrong_type', `${show(required)} is not right: give true or false`);
  return {
    ...schemaOf(given, at, report),
    at: [...at, 'default'],
    required: required !== false,
    ...(given.default !== undefined && given.default !== null && { default: given.default }),
    ...(typeof description === 'string' && { description }),
  };
}

function schemaOf(given: Given, at: At, report: Report): Schema {
  const type = typeNamed(given.type, [...at, 'type'], report);
  const { entry_schema: entry } = given;
  const place = [...at, 'entry_schema'];
  if (entry !== undefined && !WITH_ENTRIES.includes(type))
    report.add(place, 'wrong_type', `${show(type)} has no entries: leave entry_schema out`);
  const constraints = report.list(given.constraints, [...at, 'constraints']);
  return {
    type,
    constraints: constraints.flatMap((one, index) =>
      constraintOf(one, [...at, 'constraints', index], report),
    ),
    ...(entry !== undefined && {
      entries: schemaOf(
        typeof entry === 'string' ? { type: entry } : report.fields(entry, place, SCHEMA),
        place,
        report,
      ),
    }),
  };
}

function typeNamed(given: unknown, at: At, report: Report): ValueType {
  const name = report.text(given, at, `one of ${TYPES.join(', ')}`);
  const type = TYPES.find((one) => one === name);
  if (type === undefined && name !== undefined)
    report.unsupported(at, `the type ${show(name)} is not supported: supported are ${TYPES.join(', ')}`);
  return type ?? 'string';
}

function constraintOf(value: unknown, at: At, report: Report): Constraint[] {
  const entries = Object.entries(report.record(value, at));
  if (entries.length !== 1) {
    report.add(at, 'wrong_type', 'give an object of one constraint, like { greater_than: 0 }');
    return [];
  }
  const [name, limit] = entries[0]!;
  const known = Object.keys(CONSTRAINTS) as ConstraintName[];
  const constraint = known.find((one) => one === name);
  if (constraint === undefined) {
    report.unsupported(
      [...at, name],
      `${show(name)} is not supported here: supported are ${known.join(', ')}`,
    );
    return [];
  }
  if (isConstraint(constraint, limit)) return [{ name: constraint, limit }];
  report.add([...at, name], 'wrong_type', `${show(limit)} is not right: give ${CONSTRAINTS[constraint]}`);
  return [];
}

/** Why a value, which holds no functions, is not as it is defined; nothing if it is. */
export function valueFault({ type, constraints, entries }: Schema, value: unknown): string | undefined {
  const isRight = {
    string: typeof value === 'string',
    integer: Number.isSafeInteger(value),
    float: typeof value === 'number' && Number.isFinite(value),
    boolean: typeof value === 'boolean',
    list: Array.isArray(value),
    map: isRecord(value),
  }[type];
  if (!isRight) return `${show(value)} is not of type ${type}`;
  const broken = constraintFault(constraints, value);
  if (broken !== undefined || entries === undefined) return broken;
  for (const one of Object.values(value as Given)) {
    const fault = valueFault(entries, one);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
