/** Starts `sh` with one of Tutti's own programs, here or at the other end of a program of this machine. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { EngineUnavailable } from '../engine.js';

/** An agent's own settings, among them its token, are not for the commands that it starts. */
export function inheritedEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TUTTI_')));
}

/** How `sh` gets its program: `head` takes exactly its bytes from stdin and leaves the rest. No list of processes shows it then. */
export function loaderOf(program: string): string {
  return `eval "$(head -c ${Buffer.byteLength(program)})"`;
}

/** Starts a command that runs the loader of a program somewhere, and gives it the program. */
export async function startChild(
  command: string,
  args: readonly string[],
  program: string,
): Promise<ChildProcessWithoutNullStreams> {
  const child = spawn(command, args, { env: inheritedEnvironment(), stdio: ['pipe', 'pipe', 'pipe'] });
  // A child that ends does not read on; why it ended tells the rest.
  child.stdin.on('error', () => {});
  try {
    await once(child, 'spawn');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new EngineUnavailable('missing_command', `${command} is not installed on the agent's machine`, {
      cause: error,
    });
  }
  child.stdin.write(program);
  return child;
}
