/** Secrets with a real orchestrator and real commands: who gets them, and that they are nowhere else. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Subscriber } from 'zeromq';
import { cli } from '../support/cli.js';
import type { EventTape, TapedEvent } from '../support/event-tape.js';
import { startNode } from '../support/nodes.js';
import { OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { TcpProxy } from '../support/proxy.js';
import { tutti as runTutti } from '../support/tutti.js';

const VALUE = 'correct horse\nbattery staple\n';
const HALVES = ['corre', 'ct horse'];
const GRAPH = (name: string, script: string) => `
name: ${name}
source: { name: request, type: json }
modules:
  work:
    inputs: [request]
    output: json
    retry: { attempts: 1 }
    run:
      command: [sh, -c, '${script}']
      env: { API_KEY: { secret: api-key } }
`;
const GRAPHS = {
  // A variable keeps the newline at the end, and so does the length.
  'uses.yaml': GRAPH(
    'uses',
    `printf "my key is ${HALVES[0]}"; sleep 0.4; echo "${HALVES[1]}, yes"; echo "$API_KEY" >&2; echo "{\\"length\\": $(printf %s "$API_KEY" | wc -c)}" > $TUTTI_OUTPUT`,
  ),
  'stands_by.yaml': `
name: stands_by
source: { name: request, type: json }
modules: { bystander: { inputs: [request], output: json } }
`,
  'spills.yaml': GRAPH('spills', 'printf "%s" "$API_KEY" > $TUTTI_OUTPUT'),
  'fails.yaml': GRAPH('fails', 'echo "$API_KEY" >&2; exit 3'),
};

const scene = new Scene();
afterAll(() => scene.end());
let folder: string;
let orchestrator: OrchestratorProcess;
let tape: EventTape;
/** All bytes that the orchestrator has sent to a subscriber of its events, and to a node that is not an agent. */
const heard = { events: [] as Buffer[], node: [] as Buffer[] };

beforeAll(async () => {
  folder = await scene.directory();
  const graphs = Object.keys(GRAPHS).map((name) => join(folder, name));
  for (const [name, text] of Object.entries(GRAPHS)) await writeFile(join(folder, name), text);
  orchestrator = await OrchestratorProcess.up(scene, { graphs });
  tape = orchestrator.tape();
  const { events, control } = orchestrator.ready;
  const subscriber = new Subscriber({ linger: 0 });
  scene.atEnd(() => subscriber.close());
  subscriber.connect((await TcpProxy.to(scene, events, (bytes) => heard.events.push(bytes))).endpoint);
  subscriber.subscribe('');
  const proxy = await TcpProxy.to(scene, control, (bytes) => heard.node.push(bytes));
  startNode(scene, orchestrator, { module: 'bystander', control: proxy.endpoint });
});

async function tutti(args: readonly string[], stdin?: string): Promise<string> {
  const command = cli(args, { url: orchestrator.ready.http, ...(stdin !== undefined && { stdin }) });
  expect(await command.exit, command.stderr()).toBe(0);
  return command.stdout();
}

const submit = async (graph: string) => (await orchestrator.submit(graph, {})).task_id;
const waitsFor = (task: string, reason: string) =>
  tape.first(`a wait of ${task}`, (event: TapedEvent) => {
    const isOf = `${event.problem_id}/${event.iteration_id}` === task;
    return isOf && event.type === 'module.waiting' && String(event.reason).includes(reason);
  });

/** Files below a folder that hold one of these texts. */
function filesWith(texts: readonly string[], dir: string): Promise<string> {
  const patterns = texts.flatMap((text) => ['-e', text]);
  return new Promise((resolve) => {
    execFile('grep', ['-rlaF', ...patterns, dir], (_error, stdout) => resolve(stdout));
  });
}

