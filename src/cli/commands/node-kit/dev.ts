import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { messageOf, TuttiError } from '../../../base/errors.js';
import { differenceLine, differencesOf } from '../../../node-kit/differences.js';
import { InputError } from '../../../node-kit/input-error.js';
import { parseRecording, type RecordedExecution, readRecording } from '../../../node-kit/recording.js';
import type { Played, Rehearsal } from '../../../node-kit/rehearsal.js';
import { watchFiles } from '../../../node-kit/watch-files.js';
import { CliError, EXIT } from '../../exit.js';
import { type Io, writeJson, writeLine } from '../../io.js';
import { milliseconds } from './conform.js';
import { asRecorded, openRehearsal, sayStack } from './run.js';

interface DevOptions {
  readonly input?: string;
  readonly module?: string;
  readonly protoPath: readonly string[];
  readonly watch: readonly string[];
  readonly timeout: number;
}

const TASKS_FILE = 'tasks.jsonl';
const TIMEOUT_MS = 60_000;

export function devCommand(kit: Command, io: Io): void {
  kit
    .command('dev')
    .description('Restart a node when its files change, run the last task again, and show the differences')
    .argument('<command...>', 'the command that starts the node, after --')
    .option(
      '--input <file>',
      `JSON lines, the last of which is played first (default: ${TASKS_FILE}, if it is there)`,
    )
    .option('--module <name>', 'the module of the node (default: the one in the file)')
    .option('--proto-path <dir>', 'a folder with .proto files (repeatable)', collect, [])
    .option('--watch <dir>', 'a folder to watch (repeatable; default: the working directory)', collect, [])
    .option('--timeout <ms>', 'how long one task may take', milliseconds, TIMEOUT_MS)
    .action(async (command: readonly string[], options: DevOptions) => {
      const file = options.input ?? (existsSync(TASKS_FILE) ? TASKS_FILE : undefined);
      const tasks = file === undefined ? [] : await readRecording(file, io.stdin);
      const workshop = new Workshop(command, options, io, tasks.at(-1));
      const watch = watchFiles(options.watch.length > 0 ? options.watch : ['.'], (path) => {
        workshop.changed(path, file);
      });
      const lines = createInterface({ input: io.stdin });
      lines.on('line', (line) => workshop.typed(line));
      try {
        await workshop.run();
      } finally {
        watch.close();
        lines.close();
      }
    });
}

function collect(dir: string, dirs: readonly string[]): readonly string[] {
  return [...dirs, dir];
}

/** The work of the next turn of the loop. */
interface Wanted {
  restart: boolean;
  play: boolean;
}

/** One node after the other, and the task that each of them is given. What is asked for meanwhile is done in the next turn. */
class Workshop {
  readonly #command: readonly string[];
  readonly #options: DevOptions;
  readonly #io: Io;
  #task: RecordedExecution | undefined;
  #before: RecordedExecution | undefined;
  #rehearsal: Rehearsal | undefined;
  #wanted: Wanted = { restart: true, play: true };
  #wake: (() => void) | undefined;

  constructor(command: readonly string[], options: DevOptions, io: Io, task: RecordedExecution | undefined) {
    this.#command = command;
    this.#options = options;
    this.#io = io;
    this.#task = task;
  }

  /** Goes on until it is interrupted. */
  async run(): Promise<void> {
    const { signal } = this.#io;
    signal.addEventListener('abort', () => this.#wake?.(), { once: true });
    try {
      while (!signal.aborted) {
        const wanted = this.#wanted;
        this.#wanted = { restart: false, play: false };
        if (wanted.restart) await this.#swap();
        if (wanted.play) await this.#play();
        if (!this.#wanted.restart && !this.#wanted.play && !signal.aborted) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      await this.#rehearsal?.close();
    }
  }

  changed(path: string, tasksFile: string | undefined): void {
    const isTasks = tasksFile !== undefined && path === tasksFile;
    this.#say(`${path} has changed`);
    if (isTasks) void this.#readTask(tasksFile);
    else this.#want({ restart: true, play: true });
  }

  typed(line: string): void {
    const { executions, faults } = parseRecording(line);
    for (const { path, message } of faults) this.#say(`${path}: ${message}`);
    if (executions.length === 0) return;
    this.#task = executions[0];
    this.#before = undefined;
    this.#want({ restart: false, play: true });
  }

  async #readTask(file: string): Promise<void> {
    try {
      this.#task = (await readRecording(file, this.#io.stdin)).at(-1);
      this.#before = undefined;
      this.#want({ restart: false, play: true });
    } catch (error) {
      this.#say(messageOf(error));
    }
  }

  #want(wanted: Wanted): void {
    this.#wanted = {
      restart: wanted.restart || this.#wanted.restart,
      play: wanted.play || this.#wanted.play,
    };
    this.#wake?.();
  }

  /** The node before finishes what it works on; the next one starts. */
  async #swap(): Promise<void> {
    const before = this.#rehearsal;
    this.#rehearsal = undefined;
    if (before) {
      await before.drain();
      await before.close();
    }
    try {
      this.#rehearsal = await openRehearsal(
        this.#command,
        this.#task ? [this.#task] : [{ inputs: {} }],
        this.#options,
        this.#io,
      );
      this.#say('the node is ready');
    } catch (error) {
      if (isBadInput(error)) throw error;
      this.#say(`${messageOf(error)}; waiting for a change`);
    }
  }

  async #play(): Promise<void> {
    if (!this.#rehearsal) return;
    if (!this.#task) {
      this.#say('no task yet: type one as a JSON line, like {"inputs": {"user_input": {}}}');
      return;
    }
    let played: Played;
    try {
      played = await this.#rehearsal.perform(this.#task, this.#options.timeout);
    } catch (error) {
      if (isBadInput(error)) throw error;
      this.#say(messageOf(error));
      return;
    }
    const now = asRecorded(this.#task, played);
    writeJson(this.#io.stdout, { outputs: now.outputs, ...(now.error && { error: now.error }) });
    sayStack(played, this.#io);
    if (this.#before) {
      const shown = ({ outputs = [], error }: RecordedExecution) => ({ outputs, ...(error && { error }) });
      const differences = differencesOf(shown(this.#before), shown(now));
      this.#say(differences.length === 0 ? 'the same as before' : 'different from before:');
      for (const difference of differences) writeLine(this.#io.stderr, differenceLine(difference));
    }
    this.#before = now;
  }

  #say(text: string): void {
    writeLine(this.#io.stderr, `dev: ${text}`);
  }
}

/** Errors that no change of the node's files can fix. */
function isBadInput(error: unknown): boolean {
  if (error instanceof CliError) return error.exit === EXIT.badInput;
  return error instanceof InputError || (error instanceof TuttiError && error.code === 'interrupted');
}
