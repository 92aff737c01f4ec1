/** Outputs as a terminal can bear them: bytes as what they are, long texts and lists cut with a count. `--json` shows everything. */

import { entriesOf, partAt } from '../base/json/exact.js';
import { plainOf } from '../base/json/json-text.js';
import { kindOfBytes, UNKNOWN_KIND } from '../model/content-kind.js';
import { outputReference } from '../model/graph.js';
import { isBytes, mediaTypeOf } from '../model/media-type.js';
import type { Client } from './client.js';

/** The types of outputs by their references: `train`, or `train.plot` where a module has several. */
export type OutputTypes = Readonly<Record<string, string>>;

const SHOWN_CHARACTERS = 200;
const SHOWN_ITEMS = 20;
const WHOLE = 'whole with --json';

interface GraphView {
  readonly modules: Readonly<
    Record<
      string,
      {
        readonly output: string | null;
        readonly outputs?: Readonly<Record<string, { readonly type: string }>>;
      }
    >
  >;
}

/** Nothing where the orchestrator does not say: then outputs are shown as they came. */
export async function outputTypes(client: Client, graph: unknown, version: unknown): Promise<OutputTypes> {
  const path = `/v1/graphs/${encodeURIComponent(String(graph))}/versions/${encodeURIComponent(String(version))}`;
  try {
    const { value } = await client.get<GraphView>(path);
    const types = Object.entries(value.modules).flatMap(([name, { output, outputs = {} }]) => [
      [name, output ?? 'json'],
      ...Object.entries(outputs).map(([one, { type }]) => [outputReference(name, one), type]),
    ]);
    return Object.fromEntries(types);
  } catch {
    return {};
  }
}

/** An output, or a part of one, to be shown in YAML or in a cell. */
export function shownValue(value: unknown, type = 'json'): unknown {
  return isBytes(type) && typeof value === 'string' ? shownBytes(value, mediaTypeOf(type)) : shortened(value);
}

/** The output of a module, or its several ones by their names. */
export function shownOutput(
  module: string,
  { output, output_names: names }: { readonly output: unknown; readonly output_names?: readonly string[] },
  types: OutputTypes,
): unknown {
  if (!names) return shownValue(output, types[module]);
  return new Map(
    names.map((name) => [name, shownValue(partAt(output, [name]), types[outputReference(module, name)])]),
  );
}

/** `image/png, 12.8 kB`; of a text its beginning. */
function shownBytes(base64: string, mediaType: string | undefined): string {
  const bytes = Buffer.from(base64, 'base64');
  const kind = kindOfBytes(bytes);
  const what = `${mediaType ?? kind}, ${sizeOf(bytes.length)}`;
  const isText = kind !== UNKNOWN_KIND && /^text\/|json|xml|yaml/.test(kind);
  return isText ? cut(bytes.toString(), what) : what;
}

function shortened(value: unknown): unknown {
  if (typeof value === 'string') return cut(value, `${value.length} characters`);
  const plain = plainOf(value);
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

function sizeOf(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const power = Math.min(3, Math.floor(Math.log10(bytes) / 3));
  return `${Number((bytes / 1000 ** power).toPrecision(3))} ${['B', 'kB', 'MB', 'GB'][power]}`;
}
