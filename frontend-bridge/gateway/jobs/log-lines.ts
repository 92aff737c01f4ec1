/** The lines of an execution's log, from the first to the last that there is. */
import { everyItem } from '../../../src/base/every-item.js';
import type { BlobRef } from '../../../src/model/payload.js';
import type { TaskId } from '../../../src/model/task-id.js';
import type { Blobs, Queries } from '../../../src/orchestrator/port.js';
import { refusalError } from '../errors.js';

export interface JobLine {
  /** `stdout` or `stderr`; absent: the agent or the orchestrator says it. */
  readonly stream: string | undefined;
  readonly message: string;
  readonly fields: Readonly<Record<string, string>>;
}

export async function* logLines(
  queries: Queries,
  task: TaskId,
  executionId: string,
): AsyncGenerator<JobLine> {
  const lines = everyItem(async (page) => {
    const found = await queries.executionLog(task, executionId, page);
    if ('ok' in found) throw refusalError(found);
    return found.value;
  });
  for await (const line of lines) {
    const { message, fields = {} } = line as unknown as Omit<JobLine, 'stream'>;
    yield { stream: fields.stream, message, fields };
  }
}

/** Of an execution, the streams that the log has in part only, and what has all of each. */
export type WholeStreams = ReadonlyMap<string, AsyncIterable<Uint8Array>>;

/** Of one whose blob is damaged, the log has the rest. */
export async function wholeStreamsOf(
  blobs: Pick<Blobs, 'open'>,
  { whole_streams }: { readonly whole_streams: Readonly<Record<string, BlobRef>> },
): Promise<WholeStreams> {
  const streams = new Map<string, AsyncIterable<Uint8Array>>();
  for (const [stream, { sha256 }] of Object.entries(whole_streams)) {
    const opened = await blobs.open(sha256);
    if (!('ok' in opened)) streams.set(stream, opened.read());
  }
  return streams;
}

/**
 * As bytes: what the command wrote. A stream that is there as a whole is read from there line by line beside its lines in the log, so that
 * both streams keep their order, and to its end where the log leaves some of it out. Closes what it has opened.
 */
export async function* contentOf(
  lines: AsyncIterable<JobLine>,
  whole: WholeStreams,
): AsyncGenerator<Uint8Array | string> {
  const open = new Map([...whole].map(([stream, content]) => [stream, new LineReader(content)]));
  try {
    for await (const line of lines) {
      const reader = open.get(line.stream ?? line.fields.of ?? '');
      if (!reader) yield textOf(line);
      else if (line.stream !== undefined) yield* reader.line();
      else yield* reader.rest();
    }
    for (const reader of open.values()) yield* reader.rest();
  } finally {
    for (const reader of open.values()) await reader.close();
  }
}

const NEWLINE = 0x0a;

/** Reads pieces of any size by lines of any length, holding one piece. */
class LineReader {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #piece: Uint8Array = new Uint8Array();

  constructor(content: AsyncIterable<Uint8Array>) {
    this.#pieces = content[Symbol.asyncIterator]();
  }

  /** The next line with its end, in one or several pieces. */
  async *line(): AsyncGenerator<Uint8Array> {
    while (await this.#hasMore()) {
      const end = this.#piece.indexOf(NEWLINE) + 1;
      yield this.#take(end || this.#piece.byteLength);
      if (end > 0) return;
    }
  }

  async *rest(): AsyncGenerator<Uint8Array> {
    while (await this.#hasMore()) yield this.#take(this.#piece.byteLength);
  }

  async close(): Promise<void> {
    await this.#pieces.return?.();
  }

  #take(bytes: number): Uint8Array {
    const taken = this.#piece.subarray(0, bytes);
    this.#piece = this.#piece.subarray(bytes);
    return taken;
  }

  async #hasMore(): Promise<boolean> {
    while (this.#piece.byteLength === 0) {
      const next = await this.#pieces.next();
      if (next.done) return false;
      this.#piece = next.value;
    }
    return true;
  }
}

/** As text: what the command wrote, and where some of it is left out. */
function textOf({ stream, message, fields }: JobLine): string {
  if (stream !== undefined) return `${message}\n`;
  return fields.left_out_bytes === undefined && fields.left_out === undefined ? '' : `[${message}]\n`;
}
