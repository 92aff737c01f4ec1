/**
 * Readers in processes of their own.
 *
 * C1. A reader speaks over one pair of sockets and nothing else; when it closes, by whatever end of either side, the reader ends.
 * C2. A reader of long questions gives way to the process that coordinates wherever both want the processor.
 */
import { spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { constants, getPriority, setPriority } from 'node:os';
import type { Duplex } from 'node:stream';
import type { Store } from '../../../store/store.js';
import type { ReadStoredGraph } from '../graph-versions.js';
import type { StartReader } from './lane.js';
import type { FromReader, ToReader } from './messages.js';
import { readMessages, writeMessage } from './pipe.js';
import { QuestionReader } from './reader.js';

/** The pair's end in the reader. */
const PIPE = 3;
/** A page takes some 30 MB at most. What needs more ends the reader, not the machine. */
const HEAP_MB = 1024;
/** Characters of what a reader writes as it ends: V8 and Node write a page. */
const LAST_WORDS = 16_384;
/** The cause of the end of V8 or Node. */
const REASON = /^(FATAL ERROR|\w*Error\b).*$/m;
/** By so much its priority is lower: it gets a third of what another process gets that wants the processor, too. */
const LONG_NICE = 5;
const LEAST_PRIORITY = constants.priority.PRIORITY_LOW;

export interface ChildOptions {
  /** Megabytes of a reader's values. @default 1024 */
  readonly heapMb?: number;
  /** @default this process's */
  readonly env?: NodeJS.ProcessEnv;
}

/** `script` is what `serveAsReader` runs in, given `args`. */
export function childReaders(
  script: string,
  args: readonly string[],
  options: ChildOptions = {},
): StartReader {
  const { heapMb = HEAP_MB, env = process.env } = options;
  return (lane, { onMessage, onEnd }) => {
    const child = spawn(
      process.execPath,
      [`--max-old-space-size=${heapMb}`, '--max-semi-space-size=4', script, ...args],
      { env, stdio: ['ignore', 'ignore', 'pipe', 'pipe'] },
    );
    const pipe = child.stdio[PIPE] as Duplex;
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (said.length < LAST_WORDS) said += text;
    });
    let isOver = false;
    // C1.
    const end = (why: string): void => {
      if (isOver) return;
      isOver = true;
      pipe.destroy();
      child.kill('SIGKILL');
      onEnd(why);
    };
    // Questions written to a reader that has ended are repeated to the next one.
    pipe.on('error', () => {});
    child.on('error', (error) => end(error.message));
    child.on('exit', (code, signal) => {
      const [reason] = REASON.exec(said) ?? [];
      end([signal ?? `exit code ${code}`, reason].filter((one) => one !== undefined).join(': '));
    });
    readMessages<FromReader>(pipe, (message, body) => {
      if (!isOver) onMessage(message, body);
    });
    if (lane === 'long' && child.pid !== undefined) giveWay(child.pid);
    return {
      send: (message) => {
        if (!isOver) writeMessage(pipe, message);
      },
      kill: () => end('it was ended'),
    };
  };
}

/** C2. */
function giveWay(pid: number): void {
  try {
    setPriority(pid, Math.min(LEAST_PRIORITY, getPriority() + LONG_NICE));
  } catch {
    // It has ended already, or the system does not know priorities.
  }
}

/** The reader's side, in its own process: runs until the other side closes the pair. */
export function serveAsReader(store: Pick<Store, 'snapshot'>, readGraph: ReadStoredGraph): void {
  const pipe = new Socket({ fd: PIPE, readable: true, writable: true });
  const reader = new QuestionReader({
    store,
    readGraph,
    send: (message, body) => writeMessage(pipe, message, body),
  });
  pipe.on('error', () => process.exit());
  pipe.on('close', () => process.exit());
  readMessages<ToReader>(pipe, (message) => reader.take(message));
  writeMessage(pipe, { kind: 'ready' } satisfies FromReader);
}
