/** What is known of an input before it is sent: texts that others have had in the same field, and fields that must not be left out. */
import { entriesOf } from '../../../../src/base/json/exact.js';
import { pointer } from '../../../../src/base/json/pointer.js';
import type { FaultJson } from '../../../../src/contract/answer.js';
import type { Schema } from './form-schema.js';

/** A longer text is not offered as a choice. */
const CHOICE_CHARACTERS = 40;

/** By the id that the form gives a field (`input_modality`), short texts that stand there in other inputs. */
export type KnownValues = ReadonlyMap<string, readonly string[]>;

export function knownValues(inputs: readonly unknown[]): KnownValues {
  const known = new Map<string, Set<string>>();
  const long = new Set<string>();
  const look = (id: string, value: unknown): void => {
    if (typeof value === 'string') {
      if (value.length > CHOICE_CHARACTERS || value.includes('\n')) long.add(id);
      else if (value !== '') known.set(id, (known.get(id) ?? new Set()).add(value));
    } else if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const [name, field] of entriesOf(value)) look(`${id}_${name}`, field);
    }
  };
  for (const input of inputs) look('input', input);
  // Where one of them is long, people write sentences.
  return new Map([...known].filter(([id]) => !long.has(id)).map(([id, values]) => [id, [...values].sort()]));
}

/** Fields that the schema (as it is drawn) requires and the value has not; those of a part that is left out altogether are not missed. */
export function missingFields(schema: Schema, value: unknown, path = '/input'): FaultJson[] {
  const { required, properties } = schema as {
    readonly required?: readonly string[];
    readonly properties?: Readonly<Record<string, Schema>>;
  };
  if (properties === undefined) return [];
  const fields = new Map(typeof value === 'object' && value !== null ? entriesOf(value) : []);
  return Object.entries(properties).flatMap(([name, field]): FaultJson[] => {
    const at = path + pointer(name);
    const given = fields.get(name);
    if (given === undefined || given === '')
      return required?.includes(name) === true
        ? [{ path: at, code: 'missing', message: 'This field is required.' }]
        : [];
    return missingFields(field, given, at);
  });
}
