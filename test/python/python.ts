/** The interpreter that the Python tests run with, and what it has. */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root: string = fileURLToPath(new URL('../..', import.meta.url));

/** Debian's own, for which `python3-zmq` and `python3-protobuf` are; elsewhere the first on the path. */
const python: string = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';

/** What is missing to run Python code that needs these modules: the name of the tool; nothing when all is there. */
export function missing(...modules: string[]): string | undefined {
  const { status, stdout } = spawnSync(python, ['-c', FIRST_MISSING, ...modules], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() || undefined : 'python3';
}

/** Found rather than imported: some take a second to be imported. */
const FIRST_MISSING = `
import importlib.util, sys
def is_here(name):
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False
print(next((name for name in sys.argv[1:] if not is_here(name)), ""))
`;

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the interpreter to its end. */
export function runPython(
  args: readonly string[],
  options: { cwd?: string; input?: string; env?: Readonly<Record<string, string>> } = {},
): Promise<Ran> {
  return new Promise((resolve) => {
    const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1', ...options.env };
    const child = execFile(
      python,
      [...args],
      { cwd: options.cwd ?? root, env, maxBuffer: 1 << 28 },
      (error, stdout, stderr) => resolve({ code: error ? Number(error.code ?? 1) || 1 : 0, stdout, stderr }),
    );
    child.stdin?.end(options.input ?? '');
  });
}

export { python };
