/** A module that runs once for each item of a list, with real nodes in both languages and a command, over kill -9 of the orchestrator. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { runPython } from '../python/python.js';
import { OrchestratorProcess, pathOf, type Submitted } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { tutti } from '../support/tutti.js';

const NODES = join(import.meta.dirname, 'nodes');
const NUMBERS = [1, 2, 3, 4, 5, 6, 7];
const RESULTS = NUMBERS.map((number, item) => ({ item, of: { item, half: number ** 2 / 2 } }));

const scene = Scene.ofFile();
let orchestrator: OrchestratorProcess;
let [journal, hold] = ['', ''];

const ran = async (): Promise<string[]> => (await readFile(journal, 'utf8')).trim().split('\n');

beforeAll(async () => {
  const folder = await scene.directory();
  [journal, hold] = [join(folder, 'journal'), join(folder, 'go')];
  await writeFile(journal, '');
  orchestrator = await OrchestratorProcess.up(scene, { graphs: ['mapping'] });
  const env = { TUTTI_CONTROL: orchestrator.ready.control };
  scene.spawn([join(NODES, 'squarer.mjs')], { ...env, SQUARER_JOURNAL: journal, SQUARER_HOLD: hold });
  scene.spawn(
    ['-m', 'tutti', 'run', join(NODES, 'halver.py')],
    { ...env, PYTHONPATH: join(import.meta.dirname, '../../python/src') },
    undefined,
    '/usr/bin/python3',
  );
});

describe('a map', () => {
  it('goes on after kill -9 in the middle of it: no item is lost, and none that is done runs again', async (ctx) => {
    if ((await runPython(['-c', 'import zmq, google.protobuf'])).code !== 0)
      return ctx.skip('needs pyzmq and protobuf');
    const task = (await orchestrator.submit('mapping', NUMBERS)) as Submitted;
    const items = async (query = '') =>
      (await orchestrator.get(`${pathOf(task.task_id)}/items/square${query}`)).body.items;
    await expect.poll(async () => (await items('?state=succeeded')).length, { timeout: 30_000 }).toBe(4);
    await expect.poll(async () => (await items('?state=running')).length, { timeout: 30_000 }).toBe(2);
    const before = await ran();
    await orchestrator.process.end('SIGKILL');
    await orchestrator.restart();
    expect((await items()).map(({ state }: { state: string }) => state)).toEqual([
      ...['succeeded', 'succeeded', 'succeeded', 'succeeded', 'running', 'running', 'waiting'],
    ]);
    const numbers = async (query: string) => (await items(query)).map(({ item }: { item: number }) => item);
    expect(await numbers('?state=succeeded&from=2')).toEqual([2, 3]);
    expect(await numbers('?state=running&from=5')).toEqual([5]);
    expect(await numbers('?state=waiting')).toEqual([6]);
    expect(await numbers('?from=3&limit=2')).toEqual([3, 4]);
    const states = await orchestrator.get(`${pathOf(task.task_id)}/items/square/states`);
    expect(states.body).toEqual({
      total: 7,
      counts: { succeeded: 4, running: 2, waiting: 1 },
      runs: Object.entries({ succeeded: 4, running: 2, waiting: 1 }),
    });
    await writeFile(hold, '');
    expect(await orchestrator.tape().ended(task.task_id)).toEqual(['succeeded']);
    expect(await orchestrator.output(task.task_id, 'label')).toEqual(RESULTS);
    expect((await ran()).sort()).toEqual([...before, '6 7'].sort());
    const { body } = await orchestrator.get(`${pathOf(task.task_id)}/items/halve/2`);
    expect(body).toMatchObject({ state: 'succeeded', value: { square: 9 }, result: { item: 2, half: 4.5 } });
    expect(body.executions).toMatchObject([{ item: 2, attempt: 1, state: 'succeeded', outputs: 1 }]);
    const made = await orchestrator.executions(task.task_id);
    expect(made).toHaveLength(3 * NUMBERS.length);
    const one = await orchestrator.get(`${pathOf(task.task_id)}/executions/${made[0]!.execution_id}`);
    expect(one.body).toMatchObject({ execution_id: made[0]!.execution_id, item: 0 });
    const at = { TUTTI_URL: orchestrator.ready.http };
    const listed = await tutti(scene, ['items', task.task_id, 'square', '--from', '5'], at);
    expect(listed.stdout).toMatch(
      /^7 items: 7 succeeded\n\nITEM +STATE.*\n +5 +succeeded .*\n +6 +succeeded /,
    );
    const third = await tutti(scene, ['items', task.task_id, 'halve', '2'], at);
    expect(third.stdout).toMatch(
      /^item 2 +succeeded\n\nvalue:\n +item: 2\n +square: 9\nresult:\n[\s\S]*half: 4.5/,
    );
    const json = await tutti(scene, ['items', task.task_id, 'square', '--state', 'failed', '--json'], at);
    expect(JSON.parse(json.stdout)).toEqual({ items: [], next_cursor: null });
    const plain = await tutti(scene, ['items', task.task_id, 'square', 'third'], at);
    expect(plain.code).toBe(2);
    const shown = await tutti(scene, ['show', task.task_id], { TUTTI_URL: orchestrator.ready.http });
    expect(shown.stdout).toMatch(/square +succeeded .*7\/7 items/);
  }, 120_000);

  it('over what is not a list fails with its reason', async () => {
    const task = await orchestrator.submit('mapping', { no: 'list' });
    expect(await orchestrator.tape().ended(task.task_id)).toEqual(['failed']);
    const { body } = await orchestrator.get(pathOf(task.task_id));
    expect(body.error).toMatchObject({ code: 'not_a_list', module: 'square' });
  });
});

it('nothing in the store is wrong after all that', async () => {
  await orchestrator.process.end();
  const { stdout } = await tutti(scene, ['check', orchestrator.ready.data, '--json']);
  expect(JSON.parse(stdout)).toMatchObject({ faults: [], counts: { items: 21 } });
});
