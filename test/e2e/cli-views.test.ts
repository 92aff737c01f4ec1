/** What the command line shows of a running orchestrator: `top`, `logs`, `events`, `graph apply`, and completion in a real shell. */
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { startNode } from '../support/nodes.js';
import { graphFile, OrchestratorProcess, TUTTI } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';

const scene = Scene.ofFile();
let orchestrator: OrchestratorProcess;
let task: string;

async function tutti(...args: readonly string[]): Promise<{ out: string; err: string; exit: number | null }> {
  const run = scene.spawn([TUTTI, ...args], { TUTTI_URL: 'http://127.0.0.1:1' });
  const { code } = await run.exited;
  return { out: run.stdout, err: run.stderr, exit: code };
}

const atIt = (): string[] => ['--url', orchestrator.ready.http];

beforeAll(async () => {
  orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'], args: ['--log-format', 'pretty'] });
  const tape = orchestrator.tape();
  startNode(scene, orchestrator, { module: 'work', instance: 'player' });
  const input = { work: { fail: { times: 1, code: 'boom', message: 'not yet' } } };
  ({ task_id: task } = await orchestrator.submit('one', input));
  await tape.ended(task);
});

describe('the command line', () => {
  it('prints a task’s log with the errors of its attempts, and takes options before the command', async () => {
    const all = await tutti(...atIt(), 'logs', task, '--follow');
    expect(all.exit).toBe(0);
    expect(all.out).toMatch(
      /work#1 INFO {2}begin .*\n.* work#1 ERROR failed: boom: not yet\n {4}Error: not yet\n/,
    );
    expect(all.out).toMatch(/work#2 INFO {2}end /);
    const errors = await tutti('logs', task, '--level', 'error', '--grep', 'YET', '--json', ...atIt());
    expect(JSON.parse(errors.out)).toMatchObject({ module: 'work', attempt: 1, level: 'error' });
  });

  it('prints events of a task, of a node, and of all, by type', async () => {
    const ofTask = await tutti(...atIt(), 'events', task, '--type', 'execution.failed');
    expect(ofTask.out).toMatch(/^\S+ \S+ work execution\.failed boom: not yet/);
    const nodes = await tutti(...atIt(), '--json', 'events', '--type', 'node');
    const types = nodes.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(types[0]).toMatchObject({ type: 'node.joined', instance: 'player' });
    const ofNode = await tutti(...atIt(), 'events', '--node', types[0].node_id, '--module', 'work');
    expect(ofNode.out.split('\n')[0]).toContain('node.joined');
    expect((await tutti(...atIt(), 'events', '--after', '0')).out.split('\n')[0]).toContain('graph.stored');
  });

  it('shows once what runs where stdout is not a terminal', async () => {
    const { out, exit } = await tutti(...atIt(), 'top');
    expect(exit).toBe(0);
    expect(out).toMatch(/1 succeeded, 0 failed since the start/);
    expect(out).toMatch(/^work +1 +0\/1 +░+ +0 /m);
  });

  it('applies graphs, says what came of each, and shows a fault with its line', async () => {
    const folder = await scene.directory();
    const [good, bad] = [join(folder, 'pair.yaml'), join(folder, 'bad.yaml')];
    await copyFile(graphFile('pair'), good);
    await writeFile(
      bad,
      'name: bad\nsource: { name: q, type: json }\nmodules:\n  a: { inputs: [q], output: jsn }\n',
    );
    const first = await tutti(...atIt(), 'graph', 'apply', good, graphFile('one'));
    expect(first.out).toBe('pair: stored as version 1\none: version 1 is the same\n');
    const second = await tutti(...atIt(), 'graph', 'apply', good, bad);
    expect([second.exit, second.out]).toEqual([2, 'pair: version 1 is the same\n']);
    expect(second.err).toMatch(
      /bad\.yaml has 1 fault .*\n {2}line 4, column 21: modules\.a\.output: .*did you mean json/,
    );
  });

  it('is completed by a shell, subcommands and choices included', async () => {
    const script = `source <(${process.execPath} ${TUTTI} completion bash) && complete -p tutti`;
    const shell = scene.spawn(['-c', script], {}, undefined, '/bin/bash');
    await shell.exited;
    expect(shell.stdout).toBe('complete -F __tutti_complete tutti\n');
    expect((await tutti('complete', '--', 'graph', 'ap')).out).toMatch(/^apply\t.*\n:4\n$/);
    expect((await tutti('complete', '--', 'problems', '--state', 'susp')).out).toMatch(/^suspended\t\n/);
  });
});
