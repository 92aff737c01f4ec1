/** What `npm run package` builds, installed in an empty folder and an empty virtual environment, and used from there. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { missing, python, root } from '../python/python.js';
import { Scene, type Spawned } from '../support/processes.js';
import { EXAMPLE, NEEDED, samplesOf } from './stage.js';

const packages = join(root, 'dist/packages');
const REPOSITORY = 'https://example.org/tutti';
const tool = missing(...NEEDED, 'setuptools', 'wheel', 'venv', 'pip');

describe.skipIf(tool !== undefined)(`the packages${tool ? ` (need ${tool})` : ''}`, () => {
  const scene = Scene.ofFile();
  let folder: string;
  let environment: string;

  /** Runs a program to its end, and expects it to succeed. */
  const run = async (program: string, args: readonly string[], env = {}): Promise<Spawned> => {
    const spawned = scene.spawn(args, { PYTHONDONTWRITEBYTECODE: '1', ...env }, folder, program);
    const { code } = await spawned.exited;
    expect(code, `${program} ${args.join(' ')}\n${spawned.stdout}\n${spawned.stderr}`).toBe(0);
    return spawned;
  };

  beforeAll(async () => {
    folder = await scene.directory();
    environment = join(folder, 'environment');
    await Promise.all([
      run(process.execPath, [join(root, 'scripts/package.mjs'), '--repository', REPOSITORY]),
      // Its dependencies are Debian's. The pip that is here installs into it: one of its own would take longer than all the rest.
      run(python, ['-m', 'venv', '--system-site-packages', '--without-pip', environment]),
    ]);
    const [wheel, tarball] = ['.whl', '.tgz'].map((ending) =>
      join(packages, readdirSync(packages).find((name) => name.endsWith(ending))!),
    );
    writeFileSync(join(folder, 'package.json'), '{"private":true,"type":"module"}');
    const installs = [
      run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error', tarball!]),
      run(python, [
        ...['-m', 'pip', '--python', join(environment, 'bin/python')],
        ...['install', '--no-index', '--no-deps', '-q', wheel!],
      ]),
    ];
    await Promise.all(installs);
  }, 300_000);

  it('are a tarball, a wheel and a source distribution of one version', async () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(readdirSync(packages).sort()).toEqual(
      [`tutti-${version}-py3-none-any.whl`, `tutti-${version}.tar.gz`, `tutti-${version}.tgz`].sort(),
    );
    const installed = JSON.parse(readFileSync(join(folder, 'node_modules/tutti/package.json'), 'utf8'));
    expect(installed).toMatchObject({ version, repository: REPOSITORY });
    expect(installed.private ?? installed.devDependencies ?? installed.scripts).toBeUndefined();
    const told = 'from importlib.metadata import metadata; print(metadata("tutti"))';
    const { stdout } = await run(join(environment, 'bin/python'), ['-c', told]);
    expect(stdout).toContain(`Version: ${version}`);
    expect(stdout).toContain(`Project-URL: Repository, ${REPOSITORY}`);
    for (const extra of ['client', 'numpy', 'pandas', 'images'])
      expect(stdout).toContain(`Provides-Extra: ${extra}`);
    const source = join(packages, `tutti-${version}.tar.gz`);
    const flags = [
      '--no-index',
      '--no-deps',
      '--no-build-isolation',
      '-q',
      '--target',
      join(folder, 'from-source'),
    ];
    await run(python, ['-m', 'pip', 'install', ...flags, source]);
    expect(readdirSync(join(folder, 'from-source/tutti'))).toContain('tutti_v1.binpb');
  });

  it('bring an orchestrator, nodes and clients in both languages that work together', async () => {
    const bin = join(environment, 'bin');
    expect((await run(join(bin, 'tutti-node'), ['info'])).stdout).toContain('pyzmq');
    const ports = ['http', 'control', 'outputs', 'events'].flatMap((name) => [`--${name}-port`, '0']);
    const graph = join(EXAMPLE, 'graph.yaml');
    const up = [
      join(folder, 'node_modules/.bin/tutti'),
      'up',
      '--data',
      join(folder, 'data'),
      '--graph',
      graph,
    ];
    const orchestrator = scene.spawn([...up, ...ports], {}, folder);
    const ready = JSON.parse(await orchestrator.line('ready ')) as { http: string; control: string };
    const TUTTI_URL = ready.http;
    const nodes = join(EXAMPLE, 'nodes.py');
    scene.spawn(['run', nodes], { TUTTI_CONTROL: ready.control }, folder, join(bin, 'tutti-node'));

    const sample = samplesOf('python').slice(0, 2).join('\n');
    expect((await run(join(bin, 'python'), ['-c', sample], { TUTTI_URL })).stdout).toContain("'/slope'");

    mkdirSync(join(folder, 'src'));
    writeFileSync(join(folder, 'src/samples.ts'), samplesOf('ts').join('\n'));
    const strict = [
      '--strict',
      '--module',
      'nodenext',
      '--target',
      'es2023',
      '--lib',
      'es2023',
      '--types',
      'node',
    ];
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    await run(process.execPath, [tsc, ...strict, '--outDir', 'built', '--rootDir', 'src', 'src/samples.ts']);
    const { stdout } = await run(process.execPath, ['built/samples.js'], { TUTTI_URL });
    expect(stdout).toContain('unknown_graph /graph known graphs: fit');
    expect(stdout).toContain('cancelled');
  });
});
