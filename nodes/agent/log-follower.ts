/**
 * What a command writes, on its way into its execution's log.
 *
 * L1. Memory is bounded: the log stays in files on the cluster, and is read in pieces as the history has room for it.
 * L2. The history gets the head, up to a budget, and the tail; between them, a line says how much was left out and where the whole is.
 * L3. A line that an earlier process of the agent has told is not told again, but for those of its last look: where they stand is
 *     saved once they have been told.
 */
import type { RunTask } from 'tutti/sdk';
import type { Engine, LogSizes, LogStream } from './engine.js';

/** Of both streams: what an execution's history has room for (100,000 lines, 16 MiB), less the tail and what each line costs beside its text. */
export const HEAD_BYTES: number = 8 * 1024 * 1024;
export const HEAD_LINES = 60_000;
/** Of each stream. */
export const TAIL_BYTES: number = 64 * 1024;
export const TAIL_LINES = 1_000;
/** One look reads so much: it is held in memory. */
const PIECE_BYTES = 1024 * 1024;
/** The time, the level and the stream's name, as the history keeps them. */
const LINE_BYTES = 160;

const STREAMS: readonly LogStream[] = ['stdout', 'stderr'];
const NEWLINE = 0x0a;

/** Where the log stands: bytes of each stream whose lines have been told. */
export interface LogPlace {
  readonly stdout: number;
  readonly stderr: number;
  readonly lines: number;
}

export interface LogFollowerDeps {
  readonly key: string;
  readonly engine: Pick<Engine, 'readLog'>;
  readonly task: Pick<RunTask, 'print' | 'endLines' | 'cut'>;
  /** Room in the history for all executions of this agent: takes so many bytes, or says no. */
  readonly takeRoom: (bytes: number) => boolean;
  readonly place: LogPlace;
  readonly save: (place: LogPlace) => void;
  /** Keeps the whole of a stream; says where it is, or why it is not there. */
  readonly keepWhole: (stream: LogStream, size: number) => Promise<KeptLog>;
}

export type KeptLog =
  | { readonly ok: true; readonly sha256: string; readonly size: number }
  | { readonly ok: false; readonly why: string };

export class LogFollower {
  readonly #deps: LogFollowerDeps;
  /** Of each stream: up to where it was read. */
  readonly #read = { stdout: 0, stderr: 0 };
  /** Of each stream: where the first line begins that has not been told as a whole. */
  readonly #told = { stdout: 0, stderr: 0 };
  #lines: number;

  constructor(deps: LogFollowerDeps) {
    this.#deps = deps;
    for (const stream of STREAMS) this.#read[stream] = this.#told[stream] = deps.place[stream];
    this.#lines = deps.place.lines;
  }

  /** Tells what is new, as far as there is room. Throws `EngineUnavailable`. */
  async advance(sizes: LogSizes, signal: AbortSignal): Promise<void> {
    for (const stream of STREAMS) {
      while (this.#read[stream] < sizes[stream] && this.#hasRoom && !signal.aborted) {
        const before = this.#read[stream];
        await this.#advanceOne(stream);
        if (this.#read[stream] === before) break;
      }
    }
  }

  /** The command has ended: tells the rest, or the tail. Throws `EngineUnavailable`. */
  async finish(sizes: LogSizes, signal: AbortSignal): Promise<void> {
    await this.advance(sizes, signal);
    for (const stream of STREAMS) {
      const left = sizes[stream] - this.#read[stream];
      if (left <= 0 || signal.aborted) continue;
      if (left <= TAIL_BYTES) await this.#tell(stream, this.#read[stream], left);
      else await this.#skipToTail(stream, sizes[stream]);
    }
    this.#deps.task.endLines();
    this.#save();
  }

  get #hasRoom(): boolean {
    const bytes = this.#read.stdout + this.#read.stderr;
    return bytes + this.#lines * LINE_BYTES < HEAD_BYTES && this.#lines < HEAD_LINES;
  }

