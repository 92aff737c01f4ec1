/**
 * Bodies in which payloads are kept as the text that they came in, so that no number and no order of names changes on its way: `input`,
 * each value of `overrides`, and `input` of each of `problems`.
 */
import { itemsOf, type JsonText, membersOf } from '../../src/base/json/json-text.js';

/** What a body means, but for its payloads. */
export function keepTexts(body: JsonText): unknown {
  const { value } = body;
  const members = isObject(value) ? membersOf(body) : undefined;
  if (!members || !isObject(value)) return value;
  const [input, overrides, problems] = ['input', 'overrides', 'problems'].map((name) => members.get(name));
  if (input) value.input = input;
  if (overrides && isObject(value.overrides)) {
    for (const [module, inputs] of membersOf(overrides) ?? []) {
      if (isObject(inputs.value)) own(value.overrides, module, Object.fromEntries(membersOf(inputs) ?? []));
    }
  }
  if (problems && Array.isArray(value.problems)) value.problems = itemsOf(problems)?.map(keepTexts);
  return value;
}

/** Also where the name is `__proto__`. */
function own(object: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
