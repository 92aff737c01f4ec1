/** The inputs of a blueprint: what is given, or else the defaults, each of its type. */
import { type Fault, summaryOf } from '../base/errors.js';
import { didYouMean } from '../base/nearest.js';
import type { Blueprint, BlueprintInput } from './blueprint.js';
import { constraintFault } from './input-constraints.js';

/** Characters as JSON: each operation's plan keeps them. */
const MAX_INPUTS = 64 * 1024;

export type GivenInputs =
  | { readonly ok: true; readonly inputs: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly faults: readonly Fault[]; readonly message: string };

/** `given`: by name. Paths of faults are JSON pointers below `/inputs`. */
export function inputsFor(blueprint: Blueprint, given: Readonly<Record<string, unknown>>): GivenInputs {
  const faults: Fault[] = [];
  const inputs: Record<string, unknown> = {};
  const names = Object.keys(blueprint.inputs);
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(blueprint.inputs, name)) continue;
    const known = names.length === 0 ? 'it has none' : `it has ${names.join(', ')}`;
    const message = `${name} is not an input of the blueprint${didYouMean(name, names)}: ${known}`;
    faults.push({ path: pointer(name), code: 'unknown_input', message });
  }
  for (const [name, input] of Object.entries(blueprint.inputs)) {
    const value = Object.hasOwn(given, name) ? given[name] : input.default;
    if (value === undefined) {
      const message = `${name} has no default: give it`;
      faults.push({ path: pointer(name), code: 'missing_input', message });
      continue;
    }
    const fault = inputFault(input, value);
    if (fault === undefined) inputs[name] = value;
    else faults.push({ path: pointer(name), code: 'wrong_type', message: `${name}: ${fault}` });
  }
  const size = faults.length === 0 ? JSON.stringify(inputs).length : 0;
  if (size > MAX_INPUTS) {
    const message = `they have ${size} characters as JSON, expected at most ${MAX_INPUTS}`;
    faults.push({ path: '/inputs', code: 'out_of_range', message });
  }
  return faults.length === 0
    ? { ok: true, inputs }
    : { ok: false, faults, message: `the inputs are invalid: ${summaryOf(faults)}` };
}

/** Why a value is not of the input's type, or does not keep to its constraints; nothing if it does. */
export function inputFault({ type, constraints = [] }: BlueprintInput, value: unknown): string | undefined {
  const isRight = {
    string: typeof value === 'string',
    integer: Number.isSafeInteger(value),
    number: typeof value === 'number' && Number.isFinite(value),
    boolean: typeof value === 'boolean',
    json: true,
  }[type];
  return isRight ? constraintFault(constraints, value) : `${JSON.stringify(value)} is not of type ${type}`;
}

function pointer(name: string): string {
  return `/inputs/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
