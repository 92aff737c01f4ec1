/** The node under test as a process of its own: started, heard, and ended, whatever it does. */
import { type ChildProcess, spawn } from 'node:child_process';
import { messageOf } from '../base/errors.js';
import { InputError } from './input-error.js';

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface NodeProcessOptions {
  readonly command: readonly string[];
  /** On top of this process's own. */
  readonly env: Readonly<Record<string, string>>;
  /** Hears what the node writes. @default nobody; the last of it is kept for `tail` */
  readonly onText?: (text: string) => void;
}

/** As much of what a node wrote as helps to see why it failed. */
const TAIL_CHARS = 4_000;

export class NodeProcess {
  readonly #child: ChildProcess;
  readonly ended: Promise<ProcessEnd>;
  #end: ProcessEnd | undefined;
  #text = '';
  #failure: string | undefined;

  constructor({ command, env, onText }: NodeProcessOptions) {
    const [file, ...args] = command;
    if (file === undefined) {
      throw new InputError('no_command', 'COMMAND: say after -- how the node is started', {
        hint: 'for example: -- python3 node.py',
      });
    }
    // A group of its own: what the command starts in turn ends with it.
    this.#child = spawn(file, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#text = (this.#text + text).slice(-TAIL_CHARS);
        onText?.(text);
      });
    }
    this.ended = new Promise((resolve) => {
      const settle = (end: ProcessEnd) => {
        this.#end ??= end;
        resolve(this.#end);
      };
      this.#child.on('error', (error) => {
        this.#failure = messageOf(error);
        settle({ code: null, signal: null });
      });
      this.#child.on('exit', (code, signal) => settle({ code, signal }));
    });
  }

  get end(): ProcessEnd | undefined {
    return this.#end;
  }

  /** Why it could not even be started. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** The last of what it wrote. */
  get tail(): string {
    return this.#text.trimEnd();
  }

  /** A signal to the node itself, as an operator sends it. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends it with all that it started. */
  async kill(): Promise<void> {
    const { pid } = this.#child;
    if (pid !== undefined) {
      try {
        process.kill(-pid, 'SIGKILL');
      } catch {
        // The group is gone already.
      }
    }
    await this.ended;
  }
}

/** How a process has ended, for people. */
export function describeEnd({ code, signal }: ProcessEnd): string {
  return signal === null ? `it ended with ${code ?? 'no exit code'}` : `it was ended by ${signal}`;
}
