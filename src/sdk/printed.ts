/**
 * Forwards the lines that a handler writes to the standard streams into its task's log.
 *
 * 1. It belongs to the execution whose handler has started the code that writes, as `AsyncLocalStorage` tells. Other code's is only written.
 * 2. The streams get everything first, as without us. What the log itself brings about is not captured.
 * 3. Memory is bounded: of a line the part is kept that a log line may have, and beyond the lines that the orchestrator takes of one execution,
 *    lines are only counted.
 * 4. Of a line that is written over again and again (`\r`, a progress bar) its last state is told.
 *
 * The streams are patched once, for the life of the process: they have no other owner.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { StringDecoder } from 'node:string_decoder';
import { stripVTControlCharacters } from 'node:util';

type Stream = 'stdout' | 'stderr';
export type Tell = (
  level: 'info' | 'warn',
  message: string,
  fields: Readonly<Record<string, string>>,
) => void;

/** As the orchestrator's own limits for an execution's log. */
const MAX_LINES = 100_000;
const MAX_CHARS = 16 * 1024 * 1024;
/** One more than a log line may have: then it is cut, and marked as such. */
const MAX_LINE_CHARS = 8_192 + 1;

const current = new AsyncLocalStorage<Printed | undefined>();
let isPatched = false;

/** Runs a handler: what it and the code that it starts write goes to `printed`, too. */
export function runPrinting<T>(printed: Printed, run: () => T): T {
  if (!isPatched) {
    isPatched = true;
    patch('stdout');
    patch('stderr');
  }
  return current.run(printed, run);
}

function patch(name: Stream): void {
  const stream = process[name];
  const write = stream.write as (...given: unknown[]) => boolean;
  stream.write = function (this: unknown, ...given: unknown[]): boolean {
    const taken = Reflect.apply(write, this, given);
    const printed = current.getStore();
    const [chunk, encoding] = given;
    if (printed) current.run(undefined, () => printed.write(name, chunk, encoding));
    return taken;
  } as typeof stream.write;
}

export class Printed {
  readonly #tell: Tell;
  readonly #keepsEmpty: boolean;
  readonly #open = { stdout: new OpenLine(), stderr: new OpenLine() };
  #linesLeft = MAX_LINES;
  #charsLeft = MAX_CHARS;
  #leftOut = 0;
  #hasEnded = false;

  /** `keepsEmpty`: an empty line is a line. Those of a handler are layout. */
  constructor(tell: Tell, keepsEmpty = false) {
    this.#tell = tell;
    this.#keepsEmpty = keepsEmpty;
  }

  /** The arguments of the stream's `write`. */
  write(stream: Stream, chunk: unknown, encoding?: unknown): void {
    if (this.#hasEnded) return;
    const open = this.#open[stream];
    const text = open.textOf(chunk, encoding);
    let at = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', at)) {
      open.add(text.slice(at, end));
      this.#say(stream, open.take(), this.#keepsEmpty);
      at = end + 1;
    }
    open.add(text.slice(at));
  }

  /** Tells what is not complete. */
  break(): void {
    if (this.#hasEnded) return;
    for (const stream of ['stdout', 'stderr'] as const) this.#say(stream, this.#open[stream].take());
  }

  /** Tells what is not complete, and how much is missing. */
  end(): void {
    if (this.#hasEnded) return;
    this.break();
    this.#hasEnded = true;
    if (this.#leftOut === 0) return;
    const lines = this.#leftOut === 1 ? 'line' : 'lines';
    this.#tell('warn', `${this.#leftOut} ${lines} of output were left out: the execution's log is full`, {
      dropped: String(this.#leftOut),
    });
  }

  #say(stream: Stream, line: string, isWhole = false): void {
    const text = stripVTControlCharacters(line).trimEnd();
    if (text === '' && !isWhole) return;
    if (this.#linesLeft <= 0 || this.#charsLeft <= 0) {
      this.#leftOut += 1;
      return;
    }
    this.#linesLeft -= 1;
    this.#charsLeft -= text.length;
    this.#tell(stream === 'stdout' ? 'info' : 'warn', text, { stream });
  }
}

/** A line that is not complete yet. */
class OpenLine {
  readonly #decoder = new StringDecoder('utf8');
  #text = '';
  #isWrittenOver = false;

  textOf(chunk: unknown, encoding: unknown): string {
    if (chunk instanceof Uint8Array) return this.#decoder.write(chunk);
    if (typeof chunk !== 'string') return '';
    const isBytes = encoding === 'hex' || encoding === 'base64' || encoding === 'base64url';
    return isBytes ? this.#decoder.write(Buffer.from(chunk, encoding)) : chunk;
  }

  add(piece: string): void {
    for (const [index, state] of piece.split('\r').entries()) {
      if (index > 0) this.#isWrittenOver = true;
      if (state === '') continue;
      if (this.#isWrittenOver) this.#text = '';
      this.#isWrittenOver = false;
      this.#text += state.slice(0, MAX_LINE_CHARS - this.#text.length);
    }
  }

  take(): string {
    const text = this.#text;
    this.#text = '';
    this.#isWrittenOver = false;
    return text;
  }
}
