/**
 * The form's fields and the graph's source, `sustainml.v1.UserInput`, into each other.
 *
 * `extra_data` is kept as the text that it came in, since nodes that were written for the original read it; only tokens are taken out of it.
 * The footprint that is asked for is in grams in the form and in kilograms inside.
 */
import { isShallow } from '../../src/base/json/check-text.js';
import { JsonText, membersOf, printJson } from '../../src/base/json/json-text.js';
import type { View } from '../../src/orchestrator/port.js';
import { bad } from './refused.js';
import { GRAMS, MOST_ALIAS, type TaskName } from './words.js';

const TEXTS = [
  'modality',
  'problem_short_description',
  'problem_definition',
  'geo_location_continent',
  'geo_location_region',
] as const;
const LISTS = ['inputs', 'outputs'] as const;
const COUNTS = ['minimum_samples', 'maximum_samples'] as const;
const SWITCHES = ['optimize_carbon_footprint_auto', 'optimize_carbon_footprint_manual'] as const;
const MAX_UINT32 = 2 ** 32 - 1;
/** Iterations that one submission may lead to. */
export const MOST_OUTPUTS = 100;
const TITLE_CHARACTERS = 200;
const MAX_DEPTH = 100;
/** Double precision has so many digits that survive being divided and multiplied again. */
const DIGITS = 15;
const TOKENS: readonly string[] = ['hf_token', 'HF_TOKEN', 'hf_api_token', 'token', 'api_key'];

export interface Submission {
  readonly input: Record<string, unknown>;
  readonly title: string;
  /** Where it is a further iteration. */
  readonly parent: TaskName | undefined;
}

/** The body as an object. Throws `Refused`. */
export function readBody(text: string): { readonly json: JsonText; readonly fields: View } {
  if (!isShallow(text, MAX_DEPTH))
    throw bad('too_deep', `The body has more than ${MAX_DEPTH} levels of lists and objects.`);
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch {
    throw bad('malformed_json', 'The body is not JSON.');
  }
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields))
    throw bad('invalid_body', 'The body must be a JSON object.');
  return { json: new JsonText(text, fields), fields: fields as View };
}

/** Of `POST /user_input`. A field that is absent or null is empty. Throws `Refused` naming the field. */
export function readSubmission({
  json,
  fields,
}: {
  readonly json: JsonText;
  readonly fields: View;
}): Submission {
  const input: Record<string, unknown> = {};
  for (const name of TEXTS) input[name] = textOf(name, fields[name]);
  // The older web page describes the problem by its type alone.
  input.problem_short_description ||= textOf('problem_type', fields.problem_type);
  for (const name of LISTS) input[name] = listOf(name, fields[name]);
  for (const name of COUNTS) input[name] = wholeOf(name, fields[name], MAX_UINT32);
  for (const name of SWITCHES) input[name] = switchOf(name, fields[name]);
  const grams = fields.desired_carbon_footprint ?? 0;
  if (typeof grams !== 'number' || !Number.isFinite(grams) || grams < 0)
    throw bad('invalid_body', 'desired_carbon_footprint must be a number ≥ 0.');
  input.desired_carbon_footprint = inKilograms(grams);
  const previous = wholeOf('previous_iteration', fields.previous_iteration, MOST_ALIAS);
  input.previous_iteration = previous;
  const extra = extraOf(json);
  readOutputs(extra.value);
  input.extra_data = Buffer.from(extra.text).toString('base64');
  const title = TEXTS.slice(1, 3)
    .map((name) => input[name] as string)
    .concat(input.modality as string)
    .find((text) => text.trim() !== '');
  return {
    input,
    title: (title?.trim() ?? 'SustainML problem').slice(0, TITLE_CHARACTERS),
    parent: previous === 0 ? undefined : { problem_id: parentOf(extra.value), iteration_id: previous },
  };
}

function parentOf(extra: View): number {
  const id = wholeOf('extra_data.previous_problem_id', extra.previous_problem_id, MOST_ALIAS);
  if (id === 0)
    throw bad(
      'invalid_body',
      'extra_data.previous_problem_id must name the problem that previous_iteration is of.',
    );
  return id;
}

