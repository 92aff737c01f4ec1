/** The orchestrator of the demonstration: a process that is watched, and ended by its id. */
import { type ChildProcess, spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { TuttiError } from '../../base/errors.js';

/** The time in which it may end by itself. */
const END_WITHIN_MS = 5000;
/** The last lines of one that failed are shown. */
const KEPT_LINES = 20;

/** Of the line that says that it takes work. */
export interface Ready {
  readonly http: string;
  readonly sustainml?: string;
}

export interface Started {
  /** Throws when it ends first. */
  readonly ready: Promise<Ready>;
  /** SIGTERM, then SIGKILL; settles when it is gone. Idempotent. */
  end(): Promise<void>;
}

/** `onExit` hears of an end that nobody asked for. */
export function startOrchestrator(
  options: readonly string[],
  env: Readonly<Record<string, string>>,
  onExit: (error: TuttiError) => void,
): Started {
  const program = fileURLToPath(new URL('../main.js', import.meta.url));
  // A group of its own: Ctrl-C reaches the demonstration only, which then ends its parts in their order.
  const child: ChildProcess = spawn(process.execPath, [program, 'up', ...options], {
    // The nodes run by this very Node.js.
    env: { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ''}`, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const last: string[] = [];
  let isEnding = false;
  let isCut = false;
  const gone = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      resolve();
      // It may have been killed just before it was told to end.
      if (isEnding && (code === 0 || isCut)) return;
      const how = signal ?? `exit code ${code}`;
      onExit(
        new TuttiError(
          'process_ended',
          `the orchestrator ended by itself (${how})${last.length > 0 ? `:\n${last.join('\n')}` : ''}`,
        ),
      );
    });
  });
  const keep = (line: string): void => {
    last.push(line);
    if (last.length > KEPT_LINES) last.shift();
  };
  const lines = createInterface({ input: child.stdout! });
  createInterface({ input: child.stderr! }).on('line', keep);
  const ready = new Promise<Ready>((resolve, reject) => {
    lines.on('line', (line) => {
      keep(line);
      if (line.startsWith('ready ')) resolve(JSON.parse(line.slice('ready '.length)));
    });
    void gone.then(() =>
      reject(
        new TuttiError('process_ended', `the orchestrator ended before it was ready:\n${last.join('\n')}`),
      ),
    );
  });
  ready.catch(() => {});
  return {
    ready,
    async end() {
      isEnding = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      const cut = setTimeout(() => {
        isCut = true;
        child.kill('SIGKILL');
      }, END_WITHIN_MS);
      await gone;
      clearTimeout(cut);
    },
  };
}
