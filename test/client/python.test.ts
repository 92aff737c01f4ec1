/** The Python client against a real orchestrator, over a good network and a bad one. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { missing, root } from '../python/python.js';
import { Scene } from '../support/processes.js';
import { TcpProxy } from '../support/proxy.js';
import { EXAMPLE, NEEDED, Stage, samplesOf } from './stage.js';

const programs = join(root, 'test/python/client');
const tool = missing(...NEEDED, 'nbclient', 'ipykernel');

describe.skipIf(tool !== undefined)(`the Python client${tool ? ` (needs ${tool})` : ''}`, () => {
  const scene = Scene.ofFile();
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.up(scene);
  });

  it('submits, waits, reads, compares, cancels and reports as its page says', async () => {
    const ran = stage.python(['-W', 'error', '-m', 'unittest', 'test_client'], {}, programs);
    expect((await ran.exited).code, ran.stderr).toBe(0);
    expect(ran.stderr).toMatch(/Ran [1-9]\d/);
    expect(ran.stderr).not.toContain('skipped=');
  });

  it('runs every sample of docs/clients.md', async () => {
    const samples = samplesOf('python');
    expect(samples.length).toBeGreaterThan(4);
    const ran = stage.python(['-W', 'error', '-c', samples.join('\n')], {}, await scene.directory());
    expect((await ran.exited).code, ran.stderr).toBe(0);
    expect(ran.stdout).toContain('unknown_graph /graph known graphs: fit');
    expect(ran.stdout).toContain('cancelled');
  });

  it('runs the example notebook, which shows tables, a picture and a bar', async () => {
    const notebook = join(EXAMPLE, 'fit.ipynb');
    const ran = stage.python([join(programs, 'notebook.py'), notebook]);
    expect((await ran.exited).code, ran.stderr).toBe(0);
    const { types, text } = JSON.parse(ran.stdout) as { types: string[][]; text: string };
    expect(types.filter((each) => each.includes('image/png'))).toHaveLength(1);
    expect(types.filter((each) => each.includes('text/html')).length).toBeGreaterThan(4);
    expect(text).toContain('use a smaller rate than 9');
    expect(text).toContain('iteration.succeeded');
  });

  it('follows the stream without loss or repeat while its connections are cut and the orchestrator is killed', async () => {
    const { orchestrator } = stage;
    const proxy = await TcpProxy.to(scene, orchestrator.ready.http);
    const TUTTI_URL = proxy.endpoint.replace('tcp:', 'http:');
    const follower = stage.python([join(programs, 'follower.py'), '0'], { TUTTI_URL });
    await follower.line('following');
    const submit = () => {
      const submitter = stage.python([join(programs, 'submitter.py'), programs]);
      return submitter.line('task ');
    };
    await submit();
    proxy.cut();
    await submit();
    await orchestrator.process.end();
    proxy.cut();
    await orchestrator.restart();
    const task = await submit();
    const end = async (): Promise<number> => {
      const path = `/v1/problems/${task.replace('/', '/iterations/')}/events?limit=1000`;
      const { items } = (await stage.get(path)) as { items: readonly { seq: number; type: string }[] };
      return items.find(({ type }) => type === 'iteration.succeeded')?.seq ?? 0;
    };
    await expect.poll(end, { timeout: 30_000 }).toBeGreaterThan(0);
    const last = await end();
    await follower.line(`${last}`);
    const seen = follower.stdout.trim().split('\n').slice(1).map(Number);
    expect(seen.slice(0, last)).toEqual(Array.from({ length: last }, (_, index) => index + 1));
    expect(proxy.connections).toBeGreaterThan(2);
  });

  it('submits once though the answer was lost', async () => {
    const proxy = await TcpProxy.to(scene, stage.orchestrator.ready.http);
    const go = join(await scene.directory(), 'go');
    const submitter = stage.python([join(programs, 'submitter.py'), go], {
      TUTTI_URL: proxy.endpoint.replace('tcp:', 'http:'),
    });
    await submitter.line('ready');
    const problems = async () => (await stage.get('/v1/problems?limit=1000')).items.length;
    const before = await problems();
    proxy.swallow();
    writeFileSync(go, '');
    await expect.poll(problems).toBe(before + 1);
    proxy.cut();
    await submitter.line('task ');
    expect(await problems()).toBe(before + 1);
  });
});