describe('a secret', () => {
  it('is waited for, reaches the command byte for byte, and is masked in what it writes', async () => {
    const task = await submit('uses');
    await waitsFor(task, 'waiting for the secret api-key');
    expect(await tutti(['secret', 'set', 'api-key'], VALUE)).toBe('api-key  set\n');
    expect(await tape.ended(task)).toEqual(['succeeded']);
    expect(await orchestrator.output(task, 'work')).toEqual({ length: VALUE.length });
    const lines = tape
      .of(task)
      .filter(({ type, fields }) => type === 'execution.log' && (fields as { stream?: string }).stream)
      .map(({ message }) => message);
    expect(lines.sort()).toEqual(
      ['*'.repeat(13), '*'.repeat(14), '', `my key is ${'*'.repeat(13)}, yes`].sort(),
    );
    expect(await tutti(['secret', 'list'])).toMatch(/api-key/);
  });

  it('is masked in errors that quote what the command has written', async () => {
    const [spills, fails] = [await submit('spills'), await submit('fails')];
    expect(await tape.ended(spills, fails)).toEqual(['failed', 'failed']);
    const [[spilled], [failed]] = [
      await orchestrator.executions(spills),
      await orchestrator.executions(fails),
    ];
    expect(spilled.error).toMatchObject({ code: 'bad_result', message: 'the result is not a json' });
    expect(failed.error.details.stderr).toBe(`${'*'.repeat(13)}\n${'*'.repeat(14)}`);
  });

  it('reaches a replica of a service, is masked in its log, and goes with it', async () => {
    const says = `printf "my key is ${HALVES[0]}"; sleep 0.4; echo "${HALVES[1]}, yes"; echo "$API_KEY"; exec sleep 1000`;
    const applied = await orchestrator.put('/v1/services/keeper', {
      command: ['sh', '-c', says],
      env: { API_KEY: { secret: 'api-key' } },
    });
    expect(applied.status).toBe(201);
    const masked = `my key is ${'*'.repeat(13)}, yes\n${'*'.repeat(13)}\n${'*'.repeat(14)}\n`;
    const log = async () => (await fetch(`${orchestrator.ready.http}/v1/services/keeper/log`)).text();
    await expect.poll(log, { timeout: 20_000 }).toContain(masked);
    expect(JSON.stringify((await orchestrator.get('/v1/services')).body)).not.toContain('correct');
    await tutti(['service', 'remove', 'keeper']);
    await tape.first('the end of the service', ({ type }) => type === 'service.removed');
    // The agent has what its command was given for as long as that runs.
    const left = () => filesWith(VALUE.trim().split('\n'), orchestrator.ready.data);
    await expect.poll(left, { timeout: 20_000 }).toBe('');
  });

  it('reaches an operation and a service of a deployment, and is masked in their logs', async () => {
    const says = '#!/bin/sh\necho "$API_KEY"\n[ -z "$TUTTI_SERVICE" ] || exec sleep 1000\n';
    const sha256 = createHash('sha256').update(says).digest('hex');
    await fetch(`${orchestrator.ready.http}/v1/blobs/${sha256}`, { method: 'PUT', body: says });
    const blueprint = `
blueprint: shop
components:
  store: { cluster: local, operations: { create: ./says.sh, delete: ./says.sh }, env: { API_KEY: { secret: api-key } } }
  web: { after: [store], service: { cluster: local, script: ./says.sh, env: { API_KEY: { secret: api-key } } } }
`;
    const files = { 'says.sh': sha256 };
    const deployed = await orchestrator.post('/v1/deployments', { name: 'shop', blueprint, files });
    expect(await tape.ended(deployed.body.task_id)).toEqual(['succeeded']);
    const masked = `${'*'.repeat(13)}\n${'*'.repeat(14)}\n`;
    const textOf = async (path: string) => (await fetch(orchestrator.ready.http + path)).text();
    expect(await textOf('/v1/deployments/shop/operations/1/log')).toContain(masked);
    await expect.poll(() => textOf('/v1/services/shop-web/log'), { timeout: 20_000 }).toContain(masked);
    const plan = `/v1/graphs/deployment:${deployed.body.deployment_id}`;
    for (const path of ['/v1/deployments/shop', '/v1/deployments/shop/operations', plan, '/v1/services'])
      for (const line of VALUE.trim().split('\n')) expect(await textOf(path)).not.toContain(line);
    const down = await orchestrator.post('/v1/deployments/shop/undeploy', {});
    expect(await tape.ended(down.body.task_id)).toEqual(['succeeded']);
    const left = () => filesWith(VALUE.trim().split('\n'), orchestrator.ready.data);
    await expect.poll(left, { timeout: 20_000 }).toBe('');
  });

  it('is refused with its place and without its value', async () => {
    const refused = async (body: string) => {
      const reply = await fetch(`${orchestrator.ready.http}/v1/secrets/api-key`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body,
      });
      const text = await reply.text();
      expect(text).not.toContain('correct');
      return [reply.status, JSON.parse(text).error.details?.[0]?.path];
    };
    expect(await refused(JSON.stringify({ value: 'correct horse\0' }))).toEqual([422, '/value']);
    expect(await refused('{"value": "correct horse')).toEqual([400, undefined]);
    expect(await refused(JSON.stringify('correct horse'))).toEqual([422, '']);
    expect(orchestrator.process.stderr).not.toContain('correct');
  });

  it('is nowhere in what is kept and told: data, events, frames to others than its agent, answers and backups', async () => {
    const { data } = orchestrator.ready;
    const backup = join(folder, 'backup');
    expect((await runTutti(scene, ['backup', backup, '--data', data])).code).toBe(0);
    const told = JSON.stringify(tape.events) + JSON.stringify(await orchestrator.get('/v1/secrets'));
    const [events, node] = [Buffer.concat(heard.events).toString(), Buffer.concat(heard.node).toString()];
    // That they were listening.
    const isJoined = ({ type, module }: TapedEvent) => type === 'node.joined' && module === 'bystander';
    const { node_id } = await tape.first('the bystander', isJoined);
    expect(events).toContain('execution.command');
    expect(node).toContain(node_id);
    for (const line of VALUE.trim().split('\n'))
      for (const text of [told, events, node]) expect(text).not.toContain(line);
    await orchestrator.process.end('SIGTERM');
    expect(await filesWith(VALUE.trim().split('\n'), data)).toBe('');
    expect(await filesWith([...VALUE.trim().split('\n')], backup)).toBe('');
    // What grep finds where there is something to find, and that the key is in no backup.
    expect(await filesWith(['api-key'], data)).not.toBe('');
    expect(await filesWith(['secrets.key'], backup)).toBe('');
  });

  it('is sealed with a new key above the old one, also by a start that is killed, and an older backup takes the old one', async () => {
    const { data } = orchestrator.ready;
    const file = join(data, 'secrets.key');
    const old = await readFile(file, 'utf8');
    const next = `${Buffer.alloc(32, 9).toString('base64')}\n`;
    await writeFile(file, next + old);
    const begun = orchestrator.restart();
    begun.catch(() => {});
    await orchestrator.process.logs('is sealed with the first one');
    await orchestrator.process.end('SIGKILL');
    await begun.catch(() => {});
    await writeFile(file, next);
    await orchestrator.restart();
    const names = async (of: OrchestratorProcess) =>
      (await of.get('/v1/secrets')).body.items.map(({ name }: { name: string }) => name);
    expect(await names(orchestrator)).toEqual(['api-key']);
    expect(await tape.ended(await submit('uses'))).toEqual(['succeeded']);
    await orchestrator.process.end('SIGTERM');
    expect((await runTutti(scene, ['check', data])).code).toBe(0);
    const [newKey, bothKeys] = [join(folder, 'new.key'), join(folder, 'both.key')];
    await writeFile(newKey, next, { mode: 0o600 });
    await writeFile(bothKeys, next + old, { mode: 0o600 });
    const restored = join(folder, 'restored');
    const { code, stderr } = await runTutti(scene, ['restore', join(folder, 'backup'), '--data', restored]);
    expect(code, stderr).toBe(0);
    const other = await OrchestratorProcess.up(scene, {
      ...{ data: restored, env: { TUTTI_SECRETS_KEY: newKey } },
    });
    expect(await names(other)).toEqual([]);
    await other.process.end('SIGTERM');
    await other.restart({ TUTTI_SECRETS_KEY: bothKeys });
    expect(await names(other)).toEqual(['api-key']);
    await other.process.end('SIGTERM');
  });

  it('is not there with another key, and again with its own', async () => {
    const { data } = orchestrator.ready;
    const key = join(folder, 'other.key');
    await writeFile(key, `${Buffer.alloc(32, 7).toString('base64')}\n`, { mode: 0o600 });
    await orchestrator.restart({ TUTTI_SECRETS_KEY: key });
    expect(orchestrator.process.stderr).toContain('api-key');
    expect((await orchestrator.get('/v1/secrets')).body.items).toEqual([]);
    const task = await submit('uses');
    await waitsFor(task, 'waiting for the secret api-key');
    await orchestrator.process.end('SIGTERM');
    await orchestrator.restart();
    expect(await tape.ended(task)).toEqual(['succeeded']);
    await tutti(['secret', 'remove', 'api-key']);
    expect((await runTutti(scene, ['check', data])).code).toBe(0);
  });
});
