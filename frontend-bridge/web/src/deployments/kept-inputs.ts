import { entriesOf } from '../../../../src/base/json/exact.js';
import { type AskedInput, textOf } from './blueprint-form.js';

/** The inputs of an update: one that has a value keeps it as long as nothing else is typed. */
export function keptInputs(
  inputs: readonly AskedInput[],
  current: Readonly<Record<string, unknown>>,
): readonly AskedInput[] {
  const values = new Map(entriesOf(current));
  return inputs.map((input) => {
    if (!values.has(input.name)) return input;
    return { ...input, default: undefined, now: textOf(input.type, values.get(input.name)) };
  });
}
