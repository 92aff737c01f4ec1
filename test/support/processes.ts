/**
 * Real processes of a test. Whatever is started is ended by its pid when its scene is over, also when the test failed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, onTestFinished } from 'vitest';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Long enough for a process that is starved by its neighbours; only a wedged one reaches it. */
const LINE_TIMEOUT_MS = 40_000;

export class Spawned {
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #waiting = new Set<() => void>();
  #stdout = '';
  #stderr = '';
  #exit: Exit | undefined;

  constructor(
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    cwd?: string,
    program: string = process.execPath,
  ) {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('TUTTI_'));
    this.#child = spawn(program, [...args], {
      env: { ...Object.fromEntries(inherited), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(cwd !== undefined && { cwd }),
    });
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
      this.#check();
    });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
      this.#check();
    });
    this.exited = new Promise((resolve) => {
      // `close` and not `exit`: all that it wrote has been read then.
      this.#child.once('close', (code, signal) => {
        this.#exit = { code, signal };
        this.#check();
        resolve(this.#exit);
      });
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  get isRunning(): boolean {
    return this.#exit === undefined;
  }

  /** The first line of its stdout that begins so, without that beginning; rejects when the process ends without it. */
  line(beginning: string): Promise<string> {
    const lines = () => this.#stdout.split('\n').slice(0, -1);
    return this.#until(`a line "${beginning}…" on stdout`, () =>
      lines()
        .find((line) => line.startsWith(beginning))
        ?.slice(beginning.length),
    );
  }

  /** Resolves once its stderr, where it logs, holds this. */
  async logs(text: string): Promise<void> {
    await this.#until(`"${text}" on stderr`, () => (this.#stderr.includes(text) ? true : undefined));
  }

  signal(signal: NodeJS.Signals): void {
    if (this.isRunning) this.#child.kill(signal);
  }

  end(signal: NodeJS.Signals = 'SIGKILL'): Promise<Exit> {
    this.signal(signal);
    return this.exited;
  }

  #check(): void {
    for (const look of this.#waiting) look();
  }

  #until<T>(what: string, find: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        clearTimeout(timeout);
        this.#waiting.delete(look);
        act();
      };
      const fail = (why: string) =>
        settle(() => reject(new Error(`${what} did not come: ${why}\n${this.#stdout}\n${this.#stderr}`)));
      const look = () => {
        const found = find();
        if (found !== undefined) settle(() => resolve(found));
        else if (this.#exit) fail(`the process ended with ${this.#exit.code ?? this.#exit.signal}`);
      };
      const timeout = setTimeout(() => fail('it took too long'), LINE_TIMEOUT_MS);
      this.#waiting.add(look);
      look();
    });
  }
}

/** What a test has started and made, undone in reverse order at its end. */
export class Scene {
  readonly #undo: (() => unknown)[] = [];

  /** Of the running test. */
  static ofTest(): Scene {
    const scene = new Scene();
    onTestFinished(() => scene.end());
    return scene;
  }

  /** Of the file or `describe` that it is called in. */
  static ofFile(): Scene {
    const scene = new Scene();
    afterAll(() => scene.end());
    return scene;
  }

  atEnd(undo: () => unknown): void {
    this.#undo.push(undo);
  }

  /** Runs Node.js, or another program, with these arguments. No `TUTTI_…` variable is inherited. */
  spawn(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    cwd?: string,
    program?: string,
  ): Spawned {
    const spawned = new Spawned(args, env, cwd, program);
    this.atEnd(() => spawned.end());
    return spawned;
  }

  async directory(): Promise<string> {
    const path = await mkdtemp(join(tmpdir(), 'tutti-e2e-'));
    this.atEnd(() => rm(path, { recursive: true, force: true }));
    return path;
  }

  async end(): Promise<void> {
    for (const undo of this.#undo.splice(0).reverse()) await undo();
  }
}
