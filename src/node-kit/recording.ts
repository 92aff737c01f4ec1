/**
 * Executions as JSON lines: what `record` writes, what `run` and `dev` play, and what people write by hand. One line:
 *
 * `{"inputs": {"user_input": {…}}, "types": {"user_input": "sustainml.v1.UserInput"}, "output_type": "…", "outputs": [{…}]}`
 *
 * Of a module with several outputs: `{…, "output_types": {"plot": "bytes:image/png"}, "outputs": {"plot": "…"}}`.
 *
 * Values are in JSON form, as everywhere over HTTP, and are played as the text that they are. Only `inputs` has to be there; a type that is not named is `json`.
 */
import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { z } from 'zod';
import { decodeText } from '../base/decode-text.js';
import { type Fault, messageOf } from '../base/errors.js';
import { checkJsonText } from '../base/json/check-text.js';
import { itemsOf, JsonText, membersOf } from '../base/json/json-text.js';
import { InputError } from './input-error.js';

const values = z.record(z.string(), z.unknown());
const names = z.record(z.string(), z.string());

const Line: z.ZodType<RecordedExecution> = z.looseObject({
  module: z.string().optional(),
  task_id: z.string().optional(),
  execution_id: z.string().optional(),
  attempt: z.number().int().min(1).optional(),
  pass: z.number().int().min(1).optional(),
  item: z.number().int().min(0).optional(),
  inputs: values,
  previous: values.optional(),
  types: names.optional(),
  output_type: z.string().optional(),
  output_types: names.optional(),
  outputs: z.union([z.array(z.unknown()), values]).optional(),
  error: z.looseObject({ code: z.string(), message: z.string() }).optional(),
}) as never;

export type RecordedOutputs = readonly unknown[] | Readonly<Record<string, unknown>>;

export interface RecordedExecution {
  /** @default what the node is told to play */
  readonly module?: string;
  readonly task_id?: string;
  readonly execution_id?: string;
  readonly attempt?: number;
  /** Of a module in a loop. */
  readonly pass?: number;
  /** Of a module with `map`: the number of the item that it was given. */
  readonly item?: number;
  /** By the name of the source or module. */
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Inputs from the parent iteration. */
  readonly previous?: Readonly<Record<string, unknown>>;
  /** The types of inputs and previous outputs, by name. @default json */
  readonly types?: Readonly<Record<string, string>>;
  /** @default json */
  readonly output_type?: string;
  /** Of a module with several outputs, their types by name. @default it has one, without a name */
  readonly output_types?: Readonly<Record<string, string>>;
  /** All of them, the last one last, or by their names; of a failed execution those before it failed. */
  readonly outputs?: RecordedOutputs;
  readonly error?: { readonly code: string; readonly message: string };
}

/** `-` is `stdin`. Throws `InputError` `no_such_file`, or `bad_recording` with every fault and its line. */
export async function readRecording(file: string, stdin: Readable): Promise<readonly RecordedExecution[]> {
  let content: string;
  try {
    content = decodeText(file === '-' ? await buffer(stdin) : await readFile(file));
  } catch (cause) {
    throw new InputError('no_such_file', `FILE: ${messageOf(cause)}`, { cause });
  }
  const parsed = parseRecording(content);
  if (parsed.faults.length === 0 && parsed.executions.length > 0) return parsed.executions;
  const faults =
    parsed.faults.length > 0 ? parsed.faults : [{ path: '', code: 'empty', message: 'no line in it' }];
  throw new InputError('bad_recording', `${file} holds no executions that can be played`, {
    details: faults,
    hint: 'a line is a JSON object with at least inputs, like {"inputs": {"user_input": {"text": "hi"}}}',
  });
}

export function parseRecording(content: string): {
  readonly executions: readonly RecordedExecution[];
  readonly faults: readonly Fault[];
} {
  const executions: RecordedExecution[] = [];
  const faults: Fault[] = [];
  for (const [index, line] of content.split('\n').entries()) {
    if (line.trim() === '') continue;
    const at = `line ${index + 1}`;
    let json: unknown;
    try {
      json = readLine(line);
    } catch (error) {
      faults.push({ path: at, code: 'malformed_json', message: messageOf(error) });
      continue;
    }
    const repeated = checkJsonText(line, Number.POSITIVE_INFINITY).filter(
      ({ code }) => code === 'duplicate_field',
    );
    for (const { path, ...fault } of repeated)
      faults.push({ path: at + path.replaceAll('/', '.'), ...fault });
    if (repeated.length > 0) continue;
    const parsed = Line.safeParse(json);
    if (parsed.success) executions.push(parsed.data);
    for (const { path, message } of parsed.error?.issues ?? []) {
      faults.push({ path: [at, ...path].join('.'), code: 'wrong_type', message });
    }
  }
  return { executions, faults };
}

/** Throws `SyntaxError`. */
function readLine(line: string): unknown {
  const json = new JsonText(line, JSON.parse(line));
  const members = membersOf(json);
  if (!members) return json.value;
  const read = { ...(json.value as Record<string, unknown>) };
  for (const name of ['inputs', 'previous']) {
    const given = members.get(name);
    const values = given && membersOf(given);
    if (values) read[name] = Object.fromEntries(values);
  }
  const outputs = members.get('outputs');
  const named = outputs && membersOf(outputs);
  if (outputs) read.outputs = named ? Object.fromEntries(named) : (itemsOf(outputs) ?? outputs.value);
  return read;
}
