/** `tutti node-kit`: what an author does before a node is plugged in. */
import { spawn } from 'node:child_process';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { isIgnored } from '../../src/node-kit/watch-files.js';
import { missing, python, root } from '../python/python.js';
import { startNode } from '../support/nodes.js';
import { OrchestratorProcess, pathOf, TUTTI } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';

const CONFORM_NODE = join(root, 'dist/nodes/examples/conform-node.js');

async function run(command: readonly string[], cwd: string, env: Readonly<Record<string, string>> = {}) {
  const child = spawn(command[0]!, command.slice(1), {
    cwd,
    env: { ...process.env, PYTHONPATH: join(root, 'python/src'), PYTHONDONTWRITEBYTECODE: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve) => child.on('close', resolve)),
  ]);
  return { stdout, stderr, code };
}

const kit = (args: readonly string[], cwd: string, env?: Readonly<Record<string, string>>) =>
  run([process.execPath, TUTTI, 'node-kit', ...args], cwd, env);

describe.concurrent('tutti node-kit', { timeout: 120_000 }, () => {
  it('init writes a TypeScript node that compiles, passes its test and plays its task', async ({
    expect,
    onTestFinished,
  }) => {
    const scene = new Scene();
    onTestFinished(() => scene.end());
    const cwd = await scene.directory();
    expect(await kit(['init', 'my_node'], cwd)).toMatchObject({ code: 0 });
    const folder = join(cwd, 'my_node');
    expect(await run([join(folder, 'node_modules/.bin/tsc')], folder)).toMatchObject({ code: 0, stdout: '' });
    expect(await run([process.execPath, '--test', 'dist'], folder)).toMatchObject({ code: 0 });
    const played = await kit(
      ['run', 'tasks.jsonl', '--expect', '--', process.execPath, 'dist/node.js'],
      folder,
    );
    expect(played.code, played.stderr).toBe(0);
    expect(await kit(['init', 'my_node'], cwd)).toMatchObject({ code: 2 });
    expect(await kit(['init', 'My Node'], cwd)).toMatchObject({ code: 2 });
  });

  it('init writes a Python node that is typed, passes its test and plays its task', async ({
    expect,
    onTestFinished,
    skip,
  }) => {
    const tool = missing('zmq', 'google.protobuf', 'mypy');
    skip(tool !== undefined, tool);
    const scene = new Scene();
    onTestFinished(() => scene.end());
    const cwd = await scene.directory();
    expect(await kit(['init', 'my_node', '--lang', 'python'], cwd)).toMatchObject({ code: 0 });
    const folder = join(cwd, 'my_node');
    expect(await run([python, '-m', 'unittest'], folder)).toMatchObject({ code: 0 });
    const typed = await run(
      [python, '-m', 'mypy', '--strict', '--cache-dir', join(cwd, 'mypy'), 'node.py', 'test_work.py'],
      folder,
      { MYPYPATH: join(root, 'python/src') },
    );
    expect(typed, typed.stdout).toMatchObject({ code: 0 });
    const played = await kit(['run', 'tasks.jsonl', '--expect', '--', python, 'node.py'], folder);
    expect(played.code, played.stderr).toBe(0);
  });

  it('run prints what a node gives, partial outputs and failures too, and says where that is not what was expected', async ({
    expect,
    onTestFinished,
  }) => {
    const scene = new Scene();
    onTestFinished(() => scene.end());
    const cwd = await scene.directory();
    const large = { input: { echo: 'y'.repeat(20_000), size: 30_000 } };
    const lines = [
      {
        inputs: { input: { echo: 1, partials: 2 } },
        outputs: [{ part: 1 }, { part: 2 }, { echo: 1, runs: 1 }],
      },
      {
        inputs: { input: { fail: { code: 'out_of_luck', message: 'bad dice' } } },
        outputs: [],
        error: { code: 'out_of_luck', message: 'bad dice' },
      },
      { inputs: large, outputs: [{ echo: 'other', runs: 3, filler: 'x'.repeat(30_000) }] },
    ];
    writeFileSync(join(cwd, 'tasks.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const { code, stdout, stderr } = await kit(
      ['run', 'tasks.jsonl', '--expect', '--', process.execPath, CONFORM_NODE],
      cwd,
    );
    expect(code, stderr).toBe(1);
    const printed = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(printed.slice(0, 2)).toEqual(lines.slice(0, 2));
    expect(printed[2].outputs[0].echo).toBe('y'.repeat(20_000));
    expect(stderr).toContain('outputs[0].echo: "other" → "yyy');
    expect(stderr).toContain('2 of 3 as expected');
  });

  it('run says which line of a file is wrong, and that a node has died', async ({
    expect,
    onTestFinished,
  }) => {
    const scene = new Scene();
    onTestFinished(() => scene.end());
    const cwd = await scene.directory();
    writeFileSync(join(cwd, 'bad.jsonl'), '{"inputs": {}}\n{"input": {}}\nnonsense\n');
    const bad = await kit(['run', 'bad.jsonl', '--', process.execPath, CONFORM_NODE], cwd);
    expect(bad).toMatchObject({ code: 2 });
    expect(bad.stderr).toContain('line 2.inputs');
    expect(bad.stderr).toContain('line 3: ');
    writeFileSync(join(cwd, 'good.jsonl'), '{"inputs": {}}\n');
    const dead = await kit(['run', 'good.jsonl', '--', process.execPath, '-e', 'process.exit(7)'], cwd);
    expect(dead).toMatchObject({ code: 1 });
    expect(dead.stderr).toContain('it ended with 7');
  });

  it('record gives each execution of a map its item and its number, which run then plays', async ({
    expect,
    onTestFinished,
  }) => {
    const scene = new Scene();
    onTestFinished(() => scene.end());
    const cwd = await scene.directory();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['mapping'] });
    const squarer = join(root, 'test/e2e/nodes/squarer.mjs');
    const journal = { SQUARER_JOURNAL: join(cwd, 'journal') };
    scene.spawn([squarer], { ...journal, TUTTI_CONTROL: orchestrator.ready.control });
    const { task_id: task } = await orchestrator.submit('mapping', [5, 6, 7]);
    const path = `${pathOf(task)}/items/square/states`;
    await expect
      .poll(async () => (await orchestrator.get(path)).body.counts, { timeout: 30_000 })
      .toEqual({ succeeded: 3 });
    const env = { TUTTI_URL: orchestrator.ready.http };
    const recorded = await kit(['record', task, '--module', 'square', '-o', 'items.jsonl'], cwd, env);
    expect(recorded.code, recorded.stderr).toBe(0);
    const lines = readFileSync(join(cwd, 'items.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((each) => JSON.parse(each));
    expect(lines.map(({ item, inputs, outputs }) => ({ item, inputs, outputs }))).toEqual(
      [5, 6, 7].map((numbers, item) => ({
        ...{ item, inputs: { numbers }, outputs: [{ item, square: numbers ** 2 }] },
      })),
    );
    const played = await kit(['run', 'items.jsonl', '--', process.execPath, squarer], cwd, journal);
    expect(played.code, played.stderr).toBe(0);
  }, 120_000);

  it('record takes what a task went through, which run then plays', async ({ expect, onTestFinished }) => {
    const scene = new Scene();
    onTestFinished(() => scene.end());
    const cwd = await scene.directory();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['pair'] });
    const graph = (await orchestrator.get('/v1/graphs')).body.items[0].name as string;
    const modules = Object.keys((await orchestrator.get(`/v1/graphs/${graph}`)).body.modules);
    for (const module of modules) startNode(scene, orchestrator, { module });
    const submitted = await orchestrator.submit(graph, { name: 'to be recorded' });
    const env = { TUTTI_URL: orchestrator.ready.http };
    const tape = orchestrator.tape();
    expect(await tape.ended(submitted.task_id)).toEqual(['succeeded']);
    const module = modules.at(-1)!;
    const recorded = await kit(
      ['record', submitted.task_id, '--module', module, '-o', 'tasks.jsonl'],
      cwd,
      env,
    );
    expect(recorded.code, recorded.stderr).toBe(0);
    const [line] = readFileSync(join(cwd, 'tasks.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((each) => JSON.parse(each));
    expect(line).toMatchObject({ module, task_id: submitted.task_id, attempt: 1, output_type: 'json' });
    expect(line.outputs).toEqual([await orchestrator.output(submitted.task_id, module)]);
    const played = await kit(
      ['run', 'tasks.jsonl', '--', process.execPath, join(root, 'test/e2e/nodes/player.mjs')],
      cwd,
      {
        PLAYER_CAPACITY: '1',
      },
    );
    expect(played.code, played.stderr).toBe(0);
    expect(await kit(['record', submitted.task_id, '--module', 'nobody', '-o', '-'], cwd, env)).toMatchObject(
      { code: 2 },
    );
  });

  it('conform says in its exit code and as JSON which rule a node breaks, with the exchange', async ({
    expect,
    onTestFinished,
  }) => {
    const scene = new Scene();
    onTestFinished(() => scene.end());
    const cwd = await scene.directory();
    const broken = join(root, 'test/node-kit/broken-node.mjs');
    const conform = (...faults: string[]) =>
      kit(
        ['conform', '--level', 'minimal', '--json', '--', process.execPath, broken, '--break', ...faults],
        cwd,
      );
    const whole = await conform();
    expect(whole.code, whole.stdout).toBe(0);
    expect(JSON.parse(whole.stdout)).toMatchObject({ level: 'minimal', failed: 0, not_run: 0 });
    const { code, stdout } = await conform('output.published');
    expect(code).toBe(1);
    const { failed, cases } = JSON.parse(stdout) as {
      failed: number;
      cases: { id: string; outcome: string; exchange?: { by: string; said: { kind: string } }[] }[];
    };
    expect(failed).toBe(1);
    const fault = cases.find(({ outcome }) => outcome === 'failed');
    expect(fault).toMatchObject({
      id: 'output.published',
      sentence: expect.stringContaining('publishes its output'),
      expected: 'the lease of the assignment in the output',
    });
    const said = fault!.exchange!.map(({ by, said: { kind } }) => `${by}: ${kind}`);
    expect(said).toContain('conductor: assign');
    expect(said).toContain('node: output');
  });

  it('dev plays the last task again with every change of a file, and shows what is different', async ({
    onTestFinished,
  }) => {
    const scene = new Scene();
    onTestFinished(() => scene.end());
    const cwd = await scene.directory();
    const source = readFileSync(CONFORM_NODE, 'utf8').replace(
      'tutti/sdk',
      join(root, 'dist/src/sdk/index.js'),
    );
    writeFileSync(join(cwd, 'node.mjs'), source);
    writeFileSync(join(cwd, 'tasks.jsonl'), '{"inputs": {"input": {"echo": "one"}}}\n');
    const dev = scene.spawn([TUTTI, 'node-kit', 'dev', '--', process.execPath, 'node.mjs'], {}, cwd);
    // Asked, and not killed: it ends its node.
    scene.atEnd(() => dev.end('SIGTERM'));
    await dev.line('{"outputs":[{"echo":"one","runs":1}]}');
    writeFileSync(join(cwd, 'node.mjs'), source.replace('runs: run', 'runs: run + 41'));
    await dev.line('{"outputs":[{"echo":"one","runs":42}]}');
    await dev.logs('  outputs[0].runs: 1 → 42');
    appendFileSync(join(cwd, 'tasks.jsonl'), '{"inputs": {"input": {"echo": "two"}}}\n');
    await dev.line('{"outputs":[{"echo":"two","runs":43}]}');
  });
});

describe('what dev does not look at', () => {
  it.each([
    'node_modules/x/index.js',
    'dist/node.js',
    '.git/index',
    'a/__pycache__/b.pyc',
    'x.log',
    'node.py~',
  ])('is %s', (path) => {
    expect(isIgnored(path)).toBe(true);
  });

  it.each(['node.py', 'work.ts', 'data/table.json', 'tasks.jsonl'])('is not %s', (path) => {
    expect(isIgnored(path)).toBe(false);
  });
});
