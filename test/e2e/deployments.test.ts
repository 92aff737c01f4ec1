// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references in blueprints look like placeholders
/** Deployments with real scripts: what fails is gone on with, what was done is not done again, and all of it is taken down. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { cli } from '../support/cli.js';
import type { EventTape } from '../support/event-tape.js';
import { type Json, OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';

const SHOP = `
blueprint: shop
inputs: { model: { type: string, default: base }, port: { type: integer, default: 80 } }
components:
  web:
    after: [store]
    operations:
      start: { script: ./act.sh, args: ["--port", "\${inputs.port}"], inputs: { STORE: "\${store.address}", ID: "\${store.id}" } }
      stop: ./act.sh
  store:
    cluster: local
    operations: { create: ./act.sh, start: ./act.sh, stop: ./act.sh, delete: ./act.sh }
    env: { MODEL: "\${inputs.model}", KEY: { secret: key } }
outputs: { address: "http://\${store.address}:\${inputs.port}", port: "\${inputs.port}" }
`;

/**
 * Notes that it has run, and says what it was given. The file \`fail\` names steps that fail, and \`wait\` those that wait for the file to go.
 */
const ACT = `#!/bin/sh
echo "$TUTTI_MODULE" >> "$FOLDER/journal"
echo "$TUTTI_MODULE $* $MODEL $STORE $ID key=$KEY"
if grep -qx "$TUTTI_MODULE" "$FOLDER/wait" 2>/dev/null; then
  echo $$ > "$FOLDER/pid"
  while [ -e "$FOLDER/wait" ]; do sleep 0.05; done
fi
if grep -qx "$TUTTI_MODULE" "$FOLDER/fail" 2>/dev/null; then echo "no luck" >&2; exit 3; fi
case $TUTTI_MODULE in
  store_create) echo '{"address":"10.0.0.1","id":1}' > "$TUTTI_OUTPUT" ;;
  store_start) echo '{"id":2}' > "$TUTTI_OUTPUT" ;;
esac
`;

const scene = new Scene();
afterAll(() => scene.end());
let folder: string;
let orchestrator: OrchestratorProcess;
let tape: EventTape;

beforeAll(async () => {
  folder = await scene.directory();
  await writeFile(join(folder, 'shop.yaml'), SHOP);
  await writeFile(join(folder, 'act.sh'), ACT);
  orchestrator = await OrchestratorProcess.up(scene, { env: { FOLDER: folder } });
  tape = orchestrator.tape();
  await orchestrator.put('/v1/secrets/key', { value: 'swordfish' });
});

beforeEach(async () => {
  for (const name of ['fail', 'wait', 'journal']) await rm(join(folder, name), { force: true });
});

const says = (name: string, ...modules: string[]): Promise<void> =>
  writeFile(join(folder, name), modules.map((module) => `${module}\n`).join(''));
