/**
 * A shell on the cluster that answers one request after the other, so that a request costs neither a login nor the start of a program.
 *
 * SH1. An answer ends with a word that only this shell and this process know, so nothing that is read from a file looks like it.
 * SH2. A shell that did not answer as a whole is ended: none of its bytes can be taken for the next answer.
 */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { ANSWER_SCRIPT, encodeArguments } from './cluster/script.js';
import { EngineUnavailable } from './engine.js';
import type { Reach } from './reach.js';

export interface Request {
  /** The first is the request's name. */
  readonly args: readonly string[];
  /** What the request reads from stdin. @default nothing */
  readonly data?: readonly Uint8Array[];
  /** After that time the request fails as `silent`. */
  readonly timeoutMs: number;
  /** Leaves the request; what it has done until then stays done. */
  readonly signal?: AbortSignal | undefined;
}

export interface Answer {
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** The only request that can be left without ending the shell. */
const WAIT = 'wait';
/** A login there may take as long as its start-up files. */
const OPEN_TIMEOUT_MS = 60_000;
/** What a login prints is not kept as a whole. */
const MAX_REASON_BYTES = 4096;
/** A mark with its word and its line ends is shorter. */
const MARK_BYTES = 100;

interface Marked {
  /** An exit code, `ready` or `over`. */
  readonly word: string;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

export class Shell {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #mark: string;
  readonly #stdout: Output;
  readonly #stderr: Output;
  #whyEnded: EngineUnavailable | undefined;

  private constructor(reach: Reach, child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    this.#mark = randomUUID();
    this.#stdout = new Output(child.stdout, this.#mark);
    this.#stderr = new Output(child.stderr, this.#mark);
    child.once('close', () => {
      this.#whyEnded = reach.whyEnded(this.#stderr.last);
    });
  }

  /** Resolves once the shell can be asked. Throws `EngineUnavailable`. */
  static async open(reach: Reach): Promise<Shell> {
    const shell = new Shell(reach, await reach.start(ANSWER_SCRIPT));
    shell.#child.stdin.write(`${shell.#mark}\n`);
    await shell.#whileOpen(OPEN_TIMEOUT_MS, undefined, () => shell.#nextMark());
    return shell;
  }

  get isOpen(): boolean {
    return this.#whyEnded === undefined;
  }

  /** One request at a time. Throws `EngineUnavailable`, and what the request's signal says. */
  async ask({ args, data = [], timeoutMs, signal }: Request): Promise<Answer> {
    signal?.throwIfAborted();
    const size = data.reduce((sum, piece) => sum + piece.byteLength, 0);
    if (args[0] === WAIT) return await this.#wait(args, timeoutMs, signal);
    return await this.#whileOpen(timeoutMs, signal, async () => {
      this.#child.stdin.write(`${encodeArguments(args)}${size}\n`);
      for (const piece of data) if (!this.#child.stdin.write(piece)) await once(this.#child.stdin, 'drain');
      return answerOf(await this.#nextMark());
    });
  }

  /** Ends the shell, and a request that is under way with it. */
  end(): void {
    this.#child.stdin.end();
    this.#child.kill('SIGKILL');
  }

  /** It is left by an empty line, and says then that it is over. */
  async #wait(args: readonly string[], timeoutMs: number, signal: AbortSignal | undefined): Promise<Answer> {
    const left = new AbortController();
    const leave = () => {
      if (left.signal.aborted) return;
      left.abort();
      this.#child.stdin.write('\n');
    };
    signal?.addEventListener('abort', leave, { once: true });
    try {
      return await this.#whileOpen(timeoutMs, undefined, async () => {
        this.#child.stdin.write(`${encodeArguments(args)}0\n`);
        const first = await this.#nextMark();
        leave();
        for (let { word } = first; word !== 'over'; ) ({ word } = await this.#nextMark());
        signal?.throwIfAborted();
        if (first.word === 'over') throw new EngineUnavailable('unreachable', 'the wait was ended');
        return answerOf(first);
      });
    } finally {
      signal?.removeEventListener('abort', leave);
    }
  }

  async #nextMark(): Promise<Marked> {
    const [{ word, bytes: stdout }, { bytes: stderr }] = await Promise.all([
      this.#stdout.untilMark(),
      this.#stderr.untilMark(),
    ]);
    return { word, stdout, stderr };
  }

  /** Ends the shell unless `act` comes to its end in time (SH2). */
  #whileOpen<T>(timeoutMs: number, signal: AbortSignal | undefined, act: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (finish: () => void) => {
        clearTimeout(patience);
        signal?.removeEventListener('abort', onAbort);
        this.#child.removeListener('close', onClose);
        finish();
      };
      const stop = (why: unknown) =>
        settle(() => {
          this.end();
          reject(why);
        });
      const patience = setTimeout(
        () => stop(new EngineUnavailable('silent', `no answer within ${timeoutMs / 1000} s`)),
        timeoutMs,
      );
      const onAbort = () => stop(signal!.reason);
      const onClose = () => stop(this.#whyEnded!);
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#child.once('close', onClose);
      if (this.#whyEnded) onClose();
      else
        act().then(
          (value) => settle(() => resolve(value)),
          (thrown) => settle(() => reject(thrown)),
        );
    });
  }
}

function answerOf({ word, stdout, stderr }: Marked): Answer {
  return { exitCode: Number(word), stdout, stderr: stderr.toString('utf8') };
}

/** SH1. What a shell says, up to its marks. One chunk may hold several of them: what is said in two writes may be read at once. */
class Output {
  readonly #mark: Buffer;
  #chunks: Buffer[] = [];
  /** The last bytes of the chunks: a mark may come in pieces. */
  #tail = Buffer.alloc(0);
  readonly #found: { word: string; bytes: Buffer }[] = [];
  #take: (() => void) | undefined;

  constructor(stream: Readable, mark: string) {
    this.#mark = Buffer.from(`\n${mark} `);
    stream.on('data', (chunk: Buffer) => this.#read(chunk));
  }

  /** The end of what came after the last mark. */
  get last(): string {
    return Buffer.concat(this.#chunks).subarray(-MAX_REASON_BYTES).toString('utf8');
  }

  /** Everything up to the next mark, and the word that stands there. */
  async untilMark(): Promise<{ word: string; bytes: Buffer }> {
    if (this.#found.length === 0) {
      await new Promise<void>((resolve) => {
        this.#take = resolve;
      });
    }
    return this.#found.shift()!;
  }

  #read(chunk: Buffer): void {
    this.#chunks.push(chunk);
    let fresh = Buffer.concat([this.#tail, chunk]);
    if (fresh.includes(this.#mark)) {
      fresh = this.#takeMarks(Buffer.concat(this.#chunks));
      this.#chunks = [fresh];
    }
    this.#tail = fresh.subarray(-MARK_BYTES);
    if (this.#found.length === 0) return;
    this.#take?.();
    this.#take = undefined;
  }

  /** What stands after the last whole mark. */
  #takeMarks(bytes: Buffer<ArrayBuffer>): Buffer<ArrayBuffer> {
    let rest = bytes;
    for (;;) {
      const at = rest.indexOf(this.#mark);
      const wordAt = at + this.#mark.length;
      const endsAt = at === -1 ? -1 : rest.indexOf('\n', wordAt);
      if (endsAt === -1) return rest;
      this.#found.push({ word: rest.toString('latin1', wordAt, endsAt), bytes: rest.subarray(0, at) });
      rest = rest.subarray(endsAt + 1);
    }
  }
}
