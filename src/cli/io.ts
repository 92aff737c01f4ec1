/** The world of a command: where it reads and writes, and what stops it. */
import type { Readable, Writable } from 'node:stream';
import { inertJson, inertText } from '../base/inert.js';
import { printJson } from '../base/json/json-text.js';

export interface Io {
  readonly stdin: Readable;
  /** Results, and nothing else. */
  readonly stdout: Writable;
  /** Everything that is not a result. */
  readonly stderr: Writable;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted by SIGINT and SIGTERM, or when the output is no longer read. */
  readonly signal: AbortSignal;
  /** Aborted by SIGINT and SIGTERM only: a service works on when its output is not read. @default `signal` */
  readonly terminated?: AbortSignal;
}

/** Text for people. Whatever of it came from others cannot act on their terminal. */
export function writeLine(stream: Writable, text: string): void {
  writeText(stream, text.endsWith('\n') ? text : `${text}\n`);
}

/** A message may have several lines; none of them begins as one of ours does. */
export function writeMessage(stream: Writable, text: string): void {
  writeLine(stream, text.trimEnd().replaceAll('\n', '\n    '));
}

/** Text for people that comes in pieces. */
export function writeText(stream: Writable, text: string): void {
  stream.write(inertText(text));
}

/** One JSON document on a line of its own. */
export function writeJson(stream: Writable, document: unknown): void {
  stream.write(`${inertJson(printJson(document))}\n`);
}
