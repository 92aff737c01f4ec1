/**
 * Bodies in which payloads are kept as the text that they came in, so that no number and no order of names changes on its way: `input`,
 * each value of `overrides`, and `input` of each of `problems`. Their values are not made here, however large they are.
 */

import { itemsOf, type JsonText, membersOf } from '../../src/base/json/json-text.js';
import { pointer } from '../../src/base/json/pointer.js';
import { HttpError } from './errors.js';

/** Of `problems` in one body. */
export const BATCH_MAX = 1_000;
/** A person fixes a few at a time. */
const MAX_REPEATED = 20;
/** Fields of a body, modules and inputs of its overrides: a graph has as many modules. Each one is looked at by itself. */
const MAX_NAMES = 1_000;

/** The value of a body, except for its payloads. Throws `HttpError` `invalid_body` for a duplicate field of its own. */
export function keepTexts(body: JsonText): unknown {
  const repeated: string[] = [];
  const value = kept(body, '', repeated);
  if (repeated.length === 0) return value;
  const details = repeated.map((path) => ({
    path,
    code: 'duplicate_field',
    message: 'is given twice: give it once',
  }));
  throw new HttpError(422, 'invalid_body', `The body has duplicate fields:  ${repeated.join(', ')}`, {
    details,
  });
}

function kept(body: JsonText, at: string, repeated: string[]): unknown {
  const members = namesOf(body, at, repeated);
  if (!members) return parsed(body);
  const value: Record<string, unknown> = {};
  for (const [name, member] of members) own(value, name, keptMember(name, member, at, repeated));
  return value;
}

function keptMember(name: string, member: JsonText, at: string, repeated: string[]): unknown {
  if (name === 'input') return member;
  if (name === 'overrides') return keptOverrides(member, `${at}/overrides`, repeated);
  if (name !== 'problems') return parsed(member);
  // One more than there may be, so that the schema of the body sees that there are too many.
  const items = itemsOf(member, BATCH_MAX + 1);
  return items?.map((item, index) => kept(item, `${at}/problems/${index}`, repeated)) ?? parsed(member);
}

function keptOverrides(overrides: JsonText, at: string, repeated: string[]): unknown {
  const modules = namesOf(overrides, at, repeated);
  if (!modules) return parsed(overrides);
  const value: Record<string, unknown> = {};
  for (const [module, given] of modules) {
    const inputs = namesOf(given, at + pointer(module), repeated);
    own(value, module, inputs ? Object.fromEntries(inputs) : parsed(given));
  }
  return value;
}

function parsed({ text }: JsonText): unknown {
  return JSON.parse(text);
}

/**
 * The members of an object, or undefined if it is not an object. Names that occur twice go to `repeated`: the second would silently
 * win. Throws `HttpError` `invalid_body` if there are more than `MAX_NAMES`.
 */
function namesOf(json: JsonText, at: string, repeated: string[]): Map<string, JsonText> | undefined {
  const note = (name: string) => {
    if (repeated.length < MAX_REPEATED) repeated.push(at + pointer(name));
  };
  const members = membersOf(json, note, MAX_NAMES + 1);
  if (!members || members.size <= MAX_NAMES) return members;
  const message = `has more than ${MAX_NAMES} fields`;
  throw new HttpError(422, 'invalid_body', `The body has faults: ${at || 'body'}: ${message}`, {
    details: [{ path: at, code: 'out_of_range', message }],
  });
}

/** Also where the name is `__proto__`. */
function own(object: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
}
