/**
 * Whether two sides that wrote down the same type at different times understand each other, field by field.
 *
 * 1. What only one side has is not a difference: a field, a value of an enum, a property that is not required. It is ignored, or has its
 *    default.
 * 2. What both have has to be the same: a field's number and name, its label, its type; an enum value's number and name; a property's
 *    type and its allowed values.
 * 3. What one side requires the other has to have.
 */
import protobuf from 'protobufjs';
import type { Fault } from '../../base/errors.js';
import { canonicalJson, isWellKnown, labelOf, typeNameOf } from './fingerprint.js';
import { fullNameOf, originalName } from './reflection.js';

/** Who is who in the messages. */
export interface Sides {
  readonly ours: string;
  readonly theirs: string;
}

const MISMATCH = 'schema_mismatch';

export function messageDifferences(ours: protobuf.Type, theirs: protobuf.Type, sides: Sides): Fault[] {
  const faults: Fault[] = [];
  const seen = new Set<string>();
  compareMessages(ours, theirs);
  return faults;

  function differ(path: string, a: string, b: string): void {
    const message = `${a} in ${sides.ours}, ${b} in ${sides.theirs}`;
    faults.push({ path, code: MISMATCH, message });
  }

  function compareMessages(a: protobuf.Type, b: protobuf.Type): void {
    const name = fullNameOf(a);
    if (seen.has(name) || isWellKnown(a)) return;
    seen.add(name);
    for (const field of a.fieldsArray) {
      const path = `${name}.${originalName(field)}`;
      const other = b.fieldsById[field.id];
      const namesake = b.fieldsArray.find((each) => originalName(each) === originalName(field));
      if (other) compareFields(path, field, other);
      else if (namesake) differ(path, `number ${field.id}`, `number ${namesake.id}`);
      else if (field.required) differ(path, 'required', 'not there');
    }
    for (const field of b.fieldsArray) {
      const isKnown =
        a.fieldsById[field.id] || a.fieldsArray.some((each) => originalName(each) === originalName(field));
      if (!isKnown && field.required) differ(`${name}.${originalName(field)}`, 'not there', 'required');
    }
  }

  function compareFields(path: string, a: protobuf.Field, b: protobuf.Field): void {
    if (originalName(a) !== originalName(b)) {
      differ(path, `number ${a.id} is ${originalName(a)}`, `it is ${originalName(b)}`);
      return;
    }
    const [ofA, ofB] = [a, b].map((field) => `${labelOf(field)} ${typeNameOf(field)}`) as [string, string];
    if (ofA !== ofB) {
      differ(path, ofA, ofB);
      return;
    }
    const [typeA, typeB] = [a.resolve().resolvedType, b.resolve().resolvedType];
    if (typeA instanceof protobuf.Type && typeB instanceof protobuf.Type) compareMessages(typeA, typeB);
    if (typeA instanceof protobuf.Enum && typeB instanceof protobuf.Enum) compareEnums(typeA, typeB);
  }

  function compareEnums(a: protobuf.Enum, b: protobuf.Enum): void {
    const name = fullNameOf(a);
    if (seen.has(name) || isWellKnown(a)) return;
    seen.add(name);
    for (const [value, number] of Object.entries(a.values)) {
      const other = b.values[value];
      if (other !== undefined && other !== number)
        differ(`${name}.${value}`, `number ${number}`, `number ${other}`);
      const namesake = b.valuesById[number];
      if (other === undefined && namesake !== undefined && a.values[namesake] === undefined) {
        differ(`${name}.${value}`, `number ${number} is ${value}`, `it is ${namesake}`);
      }
    }
  }
}

type Schema = Readonly<Record<string, unknown>>;

/** Keywords that say of what form a value is; the others bound it, or describe it for people, and may differ. */
const COMPARED_WHOLE = [
  'enum',
  'const',
  'anyOf',
  'oneOf',
  'allOf',
  'not',
  'prefixItems',
  'patternProperties',
] as const;

export function jsonSchemaDifferences(ours: unknown, theirs: unknown, sides: Sides): Fault[] {
  const faults: Fault[] = [];
  const seen = new Set<string>();
  compare('', ours, theirs);
  return faults;

  function differ(path: string, a: unknown, b: unknown): void {
    const show = (value: unknown) => (value === undefined ? 'not given' : canonicalJson(value));
    const message = `${show(a)} in ${sides.ours}, ${show(b)} in ${sides.theirs}`;
    faults.push({ path, code: MISMATCH, message });
  }

  function compare(path: string, rawA: unknown, rawB: unknown): void {
    const [refA, refB] = [refOf(rawA), refOf(rawB)];
    // A schema may lead to itself.
    if (refA !== undefined && refB !== undefined) {
      if (seen.has(`${refA} ${refB}`)) return;
      seen.add(`${refA} ${refB}`);
    }
    const a = resolve(ours, rawA);
    const b = resolve(theirs, rawB);
    if (!isSchema(a) || !isSchema(b)) return;
    if (canonicalJson(typesOf(a)) !== canonicalJson(typesOf(b))) differ(`${path}/type`, a.type, b.type);
    for (const keyword of COMPARED_WHOLE) {
      if (canonicalJson(a[keyword] ?? null) !== canonicalJson(b[keyword] ?? null)) {
        differ(`${path}/${keyword}`, a[keyword], b[keyword]);
      }
    }
    compareProperties(path, a, b);
    if (isSchema(a.items) && isSchema(b.items)) compare(`${path}/items`, a.items, b.items);
  }

  function compareProperties(path: string, a: Schema, b: Schema): void {
    const [inA, inB] = [propertiesOf(a), propertiesOf(b)];
    for (const name of new Set([...Object.keys(inA), ...Object.keys(inB)])) {
      const at = `${path}/properties/${name}`;
      if (Object.hasOwn(inA, name) && Object.hasOwn(inB, name)) {
        compare(at, inA[name], inB[name]);
        continue;
      }
      const [has, lacks] = Object.hasOwn(inA, name) ? [a, b] : [b, a];
      const isA = has === a;
      if (requiredBy(has).includes(name))
        differ(at, isA ? 'required' : 'not there', isA ? 'not there' : 'required');
      else if (lacks.additionalProperties === false) {
        differ(at, isA ? 'there' : 'not allowed', isA ? 'not allowed' : 'there');
      }
    }
  }
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function propertiesOf(schema: Schema): Schema {
  return isSchema(schema.properties) ? schema.properties : {};
}

function requiredBy(schema: Schema): readonly unknown[] {
  return Array.isArray(schema.required) ? schema.required : [];
}

/** `type` may be one name or several, in any order. */
function typesOf({ type }: Schema): unknown {
  return Array.isArray(type) ? [...type].sort() : type === undefined ? null : [type];
}

function refOf(schema: unknown): string | undefined {
  return isSchema(schema) && typeof schema.$ref === 'string' ? schema.$ref : undefined;
}

/** The target of a reference within the document (`#/$defs/point`). */
function resolve(root: unknown, schema: unknown): unknown {
  const ref = refOf(schema);
  if (ref === undefined || !ref.startsWith('#/')) return schema;
  return ref
    .slice(2)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>((at, part) => (isSchema(at) ? at[part] : undefined), root);
}
