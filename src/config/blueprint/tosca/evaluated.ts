/** What values of a template come to: literal ones, and texts with the references of a blueprint. */
import { isRecord } from '../../yaml/yaml.js';

/**
 * `text`: holds references. `isStatic`: to inputs only. `known`: its value, if it is static and the inputs are known.
 */
export type Evaluated =
  | { readonly kind: 'literal'; readonly value: unknown }
  | {
      readonly kind: 'text';
      readonly text: string;
      readonly isStatic: boolean;
      readonly known?: { readonly value: unknown };
    };

export const FUNCTIONS = ['get_input', 'get_property', 'get_attribute', 'concat'] as const;
type FunctionName = (typeof FUNCTIONS)[number];
/** Others of the profile, which are not values either. */
const OTHERS = ['get_artifact', 'get_operation_output', 'get_nodes_of_type', 'join', 'token'] as const;
type OtherName = (typeof OTHERS)[number];

/** A function has a map of its own. */
export function functionIn(
  value: unknown,
): { readonly name: FunctionName | OtherName; readonly argument: unknown } | undefined {
  if (!isRecord(value)) return undefined;
  const [entry, ...more] = Object.entries(value);
  if (entry === undefined || more.length > 0) return undefined;
  const name = [...FUNCTIONS, ...OTHERS].find((one) => one === entry[0]);
  return name && { name, argument: entry[1] };
}

/** As an environment variable has it: anything but a text is JSON. */
export function textOf(evaluated: Evaluated): string {
  return evaluated.kind === 'text' ? evaluated.text : printed(evaluated.value);
}

export function printed(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The value, as far as it is known before anything runs. */
export function knownOf(evaluated: Evaluated): { readonly value: unknown } | undefined {
  return evaluated.kind === 'literal' ? evaluated : evaluated.known;
}

/** `${inputs.model}` */
export function reference(owner: string, path: readonly string[]): string {
  return `\${${[owner, ...path].join('.')}}`;
}

/** Names and indexes; nothing for anything else. */
export function pathOf(value: unknown): readonly string[] | undefined {
  const steps = Array.isArray(value) ? value : [value];
  const isPath = steps.every((step) => typeof step === 'string' || Number.isSafeInteger(step));
  return isPath ? steps.map(String) : undefined;
}
