/** `tutti up`: how it starts, refuses to start, and ends. */
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDatabase, openEnvironment } from '../../src/store/lmdb-environment.js';
import { startNode } from '../support/nodes.js';
import { graphFile, OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { tutti } from '../support/tutti.js';

const FREE_PORTS = ['--http-port', '0', '--control-port', '0', '--outputs-port', '0', '--events-port', '0'];

/** What it costs to stop, at most: the contract. */
const STOP_WITHIN_MS = 5_000;

describe('tutti up', () => {
  it('says in one line where it is when it takes work, and nothing else on stdout', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
    const { ready, process } = orchestrator;
    const tcp = expect.stringMatching(/^tcp:\/\/127\.0\.0\.1:[1-9]\d*$/);
    expect(ready).toEqual({
      http: expect.stringMatching(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/),
      control: tcp,
      outputs: tcp,
      events: tcp,
      data: expect.stringMatching(/^\//),
      epoch: 1,
      store_id: expect.stringMatching(
        /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      ),
    });
    expect(
      new Set([ready.http, ready.control, ready.outputs, ready.events].map((at) => new URL(at).port)).size,
    ).toBe(4);
    expect((await orchestrator.get('/readyz')).status).toBe(200);
    await process.end('SIGTERM');
    expect(process.stdout.trim().split('\n')).toHaveLength(1);
  });

  it('ends with 0 within 5 s at SIGTERM while a task runs, which goes on when it is back', async () => {
    const scene = Scene.ofTest();
    const gate = join(await scene.directory(), 'gate');
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
    const tape = orchestrator.tape();
    startNode(scene, orchestrator, { module: 'work' });
    const { task_id: task } = await orchestrator.submit('one', { work: { hold: gate } });
    await tape.first('it runs', ({ type }) => type === 'execution.running');
    const began = performance.now();
    expect(await orchestrator.process.end('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(performance.now() - began).toBeLessThan(STOP_WITHIN_MS);
    await orchestrator.restart();
    await writeFile(gate, '');
    expect(await tape.ended(task)).toEqual(['succeeded']);
    expect(await orchestrator.executions(task)).toHaveLength(1);
    expect(await orchestrator.process.end('SIGINT')).toEqual({ code: 0, signal: null });
  });

  it('an invalid graph file exits with 2 and names all faults by file and path', async () => {
    const scene = Scene.ofTest();
    const directory = await scene.directory();
    const file = join(directory, 'broken.yaml');
    const yaml = [
      'name: broken',
      'source: { name: problem, type: json }',
      'modules:',
      '  first: { inputs: [nobody], output: json, timeout: soon }',
      '  second: { inputs: [third], output: sustainml.v1.NoSuch }',
      '  third: { inputs: [second], output: json }',
    ].join('\n');
    await writeFile(file, yaml);
    const run = await tutti(scene, ['up', '--data', join(directory, 'data'), ...FREE_PORTS, '--graph', file]);
    expect(run).toMatchObject({ code: 2, stdout: '' });
    expect(run.stderr).toContain(file);
    for (const said of [
      'modules.first.inputs',
      'nobody',
      'modules.first.timeout',
      'modules.second',
      'sustainml.v1.NoSuch',
    ]) {
      expect(run.stderr).toContain(said);
    }
    expect(run.stderr).toMatch(/cycle/);
    const missing = await tutti(scene, [
      ...['up', '--data', join(directory, 'data'), ...FREE_PORTS],
      ...['--graph', join(directory, 'missing.yaml')],
    ]);
    expect(missing.code).toBe(2);
    expect(missing.stderr).toMatch(/missing\.yaml.*\(graph_unreadable\)/);
    // Nothing is left over that would keep the next one from starting.
    const fine = await OrchestratorProcess.up(scene, { graphs: ['one'], data: join(directory, 'data') });
    expect((await fine.get('/v1/graphs')).body.items).toMatchObject([{ name: 'one' }]);
  });

  it('invalid options exit with 2, and each is named', async () => {
    const scene = Scene.ofTest();
    const run = await tutti(scene, [
      'up',
      '--http-port',
      'many',
      '--host',
      '0.0.0.0',
      '--heartbeat-interval',
      '-1',
    ]);
    expect(run.code).toBe(2);
    for (const said of ['http_port', 'many', 'heartbeat_interval', 'token'])
      expect(run.stderr).toContain(said);
    expect((await tutti(scene, ['up', '--no-such-option'])).code).toBe(2);
  });

  it('a port in use exits with 1 and names the option, for each of the four', async () => {
    const scene = Scene.ofTest();
    const blocker = createServer().listen(0, '127.0.0.1');
    await once(blocker, 'listening');
    scene.atEnd(() => blocker.close());
    const { port } = blocker.address() as AddressInfo;
    const start = async (name: string) => {
      const data = await scene.directory();
      return tutti(scene, ['up', '--data', data, ...FREE_PORTS, `--${name}-port`, String(port)]);
    };
    const names = ['http', 'control', 'outputs', 'events'];
    for (const [index, run] of (await Promise.all(names.map(start))).entries()) {
      expect(run.stderr).toContain('port_in_use');
      expect(run.stderr).toContain(`--${names[index]}-port`);
      expect(run.stderr).toContain(String(port));
      expect(run).toMatchObject({ code: 1, stdout: '' });
    }
  });

  it('a data directory that is in use exits with 1 and names the pid; with --takeover the other process ends', async () => {
    const scene = Scene.ofTest();
    const holder = await OrchestratorProcess.up(scene, { graphs: ['one'] });
    const { task_id: task } = await holder.submit('one', { name: 'kept' });
    const { data, store_id } = holder.ready;
    const refused = await tutti(scene, ['up', '--data', data, ...FREE_PORTS]);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('data_dir_held');
    expect(refused.stderr).toMatch(new RegExp(`pid ${holder.process.pid}\\b`));
    expect((await holder.get('/readyz')).status).toBe(200);

    const taker = await OrchestratorProcess.up(scene, { data, args: ['--takeover'] });
    expect(await holder.process.exited).toMatchObject({ code: 0 });
    expect(taker.ready).toMatchObject({ store_id, epoch: 2 });
    expect(await taker.task(task)).toMatchObject({ input: { name: 'kept' }, state: 'waiting' });
  });

  it('data of a newer schema exits with 1, and stays unchanged', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
    const { data } = orchestrator.ready;
    await orchestrator.process.end('SIGTERM');
    // The store's identity carries the schema as its version.
    const { root: environment } = openEnvironment(join(data, 'store'));
    const self = openDatabase(environment, 'store', true);
    const { value } = self.getEntry(['identity'])!;
    await self.put(['identity'], value, 99);
    await environment.close();
    const before = await readFile(join(data, 'store', 'store.mdb'));
    const run = await tutti(scene, ['up', '--data', data, ...FREE_PORTS]);
    expect(run).toMatchObject({ code: 1, stdout: '' });
    expect(run.stderr).toMatch(/schema version 99.*\(store_schema_newer\)/);
    expect(run.stderr).toContain(data);
    expect((await readFile(join(data, 'store', 'store.mdb'))).equals(before)).toBe(true);
  });

  it('keeps a graph that has not changed as the version that it is', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
    await orchestrator.process.end('SIGTERM');
    await orchestrator.restart();
    expect((await orchestrator.get('/v1/graphs/one')).body).toMatchObject({
      ...{ name: 'one', version: 1 },
      yaml: await readFile(graphFile('one'), 'utf8'),
    });
  });
});
