/**
 * `extra_data` of the SustainML messages: always UTF-8 JSON.
 *
 * Of `UserInput.extra_data` three fields are read, all optional, and every module judges them by the same rules here:
 *
 * | field                  | type             | unit       |
 * |------------------------|------------------|------------|
 * | `max_memory_footprint` | integer, 1–2^32-1 | MiB       |
 * | `hardware_required`    | list of strings  |            |
 * | `inferences`           | number over 0    | inferences |
 */
import { NonRetryableError } from 'tutti/sdk';

/** What the user said in `extra_data`; a field that was not given is absent. */
export interface UserExtraData {
  max_memory_footprint?: number;
  hardware_required?: string[];
  inferences?: number;
  /** Names of fields that no module reads, so that a slip of the pen shows. */
  unknown: string[];
}

const MAX_UINT32 = 2 ** 32 - 1;

/** JSON as the bytes of an `extra_data` field. */
export function encodeExtraData(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/**
 * Reads `UserInput.extra_data`. No bytes, or only white space, count as `{}`; a field that is `null` counts as not given.
 *
 * @throws NonRetryableError `bad_extra_data`, naming the field, when it is not UTF-8, not JSON, not an object, or when a
 * field has the wrong type or is out of range.
 */
export function readUserExtraData(bytes: Uint8Array): UserExtraData {
  const fields = parseObject(bytes);
  const { max_memory_footprint, hardware_required, inferences, ...rest } = fields;
  return {
    ...(max_memory_footprint == null ? {} : { max_memory_footprint: memory(max_memory_footprint) }),
    ...(hardware_required == null ? {} : { hardware_required: hardware(hardware_required) }),
    ...(inferences == null ? {} : { inferences: count(inferences) }),
    unknown: Object.keys(rest).sort(),
  };
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
    throw bad('extra_data', `has to be a JSON object and is ${shown(value)}`);
  }
  return value as Record<string, unknown>;
}

function memory(value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_UINT32) return value;
  throw bad(
    'extra_data.max_memory_footprint',
    `has to be a whole number of MiB from 1 and is ${shown(value)}`,
  );
}

function hardware(value: unknown): string[] {
  if (!Array.isArray(value)) {
    throw bad(
      'extra_data.hardware_required',
      `has to be a list of names, as in ["edge"], and is ${shown(value)}`,
    );
  }
  return value.map((name: unknown, index) => {
    if (typeof name === 'string' && name.trim() !== '') return name.trim();
    throw bad(`extra_data.hardware_required[${index}]`, `has to be a name and is ${shown(name)}`);
  });
}

function count(value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
  throw bad('extra_data.inferences', `has to be a number over 0 and is ${shown(value)}`);
}

function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value);
  return json.length > 80 ? `${json.slice(0, 80)}…` : json;
}

function bad(field: string, problem: string): NonRetryableError {
  return new NonRetryableError('bad_extra_data', `${field} ${problem}.`);
}
