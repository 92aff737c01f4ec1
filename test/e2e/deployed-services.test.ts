// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references in blueprints look like placeholders
/** Components that are services, with real processes: a deployment waits for all their replicas, and takes all of them down. */
import { createHash } from 'node:crypto';
import { readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EventTape } from '../support/event-tape.js';
import { type Json, OrchestratorProcess, type Reply } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';

const shop = (deadline: string): string => `
blueprint: shop
inputs: { count: { type: integer, default: 2 } }
components:
  check: { cluster: lab, after: [web], operations: { start: ./note.sh, stop: ./note.sh } }
  web:
    after: [store]
    deadline: ${deadline}
    service:
      cluster: lab
      count: 2
      script: ./web.sh
      args: ["\${replica.number}", "\${store.address}"]
      env: { STORE: "\${store.address}", COUNT: "\${inputs.count}" }
      restart: { backoff: 20ms, max_backoff: 100ms }
  store: { cluster: lab, operations: { create: ./note.sh, delete: ./note.sh } }
`;

const NOTE = `#!/bin/sh
echo "$TUTTI_MODULE" >> "$FOLDER/journal"
if [ "$TUTTI_MODULE" = store_create ]; then echo '{"address":"10.0.0.1"}' > "$TUTTI_OUTPUT"; fi
`;

/** A replica that fails as long as there is a file \`fail\`. */
const WEB = `#!/bin/sh
if [ -e "$FOLDER/fail" ]; then echo broken >&2; exit 3; fi
echo "$TUTTI_SERVICE $1 $2 $STORE $COUNT" > "$FOLDER/said-$TUTTI_REPLICA"
exec sleep 1000
`;

const scene = new Scene();
afterAll(() => scene.end());
let folder: string;
let orchestrator: OrchestratorProcess;
let tape: EventTape;
const files: Record<string, string> = {};

beforeAll(async () => {
  folder = await scene.directory();
  orchestrator = await OrchestratorProcess.up(scene, { env: { FOLDER: folder } });
  tape = orchestrator.tape();
  // A slot for each replica, however few cores there are.
  await orchestrator.post('/v1/clusters', {
    ...{ name: 'lab', type: 'local', slots: 16, resources: { cpus: 64 }, workdir: join(folder, 'lab') },
  });
  for (const [name, text] of [
    ['note.sh', NOTE],
    ['web.sh', WEB],
  ] as const)
    files[name] = await upload(text);
});

async function upload(text: string): Promise<string> {
  const sha256 = createHash('sha256').update(text).digest('hex');
  const { ok } = await fetch(`${orchestrator.ready.http}/v1/blobs/${sha256}`, { method: 'PUT', body: text });
  expect(ok).toBe(true);
  return sha256;
}

const show = async (name: string): Promise<Json> => (await orchestrator.get(`/v1/deployments/${name}`)).body;
const statesOf = ({ components }: Json): Record<string, string> =>
  Object.fromEntries(
    Object.entries(components as Record<string, { state: string }>).map(([name, { state }]) => [name, state]),
  );
async function remove(path: string): Promise<Pick<Reply, 'status' | 'body'>> {
  const answer = await fetch(orchestrator.ready.http + path, { method: 'DELETE' });
  return { status: answer.status, body: await answer.json() };
}

const fail = (): Promise<void> => writeFile(join(folder, 'fail'), '');
const mend = (): Promise<void> => rm(join(folder, 'fail'));

async function deploy(name: string, deadline = '30s'): Promise<string> {
  const { status, body } = await orchestrator.post('/v1/deployments', {
    ...{ name, blueprint: shop(deadline), files },
  });
  expect([status, body.error]).toEqual([202, undefined]);
  return body.task_id;
}

async function operate(name: string, operation: string): Promise<string> {
  const { status, body } = await orchestrator.post(`/v1/deployments/${name}/${operation}`, {});
  expect([status, body.error]).toEqual([202, undefined]);
  return body.task_id;
}

