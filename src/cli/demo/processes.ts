/** The processes of the demonstration: each is started here, watched, and ended by its id. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { TuttiError } from '../../base/errors.js';

/** What a process gets to end by itself. */
const END_WITHIN_MS = 5000;
/** The last lines of a process that failed are shown. */
const KEPT_LINES = 20;

export interface Started {
  readonly name: string;
  /** The first line on stdout that begins with `prefix`, without it. Throws when the process ends first. */
  line(prefix: string): Promise<string>;
  /** SIGTERM, then SIGKILL; settles when it is gone. Idempotent. */
  end(): Promise<void>;
}

/** `onExit` hears of an end that nobody asked for. */
export function start(
  name: string,
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  onExit: (error: TuttiError) => void,
): Started {
  // A group of its own: Ctrl-C reaches the demonstration only, which then ends its parts in their order.
  const child: ChildProcess = spawn(process.execPath, [script, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const last: string[] = [];
  let ending = false;
  const gone = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      resolve();
      if (ending) return;
      const how = signal ?? `exit code ${code}`;
      onExit(
        new TuttiError(
          'process_ended',
          `${name} ended by itself (${how})${last.length > 0 ? `:\n${last.join('\n')}` : ''}`,
        ),
      );
    });
  });
  const keep = (line: string): void => {
    last.push(line);
    if (last.length > KEPT_LINES) last.shift();
  };
  const lines = createInterface({ input: child.stdout! });
  lines.on('line', keep);
  createInterface({ input: child.stderr! }).on('line', keep);
  return {
    name,
    line: (prefix) =>
      new Promise((resolve, reject) => {
        lines.on('line', (line) => {
          if (line.startsWith(prefix)) resolve(line.slice(prefix.length));
        });
        void gone.then(() =>
          reject(new TuttiError('process_ended', `${name} ended before it was ready:\n${last.join('\n')}`)),
        );
      }),
    async end() {
      ending = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      const cut = setTimeout(() => child.kill('SIGKILL'), END_WITHIN_MS);
      await gone;
      clearTimeout(cut);
    },
  };
}
