import { LineCounter, parseDocument } from 'yaml';
import type { Fault } from '../base/errors.js';

export type ReadYaml =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly faults: readonly Fault[] };

/** A YAML document as plain values; faults (`bad_yaml`) say line and column. `file`: its name, for the messages. */
export function readYaml(text: string, file: string | undefined): ReadYaml {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const faults = document.errors.map(({ message, pos }) => {
    const { line, col } = lines.linePos(pos[0]);
    const where = file === undefined ? `line ${line}, column ${col}` : `${file}:${line}:${col}`;
    return { path: '', code: 'bad_yaml', message: `${where}: ${message}` };
  });
  if (faults.length > 0) return { ok: false, faults };
  try {
    return { ok: true, value: document.toJS() };
  } catch (error) {
    // Aliases without their anchor, or so many that they would not fit into memory.
    return { ok: false, faults: [{ path: '', code: 'bad_yaml', message: String(error) }] };
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
