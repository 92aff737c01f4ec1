/** Every block of the tutorial does what the page says. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missing, python, root } from '../python/python.js';
import { OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';

interface Block {
  readonly language: string;
  /** The rest of the line that opens it: `setup`, `file=…`, `run`, `run python`, `session`. */
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

const [setup] = blocks.filter(({ info }) => info === 'setup');

let folder = '';
let env: NodeJS.ProcessEnv = {};

/** A folder as an author has it after the first block of the page, with the files of the page. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tutti-tutorial-'));
  const [build, ...lines] = setup!.content.trim().split('\n');
  // That this is done already is how the tests begin.
  expect(build).toBe('npm ci && npm run build');
  mkdirSync(join(folder, 'bin'));
  symlinkSync(python, join(folder, 'bin/python3'));
  env = {
    ...process.env,
    ...{ PYTHONDONTWRITEBYTECODE: '1', npm_config_offline: 'true', npm_config_audit: 'false' },
    PATH: `${join(folder, 'bin')}:${dirname(process.execPath)}:${process.env.PATH}`,
  };
  const nodes = join(folder, 'my-nodes');
  const script = ['set -e', ...lines, 'echo "$PATH"', 'echo "$PYTHONPATH"'].join('\n');
  const { stdout, stderr, code } = await run(script.replaceAll('../my-nodes', nodes), {}, root);
  expect(code, stdout + stderr).toBe(0);
  const [PATH, PYTHONPATH] = stdout.trim().split('\n').slice(-2);
  env = { ...env, PATH, PYTHONPATH };
  folder = nodes;
  for (const { info, content } of files) {
    const path = join(folder, info.slice('file='.length));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
}, 120_000);

afterAll(() => rmSync(dirname(folder), { recursive: true, force: true }));

async function run(command: string, more: Readonly<Record<string, string>> = {}, cwd = folder) {
  const child = spawn('sh', ['-c', command], {
    cwd,
    env: { ...env, ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise((resolve) => child.on('close', resolve)),
  ]);
  return { stdout, stderr, code };
}

describe('docs/write-a-node.md', { timeout: 120_000 }, () => {
  it('has only blocks that are run here, or are files for those that are', () => {
    expect(blocks.length).toBe(1 + commands.length + files.length + sessions.length);
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

  it.for(sessions.map(({ content }) => content.trim().split('\n')))(
    'runs the node in a graph: %s, %s',
    async ([up = '', node = '', submit = ''], ctx) => {
      const tool = node.startsWith('python') ? missing('zmq', 'google.protobuf') : undefined;
      ctx.skip(tool !== undefined, tool);
      expect(up).toMatch(/^tutti up --graph graph\.yaml &( {3}#|$)/);
      expect(node).toMatch(/^(node hello\.mjs|python3 hello\.py) &$/);
      const scene = Scene.ofTest();
      const orchestrator = await OrchestratorProcess.up(scene, { graphs: [join(folder, 'graph.yaml')] });
      const played = run(`exec ${node.slice(0, -' &'.length)}`, {
        TUTTI_CONTROL: orchestrator.ready.control,
      });
      const { code, stdout, stderr } = await run(submit, { TUTTI_URL: orchestrator.ready.http });
      const [{ node_id }] = (await orchestrator.nodes()) as [{ node_id: string }];
      await orchestrator.post(`/v1/nodes/${node_id}/commands`, { command: 'terminate' });
      expect((await played).code).toBe(0);
      expect(code, stderr).toBe(0);
      expect(stdout).toContain('hello, Grace');
    },
  );

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
