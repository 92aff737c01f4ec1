/**
 * Bodies in which payloads are kept as the text that they came in, so that no number and no order of names changes on its way: `input`,
 * each value of `overrides`, and `input` of each of `problems`.
 */
import { escapeStep } from '../../src/base/json/check-text.js';
import { itemsOf, type JsonText, membersOf } from '../../src/base/json/json-text.js';
import { HttpError } from './errors.js';

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
  throw new HttpError(
    422,
    'invalid_body',
    `The body has fields that are there twice: ${repeated.join(', ')}`,
    {
      details,
    },
  );
}

function kept(body: JsonText, at: string, repeated: string[]): unknown {
  const { value } = body;
  refuseMany(value, at);
  const members = isObject(value) ? once(body, at, repeated) : undefined;
  if (!members || !isObject(value)) return value;
  const [input, overrides, problems] = ['input', 'overrides', 'problems'].map((name) => members.get(name));
  if (input) value.input = input;
  if (overrides && isObject(value.overrides)) {
    refuseMany(value.overrides, `${at}/overrides`);
    for (const [module, inputs] of once(overrides, `${at}/overrides`, repeated) ?? []) {
      if (!isObject(inputs.value)) continue;
      refuseMany(inputs.value, `${at}/overrides/${escapeStep(module)}`);
      const texts = once(inputs, `${at}/overrides/${escapeStep(module)}`, repeated) ?? [];
      own(value.overrides, module, Object.fromEntries(texts));
    }
  }
  if (problems && Array.isArray(value.problems)) {
    value.problems = itemsOf(problems)?.map((item, index) => kept(item, `${at}/problems/${index}`, repeated));
  }
  return value;
}

function refuseMany(value: unknown, path: string): void {
  if (!isObject(value)) return;
  const count = Object.keys(value).length;
  if (count <= MAX_NAMES) return;
  const message = `has ${count} fields, expected at most ${MAX_NAMES}`;
  throw new HttpError(422, 'invalid_body', `The body has faults: ${path || 'body'}: ${message}`, {
    details: [{ path, code: 'out_of_range', message }],
  });
}

/** The members of an object; those that are there twice are `repeated`: the second would silently win. */
function once(json: JsonText, at: string, repeated: string[]): Map<string, JsonText> | undefined {
  return membersOf(json, (name) => {
    if (repeated.length < MAX_REPEATED) repeated.push(`${at}/${escapeStep(name)}`);
  });
}

/** Also where the name is `__proto__`. */
function own(object: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
