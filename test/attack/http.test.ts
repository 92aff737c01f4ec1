/**
 * Requests that are meant to end, fill or stop an orchestrator. After each of them the same process answers honest ones, and has not kept
 * what it was sent.
 */

import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { graphFile, OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';

/** An honest request is answered within this, whatever else goes on. Tests share their machine with others. */
const ANSWER_MS = 5_000;

/** Whether the process that was started is the one that answers, in time. */
async function answers(orchestrator: OrchestratorProcess): Promise<void> {
  const began = performance.now();
  expect((await orchestrator.get('/livez')).status).toBe(200);
  expect((await orchestrator.get('/v1/problems?limit=1')).status).toBe(200);
  expect(performance.now() - began).toBeLessThan(ANSWER_MS);
  expect(orchestrator.process.isRunning).toBe(true);
}

describe('graphs that are made to be read for long', () => {
  const put = async (orchestrator: OrchestratorProcess, yaml: string, name = 'x') => {
    const response = await fetch(`${orchestrator.ready.http}/v1/graphs/${name}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/yaml' },
      body: yaml,
    });
    return {
      status: response.status,
      body: (await response.json()) as { error: { code: string; details: { code: string }[] } },
    };
  };

  it('nested without end, at any size and as often as it likes, are refused; the process lives', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
    for (const part of ['[', '{', '[{', '- ', '? ', '{a: ', '!!seq [', '&a [']) {
      for (const bytes of [2_000, 10_000, 10_000, 10_000, 10_000, 200_000]) {
        const { status, body } = await put(orchestrator, part.repeat(bytes / part.length));
        expect(status).toBe(422);
        expect(body.error).toMatchObject({ code: 'bad_graph', details: [{ code: 'too_deep' }] });
      }
    }
    await answers(orchestrator);
    expect((await put(orchestrator, await readFile(graphFile('one'), 'utf8'), 'one')).status).toBe(200);
  });

  it('with more modules, aliases or bytes than there may be keep nobody waiting', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene);
    const modules = (count: number, text: (index: number) => string) =>
      `name: x\nsource: {name: s, type: json}\nmodules:\n${Array.from({ length: count }, (_, index) => `  m${index}: ${text(index)}\n`).join('')}`;
    const merged = `x-d: &d {${Array.from({ length: 2000 }, (_, index) => `k${index}: 1`).join(',')}}\n`;
    const hostile = [
      modules(5_000, () => '{inputs: [s], output: json}'),
      modules(4_000, () => '{inputs: [s], output: json, previous: [a,b,c,d]}'),
      merged + modules(1_000, () => '{<<: *d}'),
      modules(
        1_000,
        (index) =>
          `{inputs: [${Array.from({ length: 30 }, (_, input) => `u${index}${input}`)}], output: json}`,
      ),
      `a: [${'x,'.repeat(120_000)}]`,
    ];
    const asked = hostile.map((yaml) => put(orchestrator, yaml));
    let longest = 0;
    let isOver = false;
    const watching = (async () => {
      while (!isOver) {
        const began = performance.now();
        await answers(orchestrator);
        longest = Math.max(longest, performance.now() - began);
      }
    })();
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([422, 422, 422, 422, 422]);
    isOver = true;
    await watching;
    console.log(`the longest of the other answers took ${Math.round(longest)} ms`);
    for (const count of [20_000, 100_000])
      expect(
        await put(
          orchestrator,
          modules(count, () => '{inputs: [s], output: json}'),
        ),
      ).toMatchObject({ status: 413 });
    expect(
      (
        await put(
          orchestrator,
          modules(1_000, (index) => `{inputs: [${index ? `m${index - 1}` : 's'}], output: json}`),
        )
      ).status,
    ).toBe(201);
    await answers(orchestrator);
  });
});

describe('bodies that grow when they are read', () => {
  /** Of the engine's heap: the process ends where it needs more. */
  const HEAP = { NODE_OPTIONS: '--max-old-space-size=512' };
  const body = (fill: string, bytes: number): string => {
    const [head, tail] = ['{"graph":"one","input":[', '0]}'];
    return head + fill.repeat(Math.floor((bytes - head.length - tail.length) / fill.length)) + tail;
  };

  it('a dozen of the largest at once are each answered, within 512 MiB of heap', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'], env: HEAP });
    const bodies = ['{},', '[],', '[{}],', '{"a":{}},', '1.5,'].map((fill) => body(fill, 8 * 1024 ** 2));
    const sent = Array.from({ length: 12 }, (_, index) =>
      fetch(`${orchestrator.ready.http}/v1/problems`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: bodies[index % bodies.length]!,
      }).then(async (response) => {
        await response.text();
        return response.status;
      }),
    );
    await answers(orchestrator);
    const small = await orchestrator.post('/v1/problems', { graph: 'one', input: 1 });
    expect(small.status).toBe(201);
    expect(await Promise.all(sent)).toEqual(Array(12).fill(201));
    await answers(orchestrator);
  });

  it('nested without end are refused unread', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
    for (const fill of ['[', '{"a":', '[{"a":']) {
      const reply = await fetch(`${orchestrator.ready.http}/v1/problems`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: `{"graph":"one","input":${fill.repeat(500_000)}`,
      });
      expect([reply.status, (await reply.json()) as unknown]).toMatchObject([
        400,
        { error: { code: 'too_deep' } },
      ]);
    }
    await answers(orchestrator);
  });
});
