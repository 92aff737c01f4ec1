// Builds what is published, into dist/packages: the npm tarball, the Python wheel and the source distribution. `npm run package` builds the
// tree first. `-- --repository URL` puts the project's address into all of them.
import { execFile, spawnSync } from 'node:child_process';
import {
  cpSync,
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
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const out = join(root, 'dist/packages');
const { repository } = parseArgs({ options: { repository: { type: 'string' } } }).values;

/** A copy, so that a build leaves nothing beside the sources, and nothing of the workshop goes along. */
async function packNode(folder) {
  const described = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  // What is left out again (`!`) is npm's to leave out.
  for (const name of [...described.files.filter((name) => !name.startsWith('!')), 'LICENSE']) {
    const copied = (from) => !from.startsWith(out) && !from.endsWith('.built-from');
    cpSync(join(root, name), join(folder, name), { recursive: true, filter: copied });
  }
  const { private: _, devDependencies, overrides, scripts, ...published } = described;
  if (repository) Object.assign(published, { homepage: repository, repository });
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(published, null, 2)}\n`);
  await run('npm', ['pack', '--pack-destination', out, '--ignore-scripts', '--loglevel=error'], folder);
}

async function packPython(folder) {
  for (const name of ['pyproject.toml', 'README.md', 'src'])
    cpSync(join(root, 'python', name), join(folder, name), {
      recursive: true,
      filter: (from) => !/__pycache__|\.egg-info/.test(from),
    });
  cpSync(join(root, 'LICENSE'), join(folder, 'LICENSE'));
  if (repository) {
    const urls = ['', '[project.urls]', `Homepage = "${repository}"`, `Repository = "${repository}"`, ''];
    writeFileSync(join(folder, 'pyproject.toml'), urls.join('\n'), { flag: 'a' });
  }
  const python = builder();
  // Each in a process of its own, as the hooks of setuptools expect it.
  for (const hook of ['build_sdist', 'build_wheel']) {
    const call = `import sys; from setuptools import build_meta; build_meta.${hook}(sys.argv[1])`;
    await run(python, ['-W', 'ignore', '-c', call, out], folder);
  }
}

/** A Python that has what builds the package. */
function builder() {
  const needed = 'import setuptools, wheel; assert int(setuptools.__version__.split(".")[0]) >= 61';
  const found = ['python3', '/usr/bin/python3', 'python'].find(
    (python) => spawnSync(python, ['-c', needed], { stdio: 'ignore' }).status === 0,
  );
  if (found) return found;
  console.error(
    'No Python with setuptools (61 or newer) and wheel is here: apt-get install python3-setuptools python3-wheel.',
  );
  process.exit(1);
}

/** What it says on stdout is of no interest. */
async function run(program, args, cwd) {
  const { stderr } = await promisify(execFile)(program, args, { cwd, maxBuffer: 16 * 1024 * 1024 });
  process.stderr.write(stderr);
}

if (!existsSync(join(root, 'dist/src/cli/main.js'))) {
  console.error('Nothing is built: npm run build');
  process.exit(1);
}
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const folder = mkdtempSync(join(tmpdir(), 'tutti-package-'));
try {
  const packs = Object.entries({ node: packNode, python: packPython }).map(([name, pack]) => {
    mkdirSync(join(folder, name));
    return pack(join(folder, name));
  });
  await Promise.all(packs);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const name of readdirSync(out).sort())
  console.log(`dist/packages/${name}  ${Math.ceil(statSync(join(out, name)).size / 1024)} KiB`);
