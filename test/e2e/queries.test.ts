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
