/** Searching what was done, through the door, over restarts, with an index and without. */
import { appendFile, copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startNode } from '../support/nodes.js';
import { graphFile, type Json, OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';

const SEARCH = `/v1/iterations?${new URLSearchParams({ filter: 'second.name ~ "a" and state = "succeeded"', order_by: '-second.name', fields: 'second.name' })}`;
const NAMES = `/v1/iterations?${new URLSearchParams({ filter: 'second.name >= "b"', order_by: 'second.name', fields: 'second.name' })}`;

it('finds by outputs; an index that is declared later takes in what is there, and stays over a restart', async () => {
  const scene = Scene.ofTest();
  const file = join(await scene.directory(), 'pair.yaml');
  await copyFile(graphFile('pair'), file);
  const orchestrator = await OrchestratorProcess.up(scene, { graphs: [file] });
  const tape = orchestrator.tape();
  for (const module of ['first', 'second']) startNode(scene, orchestrator, { module });
  const solve = async (name: string): Promise<void> => {
    const { task_id } = await orchestrator.submit('pair', { name });
    await tape.ended(task_id);
  };
  const names = async (path: string): Promise<string[]> =>
    (await orchestrator.get(path)).body.items.map((item: Json) => item.fields['second.name']);
  for (const name of ['apple', 'pear', 'quince', 'banana']) await solve(name);

  expect(await names(SEARCH)).toEqual(['pear', 'banana', 'apple']);
  expect((await orchestrator.get(NAMES)).body.query).toMatchObject({
    indexed: false,
    scanned: 4,
    complete: true,
  });

  await appendFile(file, '\nindex: [second.name]\n');
  const put = await fetch(`${orchestrator.ready.http}/v1/graphs/pair`, {
    method: 'PUT',
    headers: { 'content-type': 'application/yaml' },
    body: await readFile(file),
  });
  expect(put.status).toBe(200);
  await expect
    .poll(async () => (await orchestrator.get(NAMES)).body.query, { timeout: 20_000 })
    .toMatchObject({ indexed: true, index: 'second.name', scanned: 3 });
  await solve('cherry');
  expect(await names(NAMES)).toEqual(['banana', 'cherry', 'pear', 'quince']);

  await orchestrator.process.end();
  await orchestrator.restart();
  await expect
    .poll(async () => (await orchestrator.get(NAMES)).body.query, { timeout: 20_000 })
    .toMatchObject({ indexed: true });
  expect(await names(NAMES)).toEqual(['banana', 'cherry', 'pear', 'quince']);
  const bad = await orchestrator.get('/v1/problems?filter=state%20=%20');
  expect([bad.status, bad.body.error.code, bad.body.error.message]).toEqual([
    400,
    'bad_filter',
    expect.stringContaining('position 9'),
  ]);
});

it('goes on with tasks and answers queries while the processes that answer them are killed', async () => {
  const scene = Scene.ofTest();
  const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
  startNode(scene, orchestrator, { module: 'work' });
  const tape = orchestrator.tape();
  const { pid } = orchestrator.process;
  const readers = async (): Promise<number[]> =>
    (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8'))
      .trim()
      .split(' ')
      .filter(Boolean)
      .map(Number);
  const metric = async (name: string): Promise<number> => {
    const text = await (await fetch(`${orchestrator.ready.http}/metrics`)).text();
    const line = text.split('\n').find((one) => one.startsWith(`${name} `));
    return Number(line?.split(' ').at(-1));
  };
  await orchestrator.get('/v1/problems?q=none');
  expect(await readers()).toHaveLength(2);
  for (let round = 0; round < 5; round += 1) {
    const { task_id } = await orchestrator.submit('one', {});
    const asked = [
      ...Array.from({ length: 10 }, () => orchestrator.get(`/v1/problems/${task_id.split('/')[0]}`)),
      orchestrator.get('/v1/problems?q=none'),
    ];
    await expect.poll(readers).toHaveLength(2);
    for (const reader of await readers()) process.kill(reader, 'SIGKILL');
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual(asked.map(() => 200));
    await tape.ended(task_id);
    // Until then, one that is killed is still among the children.
    await expect.poll(() => metric('tutti_readers_ended_total{lane="short"}')).toBe(round + 1);
  }
  for (const reader of await readers()) process.kill(reader, 'SIGKILL');
  await expect
    .poll(async () => (await orchestrator.get('/readyz')).body)
    .toEqual({ status: 'ready', hint: expect.stringContaining('has ended and is started again') });
  await expect
    .poll(async () => (await orchestrator.get('/readyz')).body, { timeout: 60_000 })
    .toEqual({ status: 'ready' });
});
