/** The client commands against a real orchestrator: what they print, and the exit codes that scripts rely on. */

import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { startNode } from '../support/nodes.js';
import { graphFile, type Json, OrchestratorProcess, SUSTAINML_GRAPH } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { type Run, tutti } from '../support/tutti.js';

describe('a command', () => {
  const scene = Scene.ofFile();
  let orchestrator: OrchestratorProcess;

  beforeAll(async () => {
    orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one', SUSTAINML_GRAPH] });
    await startNode(scene, orchestrator, { module: 'work' }).line('registered ');
  });

  const run = (...args: string[]): Promise<Run> => tutti(scene, args, { TUTTI_URL: orchestrator.ready.http });
  /** With `--json` stdout is one document, whatever the outcome. */
  const runJson = async (...args: string[]): Promise<Run & { document: Json }> => {
    const outcome = await run(...args, '--json');
    return { ...outcome, document: JSON.parse(outcome.stdout) };
  };

  it('a command that succeeds exits with 0', async () => {
    const submitted = await run('submit', 'one', '--input', '{"name":"cli"}', '--title', 'By hand', '--wait');
    expect(submitted.code).toBe(0);
    const task = submitted.stdout.split('\n')[0]!;
    expect(task).toMatch(/^[0-9a-f-]{36}\/1$/);
    const [problem] = task.split('/') as [string];
    const iterated = await runJson('iterate', problem, '--wait');
    expect(iterated).toMatchObject({ code: 0, document: { task_id: `${problem}/2`, state: 'succeeded' } });
    const shown = await runJson('show', task);
    expect(shown.document.modules.work.output).toMatchObject({ task, name: 'cli' });
    expect((await runJson('nodes')).document.items).toMatchObject([{ module: 'work', liveness: 'alive' }]);
    const exported = await run('export', problem);
    expect(exported.code).toBe(0);
    for (const line of exported.stdout.trim().split('\n')) expect(() => JSON.parse(line)).not.toThrow();
  });

  it('a command whose task fails exits with 1 and names the module and the error', async () => {
    const script = {
      work: { fail: { times: 9, code: 'no_luck', message: 'the dice fell badly', final: true } },
    };
    const failed = await runJson('submit', 'one', '--input', JSON.stringify(script), '--wait');
    expect(failed).toMatchObject({ code: 1, document: { state: 'failed' } });
    expect(failed.stderr).toContain('module work: no_luck: the dice fell badly');
  });

  it.concurrent.each([
    ['an unknown graph', ['submit', 'two', '--input', '{}'], 'unknown_graph', /known graphs: one, sustainml/],
    [
      'a file that is not there',
      ['submit', 'one', '--input', 'nothing.json'],
      'no_such_file',
      /--input.*nothing\.json/,
    ],
    ['what is not JSON', ['submit', 'one', '--input', '{"name":'], 'malformed_json', /--input/],
    ['an unknown problem', ['show', '01890000-0000-7000-8000-000000000000'], 'unknown_problem', /01890000/],
    ['a task_id that is none', ['watch', 'steel'], 'bad_task_id', /TASK_ID: "steel"/],
  ])('a command that is given %s exits with 2 and names it', async (_what, args, code, said) => {
    const refused = await runJson(...args);
    expect(refused.code).toBe(2);
    expect(refused.document).toMatchObject({ error: { code } });
    expect(refused.stderr).toMatch(said);
  });

  it('a command with invalid input exits with 2 and lists all faults', async () => {
    const input = { modality: 7, minimum_samples: -1, no_such_field: true };
    const refused = await runJson('submit', 'sustainml', '--input', JSON.stringify(input));
    expect(refused.code).toBe(2);
    const paths = refused.document.error.details.map(({ path }: { path: string }) => path).sort();
    expect(paths).toEqual(['/input/minimum_samples', '/input/modality', '/input/no_such_field']);
    for (const path of paths) expect(refused.stderr).toContain(path);
  });

  it.concurrent.each([
    ['an unknown command', ['sing']],
    ['an unknown option', ['problems', '--loud']],
    ['too little', ['submit', 'one']],
  ])('used with %s exits with 2', async (_what, args) => {
    const { code, stdout, stderr } = await run(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/error: /);
  });

  it('a command that finds no orchestrator exits with 3 and says where it looked', async () => {
    // A port that was just given back: nobody listens there.
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const url = `http://127.0.0.1:${(closed.address() as AddressInfo).port}`;
    closed.close();
    await once(closed, 'close');
    const lost = await runJson('problems', '--url', url);
    expect(lost).toMatchObject({ code: 3, document: { error: { code: 'unreachable' } } });
    expect(lost.stderr).toContain(url);
  });

  it('validates a graph file without an orchestrator: 0 when it is fine, 2 with every fault when it is not', async () => {
    const directory = await scene.directory();
    const fine = await tutti(scene, ['graph', 'validate', graphFile('six')]);
    expect(fine).toMatchObject({ code: 0, stdout: expect.stringContaining('graph six is valid') });
    const file = join(directory, 'broken.yaml');
    await writeFile(
      file,
      'name: broken\nsource: { name: a, type: json }\nmodules:\n  b: { inputs: [c], output: nope }\n',
    );
    const broken = await tutti(scene, ['graph', 'validate', file, '--json']);
    expect(broken.code).toBe(2);
    const { error } = JSON.parse(broken.stdout);
    expect(error).toMatchObject({ code: 'bad_graph', message: expect.stringContaining(file) });
    const paths = error.details.map(({ path }: { path: string }) => path);
    expect(paths).toContain('modules.b.output');
    expect(paths.some((path: string) => path.startsWith('modules.b.inputs'))).toBe(true);
  });
});
