/** Every block of the tutorial does what the page says. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missing, python, root } from '../python/python.js';
import { OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';

interface Block {
  readonly language: string;
  /** The rest of the line that opens it: `file=…`, `run`, `run python`, `session`. */
  readonly info: string;
  readonly content: string;
}

const page = readFileSync(join(root, 'docs/write-a-node.md'), 'utf8');
const blocks: readonly Block[] = [...page.matchAll(/^```(\w+) ?(.*)\n([\s\S]*?)^```$/gm)].map(
  ([, language = '', info = '', content = '']) => ({ language, info, content }),
);
const commands = blocks.filter(({ info }) => info.startsWith('run'));
const files = blocks.filter(({ info }) => info.startsWith('file='));
const sessions = blocks.filter(({ info }) => info === 'session');

let folder = '';
const env = () => ({
  ...process.env,
  ...{ PYTHONPATH: join(root, 'python/src'), PYTHONDONTWRITEBYTECODE: '1' },
  PATH: `${join(folder, 'bin')}:${dirname(process.execPath)}:${process.env.PATH}`,
});

/** A folder as an author has it: the files of the page, `tutti` on the path and among the packages. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tutti-tutorial-'));
  for (const { info, content } of files) {
    const path = join(folder, info.slice('file='.length));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules/tutti'));
  mkdirSync(join(folder, 'bin'));
  writeFileSync(
    join(folder, 'bin/tutti'),
    `#!/bin/sh\nexec "${process.execPath}" "${root}/dist/src/cli/main.js" "$@"\n`,
  );
  chmodSync(join(folder, 'bin/tutti'), 0o755);
  symlinkSync(python, join(folder, 'bin/python3'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(command: string, more: Readonly<Record<string, string>> = {}) {
  const child = spawn('sh', ['-c', command], {
    cwd: folder,
    env: { ...env(), ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise((resolve) => child.on('close', resolve)),
  ]);
  return { stdout, stderr, code };
}

describe('docs/write-a-node.md', { timeout: 60_000 }, () => {
  it('has only blocks that are run here, or are files for those that are', () => {
    expect(blocks.length).toBe(commands.length + files.length + sessions.length);
    expect([commands.length, files.length, sessions.length].every((count) => count > 0)).toBe(true);
  });

  for (const { info, content } of commands) {
    it.concurrent(`runs: ${content.trim()}`, async (ctx) => {
      const tool = info.includes('python') ? missing('zmq', 'google.protobuf') : undefined;
      ctx.skip(tool !== undefined, tool);
      const { code, stdout, stderr } = await run(content);
      expect(code, stdout + stderr).toBe(0);
    });
  }

  it('runs the node in a graph', async () => {
    const [up = '', node = '', submit = ''] = sessions[0]!.content.trim().split('\n');
    expect(up).toBe('tutti up --graph graph.yaml');
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: [join(folder, 'graph.yaml')] });
    expect(node).toBe('node hello.mjs');
    scene.spawn([join(folder, 'hello.mjs')], { TUTTI_CONTROL: orchestrator.ready.control });
    const { code, stdout, stderr } = await run(submit, { TUTTI_URL: orchestrator.ready.http });
    expect(code, stderr).toBe(0);
    expect(stdout).toContain('hello, Grace');
  });

  it.for(['node pricing.mjs', 'python3 pricing.py'])(
    'is refused as the page says where the graph means something else by its type: %s',
    async (command, ctx) => {
      const tool = command.startsWith('python') ? missing('zmq', 'google.protobuf') : undefined;
      ctx.skip(tool !== undefined, tool);
      const scene = Scene.ofTest();
      const types = join(await scene.directory(), 'types');
      mkdirSync(types);
      const schema = JSON.parse(readFileSync(join(folder, 'types/price.schema.json'), 'utf8'));
      schema.properties.amount.type = 'string';
      writeFileSync(join(types, 'price.schema.json'), JSON.stringify(schema));
      const orchestrator = await OrchestratorProcess.up(scene, {
        graphs: [join(folder, 'priced.yaml')],
        args: ['--proto-path', types],
      });
      const { code, stderr } = await run(command, { TUTTI_CONTROL: orchestrator.ready.control });
      expect(code).toBe(1);
      const promised = /`schema_mismatch: (json:price [^`]*)`/.exec(page)?.[1];
      expect(stderr.replaceAll('\\"', '"')).toContain(promised);
    },
  );
});
