/** A graph's types change while its nodes are up: each task keeps those of its version, and nobody starts a node again. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { missing, python } from '../python/python.js';
import { OrchestratorProcess } from '../support/orchestrator.js';
import { Scene, type Spawned } from '../support/processes.js';
import { RawPeer } from '../support/raw-peer.js';

const NODES = join(import.meta.dirname, 'nodes');
const ROOT = join(import.meta.dirname, '../..');

const yaml = (output: string): string =>
  `name: one\nsource: { name: problem, type: json }\nmodules:\n  work: { inputs: [problem], output: ${output} }\n`;

async function put(orchestrator: OrchestratorProcess, output: string): Promise<number> {
  const response = await fetch(`${orchestrator.ready.http}/v1/graphs/one`, {
    method: 'PUT',
    headers: { 'content-type': 'application/yaml' },
    body: yaml(output),
  });
  expect(response.status).toBeLessThan(300);
  return ((await response.json()) as { version: number }).version;
}

const LANGUAGES: [string, (scene: Scene, env: Record<string, string>) => Spawned][] = [
  ['TypeScript', (scene, env) => scene.spawn([join(NODES, 'giver.mjs')], env)],
  [
    'Python',
    (scene, env) =>
      scene.spawn(
        [join(NODES, 'giver.py')],
        { ...env, PYTHONPATH: join(ROOT, 'python/src') },
        undefined,
        python,
      ),
  ],
];

describe.each(LANGUAGES)('a node in %s', (language, start) => {
  it('serves tasks of old and new versions, also where a name means something else in each', async (ctx) => {
    const lacks = language === 'Python' ? missing('zmq', 'google.protobuf') : undefined;
    if (lacks) ctx.skip(`${lacks} is missing`);
    const scene = Scene.ofTest();
    const folder = await scene.directory();
    const [protos, hold] = [join(folder, 'types'), join(folder, 'hold')];
    const define = (field: string): Promise<void> =>
      writeFile(
        join(protos, 'a.proto'),
        `syntax = "proto3"; package t.v1; message A { string ${field} = 1; }`,
      );
    await mkdir(protos);
    await define('name');
    await writeFile(hold, '');
    await writeFile(join(folder, 'one.yaml'), yaml('json'));
    const args = ['--proto-path', protos];
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: [join(folder, 'one.yaml')], args });
    const tape = orchestrator.tape();
    start(scene, { TUTTI_CONTROL: orchestrator.ready.control, TUTTI_INSTANCE: 'giver' });
    const submit = async (give: unknown): Promise<string> =>
      (await orchestrator.submit('one', { give, hold })).task_id;

    const tasks: [task: string, output: unknown][] = [[await submit({ any: 1 }), { any: 1 }]];
    await tape.first('the first task runs', ({ type }) => type === 'execution.running');
    tasks.push([await submit({ any: 2 }), { any: 2 }]);
    expect(await put(orchestrator, 't.v1.A')).toBe(2);
    tasks.push([await submit({ name: 'as A was' }), { name: 'as A was' }]);

    await orchestrator.process.end('SIGKILL');
    await define('title');
    await orchestrator.restart();
    expect(await put(orchestrator, 't.v1.A')).toBe(4);
    tasks.push([await submit({ title: 'as A is' }), { title: 'as A is' }]);

    await rm(hold);
    for (const [task, output] of tasks) {
      expect(await tape.ended(task)).toEqual(['succeeded']);
      expect(await orchestrator.output(task, 'work')).toEqual(output);
    }
    expect(tape.events.filter(({ type }) => type === 'node.joined')).toHaveLength(1);
  });
});

describe('a node that knows the types of its welcome only', () => {
  it('is asked to register again, and gets no work with the new types before it has', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
    const tape = orchestrator.tape();
    const peer = new RawPeer(scene, orchestrator);
    expect((await peer.join()).outputType).toBe('json');
    await put(orchestrator, 'bytes');
    expect((await peer.next('refused')).message.code).toBe('say_hello');
    const { task_id: task } = await orchestrator.submit('one', {});
    const waits = await tape.first('it waits', ({ type }) => type === 'module.waiting');
    expect(waits.reason).toContain('graph one version 2 (raw: it has not received these types)');
    peer.sayHello({ status: 'IDLE' });
    expect((await peer.next('welcome')).message.outputType).toBe('bytes');
    const assign = await peer.assignment();
    expect(assign.outputType).toBe('bytes');
    peer.publish(assign, 1, { last: true, type: 'bytes' });
    expect(await tape.ended(task)).toEqual(['succeeded']);
  });
});
