/** A disk that fills: the store stays readable, nothing that was accepted is lost, and retention makes room without anybody's help. */
import { rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startNode } from '../support/nodes.js';
import { OrchestratorProcess, type Reply, TUTTI } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { buildSlowSync } from '../support/slow-sync.js';

/** As large as may still go inline: each is stored in the store itself. */
const FILLING = 'x'.repeat(60_000);
const FORGETFUL = `
name: forgetful
source: { name: problem, type: json }
retention: { max_iterations: 20, keep_last: 0 }
modules:
  work: { inputs: [problem], output: json }
`;

describe('an orchestrator whose disk is full', () => {
  let shim: string | undefined;

  beforeAll(async () => {
    shim = await buildSlowSync();
  });
  afterAll(() => shim && rm(dirname(shim), { recursive: true }));

  /** With a node, some solved problems, and a disk that can be filled. */
  async function begin(scene: Scene, graph: string) {
    const folder = await scene.directory();
    const full = join(folder, 'full');
    const file = join(folder, 'forgetful.yaml');
    await writeFile(file, FORGETFUL);
    const orchestrator = await OrchestratorProcess.up(scene, {
      graphs: ['one', file],
      env: { LD_PRELOAD: shim!, TUTTI_DISK_FULL: full },
    });
    const node = startNode(scene, orchestrator, { module: 'work', capacity: 8 });
    await node.line('registered ');
    const submit = (number: number): Promise<Reply> =>
      orchestrator.post('/v1/problems', { graph, input: { number, filling: FILLING } });
    return { orchestrator, full, submit };
  }

  async function verdictOf(scene: Scene, orchestrator: OrchestratorProcess): Promise<unknown> {
    orchestrator.process.signal('SIGTERM');
    await orchestrator.process.exited;
    const checking = scene.spawn([TUTTI, 'check', orchestrator.ready.data, '--json']);
    await checking.exited;
    return JSON.parse(checking.stdout);
  }

  it('answers every question, refuses new work with 503, and takes all that it had accepted further once there is room', async (ctx) => {
    if (shim === undefined) return ctx.skip('needs cc');
    const scene = Scene.ofTest();
    const { orchestrator, full, submit } = await begin(scene, 'one');
    const tape = orchestrator.tape();
    await tape.ended((await submit(0)).body.task_id);
    await writeFile(full, '');
    const submissions: Promise<Reply>[] = [];
    while ((await orchestrator.get('/readyz')).status === 200) {
      submissions.push(submit(submissions.length + 1));
      await delay(5);
    }
    const refused = await submit(-1);
    expect(refused).toMatchObject({ status: 503, body: { error: { code: 'store_full' } } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await orchestrator.get('/v1/problems')).body.items.length).toBeGreaterThan(0);
    expect((await orchestrator.get('/livez')).status).toBe(200);
    await rm(full);
    const replies = await Promise.all(submissions);
    const accepted = replies.filter(({ status }) => status === 201);
    expect(accepted.length).toBeGreaterThan(20);
    expect(replies.filter(({ status }) => status !== 201).every(({ status }) => status === 503)).toBe(true);
    for (const { body } of accepted) expect(await tape.ended(body.task_id)).toEqual(['succeeded']);
    expect(await verdictOf(scene, orchestrator)).toMatchObject({ ok: true });
  });

  it('goes on by itself where the graph says what need not be kept', async (ctx) => {
    if (shim === undefined) return ctx.skip('needs cc');
    const scene = Scene.ofTest();
    const { orchestrator, full, submit } = await begin(scene, 'forgetful');
    const tape = orchestrator.tape();
    for (let number = 0; number < 60; number += 1) {
      await tape.ended((await submit(number)).body.task_id);
    }
    await writeFile(full, '');
    let refusals = 0;
    // Three times what the file has room for ahead.
    for (let number = 0; number < 400; ) {
      const { status, body } = await submit(number);
      if (status === 201) {
        number += 1;
        expect(await tape.ended(body.task_id)).toEqual(['succeeded']);
      } else {
        expect(body).toMatchObject({ error: { code: 'store_full' } });
        refusals += 1;
        expect(refusals).toBeLessThan(100);
        await delay(100);
      }
    }
    expect((await orchestrator.get('/readyz')).status).toBe(200);
    await rm(full);
    expect(await verdictOf(scene, orchestrator)).toMatchObject({ ok: true });
  });
});
