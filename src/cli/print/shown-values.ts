/** Outputs as a terminal can bear them: bytes as what they are, numbers with six digits, long texts and lists cut with a count. `--json` shows everything. */

import { type ScalarTag, stringify } from 'yaml';
import { entriesOf, partAt } from '../../base/json/exact.js';
import { JsonText, plainOf } from '../../base/json/json-text.js';
import type { ModuleAnswerJson } from '../../contract/iteration.js';
import { kindOfBytes, UNKNOWN_KIND } from '../../model/content-kind.js';
import { isBytes, mediaTypeOf } from '../../model/media-type.js';
import { formatSize, shortNumber } from '../../model/shown-numbers.js';

type ShownOutput = Pick<ModuleAnswerJson, 'output' | 'output_names' | 'output_types'> &
  Partial<Pick<ModuleAnswerJson, 'output_type'>>;

const SHOWN_CHARACTERS = 200;
const SHOWN_ITEMS = 20;
const WHOLE = 'whole with --json';

/** An output, or a part of one, to be shown in YAML or in a cell. */
export function shownValue(value: unknown, type = 'json'): unknown {
  return isBytes(type) && typeof value === 'string' ? shownBytes(value, mediaTypeOf(type)) : shortened(value);
}

/** The output of a module, or its several ones by their names. */
export function shownOutput({
  output,
  output_type: type,
  output_names: names,
  output_types: types,
}: ShownOutput): unknown {
  if (!names) return shownValue(output, type ?? undefined);
  return new Map(names.map((name) => [name, shownValue(partAt(output, [name]), types?.[name])]));
}

/** `image/png, 12.8 kB`; of a text its beginning. */
function shownBytes(base64: string, mediaType: string | undefined): string {
  const bytes = Buffer.from(base64, 'base64');
  const kind = kindOfBytes(bytes);
  const what = `${mediaType ?? kind}, ${formatSize(bytes.length)}`;
  const isText = kind !== UNKNOWN_KIND && /^text\/|json|xml|yaml/.test(kind);
  return isText ? cut(bytes.toString(), what) : what;
}

function shortened(value: unknown): unknown {
  if (typeof value === 'string') return cut(value, `${value.length} characters`);
  const plain = plainOf(value);
  if (typeof plain === 'number' && Number.isFinite(plain)) return new JsonText(shortNumber(value));
  if (typeof plain !== 'object' || plain === null) return value;
  if (!Array.isArray(plain)) {
    const fields = entriesOf(value as object).map(([name, inner]) => [name, shortened(inner)] as const);
    return new Map(fields);
  }
  const items = Array.isArray(value) ? value : entriesOf(value as object).map(([, inner]) => inner);
  const shown = items.slice(0, SHOWN_ITEMS).map(shortened);
  return items.length > SHOWN_ITEMS ? [...shown, `… (${items.length} items, ${WHOLE})`] : shown;
}

function cut(text: string, what: string): string {
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}… (${what}, ${WHOLE})` : text;
}

/** Shown values by their names, for people. */
export function inYaml(values: Readonly<Record<string, unknown>>): string {
  return stringify(values, { lineWidth: 0, customTags: [WRITTEN_NUMBER] }).trimEnd();
}

/** A number as it was written. */
const WRITTEN_NUMBER: ScalarTag = {
  tag: 'tag:yaml.org,2002:float',
  default: true,
  identify: (value) => value instanceof JsonText,
  resolve: (text) => text,
  stringify: ({ value }) => String(value),
};
