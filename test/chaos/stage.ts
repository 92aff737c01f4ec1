/** The programs of a run that are not Tutti's: ended in reverse order when it is over. */
import { join } from 'node:path';
import type { Stage as SlurmStage } from '../support/slurm.js';
import { Process } from './system.js';

export class Stage implements SlurmStage {
  readonly #folder: string;
  readonly #undo: (() => unknown)[] = [];

  constructor(folder: string) {
    this.#folder = folder;
  }

  atEnd(undo: () => unknown): void {
    this.#undo.push(undo);
  }

  spawn(
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    _cwd: string | undefined,
    program: string,
  ): { end(signal: NodeJS.Signals): Promise<unknown> } {
    const name = program.slice(program.lastIndexOf('/') + 1);
    const child = new Process(
      [program, ...args],
      { ...process.env, ...env },
      join(this.#folder, `${name}.log`),
    );
    this.#undo.push(() => child.kill());
    return {
      end: (signal) => {
        child.signal(signal);
        return child.exited;
      },
    };
  }

  async end(): Promise<void> {
    for (const undo of this.#undo.splice(0).reverse()) await undo();
  }
}