  /** L1. */
  async #advanceOne(stream: LogStream): Promise<void> {
    const { key, engine, takeRoom } = this.#deps;
    const found = await engine.readLog(key, stream, { offset: this.#read[stream], maxBytes: PIECE_BYTES });
    if (found === undefined || found.byteLength === 0) return;
    const piece = firstLines(found, HEAD_LINES - this.#lines);
    const lines = countLines(piece);
    if (takeRoom(piece.byteLength + lines * LINE_BYTES)) this.#print(stream, piece, lines);
  }

  async #tell(stream: LogStream, offset: number, bytes: number): Promise<void> {
    const { key, engine } = this.#deps;
    const piece = await engine.readLog(key, stream, { offset, maxBytes: bytes });
    if (piece) this.#print(stream, piece, countLines(piece));
  }

  /** L2. */
  async #skipToTail(stream: LogStream, size: number): Promise<void> {
    const { key, engine, task, keepWhole } = this.#deps;
    const offset = size - TAIL_BYTES;
    const piece = await engine.readLog(key, stream, { offset, maxBytes: TAIL_BYTES });
    const kept = await keepWhole(stream, size);
    const tail = wholeLines(piece ?? new Uint8Array());
    const leftOut = size - tail.byteLength - this.#read[stream];
    task.endLines();
    task.cut(
      stream,
      `${leftOut} bytes of ${stream} were left out here; ${
        kept.ok ? `blob ${kept.sha256} is the whole of it` : `the whole was not kept: ${kept.why}`
      }`,
      {
        by: 'agent',
        left_out_bytes: leftOut,
        of: stream,
        ...(kept.ok && { blob: kept.sha256, size: kept.size }),
      },
      kept.ok ? { sha256: kept.sha256, size: kept.size } : undefined,
    );
    this.#read[stream] = size - tail.byteLength;
    this.#print(stream, tail, countLines(tail));
  }

  #print(stream: LogStream, piece: Uint8Array, lines: number): void {
    this.#save();
    this.#deps.task.print(stream, piece);
    const newline = piece.lastIndexOf(NEWLINE);
    if (newline >= 0) this.#told[stream] = this.#read[stream] + newline + 1;
    this.#read[stream] += piece.byteLength;
    this.#lines += lines;
  }

  /** L3. */
  #save(): void {
    this.#deps.save({ ...this.#told, lines: this.#lines });
  }
}

/** The last lines of a stream, for an error: at most so many bytes and lines. */
export async function lastLines(
  engine: Pick<Engine, 'readLog'>,
  key: string,
  stream: LogStream,
  { [stream]: size }: LogSizes,
): Promise<string> {
  const offset = Math.max(0, size - ERROR_BYTES);
  const piece = size === 0 ? undefined : await engine.readLog(key, stream, { offset, maxBytes: ERROR_BYTES });
  if (!piece) return '';
  const whole = offset === 0 ? piece : wholeLines(piece);
  return new TextDecoder().decode(whole).trimEnd().split('\n').slice(-ERROR_LINES).join('\n');
}

const ERROR_BYTES = 2_048;
const ERROR_LINES = 20;

/** A tail from the beginning of a line on, and with no more lines than the history takes; as it is where it is one line. */
function wholeLines(tail: Uint8Array): Uint8Array {
  const first = tail.indexOf(NEWLINE) + 1;
  let from = first === tail.byteLength ? 0 : first;
  let over = countLines(tail.subarray(from)) - TAIL_LINES;
  for (; over > 0; over -= 1) from = tail.indexOf(NEWLINE, from) + 1;
  return tail.subarray(from);
}

/** The beginning with at most so many lines. */
function firstLines(piece: Uint8Array, most: number): Uint8Array {
  let end = 0;
  for (let lines = 0; lines < most; lines += 1) {
    const newline = piece.indexOf(NEWLINE, end);
    if (newline < 0) return piece;
    end = newline + 1;
  }
  return piece.subarray(0, end);
}

function countLines(piece: Uint8Array): number {
  let lines = 0;
  for (let at = piece.indexOf(NEWLINE); at >= 0; at = piece.indexOf(NEWLINE, at + 1)) lines += 1;
  return lines;
}

/** Reads a stream piece by piece, from the beginning to the size that it has. */
export async function* wholeLog(
  engine: Pick<Engine, 'readLog'>,
  key: string,
  stream: LogStream,
  size: number,
): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < size; ) {
    const maxBytes = Math.min(WHOLE_PIECE_BYTES, size - offset);
    const piece = await engine.readLog(key, stream, { offset, maxBytes });
    if (!piece || piece.byteLength === 0) return;
    offset += piece.byteLength;
    yield piece;
  }
}

/** Large enough that a log of a gigabyte takes some sixty requests. */
const WHOLE_PIECE_BYTES = 16 * 1024 * 1024;
