import { PassThrough, Readable, Writable } from 'node:stream';
import { registerClientCommands } from '../../src/cli/client-commands.js';
import type { GraphReader } from '../../src/cli/commands/graph.js';
import { createProgram, run } from '../../src/cli/program.js';

export interface CliRun {
  readonly exit: Promise<number>;
  stdout(): string;
  stderr(): string;
  /** Resolves as soon as stdout holds this. */
  shows(text: string): Promise<void>;
  interrupt(): void;
}

export interface CliOptions {
  readonly url?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly readGraph?: GraphReader;
}

/** Runs `tutti` with these arguments in this process. */
export function cli(args: readonly string[], options: CliOptions = {}): CliRun {
  const stop = new AbortController();
  const out = sink();
  const err = sink();
  const io = {
    stdin: options.stdin === undefined ? new PassThrough() : Readable.from([options.stdin]),
    stdout: out.stream,
    stderr: err.stream,
    env: { ...(options.url !== undefined && { TUTTI_URL: options.url }), ...options.env },
    signal: stop.signal,
  };
  const program = createProgram(io, '0.0.0');
  registerClientCommands(program, io, options.readGraph ?? (() => ({ ok: false, faults: [] })));
  return {
    exit: run(program, args, io),
    stdout: out.text,
    stderr: err.text,
    shows: out.shows,
    interrupt: () => stop.abort(),
  };
}

function sink(): { stream: Writable; text(): string; shows(text: string): Promise<void> } {
  let text = '';
  const waiting = new Set<() => void>();
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      for (const check of waiting) check();
      done();
    },
  });
  return {
    stream,
    text: () => text,
    shows: (expected) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (!text.includes(expected)) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
  };
}
