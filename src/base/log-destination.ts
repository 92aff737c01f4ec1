/**
 * Where the log goes, as a stream for pino: a file descriptor that may fail or stand still without the process doing either.
 *
 * L1. `write` never throws and never waits. Lines that cannot be written now are kept, up to `LARGEST_BACKLOG_BYTES`; beyond it they are
 *     dropped and counted, and a line in their place says how many there were.
 * L2. A failed write (no room, a quota, a file size limit, a broken disk) is tried again; what was kept is written once that succeeds.
 * L3. Of a pipe, socket or terminal no write blocks, however long it is not read. A write to a regular file is the thread pool's.
 * L4. When the process exits, what is kept is written without waiting for longer than `EXIT_WAIT_MS`.
 */
import { constants, fstatSync, openSync, type Stats, write as writeAsync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { inertJson } from './inert.js';

/** Some ten thousand lines: minutes of trouble, and no burden. */
const LARGEST_BACKLOG_BYTES = 4 * 1024 * 1024;
/** Of lines that wait, about so much is written at once. */
const PIECE_BYTES = 64 * 1024;
/** A reader that is behind is looked at this often, a disk that refuses less often. */
const AGAIN_MS = 20;
const AGAIN_AFTER_FAILURE_MS = 500;
/** A reader that is there takes a pipe's 64 KiB far sooner. */
const EXIT_WAIT_MS = 500;
const EXIT_STEP_MS = 5;

/** How one write to a descriptor goes; gives the bytes written. */
export interface Sink {
  /** Calls back later; `bytes` stay as they are until then. */
  write(bytes: Uint8Array, done: (error: NodeJS.ErrnoException | null, written: number) => void): void;
  writeNow(bytes: Uint8Array): number;
}

export interface LogDestinationOptions {
  /** @default the sink of file descriptor 2 */
  readonly sink?: Sink;
  /** @default 4 MiB */
  readonly backlogBytes?: number;
  /** Fields of the line in the place of dropped ones, beside its message: pid, host. @default none */
  readonly base?: Readonly<Record<string, unknown>>;
}

const WARN = 40;

let ofStderr: LogDestination | undefined;

/** The destination of this process's stderr. A process has one, so all its loggers share one backlog and one order. */
export function stderrLog(): LogDestination {
  if (ofStderr === undefined) {
    const log = new LogDestination({ base: { pid: process.pid } });
    process.once('exit', () => log.finish());
    ofStderr = log;
  }
  return ofStderr;
}

export class LogDestination {
  readonly #sink: Sink;
  readonly #most: number;
  readonly #base: Readonly<Record<string, unknown>>;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  /** The bytes that are being written: there is one write at a time. */
  #piece: Buffer | undefined;
  #isWriting = false;
  #again: NodeJS.Timeout | undefined;
  #scheduled: NodeJS.Immediate | undefined;
  /** Dropped since the last line that says so. */
  #unsaid = 0;
  #dropped = 0;
  #failures = 0;

  constructor({
    sink = sinkOf(2),
    backlogBytes = LARGEST_BACKLOG_BYTES,
    base = {},
  }: LogDestinationOptions = {}) {
    this.#sink = sink;
    this.#most = backlogBytes;
    this.#base = base;
  }

  /** Lines that were dropped. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Writes that the system refused, a reader that is behind apart. */
  get failures(): number {
    return this.#failures;
  }

  /** L1. One line, with its line feed. */
  write(line: string): void {
    const bytes = Buffer.from(inertJson(line));
    const held = this.#waitingBytes + (this.#piece?.length ?? 0);
    if (held + bytes.length > this.#most) {
      this.#unsaid += 1;
      this.#dropped += 1;
      return;
    }
    if (this.#unsaid > 0) this.#add(this.#gapLine());
    this.#add(bytes);
    // Together with whatever else this turn of the event loop logs.
    if (!this.#isWriting) this.#scheduled ??= setImmediate(() => this.#next());
  }

  #add(bytes: Buffer): void {
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
  }

  #gapLine(): Buffer {
    const msg = `${this.#unsaid} log lines were dropped here: the log could not be written`;
    const line = { level: WARN, time: Date.now(), ...this.#base, lines_dropped: this.#unsaid, msg };
    this.#unsaid = 0;
    return Buffer.from(`${JSON.stringify(line)}\n`);
  }

  #take(): Buffer | undefined {
    if (this.#waiting.length === 0) return undefined;
    let count = 0;
    let bytes = 0;
    while (count < this.#waiting.length && bytes < PIECE_BYTES) bytes += this.#waiting[count++]!.length;
    this.#waitingBytes -= bytes;
    return Buffer.concat(this.#waiting.splice(0, count), bytes);
  }

  #next(): void {
    this.#scheduled = undefined;
    if (this.#isWriting || this.#again !== undefined) return;
    this.#piece ??= this.#take();
    if (this.#piece === undefined && this.#unsaid > 0) this.#piece = this.#gapLine();
    if (this.#piece === undefined) return;
    this.#isWriting = true;
    this.#sink.write(this.#piece, (error, written) => {
      this.#isWriting = false;
      this.#wrote(written);
      if (error === null) this.#next();
      else this.#retry(error);
    });
  }

  #wrote(bytes: number): void {
    const rest = this.#piece?.subarray(bytes);
    this.#piece = rest === undefined || rest.length === 0 ? undefined : rest;
  }

  /** L2. */
  #retry({ code }: NodeJS.ErrnoException): void {
    const isBehind = code === 'EAGAIN';
    if (!isBehind) this.#failures += 1;
    // A log that is not read must not keep the process running.
    this.#again = setTimeout(
      () => {
        this.#again = undefined;
        this.#next();
      },
      isBehind ? AGAIN_MS : AGAIN_AFTER_FAILURE_MS,
    ).unref();
  }

  /** L4. Nothing runs after it: what is kept is written at once. A piece that the thread pool has is written by it before the process ends. */
  finish(): void {
    if (this.#isWriting) this.#piece = undefined;
    const deadline = performance.now() + EXIT_WAIT_MS;
    for (;;) {
      this.#piece ??= this.#take() ?? (this.#unsaid > 0 ? this.#gapLine() : undefined);
      if (this.#piece === undefined) return;
      try {
        this.#wrote(this.#sink.writeNow(this.#piece));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || performance.now() > deadline) return;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, EXIT_STEP_MS);
      }
    }
  }
}

/** L3. The sink of a descriptor that this process was started with. */
export function sinkOf(fd: number): Sink {
  let stats: Stats;
  try {
    stats = fstatSync(fd);
  } catch {
    return threadPoolSink(fd);
  }
  const own = stats.isFile() ? undefined : unblocked(fd, stats);
  return own === undefined ? threadPoolSink(fd) : directSink(own);
}

/** Nothing but a disk can keep such a write waiting. */
function threadPoolSink(fd: number): Sink {
  return {
    write: (bytes, done) => writeAsync(fd, bytes, (error, written) => done(error, written ?? 0)),
    writeNow: (bytes) => writeSync(fd, bytes),
  };
}

interface Unblocked {
  readonly fd: number;
  /** Whatever keeps the descriptor open. */
  readonly owner?: unknown;
}

/** A write that would block fails with `EAGAIN` instead. */
function directSink(target: Unblocked): Sink {
  return {
    write(bytes, done) {
      let written = 0;
      let failure: NodeJS.ErrnoException | null = null;
      try {
        written = writeSync(target.fd, bytes);
      } catch (error) {
        failure = error as NodeJS.ErrnoException;
      }
      // Callers may count on being called later.
      setImmediate(done, failure, written);
    },
    writeNow: (bytes) => writeSync(target.fd, bytes),
  };
}

/**
 * The same pipe or terminal by a description of our own: the one that we were given belongs to others as well, and a shell does not
 * expect its terminal not to block. Where that may not be opened, as a pipe that another user made, and for a socket, it is ours that
 * no longer blocks, as with `process.stderr`.
 */
function unblocked(fd: number, stats: Stats): Unblocked | undefined {
  const flags = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
  return attempt(() => ({ fd: openSync(`/proc/self/fd/${fd}`, flags) })) ?? attempt(() => adopted(fd, stats));
}

function adopted(fd: number, stats: Stats): Unblocked | undefined {
  if (!stats.isSocket() && !stats.isFIFO()) return undefined;
  const owner = new Socket({ fd, readable: false, writable: true });
  owner.on('error', () => {});
  owner.unref();
  return { fd, owner };
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
