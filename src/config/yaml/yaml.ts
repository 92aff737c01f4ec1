import { type Document, isScalar, LineCounter, parseDocument, visit } from 'yaml';
import { type Fault, messageOf } from '../../base/errors.js';
import { excessOf, expandsTooFar, MAX_ALIASES, MAX_EXPANDED } from './bounds.js';

export type ReadYaml =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly faults: readonly Fault[] };

export interface ReadYamlOptions {
  /** Its name, for the messages. */
  readonly file?: string | undefined;
  /** Read whatever its size: it was read before, when it was stored. @default false */
  readonly isTrusted?: boolean;
}

/** A text of nothing but mistakes has one at each character. */
const MAX_FAULTS = 50;

/**
 * A YAML 1.2 document as plain values, with merge keys (`<<: *defaults`). Faults say line and column: `bad_yaml`; `too_large` and
 * `too_deep` where the text is more than is read (`bounds.ts`).
 */
export function readYaml(text: string, { file, isTrusted = false }: ReadYamlOptions = {}): ReadYaml {
  const fault = (code: string, message: string, at?: { line: number; col: number }): Fault => {
    const place =
      at && (file === undefined ? `line ${at.line}, column ${at.col}` : `${file}:${at.line}:${at.col}`);
    const where = place ?? file;
    return { path: '', code, message: where === undefined ? message : `${where}: ${message}` };
  };
  const excess = isTrusted ? undefined : excessOf(text);
  if (excess) return { ok: false, faults: [fault(excess.code, excess.message, excess.at)] };

  const lines = new LineCounter();
  // Its own search for duplicate keys compares each key with every other.
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    merge: true,
    uniqueKeys: false,
  });
  const mistakes = [
    ...document.errors.map(({ message, pos }) => ({ offset: pos[0], message })),
    ...repeatedKeys(document),
  ];
  if (mistakes.length > 0) {
    const faults = mistakes
      .slice(0, MAX_FAULTS)
      .map(({ offset, message }) => fault('bad_yaml', message, lines.linePos(offset)));
    return { ok: false, faults };
  }
  try {
    const value: unknown = document.toJS({ maxAliasCount: isTrusted ? -1 : MAX_ALIASES });
    if (isTrusted || !expandsTooFar(value)) return { ok: true, value };
    const message = `aliases and merges expand it to more than ${MAX_EXPANDED} values`;
    return { ok: false, faults: [fault('too_large', message)] };
  } catch (error) {
    // An alias without its anchor, a merge of something that is not a map, or aliases that would not fit into memory.
    return { ok: false, faults: [fault('bad_yaml', messageOf(error))] };
  }
}

/** Keys that stand twice in one map, where the second would silently win. */
function repeatedKeys(document: Document): { readonly offset: number; readonly message: string }[] {
  const repeated: { offset: number; message: string }[] = [];
  visit(document, {
    Map(_, { items }) {
      const seen = new Set<string>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        const offset = key.range?.[0] ?? 0;
        const isMerge = typeof key.value === 'symbol';
        // The text "1" and the number 1 become one key of an object.
        const name = isMerge ? '<<' : String(key.value);
        if (seen.has(name)) {
          const advice = isMerge ? ': merge several maps with <<: [*a, *b]' : '';
          repeated.push({ offset, message: `the key ${JSON.stringify(name)} is given twice${advice}` });
        }
        seen.add(name);
      }
    },
  });
  return repeated;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
