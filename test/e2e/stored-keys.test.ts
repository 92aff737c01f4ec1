/** The keys of connections are in the store: they come with a backup, whose reader cannot use them, and from the file in which versions before kept them. */
import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { curveKeyPair } from 'zeromq';
import { OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { RawPeer } from '../support/raw-peer.js';
import { tutti } from '../support/tutti.js';

const CURVE = { graphs: ['one'], args: ['--curve', 'on'] };
const AT = '2026-01-01T00:00:00.000Z';

/** Whether a file of the folder has this text. */
async function holds(folder: string, text: string): Promise<boolean> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const file of files.filter((one) => one.isFile()))
    if ((await readFile(join(file.parentPath, file.name))).includes(text)) return true;
  return false;
}

it('the file of before is taken over once, also where that was interrupted, and no revocation is lost', async () => {
  const scene = Scene.ofTest();
  const data = await scene.directory();
  const [server, node, revoked] = [curveKeyPair(), curveKeyPair(), curveKeyPair()];
  const row = (key: string) => ({
    ...{ key, modules: ['work'], instance: null, subscribe: false, enrolled_at: AT, revoked_at: null },
  });
  const file = join(data, 'keys.json');
  const text = JSON.stringify({
    server: [
      { public_key: server.publicKey, secret_key: server.secretKey, created_at: AT, expires_at: null },
    ],
    ...{ keys: [row(node.publicKey), row(revoked.publicKey)], joins: [] },
  });
  await writeFile(file, text);
  const orchestrator = await OrchestratorProcess.up(scene, { ...CURVE, data });
  expect(orchestrator.ready.public_key).toBe(server.publicKey);
  const files = async () => (await readdir(data)).filter((name) => name.startsWith('keys.json'));
  expect(await files()).toEqual([]);
  const peer = new RawPeer(scene, orchestrator, {
    ...{ instance: 'known', curve: { serverKey: server.publicKey, ...node } },
  });
  await peer.join();
  peer.close();
  const run = (...args: readonly string[]) => tutti(scene, [...args, '--url', orchestrator.ready.http]);
  expect((await run('node', 'revoke', revoked.publicKey)).code).toBe(0);

  // As if it had ended before the file was gone.
  await writeFile(file, text);
  await orchestrator.process.end('SIGKILL');
  await orchestrator.restart();
  expect(await files()).toEqual([]);
  const { body } = await orchestrator.get('/v1/node-keys');
  expect(body.server_keys.map((one: { public_key: string }) => one.public_key)).toEqual([server.publicKey]);
  const states = body.items.map((one: { key: string; revoked_at: unknown }) => [
    one.key,
    one.revoked_at !== null,
  ]);
  expect(new Map(states)).toEqual(
    new Map([
      [node.publicKey, false],
      [revoked.publicKey, true],
    ]),
  );

  // It goes on as any other: rotated, and kept over a kill.
  const rotated = await run('node', 'rotate-server-key', '--for', '1h');
  await orchestrator.process.end('SIGKILL');
  await orchestrator.restart();
  expect(orchestrator.ready.public_key).toBe(rotated.stdout.trim());
  const old = new RawPeer(scene, orchestrator, {
    ...{ instance: 'again', curve: { serverKey: server.publicKey, ...node } },
  });
  await old.join();
});

it('a backup has them, and they are of use only with the key of the secrets', async () => {
  const scene = Scene.ofTest();
  const orchestrator = await OrchestratorProcess.up(scene, CURVE);
  const { data, public_key: publicKey } = orchestrator.ready;
  const [backup, restored, without] = await Promise.all([1, 2, 3].map(() => scene.directory()));
  const own = curveKeyPair();
  const admit = async (token: string, at: OrchestratorProcess, serverKey: string): Promise<void> => {
    const peer = new RawPeer(scene, at, { instance: 'one', curve: { serverKey, ...own } });
    await peer.join({ token });
    peer.close();
  };
  const enrolled = await tutti(scene, [
    'node',
    'enroll',
    '--module',
    'work',
    '--url',
    orchestrator.ready.http,
  ]);
  await admit(enrolled.stdout.trim(), orchestrator, publicKey!);
  const to = join(backup!, 'copy');
  expect((await tutti(scene, ['backup', to, '--data', data])).code).toBe(0);
  expect((await readdir(to)).sort()).toEqual(['blobs', 'store', 'store-identity.json']);
  expect([await holds(to, publicKey!), await holds(to, 'secret_key')]).toEqual([true, false]);
  expect((await tutti(scene, ['check', to])).stdout).toMatch(/ 2 connection_keys,/);

  for (const target of [restored!, without!])
    expect((await tutti(scene, ['restore', to, '--data', target])).code).toBe(0);
  await copyFile(join(data, 'secrets.key'), join(restored!, 'secrets.key'));
  const same = await OrchestratorProcess.up(scene, { ...CURVE, data: restored! });
  expect(same.ready.public_key).toBe(publicKey);
  await admit('', same, publicKey!);

  const other = await OrchestratorProcess.up(scene, { ...CURVE, data: without! });
  expect(other.ready.public_key).not.toBe(publicKey);
  expect(other.process.stderr).toContain(publicKey);
  expect(other.process.stderr).toContain('--secrets-key');
});
