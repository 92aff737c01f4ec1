/**
 * The canonical form of a type's schema, and its hash: two sides that have the same hash mean the same by the type.
 *
 * A protobuf message's form is text, one line each for the message, and for every message and enum that its fields lead to, sorted by
 * full name: `message <full name>`, then two spaces and `<number> <name> <label> <type>` for each field, sorted by number. The label is
 * `one`, `optional`, `required`, `repeated`, `map<key type>` or `oneof:<name>`. An enum's is `enum <full name>`, then two spaces and
 * `<number> <name>` for each value, sorted by number and name. Every line ends in a line feed. Types of `google.protobuf` are named
 * only. A JSON Schema's form is its JSON without white space, with the keys of every object sorted by their UTF-16 code units. The hash
 * is the SHA-256 of the form in UTF-8, in lower-case hex.
 */

import protobuf from 'protobufjs';
import { sha256Of } from '../../base/sha256.js';
import type { Declaration } from './closure.js';
import { fullNameOf, hasPresence, isMap, originalName, writtenOneof } from './reflection.js';

export function hashOf(form: string): string {
  return sha256Of(form);
}

/** The form of a message with all that it leads to. */
export function messageForm(type: protobuf.Type): string {
  const reached = new Map<string, Declaration>();
  const waiting: Declaration[] = [type];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const name = fullNameOf(next);
    if (reached.has(name) || isWellKnown(next)) continue;
    reached.set(name, next);
    if (next instanceof protobuf.Enum) continue;
    for (const field of next.fieldsArray) {
      const { resolvedType } = field.resolve();
      if (resolvedType) waiting.push(resolvedType);
    }
  }
  return [...reached.keys()]
    .sort(byCodeUnits)
    .map((name) => declarationForm(name, reached.get(name)!))
    .join('');
}

function declarationForm(name: string, declaration: Declaration): string {
  if (declaration instanceof protobuf.Enum) {
    const values = Object.entries(declaration.values).sort(([a, x], [b, y]) => x - y || byCodeUnits(a, b));
    return `enum ${name}\n${values.map(([value, number]) => `  ${number} ${value}\n`).join('')}`;
  }
  const fields = declaration.fieldsArray.toSorted((a, b) => a.id - b.id);
  return `message ${name}\n${fields.map((field) => `  ${field.id} ${originalName(field)} ${labelOf(field)} ${typeNameOf(field)}\n`).join('')}`;
}

/** How often a field may be there. */
export function labelOf(field: protobuf.Field): string {
  if (isMap(field)) return `map<${field.keyType}>`;
  if (field.repeated) return 'repeated';
  if (field.required) return 'required';
  const oneof = writtenOneof(field);
  if (oneof) return `oneof:${oneof.name}`;
  const isMessage = field.resolve().resolvedType instanceof protobuf.Type;
  return hasPresence(field) && !isMessage ? 'optional' : 'one';
}

/** The type of a field's value: of a map's value, of a list's item. */
export function typeNameOf(field: protobuf.Field): string {
  const { resolvedType } = field.resolve();
  return resolvedType ? fullNameOf(resolvedType) : field.type;
}

export function isWellKnown(declaration: Declaration): boolean {
  return fullNameOf(declaration).startsWith('google.protobuf.');
}

export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => byCodeUnits(a, b));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonicalJson(inner)}`).join(',')}}`;
}

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
