// What a newcomer runs, on a machine with Node.js and nothing else done:
//   node scripts/bootstrap.mjs demo [--once]   install, build, run the demonstration
//   node scripts/bootstrap.mjs test [FILTER…]  install, build, check, run the tests
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const [command, ...rest] = process.argv.slice(2);

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Tutti needs Node.js 20.19 or newer; this is ${process.versions.node}.`);
  process.exit(2);
}

/** Runs a command with its output on stderr; ends this process when it fails. */
function must(what, program, args) {
  const { status, error } = spawnSync(program, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (status === 0) return;
  console.error(`${what} failed${error ? `: ${error.message}` : ''}.`);
  process.exit(1);
}

function install() {
  const installed = join(root, 'node_modules/.package-lock.json');
  const lock = join(root, 'package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return;
  console.error('Installing what is missing …');
  must('The installation', 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
}

/** Changes when anything that the build reads changes. */
function fingerprint() {
  const hash = createHash('sha256');
  const walk = (path) => {
    const info = statSync(join(root, path));
    if (info.isDirectory()) {
      for (const entry of readdirSync(join(root, path)).sort()) {
        if (entry !== 'generated' && entry !== 'node_modules') walk(join(path, entry));
      }
    } else {
      hash.update(`${path} ${info.size} ${info.mtimeMs}\n`);
    }
  };
  for (const path of [
    'src',
    'nodes',
    'frontend-bridge',
    'proto',
    'scripts',
    'tsconfig.json',
    'package-lock.json',
  ])
    walk(path);
  return hash.digest('hex');
}

function build() {
  const stamp = join(root, 'dist/.built-from');
  const current = fingerprint();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === current) return;
  console.error('Building …');
  must('The build', process.execPath, ['scripts/build.mjs']);
  writeFileSync(stamp, current);
}

const finds = (program, ...args) => spawnSync(program, args, { stdio: 'ignore' }).status === 0;

/** Whether a command is there. */
const program = (name) => () => finds('which', name);

/** Whether Debian's Python, with which the tests run, has modules. */
const pythonModules = (names) => () => {
  const test = `from importlib.util import find_spec; assert all(map(find_spec, ${JSON.stringify(names)}))`;
  return finds('/usr/bin/python3', '-c', test);
};

/** What some tests need and a bare machine lacks. Where it cannot be installed, those tests name it and are skipped. */
function provide(isThere, debianPackages, options = []) {
  if (isThere() || process.getuid?.() !== 0 || !finds('which', 'apt-get')) return;
  console.error(`Installing ${debianPackages.join(', ')} for the tests …`);
  const run = (args) =>
    spawnSync('apt-get', args, {
      stdio: ['ignore', 'ignore', 2],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  const install = ['install', '-y', '-q', ...options, ...debianPackages];
  if (run(install).status !== 0) {
    run(['update', '-q']);
    run(install);
  }
}

/** Of what a failed test said, at the end of the run: enough for an assertion's message and the first of what it compared. */
const WHY_CHARACTERS = 600;

/** What one file of tests counted, from vitest's report. What fails outside of its tests, a hook for instance, is a failure too. */
function countsOf({ name, status, message, assertionResults }) {
  const file = relative(root, name);
  const told = (what, why) =>
    `${file}: ${what}: ${stripVTControlCharacters(why ?? '')
      .replaceAll(/\s+/g, ' ')
      .slice(0, WHY_CHARACTERS)}`;
  const having = (...statuses) => assertionResults.filter((result) => statuses.includes(result.status));
  const failed = having('failed').map(({ fullName, failureMessages }) =>
    told(fullName, failureMessages?.[0]),
  );
  if (status === 'failed' && failed.length === 0) failed.push(told('outside of its tests', message));
  return {
    file,
    passed: having('passed').length,
    failed,
    skipped: having('pending', 'skipped', 'todo').map(({ fullName }) => fullName),
  };
}

/** Runs one vitest project and returns what each of its files counted. */
function vitest(project, filters) {
  const folder = mkdtempSync(join(tmpdir(), 'tutti-test-'));
  const report = join(folder, 'report.json');
  const { status } = spawnSync(
    process.execPath,
    [
      join(root, 'node_modules/vitest/vitest.mjs'),
      ...[
        'run',
        '--project',
        project,
        '--reporter=default',
        '--reporter=json',
        `--outputFile.json=${report}`,
      ],
      ...['--passWithNoTests', ...filters],
    ],
    { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] },
  );
  const result = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : undefined;
  rmSync(folder, { recursive: true, force: true });
  const runs = (result?.testResults ?? []).map(countsOf);
  if (status !== 0 && runs.every(({ failed }) => failed.length === 0))
    runs.push({
      passed: 0,
      failed: [`${project}: an error came outside of all files, or there is no report`],
      skipped: [],
    });
  return runs;
}

/**
 * Real processes that share two cores may keep each other waiting beyond any bound. So up to three of their files that fail are run once more,
 * alone; what passes then counts, and is named as what failed first.
 */
function vitestTwice(project, filters) {
  const runs = vitest(project, filters);
  const bad = runs.filter(({ failed }) => failed.length > 0);
  const isToTry =
    project !== 'unit' && bad.length > 0 && bad.length <= 3 && bad.every(({ file }) => file !== undefined);
  if (!isToTry) return runs;
  console.log(`Run once more, alone: ${bad.map(({ file }) => file).join(', ')}`);
  return runs.flatMap((run) => {
    if (!bad.includes(run)) return [run];
    const again = vitest(project, [run.file]);
    return again.every(({ failed }) => failed.length === 0)
      ? again.map((now) => ({ ...now, late: run.failed }))
      : [run];
  });
}

function test(projects, filters) {
  provide(program('cc'), ['gcc', 'libc6-dev']);
  provide(program('chromium'), ['chromium']);
  provide(() => existsSync('/usr/sbin/nginx'), ['nginx-light'], ['--no-install-recommends']);
  provide(
    () => existsSync('/usr/sbin/sshd'),
    ['openssh-server', 'openssh-client'],
    ['--no-install-recommends'],
  );
  provide(program('qsub'), ['slurm-wlm', 'slurm-wlm-torque'], ['--no-install-recommends']);
  provide(() => existsSync('/usr/lib/postgresql'), ['postgresql'], ['--no-install-recommends']);
  provide(program('systemd-analyze'), ['systemd'], ['--no-install-recommends']);
  provide(program('ansible-playbook'), ['ansible-core'], ['--no-install-recommends']);
  // Helm's template engine.
  provide(
    () => finds('which', 'go') && existsSync('/usr/share/gocode/src/github.com/Masterminds/sprig'),
    ['golang-go', 'golang-github-masterminds-sprig-dev'],
    ['--no-install-recommends'],
  );
  provide(
    pythonModules([
      ...['zmq', 'google.protobuf', 'numpy', 'mypy', 'pip', 'setuptools', 'wheel', 'ensurepip'],
      ...['httpx', 'websockets', 'pandas', 'nbclient', 'ipykernel', 'markdown_it', 'PIL', 'matplotlib'],
    ]),
    [
      ...['python3', 'python3-zmq', 'python3-protobuf', 'python3-numpy', 'python3-mypy'],
      ...['python3-pip', 'python3-setuptools', 'python3-wheel', 'python3-venv'],
      ...['python3-httpx', 'python3-websockets', 'python3-pandas', 'python3-nbclient', 'python3-ipykernel'],
      ...['python3-markdown-it', 'python3-pil', 'python3-matplotlib'],
    ],
    // What it recommends is a compiler and all headers of Python.
    ['--no-install-recommends'],
  );
  must('The format and lint check', join(root, 'node_modules/.bin/biome'), [
    'ci',
    '--error-on-warnings',
    '.',
  ]);
  must('The type check', 'npm', ['run', '--silent', 'types']);
  const runs = projects.flatMap((project) => vitestTwice(project, filters));
  const passed = runs.reduce((sum, run) => sum + run.passed, 0);
  const failed = runs.flatMap((run) => run.failed);
  const skipped = runs.flatMap((run) => run.skipped);
  // Again at the end: of a long run, people are shown the last lines.
  for (const told of runs.flatMap((run) => run.late ?? []))
    console.log(`passed only when run again, alone: ${told}`);
  for (const told of failed) console.log(`failed: ${told}`);
  for (const name of skipped) console.log(`skipped: ${name}`);
  console.log(
    `${passed} passed, ${failed.length} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`,
  );
  const complete = skipped.length === 0 || process.env.CI !== 'true';
  if (!complete) console.log('A skipped test is a failure where CI=true.');
  process.exit(failed.length === 0 && passed > 0 && complete ? 0 : 1);
}

process.chdir(root);
mkdirSync(join(root, 'node_modules'), { recursive: true });
install();
build();
if (command === 'test') test(['unit', 'e2e', 'timed'], rest);
else if (command === 'demo') {
  // In this very process, so that Ctrl-C reaches it and nothing stands between.
  process.argv = [process.argv[0], join(root, 'dist/src/cli/demo/main.js'), ...rest];
  await import('../dist/src/cli/demo/main.js');
} else {
  console.error(`unknown command ${command}: one of demo, test`);
  process.exit(2);
}