/** Processes of replicas of a service; they are known by their environment and the folder that they run in. */
async function processesOf(service: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const isOurs = async (pid: string): Promise<boolean> => {
    try {
      const cwd = await readlink(`/proc/${pid}/cwd`);
      if (!cwd.startsWith(folder)) return false;
      const variables = (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0');
      return variables.includes(`TUTTI_SERVICE=${service}`);
    } catch {
      // It has ended meanwhile, or is another user's.
      return false;
    }
  };
  const ours = await Promise.all(pids.map(isOurs));
  return pids.filter((_, index) => ours[index]).map(Number);
}

const said = (replica: string): Promise<string> =>
  readFile(join(folder, `said-${replica}`), 'utf8').catch(() => '');

describe('a component that is a service', () => {
  it('is deployed once its replicas are up, with the values of its references, and nothing of it runs once it is undeployed', async () => {
    expect(await tape.ended(await deploy('shop'))).toEqual(['succeeded']);
    const deployed = await show('shop');
    expect(statesOf(deployed)).toEqual({ store: 'deployed', web: 'deployed', check: 'deployed' });
    expect(deployed.components.web).toMatchObject({
      service: 'shop-web',
      replicas: [
        { replica_id: 'shop-web-1', cluster: 'lab', observed: 'running' },
        { replica_id: 'shop-web-2', cluster: 'lab', observed: 'running' },
      ],
    });
    for (const number of [1, 2])
      await expect.poll(() => said(`shop-web-${number}`)).toBe(`shop-web ${number} 10.0.0.1 10.0.0.1 2\n`);
    const { body: service } = await orchestrator.get('/v1/services/shop-web');
    expect(service).toMatchObject({ deployment_id: deployed.deployment_id, env: { STORE: '10.0.0.1' } });
    const spec = { command: ['true'] };
    const refused = [
      await orchestrator.put('/v1/services/shop-web', spec),
      await remove('/v1/services/shop-web'),
      await orchestrator.post('/v1/services/shop-web/commands', { command: 'scale', count: 9 }),
    ].map(({ status, body }) => [status, body.error.code]);
    expect(refused).toEqual([
      [409, 'of_a_deployment'],
      [409, 'of_a_deployment'],
      [409, 'of_a_deployment'],
    ]);
    expect(await processesOf('shop-web')).toHaveLength(2);
    expect(await tape.ended(await operate('shop', 'undeploy'))).toEqual(['succeeded']);
    expect(statesOf(await show('shop'))).toEqual({
      store: 'undeployed',
      web: 'undeployed',
      check: 'undeployed',
    });
    expect(await processesOf('shop-web')).toEqual([]);
    expect((await orchestrator.get('/v1/services/shop-web')).status).toBe(404);
    expect((await readFile(join(folder, 'journal'), 'utf8')).split('\n')).toEqual([
      ...['store_create', 'check_start', 'check_stop', 'store_delete', ''],
    ]);
  });

  it('fails its operation with how many replicas are missing where they are not up in time, and is gone on with', async () => {
    await fail();
    expect(await tape.ended(await deploy('late', '3s'))).toEqual(['failed']);
    const failed = await show('late');
    expect(failed).toMatchObject({
      ...{ state: 'failed', health: 'degraded' },
      failed: { component: 'web', operation: 'start', cluster: null },
    });
    expect(failed.failed.message).toMatch(/^0 of 2 replicas of late-web are up \(\d of 2 replicas: /);
    expect(statesOf(failed)).toEqual({ store: 'deployed', web: 'failed', check: 'pending' });
    await mend();
    expect(await tape.ended(await operate('late', 'continue'))).toEqual(['succeeded']);
    expect(statesOf(await show('late'))).toEqual({ store: 'deployed', web: 'deployed', check: 'deployed' });
    expect(await tape.ended(await operate('late', 'undeploy'))).toEqual(['succeeded']);
    expect(await processesOf('late-web')).toEqual([]);
  });

  it('comes up and goes down once, though the orchestrator is killed while its step waits for it', async () => {
    await fail();
    const up = await deploy('killed');
    await tape.first(
      'a replica that fails',
      ({ type, service }) => type === 'replica.failed' && service === 'killed-web',
    );
    await orchestrator.process.end('SIGKILL');
    await orchestrator.restart();
    expect(await show('killed')).toMatchObject({
      state: 'deploying',
      components: { web: { state: 'deploying' } },
    });
    await mend();
    expect(await tape.ended(up)).toEqual(['succeeded']);
    expect(await processesOf('killed-web')).toHaveLength(2);
    const down = await operate('killed', 'undeploy');
    await orchestrator.process.end('SIGKILL');
    await orchestrator.restart();
    expect(await tape.ended(down)).toEqual(['succeeded']);
    expect(await processesOf('killed-web')).toEqual([]);
    expect((await orchestrator.get('/v1/services/killed-web')).status).toBe(404);
  });

  it('is no longer waited for once its operation is cancelled, and an undeploy takes away what had begun', async () => {
    await fail();
    const up = await deploy('stopped');
    await tape.first(
      'a replica that fails',
      ({ type, service }) => type === 'replica.failed' && service === 'stopped-web',
    );
    await orchestrator.post('/v1/deployments/stopped/cancel', {});
    expect(await tape.ended(up)).toEqual(['cancelled']);
    expect(await show('stopped')).toMatchObject({
      state: 'failed',
      message: 'cancelled',
      components: { web: { state: 'failed' } },
    });
    expect(await tape.ended(await operate('stopped', 'undeploy'))).toEqual(['succeeded']);
    expect((await orchestrator.get('/v1/services/stopped-web')).status).toBe(404);
    await mend();
  });

  it('never takes over a service that somebody else has made', async () => {
    const own = { command: ['sleep', '1000'], cluster: 'lab' };
    expect((await orchestrator.put('/v1/services/taken-web', own)).status).toBe(201);
    expect(await tape.ended(await deploy('taken'))).toEqual(['failed']);
    const { message } = (await show('taken')).failed;
    expect(message).toBe('there is a service taken-web, which is not of this deployment');
    expect(await tape.ended(await operate('taken', 'undeploy'))).toEqual(['succeeded']);
    expect((await orchestrator.get('/v1/services/taken-web')).body).toMatchObject({
      deployment_id: null,
      command: own.command,
    });
  });
});
