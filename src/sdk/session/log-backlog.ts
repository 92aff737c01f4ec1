/**
 * The log lines that wait to leave.
 *
 * 1. They are bounded in bytes. Where there is no room for a line, it is counted instead.
 * 2. A line of its own, in the place of the dropped lines, says how many there were.
 */
import type { LogLine } from '../../model/protocol.js';

/** Some 60,000 lines of a hundred characters: a handler's burst, or the lines of an orchestrator's restart. */
export const LOG_BACKLOG_BYTES = 16_777_216;
/** The memory of a line beside its texts. */
const LINE_BYTES = 128;

/** Lines of one execution that are missing. */
interface Dropped {
  readonly lease: string;
  at: number;
  count: number;
}

export class LogBacklog {
  #lines: LogLine[] = [];
  /** Lines at the front of `#lines` that have left. */
  #taken = 0;
  #bytes = 0;
  readonly #perExecution = new Map<string, number>();
  readonly #dropped = new Map<string, Dropped>();

  get isEmpty(): boolean {
    return this.#bytes === 0 && this.#dropped.size === 0;
  }

  /** Whether something about this execution waits. */
  holds(executionId: string): boolean {
    return this.#perExecution.has(executionId) || this.#dropped.has(executionId);
  }

  add(line: LogLine): void {
    // A blob that nobody refers to does not stay: there is one such line for each stream.
    if (!line.whole && this.#bytes + sizeOf(line) > LOG_BACKLOG_BYTES) {
      this.drop(line.executionId, line.lease, line.at, 1);
      return;
    }
    this.#tellDropped();
    this.#push(line);
  }

  /** Lines of this execution are missing, here or on their way. */
  drop(executionId: string, lease: string, at: number, count: number): void {
    const dropped = this.#dropped.get(executionId);
    if (!dropped) this.#dropped.set(executionId, { lease, at, count });
    else {
      dropped.at = at;
      dropped.count += count;
    }
  }

  /** The oldest lines, up to so many bytes, but at least one. */
  take(maxBytes: number): LogLine[] {
    const from = this.#taken;
    let to = from;
    let size = 0;
    for (; to < this.#lines.length; to += 1) {
      const next = sizeOf(this.#lines[to]!);
      if (to > from && size + next > maxBytes) break;
      size += next;
      this.#forget(this.#lines[to]!);
    }
    const taken = this.#lines.slice(from, to);
    this.#bytes -= size;
    this.#taken = to;
    if (to === this.#lines.length) {
      this.#lines = [];
      this.#taken = 0;
      taken.push(...[...this.#dropped].map(asLine));
      this.#dropped.clear();
    }
    return taken;
  }

  #tellDropped(): void {
    for (const each of this.#dropped) this.#push(asLine(each));
    this.#dropped.clear();
  }

  #push(line: LogLine): void {
    this.#lines.push(line);
    this.#bytes += sizeOf(line);
    this.#perExecution.set(line.executionId, (this.#perExecution.get(line.executionId) ?? 0) + 1);
  }

  #forget({ executionId }: LogLine): void {
    const left = this.#perExecution.get(executionId)! - 1;
    if (left > 0) this.#perExecution.set(executionId, left);
    else this.#perExecution.delete(executionId);
  }
}

function sizeOf({ message, fields }: LogLine): number {
  let chars = message.length;
  for (const [name, value] of Object.entries(fields)) chars += name.length + value.length;
  return LINE_BYTES + chars;
}

function asLine([executionId, { lease, at, count }]: [string, Dropped]): LogLine {
  const message = `${count} log ${count === 1 ? 'line was' : 'lines were'} dropped: they came faster than they could be sent`;
  return { kind: 'log', executionId, lease, at, level: 'warn', message, fields: { dropped: String(count) } };
}
