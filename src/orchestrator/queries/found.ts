/** The result of a query, as JSON text that is parsed only when needed. */
import { printJson } from '../../base/json/json-text.js';
import type { FoundJson } from '../port.js';

class Printed<T> implements FoundJson<T> {
  #value: { readonly value: T } | undefined;

  constructor(
    readonly cursor: number,
    readonly json: Uint8Array,
  ) {}

  get value(): T {
    this.#value ??= { value: JSON.parse(Buffer.from(this.json).toString()) as T };
    return this.#value.value;
  }
}

/** `json` is valid JSON in UTF-8. */
export function foundText<T>(cursor: number, json: Uint8Array): FoundJson<T> {
  return new Printed(cursor, json);
}

export function foundJson<T>(cursor: number, value: T): FoundJson<T> {
  return new Printed(cursor, Buffer.from(printJson(value)));
}
