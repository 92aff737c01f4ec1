/**
 * `extra_data` of the SustainML messages: always UTF-8 JSON.
 *
 * Of `UserInput.extra_data` some fields are read, all optional, and every module judges them by the same rules here:
 *
 * | field                  | type                            | not given  | unit       |
 * |------------------------|---------------------------------|------------|------------|
 * | `max_memory_footprint` | integer, 1–2^32-1               | 0          | MiB        |
 * | `hardware_required`    | text, or list of texts          | "", [""]   |            |
 * | `inferences`           | number over 0                   | 0          | inferences |
 * | `goal`                 | text, names with commas between | ""         |            |
 * | `metric`               | text                            | ""         |            |
 * | `type`                 | text                            | ""         |            |
 * | `model_selected`       | text                            | ""         |            |
 * | `model_restrains`      | text, or list of texts          | "", []     |            |
 *
 * `null` counts as not given as well: a form that nobody has touched asks for nothing.
 */
import { NonRetryableError } from 'tutti/sdk';

/** What the user said in `extra_data`; a field that was not given is absent. */
export interface UserExtraData {
  max_memory_footprint?: number;
  hardware_required?: string[];
  inferences?: number;
  /** Goals, best first. */
  goal?: string[];
  metric?: string;
  /** The family of models. */
  type?: string;
  model_selected?: string;
  /** Models that are out. */
  model_restrains?: string[];
  /** Names of fields that no module reads, so that a slip of the pen shows. */
  unknown: string[];
}

const MAX_UINT32 = 2 ** 32 - 1;

/** JSON as the bytes of an `extra_data` field. */
export function encodeExtraData(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/**
 * Reads `UserInput.extra_data`. No bytes, or only white space, count as `{}`.
 *
 * @throws NonRetryableError `bad_extra_data`, naming the field, when it is not UTF-8, not JSON, not an object, or when a
 * field has the wrong type or is out of range.
 */
export function readUserExtraData(bytes: Uint8Array): UserExtraData {
  const fields = parseObject(bytes);
  const { max_memory_footprint, hardware_required, inferences, ...others } = fields;
  const { goal, metric, type, model_selected, model_restrains, ...rest } = others;
  return {
    ...given('max_memory_footprint', memory(max_memory_footprint)),
    ...given('hardware_required', names('hardware_required', hardware_required)),
    ...given('inferences', count(inferences)),
    ...given('goal', parts(text('goal', goal))),
    ...given('metric', text('metric', metric)),
    ...given('type', text('type', type)),
    ...given('model_selected', text('model_selected', model_selected)),
    ...given('model_restrains', names('model_restrains', model_restrains)),
    unknown: Object.keys(rest).sort(),
  };
}

function given<K extends string, T>(name: K, value: T | undefined): { [key in K]?: T } {
  return value === undefined ? {} : ({ [name]: value } as { [key in K]?: T });
}

function parseObject(bytes: Uint8Array): Record<string, unknown> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw bad('extra_data', 'is not UTF-8');
  }
  if (text.trim() === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw bad('extra_data', `is not JSON (${error instanceof Error ? error.message : String(error)})`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw bad('extra_data', `must be a JSON object, but is ${shown(value)}`);
  }
  return value as Record<string, unknown>;
}

function memory(value: unknown): number | undefined {
  if (value == null || value === 0) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_UINT32) return value;
  throw bad(
    'extra_data.max_memory_footprint',
    `must be a whole number of MiB (0: not given), but is ${shown(value)}`,
  );
}

/** Without the empty ones. */
function names(field: string, value: unknown): string[] | undefined {
  if (value == null) return undefined;
  const list: unknown[] | undefined =
    typeof value === 'string' ? [value] : Array.isArray(value) ? value : undefined;
  if (list === undefined) {
    throw bad(
      `extra_data.${field}`,
      `must be a name or a list of names, such as ["edge"], but is ${shown(value)}`,
    );
  }
  const found = list.map((name: unknown, index) => {
    if (typeof name === 'string') return name.trim();
    throw bad(`extra_data.${field}[${index}]`, `must be a name, but is ${shown(name)}`);
  });
  const named = found.filter((name) => name !== '');
  return named.length > 0 || list.length === 0 ? named : undefined;
}

function text(field: string, value: unknown): string | undefined {
  if (value == null) return undefined;
  if (typeof value !== 'string') throw bad(`extra_data.${field}`, `must be text, but is ${shown(value)}`);
  return value.trim() || undefined;
}

function parts(text: string | undefined): string[] | undefined {
  const found = text?.split(',').flatMap((part) => part.trim() || []);
  return found && found.length > 0 ? found : undefined;
}

function count(value: unknown): number | undefined {
  if (value == null || value === 0) return undefined;
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
  throw bad('extra_data.inferences', `must be a number over 0, but is ${shown(value)}`);
}

function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value);
  return json.length > 80 ? `${json.slice(0, 80)}…` : json;
}

function bad(field: string, problem: string): NonRetryableError {
  return new NonRetryableError('bad_extra_data', `${field} ${problem}.`);
}
