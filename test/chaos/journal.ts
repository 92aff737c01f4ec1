/**
 * What test nodes, commands, clients and the watcher write down while a system is attacked: one JSON object a line, one file for each process
 * (one for all commands), in one folder. A line is in the file before its writer goes on, so a `kill -9` takes nothing back.
 *
 * `t` is the machine's monotonic clock in milliseconds: the same for all processes, whatever is done to their wall clocks.
 */
import { appendFileSync, createReadStream, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Asked for under its idempotency key, again and again until it is answered. */
export type ClientLine =
  | {
      readonly t: number;
      readonly op: 'ask';
      readonly key: string;
      readonly kind: 'submit' | 'iterate';
      readonly graph: string;
      readonly problem_id?: string;
      readonly parent?: number;
      readonly input?: unknown;
    }
  | {
      readonly t: number;
      readonly op: 'accepted';
      readonly key: string;
      readonly problem_id: string;
      readonly iteration_id: number;
    }
  | {
      readonly t: number;
      readonly op: 'refused';
      readonly key: string;
      readonly status: number;
      readonly code: string;
    }
  | {
      readonly t: number;
      readonly op: 'commanded';
      readonly key: string;
      readonly command_id: string;
      readonly target: string;
      readonly command: string;
    };

export type NodeLine =
  | {
      readonly t: number;
      readonly op: 'welcome';
      readonly node_id: string;
      readonly incarnation: number;
    }
  | { readonly t: number; readonly op: 'begin'; readonly execution: string; readonly task: string }
  /** For the first time; its bytes by their SHA-256. */
  | {
      readonly t: number;
      readonly op: 'published';
      readonly execution: string;
      readonly seq: number;
      readonly last: boolean;
      readonly sha256: string;
    }
  | {
      readonly t: number;
      readonly op: 'acked';
      readonly execution: string;
      readonly seq: number;
      readonly ended: boolean;
    }
  /** Sent although the node knows that the execution is no longer its own. */
  | { readonly t: number; readonly op: 'forged'; readonly execution: string; readonly seq: number }
  /** What it is at work on: without what only waits to be acknowledged. */
  | { readonly t: number; readonly op: 'beat'; readonly working: readonly string[] }
  | { readonly t: number; readonly op: 'refused'; readonly code: string; readonly execution?: string };

/** Of a command, before it does anything. */
export interface CommandLine {
  readonly t: number;
  readonly op: 'started';
  readonly execution: string;
  readonly task: string;
  readonly module: string;
  readonly attempt: number;
}

/** An event as it was received. */
export interface WatchLine {
  readonly t: number;
  readonly event: WatchedEvent;
}

/** An event that came over the events socket. */
export interface HeardLine {
  readonly t: number;
  readonly seq: number;
  readonly type: string;
  readonly at: string;
}

export interface WatchedEvent {
  readonly seq: number;
  readonly at: string;
  readonly type: string;
  readonly problem_id?: string;
  readonly iteration_id?: number;
  readonly module?: string;
  readonly execution_id?: string;
  readonly node_id?: string;
  readonly [field: string]: unknown;
}

export function nowMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}

export class Journal {
  readonly #file: string;

  constructor(folder: string, name: string) {
    this.#file = join(folder, `${name}.jsonl`);
  }

  write(...lines: readonly object[]): void {
    const t = nowMs();
    appendFileSync(this.#file, lines.map((line) => `${JSON.stringify({ t, ...line })}\n`).join(''));
  }
}

/** The lines of all journals whose names begin so, file by file. A last line that was cut off is left out. */
export async function* readJournals<T>(
  folder: string,
  beginning: string,
): AsyncGenerator<{ readonly name: string; readonly line: T }> {
  for (const file of readdirSync(folder).sort()) {
    if (!file.startsWith(beginning) || !file.endsWith('.jsonl')) continue;
    const name = file.slice(0, -'.jsonl'.length);
    for await (const text of createInterface({ input: createReadStream(join(folder, file)) })) {
      try {
        yield { name, line: JSON.parse(text) as T };
      } catch {
        // Its writer was killed in the middle of it.
      }
    }
  }
}
