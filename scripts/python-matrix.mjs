// The Python SDK's own tests on every interpreter that is found: `node scripts/python-matrix.mjs [--smoke] [PYTHON…]`.
// Interpreters: those named, or those of TUTTI_TEST_PYTHONS (separated by `:`), or each of 3.9 or newer on the path, under pyenv's
// root, and PyPy. Packages: an interpreter that lacks pyzmq or protobuf gets the Python part of those that Debian's python3 has, with
// libzmq called through ctypes (test/python/zmq_ctypes.py), in an environment of its own in a folder for the run.
import { execFile, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const tests = join(root, 'python/tests');
const DONOR = '/usr/bin/python3';
const LEAST = [3, 9];
/** Up to this, what is not found is named. */
const NEWEST = 13;
const SUITE_MS = 600_000;
/** What no interpreter can do without: it compiles, and the parts without processes work. */
const SMOKE = ['test_values', 'test_wire', 'test_session'];

const told = process.argv.slice(2);
const isSmoke = told.includes('--smoke');
const named = told.filter((argument) => !argument.startsWith('--'));

/** What Python says of itself: version, implementation, its own executable; nothing where it does not run. */
function about(python) {
  const script =
    'import sys, platform, json; print(json.dumps([list(sys.version_info[:3]), platform.python_implementation(), sys.executable]))';
  const { status, stdout } = spawnSync(python, ['-c', script], { encoding: 'utf8' });
  if (status !== 0) return undefined;
  const [version, implementation, executable] = JSON.parse(stdout);
  return { version, implementation, executable: realpathSync(executable) };
}

function candidates() {
  const given = named.length > 0 ? named : (process.env.TUTTI_TEST_PYTHONS ?? '').split(delimiter);
  if (given.some((python) => python !== '')) return given.filter((python) => python !== '');
  const folders = [...new Set((process.env.PATH ?? '').split(delimiter))];
  const onPath = folders.flatMap((folder) =>
    (existsSync(folder) ? readdirSync(folder) : [])
      .filter((name) => /^(python3(\.\d+)?|pypy3)$/.test(name))
      .map((name) => join(folder, name)),
  );
  const pyenv = process.env.PYENV_ROOT ?? join(process.env.HOME ?? '/', '.pyenv');
  const versions = join(pyenv, 'versions');
  const ofPyenv = (existsSync(versions) ? readdirSync(versions) : []).map((name) =>
    join(versions, name, 'bin/python3'),
  );
  // Its shims on the path only stand for these.
  return [DONOR, ...onPath.filter((path) => !path.startsWith(pyenv)), ...ofPyenv.filter(existsSync)];
}

function interpreters() {
  const found = new Map();
  for (const python of candidates()) {
    const it = about(python);
    if (it === undefined) {
      console.log(`${python}: does not run`);
      continue;
    }
    const [major, minor] = it.version;
    if (major > LEAST[0] || (major === LEAST[0] && minor >= LEAST[1])) found.set(it.executable, it);
  }
  return [...found.values()].sort((a, b) => a.version[1] - b.version[1] || a.version[2] - b.version[2]);
}

const has = (python, module) => spawnSync(python, ['-c', `import ${module}`]).status === 0;

/** The packages of the donor that work on any interpreter, in a folder of their own. */
function donated(folder) {
  const script = 'import zmq, google.protobuf; print(zmq.__path__[0]); print(google.protobuf.__path__[0])';
  const { status, stdout } = spawnSync(DONOR, ['-c', script], { encoding: 'utf8' });
  if (status !== 0)
    throw new Error(`${DONOR} has no pyzmq or no protobuf: apt-get install python3-zmq python3-protobuf`);
  const [zmq, protobuf] = stdout.trim().split('\n');
  const packages = join(folder, 'packages');
  mkdirSync(join(packages, 'google'), { recursive: true });
  symlinkSync(zmq, join(packages, 'zmq'));
  symlinkSync(protobuf, join(packages, 'google/protobuf'));
  return packages;
}

/** An interpreter that imports pyzmq and protobuf: itself, or an environment of it with the donor's packages. */
function provided({ executable }, folder, packages) {
  if (has(executable, 'zmq, google.protobuf')) return executable;
  const home = mkdtempSync(join(folder, 'environment-'));
  const made = spawnSync(executable, ['-m', 'venv', '--without-pip', home], { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`${executable} -m venv: ${made.stderr}`);
  const python = join(home, 'bin/python3');
  const where = 'import sysconfig; print(sysconfig.get_paths()["purelib"])';
  const site = spawnSync(python, ['-c', where], { encoding: 'utf8' }).stdout.trim();
  // Also for processes that the tests start with another environment.
  const settings =
    "import os; os.environ.update(PYZMQ_BACKEND='zmq_ctypes', PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION='python')";
  writeFileSync(join(site, 'donated.pth'), [packages, join(root, 'test/python'), settings, ''].join('\n'));
  return python;
}

function run(python, args) {
  return new Promise((resolve) => {
    const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1', PYTHONPATH: join(root, 'python/src') };
    const options = { cwd: tests, env, maxBuffer: 1 << 28, timeout: SUITE_MS };
    const child = execFile(python, ['-W', 'ignore', ...args], options, (error, stdout, stderr) =>
      resolve({ ok: error === null, text: stdout + stderr }),
    );
    // Tests of programs that read from it find that it has ended.
    child.stdin.end();
  });
}

const count = (text, what) => Number(new RegExp(`${what}=(\\d+)`).exec(text)?.[1] ?? 0);

/** What its suites counted; the end of the output of each that failed. */
async function tried(python) {
  const counts = { passed: 0, failed: 0, skipped: 0, told: [] };
  // Compiles every file without leaving anything beside it.
  const compile =
    'import pathlib, sys; [compile(p.read_bytes(), p, "exec") for p in pathlib.Path(sys.argv[1]).rglob("*.py")]';
  const compiled = await run(python, ['-c', compile, join(root, 'python/src')]);
  if (!compiled.ok) return { ...counts, failed: 1, told: [compiled.text] };
  const suites = isSmoke
    ? SMOKE
    : readdirSync(tests)
        .filter((file) => /^test_.*\.py$/.test(file))
        .map((file) => file.slice(0, -3));
  for (const suite of suites) {
    const { ok, text } = await run(python, ['-m', 'unittest', suite]);
    const ran = Number(/^Ran (\d+) test/m.exec(text)?.[1] ?? 0);
    const failed = count(text, 'failures') + count(text, 'errors') || (ok && ran > 0 ? 0 : 1);
    counts.failed += failed;
    counts.skipped += count(text, 'skipped');
    counts.passed += Math.max(0, ran - failed - count(text, 'skipped'));
    if (failed > 0) counts.told.push(`${suite}:\n${text.slice(-4000)}`);
  }
  return counts;
}

const folder = mkdtempSync(join(tmpdir(), 'tutti-pythons-'));
let failures = 0;
let passes = 0;
try {
  const packages = donated(folder);
  const found = interpreters();
  const minors = new Set(found.map(({ version }) => version[1]));
  for (let minor = LEAST[1]; minor <= NEWEST; minor += 1)
    if (!minors.has(minor)) console.log(`no Python 3.${minor} is here`);
  for (const interpreter of found) {
    const name = `${interpreter.implementation} ${interpreter.version.join('.')} (${interpreter.executable})`;
    const { passed, failed, skipped, told } = await tried(provided(interpreter, folder, packages));
    for (const text of told) console.log(text);
    console.log(`${name}: ${passed} passed, ${failed} failed, ${skipped} skipped`);
    failures += failed;
    passes += passed;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${passes} passed, ${failures} failed`);
process.exit(failures === 0 && passes > 0 ? 0 : 1);
