/** What a replica of a service is given where connections are not encrypted: enough for its own node, and nothing beyond. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Json, OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { RawPeer } from '../support/raw-peer.js';

const TOKEN = 'a-token-of-more-than-thirty-two-characters';
const asAdmin = { authorization: `Bearer ${TOKEN}` };
const PLAYER = join(import.meta.dirname, '../e2e/nodes/player.mjs');

it('the token of a replica registers its node only, as long as its run goes on, and opens nothing over HTTP', async () => {
  const scene = Scene.ofTest();
  const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'], env: { TUTTI_TOKEN: TOKEN } });
  const told = join(await scene.directory(), 'token');
  const command = ['/bin/sh', '-c', `printf %s "$TUTTI_TOKEN" > ${told}; exec ${process.execPath} ${PLAYER}`];
  const spec = { module: 'work', count: 1, command, env: { PLAYER_CAPACITY: '1' } };
  const put = await fetch(`${orchestrator.ready.http}/v1/services/players`, {
    method: 'PUT',
    headers: { ...asAdmin, 'content-type': 'application/json' },
    body: JSON.stringify(spec),
  });
  expect(put.status, await put.text()).toBeLessThan(300);
  const replica = async (): Promise<Json> =>
    (await orchestrator.get('/v1/services/players', asAdmin)).body.replicas[0];
  await expect.poll(async () => (await replica()).observed, { timeout: 40_000 }).toBe('ready');
  const { body: submitted } = await orchestrator.post('/v1/problems', { graph: 'one', input: {} }, asAdmin);
  const ended = async (): Promise<string> =>
    (await orchestrator.get(`/v1/problems/${submitted.problem_id}/iterations/1`, asAdmin)).body.state;
  await expect.poll(ended, { timeout: 20_000 }).toBe('succeeded');
  const token = await readFile(told, 'utf8');
  expect(token).toMatch(/^tutti-replica-/);
  expect((await orchestrator.get('/v1/problems', { authorization: `Bearer ${token}` })).status).toBe(401);
  const refusedAs = async (instance: string): Promise<string> => {
    const peer = new RawPeer(scene, orchestrator, { instance });
    peer.sayHello({ token });
    const { code } = (await peer.next('refused')).message;
    peer.close();
    return code;
  };
  expect(await refusedAs('players-2')).toBe('unauthorized');
  expect(
    (await orchestrator.post('/v1/services/players/commands', { command: 'stop' }, asAdmin)).status,
  ).toBeLessThan(300);
  await expect.poll(async () => (await replica()).observed, { timeout: 20_000 }).toBe('stopped');
  expect(await refusedAs('players-1')).toBe('unauthorized');
}, 120_000);
