// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references in blueprints look like placeholders
/** Updates of deployments with real processes: what has changed is replaced, what refers to it only if that changes, and the rest goes on running. */
import { readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { cli } from '../support/cli.js';
import type { EventTape } from '../support/event-tape.js';
import { type Json, OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';

interface Shop {
  /** Of the store. */
  readonly address?: string;
  readonly mode?: string;
  readonly without?: 'side' | 'web';
  readonly count?: number;
}

const shop = ({ address = 'a', mode = 'one', without, count = 2 }: Shop = {}): string => `
blueprint: shop
inputs: { model: { type: string, default: base } }
components:
  store:
    cluster: local
    operations: { create: ./act.sh, start: ./act.sh, stop: ./act.sh }
    env: { ADDRESS: ${address}, VARIANT: ${mode} }
${
  without === 'web'
    ? ''
    : `  web:
    after: [store]
    operations: { start: { script: ./act.sh, args: ["\${store.address}"] }, stop: ./act.sh }`
}
${
  without === 'side'
    ? ''
    : `  side: { cluster: local, operations: { start: ./act.sh, stop: ./act.sh }, env: { VARIANTL: "\${inputs.model}" } }`
}
  worker:
    after: [store]
    service: { cluster: lab, count: ${count}, command: [sleep, "1000"], env: { STORE: "\${store.address}" }, restart: { backoff: 5s } }
outputs: { address: "\${store.address}" }
`;

const ACT = `#!/bin/sh
echo "$TUTTI_MODULE $VARIANT$1" >> "$FOLDER/journal"
if grep -qx "$TUTTI_MODULE" "$FOLDER/wait" 2>/dev/null; then
  while [ -e "$FOLDER/wait" ]; do sleep 0.05; done
fi
if grep -qx "$TUTTI_MODULE" "$FOLDER/fail" 2>/dev/null; then exit 3; fi
if [ "$TUTTI_MODULE" = store_start ]; then echo "{\\"address\\":\\"$ADDRESS\\"}" > "$TUTTI_OUTPUT"; fi
`;

const scene = new Scene();
afterAll(() => scene.end());
let folder: string;
let orchestrator: OrchestratorProcess;
let tape: EventTape;

beforeAll(async () => {
  folder = await scene.directory();
  await writeFile(join(folder, 'act.sh'), ACT);
  orchestrator = await OrchestratorProcess.up(scene, { env: { FOLDER: folder } });
  tape = orchestrator.tape();
  await orchestrator.post('/v1/clusters', {
    ...{ name: 'lab', type: 'local', slots: 16, resources: { cpus: 64 }, workdir: join(folder, 'lab') },
  });
});

beforeEach(() => forget('fail', 'wait', 'journal'));

async function forget(...names: string[]): Promise<void> {
  for (const name of names) await rm(join(folder, name), { force: true });
}

const says = (name: string, module: string): Promise<void> => writeFile(join(folder, name), `${module}\n`);
const journal = async (): Promise<string[]> =>
  (await readFile(join(folder, 'journal'), 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
const show = async (name: string): Promise<Json> => (await orchestrator.get(`/v1/deployments/${name}`)).body;
const pids = async (name: string): Promise<(string | null)[]> => {
  const { body } = await orchestrator.get(`/v1/services/${name}-worker`);
  return (body.replicas as Json[])
    .filter(({ desired }) => desired === 'running')
    .map(({ task_id }) => task_id);
};

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

async function file(is: Shop): Promise<string> {
  const path = join(folder, 'shop.yaml');
  await writeFile(path, shop(is));
  return path;
}

const deploy = async (name: string): Promise<void> => {
  const begun = await tutti('deploy', await file({}), '--name', name, '--wait');
  expect(begun.exit, begun.out + begun.err).toBe(0);
  await forget('journal');
};
const update = async (name: string, is: Shop, ...more: string[]): Promise<Ended> =>
  tutti('deployment', name, 'update', await file(is), '--wait', '--json', ...more);
const diff = async (name: string, is: Shop): Promise<Json> => {
  const { exit, out } = await tutti('deployment', name, 'diff', await file(is), '--json');
  expect(exit).toBe(0);
  return JSON.parse(out) as Json;
};

describe('an update', () => {
  it('replaces what has changed, and leaves the processes of the rest alone', async () => {
    await deploy('one');
    const before = await pids('one');
    expect(await diff('one', { mode: 'two' })).toEqual({
      ...{ added: [], removed: [] },
      changed: [{ name: 'store', fields: ['env.VARIANT'] }],
      may_change: [
        { name: 'web', fields: ['store.address'] },
        { name: 'worker', fields: ['store.address'] },
      ],
    });
    const { exit, out } = await update('one', { mode: 'two' });
    expect(exit).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ state: 'deployed', version: 2, operation: 'update' });
    expect(await journal()).toEqual(['store_stop one', 'store_create two', 'store_start two']);
    expect(await pids('one')).toEqual(before);
    expect((await tutti('deployment', 'one', 'undeploy', '--wait')).exit).toBe(0);
    expect(
      (await journal())
        .slice(3)
        .map((line) => line.split(' ')[0])
        .sort(),
    ).toEqual([...['side_stop', 'store_stop', 'web_stop']]);
  });

  it('replaces what refers to an attribute that has changed, renews replicas, and takes down what is removed', async () => {
    await deploy('two');
    const before = await pids('two');
    const { exit } = await update('two', { address: 'b', without: 'side', count: 3 });
    expect(exit).toBe(0);
    const done = (await journal()).map((line) => line.split(' ')[0]);
    expect(done.filter((line) => line !== 'side_stop')).toEqual([
      ...['store_stop', 'store_create', 'store_start', 'web_stop', 'web_start'],
    ]);
    expect(done).toContain('side_stop');
    const { components, outputs } = await show('two');
    expect(Object.keys(components as object).sort()).toEqual(['store', 'web', 'worker']);
    expect(outputs).toEqual({ address: 'b' });
    const after = await pids('two');
    expect(after).toHaveLength(3);
    expect(after.filter((one) => before.includes(one))).toEqual([]);
  });

  it('goes on after a failure, though the orchestrator is killed meanwhile, and then no longer differs from its blueprint', async () => {
    await deploy('three');
    await says('fail', 'store_create');
    expect((await update('three', { mode: 'two', address: 'b' })).exit).toBe(1);
    expect(await show('three')).toMatchObject({
      ...{ state: 'failed', version: 2, failed: { component: 'store', operation: 'create' } },
      components: { store: { state: 'failed' }, web: { state: 'deployed' } },
    });
    await forget('fail');
    await says('wait', 'store_start');
    const { task_id } = (await orchestrator.post('/v1/deployments/three/continue', {})).body;
    await expect.poll(journal).toContain('store_start two');
    await orchestrator.process.end('SIGKILL');
    await orchestrator.restart();
    await forget('wait');
    expect(await tape.ended(task_id as string)).toEqual(['succeeded']);
    expect((await journal()).map((line) => line.split(' ')[0])).toEqual([
      ...['store_stop', 'store_create', 'store_create', 'store_start', 'web_stop', 'web_start'],
    ]);
    const nothing = { added: [], removed: [], changed: [], may_change: [] };
    expect(await diff('three', { mode: 'two', address: 'b' })).toEqual(nothing);
  });

  it('keeps inputs that are not given, and is refused with every fault where it cannot be', async () => {
    await deploy('four');
    expect((await update('four', {}, '--input', 'model=large')).exit).toBe(0);
    expect(await journal()).toEqual(['side_stop ', 'side_start ']);
    expect((await show('four')).inputs).toEqual({ model: 'large' });
    expect(await diff('four', {})).toMatchObject({ changed: [] });
    const post = (body: Json) => orchestrator.post('/v1/deployments/four/update', body);
    expect(await post({ blueprint: 'blueprint: shop\ncomponents: {}' })).toMatchObject({
      ...{ status: 422, body: { error: { code: 'bad_blueprint' } } },
    });
    expect(await post({ blueprint: shop(), files: {}, inputs: { no: 1 } })).toMatchObject({ status: 422 });
    expect((await tutti('deployment', 'four', 'undeploy', '--wait')).exit).toBe(0);
    const answer = await orchestrator.post('/v1/deployments/four/diff', { blueprint: shop() });
    expect(answer).toMatchObject({ status: 422, body: { error: { code: 'bad_blueprint' } } });
    expect(await update('four', {})).toMatchObject({
      exit: 1,
      err: expect.stringContaining('not_in_this_state'),
    });
  });
});

describe('what differs from what was deployed', () => {
  it('is reported while a replica that was killed from outside is down, and no longer once it is up', async () => {
    await deploy('five');
    expect((await show('five')).drift).toEqual([]);
    process.kill(await processOf('five-worker-1'), 'SIGKILL');
    const down = {
      component: 'worker',
      kind: 'replica_down',
      message: expect.stringContaining('five-worker-1 is '),
    };
    await expect.poll(async () => (await show('five')).drift, { timeout: 20_000 }).toMatchObject([down]);
    await expect.poll(async () => (await show('five')).drift, { timeout: 30_000 }).toEqual([]);
    expect((await tutti('service', 'stop', 'five-worker')).exit).toBe(0);
    const stopped = { component: 'worker', kind: 'service_stopped' };
    await expect.poll(async () => (await show('five')).drift, { timeout: 20_000 }).toMatchObject([stopped]);
  });
});

describe('a deployment with a component that has run nowhere', () => {
  it('is undeployed though that component fits no cluster', async () => {
    const path = join(folder, 'nowhere.yaml');
    const only = 'only: { require: { gpu: "none" }, operations: { stop: ./act.sh } }';
    const other = 'other: { operations: { start: ./act.sh } }';
    await writeFile(path, `blueprint: nowhere\ncomponents: { ${only}, ${other} }\n`);
    expect((await tutti('deploy', path, '--wait')).exit).toBe(0);
    expect((await tutti('deployment', 'nowhere', 'undeploy', '--wait')).exit).toBe(0);
    expect((await show('nowhere')).components).toMatchObject({
      ...{ only: { state: 'undeployed' }, other: { state: 'undeployed' } },
    });
    expect((await journal()).map((line) => line.trim().split(' ')[0])).toEqual(['other_start']);
  });
});

/** The process of a replica. */
async function processOf(replica: string): Promise<number> {
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const environment = await readFile(`/proc/${entry}/environ`, 'utf8').catch(() => '');
    const cwd = await readlink(`/proc/${entry}/cwd`).catch(() => '');
    if (cwd.startsWith(folder) && environment.split('\0').includes(`TUTTI_REPLICA=${replica}`))
      return Number(entry);
  }
  throw new Error(`no process of ${replica}`);
}
