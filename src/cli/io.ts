/** The world of a command: where it reads and writes, and what stops it. */
import type { Readable, Writable } from 'node:stream';

export interface Io {
  readonly stdin: Readable;
  /** Results, and nothing else. */
  readonly stdout: Writable;
  /** Everything that is no result. */
  readonly stderr: Writable;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted when the person has had enough. */
  readonly signal: AbortSignal;
}

export function writeLine(stream: Writable, text: string): void {
  stream.write(text.endsWith('\n') ? text : `${text}\n`);
}
