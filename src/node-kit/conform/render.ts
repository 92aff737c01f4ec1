/** The results of the suite as people read them. */
import type { Said } from '../conductor.js';
import type { CaseResult } from './suite.js';

export function resultLine({ id, outcome, sentence, ms }: CaseResult): string {
  const mark = { passed: 'ok     ', failed: 'FAILED ', not_run: 'not run' }[outcome];
  return `${mark} ${id}: ${sentence}${outcome === 'not_run' ? '' : ` (${ms} ms)`}`;
}

/** The expectation, the actual messages, and the output of the node. */
export function failureText({ expected, exchange = [], written }: CaseResult): string {
  return [
    `        expected ${expected}`,
    '        what was said:',
    ...exchange.slice(-SHOWN_SAID).map((said) => `        ${saidLine(said)}`),
    ...(written ? ['        what the node wrote last:', ...indented(written)] : []),
  ].join('\n');
}

/** Results as plain JSON: bytes as text or as their number. */
export function resultJson(result: CaseResult): unknown {
  const { exchange, ...rest } = result;
  return {
    ...rest,
    ...(exchange && {
      exchange: exchange.map(({ atMs, by, what }) => ({ at_ms: atMs, by, said: plain(what) })),
    }),
  };
}

export function saidLine({ atMs, by, what }: Said): string {
  const arrow = by === 'node' ? 'node →' : '     ←';
  const text = typeof what === 'string' ? what : `${what.kind} ${JSON.stringify(plain(withoutKind(what)))}`;
  return `${String(atMs).padStart(6)} ms ${arrow} ${text}`;
}

const SHOWN_SAID = 40;
const SHOWN_CHARS = 120;

function indented(text: string): string[] {
  return text.split('\n').map((line) => `          ${line}`);
}

function withoutKind(what: object): object {
  const { kind: _, ...rest } = what as { kind?: string };
  return rest;
}

/** In the words of the wire (`snake_case`), with what is empty left out. */
export function plain(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return bytesText(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== undefined && inner !== '' && inner !== 0 && !isEmpty(inner))
      .map(([key, inner]) => [key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), plain(inner)]),
  );
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) ? value.length === 0 : ArrayBuffer.isView(value) && value.byteLength === 0;
}

function bytesText(view: ArrayBufferView): string {
  const bytes = Buffer.from(view.buffer, view.byteOffset, view.byteLength);
  const text = bytes.toString();
  const isText = !/[^\x20-\x7e\s]/.test(text);
  return isText && text.length <= SHOWN_CHARS ? text : `<${bytes.byteLength} bytes>`;
}
