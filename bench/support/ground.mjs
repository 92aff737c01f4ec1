/**
 * What must be there before anything is measured: the built product, the peers' packages, Redis, Python. What is missing is installed;
 * what cannot be is named, and its rows are left out.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** @param {string} what @param {string} program @param {readonly string[]} args */
function must(what, program, args) {
  console.error(`${what} …`);
  const { status } = spawnSync(program, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error(`${what} failed.`);
}

/** @param {string} tool */
function has(tool) {
  return spawnSync('which', [tool], { stdio: 'ignore' }).status === 0;
}

/** Debian's own, for which its packages are; elsewhere the first on the path. */
export const PYTHON = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';

function hasPython() {
  return spawnSync(PYTHON, ['-c', 'import zmq, google.protobuf'], { stdio: 'ignore' }).status === 0;
}

/** @param {readonly string[]} packages of Debian */
function provide(packages) {
  if (process.getuid?.() !== 0 || !has('apt-get')) return;
  console.error(`Installing ${packages.join(', ')} …`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (/** @type {readonly string[]} */ ...args) =>
    spawnSync('apt-get', args, { stdio: ['ignore', 'ignore', 2], env }).status === 0;
  const install = () => apt('install', '-y', '-q', '--no-install-recommends', ...packages);
  if (!install() && apt('update', '-q')) install();
}

/**
 * @param {string} dist the folder of the built product
 * @returns {{ hasRedis: boolean, hasPython: boolean }}
 */
export function prepareGround(dist) {
  if (!existsSync(join(root, 'node_modules/bullmq'))) {
    must('Installing what is missing', 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  }
  if (!existsSync(join(dist, 'src/cli/main.js'))) must('Building', process.execPath, ['scripts/build.mjs']);
  if (!has('redis-server')) provide(['redis-server']);
  if (!hasPython()) provide(['python3', 'python3-zmq', 'python3-protobuf']);
  return { hasRedis: has('redis-server'), hasPython: hasPython() };
}
