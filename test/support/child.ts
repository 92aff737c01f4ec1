/** A process of its own that runs a TypeScript file of the tests and answers requests over its IPC channel. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import type { Answer } from './answer-requests.js';

/**
 * Bundle a TypeScript file with all of the project that it imports; packages stay where they are.
 * @returns The path of the module in a directory of its own.
 */
export async function bundleChild(entry: string): Promise<string> {
  const file = join(await mkdtemp(join(tmpdir(), 'tutti-child-')), 'child.mjs');
  const isOurs = (source: string) => source.startsWith('.') || source.startsWith('/');
  const bundle = await rolldown({
    input: entry,
    platform: 'node',
    plugins: [
      {
        name: 'packages-where-they-are',
        resolveId: (source) =>
          isOurs(source)
            ? null
            : { id: source.startsWith('node:') ? source : import.meta.resolve(source), external: true },
      },
    ],
  });
  await bundle.write({ file, format: 'esm', codeSplitting: false });
  await bundle.close();
  return file;
}

export interface Child {
  readonly process: ChildProcess;
  /** The answer to a request; what the child threw is thrown here with its `code`. */
  ask<T>(request: unknown): Promise<T>;
  /** Kill it, stopped or not, and wait until it is gone. */
  kill(): Promise<void>;
}

/** Start a bundled module that calls `answerRequests`. */
export function startChild(file: string, env: Readonly<Record<string, string>> = {}): Child {
  const child = fork(file, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const gone = once(child, 'exit');
  const waiting = new Map<number, (message: Answer) => void>();
  child.on('message', (message: Answer) => {
    waiting.get(message.id)?.(message);
    waiting.delete(message.id);
  });
  child.once('exit', () => {
    for (const [id, settle] of waiting) settle({ id, error: { message: 'the child is gone', code: 'gone' } });
  });
  let requests = 0;
  return {
    process: child,
    ask: <T>(request: unknown) =>
      new Promise<T>((resolve, reject) => {
        requests += 1;
        waiting.set(requests, ({ error, value }) => {
          if (error === undefined) resolve(value as T);
          else reject(Object.assign(new Error(error.message), { code: error.code }));
        });
        child.send({ id: requests, request });
      }),
    kill: async () => {
      child.kill('SIGKILL');
      await gone;
    },
  };
}
