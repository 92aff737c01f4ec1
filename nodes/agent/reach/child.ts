/** One program of this machine that answers a request of a reach, with its stdin and everything that it says. */
import { spawn } from 'node:child_process';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { EngineUnavailable } from '../engine.js';
import type { ReachCall, ReachResult } from '../reach.js';

/** An agent's own settings, among them its token, are not for the commands that it starts. */
export function inheritedEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TUTTI_')));
}

/** Runs a program to its end. A call that is aborted or takes too long ends this program, not what it has started. */
export async function runChild(
  program: string,
  args: readonly string[],
  call: Omit<ReachCall, 'script'>,
): Promise<ReachResult> {
  call.signal?.throwIfAborted();
  const child = spawn(program, args, { env: inheritedEnvironment(), stdio: ['pipe', 'pipe', 'pipe'] });
  let timedOut = false;
  const end = () => child.kill('SIGKILL');
  const timeout = setTimeout(() => {
    timedOut = true;
    end();
  }, call.timeoutMs);
  call.signal?.addEventListener('abort', end, { once: true });
  try {
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    // A program that knows its answer already does not read on; its exit code tells the rest.
    const fed = pipeline(Readable.from(call.input), child.stdin).catch(() => {});
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    await fed;
    call.signal?.throwIfAborted();
    const stderr = Buffer.concat(err).toString('utf8');
    if (timedOut) {
      throw new EngineUnavailable('silent', `no answer within ${call.timeoutMs / 1000} s`);
    }
    if (exitCode === null) throw new EngineUnavailable('unreachable', `${program} was ended: ${stderr}`);
    return { exitCode, stdout: Buffer.concat(out), stderr };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new EngineUnavailable('missing_command', `${program} is not installed on the agent's machine`, {
        cause: error,
      });
    }
    throw error;
  } finally {
    clearTimeout(timeout);
    call.signal?.removeEventListener('abort', end);
  }
}

/** How `sh` gets its program: `head` takes exactly its bytes from stdin and leaves the rest. No list of processes shows it then. */
export function withProgram({ script, input }: ReachCall): {
  readonly loader: string;
  readonly input: AsyncIterable<Uint8Array>;
} {
  const program = Buffer.from(script);
  return {
    loader: `eval "$(head -c ${program.length})"`,
    input: (async function* () {
      yield program;
      yield* input;
    })(),
  };
}