function extraOf(json: JsonText): { text: string; value: View } {
  const members = membersOf(json);
  const given = members?.get('extra_data');
  if (given === undefined || given.value === null) return { text: '', value: {} };
  const own = membersOf(given);
  if (own === undefined) throw bad('invalid_body', 'extra_data must be a JSON object.');
  if (!TOKENS.some((name) => own.has(name))) return { text: given.text, value: given.value as View };
  for (const name of TOKENS) own.delete(name);
  const text = printJson(Object.fromEntries(own));
  return { text, value: JSON.parse(text) as View };
}

/** How many iterations are asked for, this one included. Throws `Refused`. */
function readOutputs(extra: View): void {
  wholeOf('extra_data.num_outputs', extra.num_outputs, MOST_OUTPUTS);
}

function textOf(name: string, value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw bad('invalid_body', `${name} must be a text.`);
  return value;
}

/** Without the empty items that the form sends for an empty field. */
function listOf(name: string, value: unknown): string[] {
  if (value === undefined || value === null) return [];
  const items: unknown[] | undefined =
    typeof value === 'string' ? value.split(/\s+/) : Array.isArray(value) ? value : undefined;
  if (items === undefined || !items.every((item) => typeof item === 'string'))
    throw bad('invalid_body', `${name} must be a list of texts.`);
  return items.filter((item) => item !== '');
}

function wholeOf(name: string, value: unknown, most: number): number {
  const number = value ?? 0;
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 0 || number > most)
    throw bad('invalid_body', `${name} must be a whole number from 0 to ${most}.`);
  return number === 0 ? 0 : number;
}

function switchOf(name: string, value: unknown): boolean {
  const on = value ?? false;
  if (typeof on !== 'boolean') throw bad('invalid_body', `${name} must be true or false.`);
  return on;
}

function inKilograms(grams: number): number {
  return Number((grams / GRAMS).toPrecision(DIGITS));
}

export function inGrams(kilograms: unknown): number {
  const grams = Number(kilograms) * GRAMS;
  return Number.isFinite(grams) ? Number(grams.toPrecision(DIGITS)) : 0;
}

/** The text of an `extra_data` field; that of an empty object where it is none or not an object. */
export function extraText(base64: unknown): JsonText {
  const text = typeof base64 === 'string' ? Buffer.from(base64, 'base64').toString() : '';
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return new JsonText(text, value);
  } catch {
    // Nodes may put anything there.
  }
  return new JsonText('{}', {});
}

export function extraFields(base64: unknown): View {
  return extraText(base64).value as View;
}

/** How many iterations an input asks for, itself included; an input that was made elsewhere may say anything. */
export function outputsOf(input: View): number {
  const { num_outputs: outputs } = extraFields(input.extra_data);
  return Number.isInteger(outputs) && (outputs as number) > 1 ? Math.min(outputs as number, MOST_OUTPUTS) : 1;
}

/** The names of a list, or of a text with commas between them. */
export function namesOf(value: unknown): string[] {
  const list = typeof value === 'string' ? value.split(',') : Array.isArray(value) ? value : [];
  return list.flatMap((name: unknown) => (typeof name === 'string' && name.trim() ? [name.trim()] : []));
}

/** An input as the form gets it back: its fields as they were sent, lists as one text. */
export function shownInput(input: View, task: TaskName): Record<string, unknown> {
  const joined = (items: unknown): string => (Array.isArray(items) ? items.map(String).join(' ') : '');
  return {
    task_id: task,
    ...Object.fromEntries(TEXTS.map((name) => [name, String(input[name] ?? '')])),
    inputs: joined(input.inputs),
    outputs: joined(input.outputs),
    ...Object.fromEntries(COUNTS.map((name) => [name, Number(input[name] ?? 0)])),
    ...Object.fromEntries(SWITCHES.map((name) => [name, input[name] === true])),
    previous_iteration: Number(input.previous_iteration ?? 0),
    desired_carbon_footprint: inGrams(input.desired_carbon_footprint ?? 0),
    extra_data: withoutTokens(extraText(input.extra_data)),
  };
}

/** Inputs that were made elsewhere may hold one. */
function withoutTokens(extra: JsonText): unknown {
  const members = membersOf(extra);
  if (!members || !TOKENS.some((name) => members.has(name))) return extra;
  for (const name of TOKENS) members.delete(name);
  return Object.fromEntries(members);
}