const journal = async (): Promise<string[]> =>
  (await readFile(join(folder, 'journal'), 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
const show = async (name: string): Promise<Json> => (await orchestrator.get(`/v1/deployments/${name}`)).body;
const statesOf = ({ components }: Json): Record<string, string> =>
  Object.fromEntries(
    Object.entries(components as Record<string, { state: string }>).map(([name, { state }]) => [name, state]),
  );

interface Ended {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
}

async function tutti(...args: string[]): Promise<Ended> {
  const command = cli(args, { url: orchestrator.ready.http });
  const exit = await command.exit;
  return { exit, out: command.stdout(), err: command.stderr() };
}

const deploy = (name: string, ...more: string[]): Promise<Ended> =>
  tutti('deploy', join(folder, 'shop.yaml'), '--name', name, ...more);

describe('a deployment', () => {
  it('comes up in its order, fails where a script fails, goes on from there, and is taken down in the other order', async () => {
    await says('fail', 'web_start');
    const failed = await deploy('shop', '--input', 'model=large', '--input', 'port=8080', '--wait');
    expect([failed.exit, failed.out]).toMatchObject([
      1,
      expect.stringContaining('web start on local: the command ended with exit code 3'),
    ]);
    expect(await show('shop')).toMatchObject({
      ...{ state: 'failed', operation: 'deploy', message: 'web_start: the command ended with exit code 3' },
      failed: { component: 'web', operation: 'start', cluster: 'local' },
      components: {
        store: { state: 'deployed', cluster: 'local', attributes: { address: '10.0.0.1', id: 2 } },
        web: { state: 'failed', attributes: {} },
      },
    });
    const { out } = await tutti('deployment', 'shop', 'log');
    expect(out).toContain('--- web start on local\nweb_start --port 8080  10.0.0.1 2 key=\nno luck\n');
    expect(out).toContain('store_create  large   key=***');
    await rm(join(folder, 'fail'));
    const gone = await tutti('deployment', 'shop', 'continue', '--wait', '--json');
    expect(gone.exit).toBe(0);
    expect(JSON.parse(gone.out)).toMatchObject({
      ...{ state: 'deployed', operation: 'continue', failed: null },
      outputs: { address: 'http://10.0.0.1:8080', port: 8080 },
    });
    expect(await journal()).toEqual(['store_create', 'store_start', 'web_start', 'web_start']);
    expect((await tutti('deployment', 'shop', 'undeploy', '--wait')).exit).toBe(0);
    expect((await journal()).slice(4)).toEqual(['web_stop', 'store_stop', 'store_delete']);
    expect(statesOf(await show('shop'))).toEqual({ store: 'undeployed', web: 'undeployed' });
    const { items } = (await orchestrator.get('/v1/deployments/shop/operations')).body;
    expect(items.map(({ operation_id, operation, state }: Json) => [operation_id, operation, state])).toEqual(
      [
        [1, 'deploy', 'failed'],
        [2, 'continue', 'succeeded'],
        [3, 'undeploy', 'succeeded'],
      ],
    );
  });

  it('has its steps once each, and comes to its end, though the orchestrator is killed while one of them runs', async () => {
    await says('wait', 'store_start');
    const begun = await deploy('killed');
    expect(begun.exit).toBe(0);
    const taskId = begun.out.trim();
    await expect.poll(journal).toEqual(['store_create', 'store_start']);
    await orchestrator.process.end('SIGKILL');
    await orchestrator.restart();
    expect(await show('killed')).toMatchObject({
      state: 'deploying',
      components: { web: { state: 'pending' } },
    });
    await rm(join(folder, 'wait'));
    expect(await tape.ended(taskId)).toEqual(['succeeded']);
    expect(statesOf(await show('killed'))).toEqual({ store: 'deployed', web: 'deployed' });
    expect(await journal()).toEqual(['store_create', 'store_start', 'web_start']);
    expect((await tutti('deployment', 'killed', 'undeploy', '--wait')).exit).toBe(0);
  });

  it('does one operation at a time, and is failed with nothing left of it where that is cancelled', async () => {
    await says('wait', 'store_start');
    const { out } = await deploy('stopped');
    await expect.poll(journal).toEqual(['store_create', 'store_start']);
    await expect.poll(() => readFile(join(folder, 'pid'), 'utf8').catch(() => '')).not.toBe('');
    const pid = Number(await readFile(join(folder, 'pid'), 'utf8'));
    for (const operation of ['continue', 'undeploy']) {
      const { status, body } = await orchestrator.post(`/v1/deployments/stopped/${operation}`, {});
      expect([status, body.error.code]).toEqual([409, 'busy']);
    }
    expect((await tutti('deployment', 'stopped', 'cancel')).exit).toBe(0);
    expect(await tape.ended(out.trim())).toEqual(['cancelled']);
    expect(await show('stopped')).toMatchObject({ state: 'failed', message: 'cancelled' });
    expect(statesOf(await show('stopped'))).toEqual({ store: 'failed', web: 'pending' });
    await expect(readFile(`/proc/${pid}/cmdline`)).rejects.toMatchObject({ code: 'ENOENT' });
    await rm(join(folder, 'wait'));
    expect((await tutti('deployment', 'stopped', 'continue', '--wait')).exit).toBe(0);
    expect(await journal()).toEqual(['store_create', 'store_start', 'store_start', 'web_start']);
    const again = await orchestrator.post('/v1/deployments/stopped/continue', {});
    expect([again.status, again.body.error.code]).toEqual([409, 'not_in_this_state']);
    const none = await orchestrator.post('/v1/deployments/stopped/cancel', {});
    expect([none.status, none.body.error.code]).toEqual([409, 'not_in_this_state']);
    const further = await orchestrator.post(`/v1/problems/${out.trim().split('/')[0]}/iterations`, {});
    expect([further.status, further.body.error.code]).toEqual([409, 'is_a_deployment']);
    expect((await orchestrator.get('/v1/graphs')).body.items).toEqual([]);
  });

  it('is refused with every fault at its place, and nothing of it is stored', async () => {
    const refused = async (body: object): Promise<[number, string, string[]]> => {
      const { status, body: answer } = await orchestrator.post('/v1/deployments', body);
      const { code, details = [] } = answer.error;
      return [status, code, details.map((each: Json) => `${each.path} ${each.code}`)];
    };
    expect(await refused({ blueprint: 'blueprint: a\ncomponents: { b: { after: [c] } }' })).toEqual([
      422,
      'bad_blueprint',
      ['components missing_field', 'components.b.after[0] unknown_component'],
    ]);
    expect(await refused({ blueprint: SHOP })).toEqual([
      ...[422, 'bad_blueprint', ['components.store.operations.create missing_file']],
    ]);
    const files = { 'act.sh': 'a'.repeat(64) };
    expect(await refused({ blueprint: SHOP, files, inputs: { modle: 1 } })).toEqual([
      ...[422, 'bad_inputs', ['/inputs/modle unknown_input']],
    ]);
    expect((await refused({ blueprint: SHOP, files }))[1]).toBe('bad_blueprint');
    const taken = await deploy('stopped');
    expect([taken.exit, taken.err]).toMatchObject([1, expect.stringContaining('name_taken')]);
    const nowhere = join(folder, 'nowhere');
    await mkdir(nowhere, { recursive: true });
    await writeFile(join(nowhere, 'act.sh'), ACT);
    await writeFile(join(nowhere, 'b.yaml'), SHOP.replace('cluster: local', 'require: { gpu: "true" }'));
    const unplaced = await tutti('deploy', join(nowhere, 'b.yaml'), '--name', 'nowhere');
    expect([unplaced.exit, unplaced.err]).toMatchObject([2, expect.stringContaining('lacks gpu=true')]);
    const names = (await orchestrator.get('/v1/deployments')).body.items.map((one: Json) => one.name);
    expect(names).toEqual(['stopped', 'killed', 'shop']);
  });

  it('is there for its own project only, in every list, answer and event', async () => {
    const { deployment_id } = await show('shop');
    const admin = 'an-admin-token-of-this-test-0123456789';
    await orchestrator.process.end('SIGTERM');
    await orchestrator.restart({ FOLDER: folder, TUTTI_TOKEN: admin });
    const grant = async (project: string, role = 'operator'): Promise<string> => {
      const asked = { name: `${role}-${project}`, role, project };
      return (await orchestrator.post('/v1/access', asked, { authorization: `Bearer ${admin}` })).body.token;
    };
    const as = async (
      token: string,
      path: string,
      method = 'GET',
      given: object = {},
    ): Promise<[number, string]> => {
      const headers = {
        authorization: `Bearer ${token}`,
        ...(method === 'POST' && { 'content-type': 'application/json' }),
      };
      const body = method === 'POST' ? { body: JSON.stringify(given) } : {};
      const answer = await fetch(orchestrator.ready.http + path, { method, headers, ...body });
      return [answer.status, await answer.text()];
    };
    const other = await grant('other');
    for (const which of ['shop', deployment_id])
      for (const [path, method] of [
        ['', 'GET'],
        ['/operations', 'GET'],
        ['/operations/1', 'GET'],
        ['/operations/1/log', 'GET'],
        ['/continue', 'POST'],
        ['/undeploy', 'POST'],
        ['/cancel', 'POST'],
      ] as const) {
        const [status, text] = await as(other, `/v1/deployments/${which}${path}`, method);
        expect([path, status, JSON.parse(text).error.code]).toEqual([path, 404, 'unknown_deployment']);
      }
    expect(JSON.parse((await as(other, '/v1/deployments'))[1]).items).toEqual([]);
    const script = `/v1/blobs/${createHash('sha256').update(ACT).digest('hex')}`;
    const plan = `/v1/graphs/deployment:${deployment_id}`;
    for (const path of [plan, `${plan}/versions/1`, script])
      expect([path, (await as(other, path))[0]]).toEqual([path, 404]);
    for (const path of [plan, script]) expect([path, (await as(admin, path))[0]]).toEqual([path, 200]);
    const own = await grant('default');
    const author = await grant('default', 'author');
    const stop = `/v1/problems/${deployment_id}/iterations/1/commands`;
    expect((await as(author, stop, 'POST', { command: 'stop' }))[0]).toBe(409);
    await says('wait', 'store_create');
    const put = { method: 'PUT', headers: { authorization: `Bearer ${own}` }, body: ACT };
    expect((await fetch(orchestrator.ready.http + script, put)).ok).toBe(true);
    const begun = await orchestrator.post(
      '/v1/deployments',
      { name: 'mine', blueprint: SHOP, files: { 'act.sh': createHash('sha256').update(ACT).digest('hex') } },
      { authorization: `Bearer ${own}` },
    );
    const commands = `/v1/problems/${begun.body.deployment_id}/iterations/1/commands`;
    const [refused, why] = await as(author, commands, 'POST', { command: 'stop' });
    expect([refused, JSON.parse(why).error.code]).toEqual([403, 'operator_needed']);
    expect((await as(own, commands, 'POST', { command: 'stop' }))[0]).toBe(202);
    const [, listed] = await as(own, '/v1/deployments');
    expect(JSON.parse(listed).items).toHaveLength(4);
  });
});
