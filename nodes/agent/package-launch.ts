/** What a launch sends to the cluster: one tar stream with everything that the runner reads. Faults of the caller are refused here. */
import { constants } from 'node:os';
import { pack } from 'tar-stream';
import { encodeLines, RUNNER_SCRIPT, TORQUE_SCRIPT } from './cluster/script.js';
import type { Launch, Resources } from './engine.js';

export function checkKey(key: string): void {
  if (!/^[a-z0-9][a-z0-9-]{0,99}$/.test(key)) {
    throw new RangeError(`"${key}" is not a key: 1 to 100 characters of [a-z0-9-], not starting with "-"`);
  }
}

/** A path stays below the working folder. */
export function checkPath(path: string): void {
  const parts = path.split('/');
  if (path.includes('\0') || parts.some((part) => part === '' || part === '.' || part === '..')) {
    throw new RangeError(`"${path}" is not a path below the working folder`);
  }
}

/** Refuses what could not be a launch anywhere. */
export function checkLaunch({ key, argv, env, pathEnv = {}, files, resources = {} }: Launch): void {
  checkKey(key);
  if (argv.length === 0 || argv[0] === '') throw new RangeError('argv must name a program');
  for (const name of [...Object.keys(env), ...Object.keys(pathEnv)]) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
      throw new RangeError(`"${name}" is not a name of a variable: [A-Za-z_][A-Za-z0-9_]*`);
  }
  for (const path of [...Object.values(pathEnv), ...files.map((file) => file.path)]) checkPath(path);
  for (const [name, value] of Object.entries(resources)) {
    if (!Number.isSafeInteger(value) || value < 0)
      throw new RangeError(`${name} must be a whole number ≥ 0, not ${value}`);
  }
}

/** The launch request's numbers: cpus, memory in MiB, gpus, walltime in minutes, each rounded up. */
export function requestLimits({ cpus = 1, memoryBytes = 0, gpus = 0, walltimeMs = 0 }: Resources): string[] {
  return [Math.max(1, cpus), Math.ceil(memoryBytes / 1024 ** 2), gpus, Math.ceil(walltimeMs / 60_000)].map(
    String,
  );
}

export async function packageLaunch({
  argv,
  env,
  pathEnv = {},
  files,
  resources = {},
}: Launch): Promise<Uint8Array[]> {
  const lines = (values: Readonly<Record<string, string>>) =>
    encodeLines(Object.entries(values).map(([name, value]) => `${name}=${value}`));
  const archive = pack();
  const add = (name: string, bytes: string | Uint8Array, mode = 0o600) =>
    archive.entry({ name, mode }, typeof bytes === 'string' ? bytes : Buffer.from(bytes));
  add('runner.sh', RUNNER_SCRIPT, 0o700);
  add('torque.sh', TORQUE_SCRIPT, 0o700);
  add('argv', encodeLines(argv));
  add('env', lines(env));
  add('path-env', lines(pathEnv));
  add('limits', `${resources.walltimeMs ?? 0}\n`);
  archive.entry({ name: 'files', type: 'directory', mode: 0o700 });
  for (const { path, bytes, executable } of files) add(`files/${path}`, bytes, executable ? 0o700 : 0o600);
  archive.finalize();
  const pieces: Uint8Array[] = [];
  for await (const piece of archive as AsyncIterable<Uint8Array>) pieces.push(piece);
  return pieces;
}

/** The signal after which a shell reports this exit code. */
export function signalOf(exitCode: number): string | undefined {
  if (exitCode <= 128) return undefined;
  return Object.entries(constants.signals).find(([, number]) => number === exitCode - 128)?.[0];
}
