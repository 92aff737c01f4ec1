/**
 * Values that change on their way, or that take an answer down: what came in is shown by every interface as it came, and what somebody
 * could not read is refused where it comes in.
 */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type Json, OrchestratorProcess, pathOf } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { RawPeer } from '../support/raw-peer.js';
import { type Run, tutti } from '../support/tutti.js';

const TEXT = '{"b":1.0,"a":-0,"10":1e2,"9":[3.14159265358979323846264338],"id":9007199254740992}';
const inline = (text: string) => ({ kind: 'inline', bytes: Buffer.from(text) }) as const;

describe('a value', () => {
  const scene = Scene.ofFile();
  let orchestrator: OrchestratorProcess;
  let peer: RawPeer;

  beforeAll(async () => {
    orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
    peer = new RawPeer(scene, orchestrator, { instance: 'raw' });
    await peer.join();
  });

  const post = async (path: string, body: string): Promise<{ status: number; body: Json }> => {
    const response = await fetch(orchestrator.ready.http + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    return { status: response.status, body: await response.json() };
  };
  const text = async (path: string): Promise<string> =>
    await (await fetch(orchestrator.ready.http + path)).text();
  const run = (...args: string[]): Promise<Run> => tutti(scene, args, { TUTTI_URL: orchestrator.ready.http });
  const places = (body: Json): string[] =>
    body.error.details.map(({ code, path }: { code: string; path: string }) => `${code} ${path}`);

  /** A task whose node puts this out. Settles when it has ended. */
  async function played(output: string): Promise<string> {
    const { task_id } = (await post('/v1/problems', '{"graph":"one","input":{}}')).body;
    await answered(output, task_id);
    return task_id;
  }

  async function answered(output: string, task: string): Promise<void> {
    const assign = await peer.assignment();
    peer.publish(assign, 1, { last: true, payload: inline(output) });
    await expect
      .poll(async () => (await orchestrator.get(pathOf(task))).body.state, { timeout: 30_000 })
      .toMatch(/^(succeeded|failed)$/);
    peer.running.delete(assign.executionId);
  }

  it('is stored, given to the node and shown as the text that came in', { timeout: 60_000 }, async () => {
    const submitted = await post('/v1/problems', `{"input": ${TEXT}, "graph": "one"}`);
    expect(submitted.status).toBe(201);
    const { problem_id, task_id } = submitted.body;
    const assign = await peer.assignment();
    expect(assign.inputs.map(({ value }) => value)).toMatchObject([inline(TEXT)]);
    peer.publish(assign, 1, { last: true, payload: inline(TEXT) });
    await peer.acked(assign.executionId, 1, true);
    peer.running.delete(assign.executionId);

    const shown = await text(pathOf(task_id));
    expect(shown).toContain(`"input":${TEXT}`);
    expect(shown).toContain(`"output":${TEXT}`);
    expect(await text(`${pathOf(task_id)}/outputs/work`)).toBe(TEXT);
    expect(await text(`${pathOf(task_id)}/events`)).toContain(`"output":${TEXT}`);
    const exported = await text(`/v1/problems/${problem_id}/export`);
    expect(exported.split(TEXT)).toHaveLength(3);
    expect(exported.trim().split('\n')).toHaveLength(1);
    expect(await text(`/v1/problems/${problem_id}/export?format=csv`)).toContain(
      '3.14159265358979323846264338',
    );
    const { stdout } = await run('show', task_id, '--json');
    for (const number of ['"b":1.0', '"a":-0', '1e2', '3.14159265358979323846264338'])
      expect(stdout).toContain(number);
  });

  it('is shown by every command and the stream as it was written', { timeout: 120_000 }, async () => {
    const value = '{"b":1.0,"a":-0,"10":1e5,"9":[3.14159265358979323846264338],"__proto__":{"deep":2.50}}';
    const other = value.replace('1.0', '1.50').replace('2.50', '2.75');
    const submitted = await post('/v1/problems', `{"graph":"one","input":${value}}`);
    const { problem_id, task_id } = submitted.body;
    const stream = new WebSocket(`${orchestrator.ready.http.replace('http', 'ws')}/v1/stream`);
    const streamed: string[] = [];
    stream.on('message', (data) => streamed.push(String(data)));
    await once(stream, 'open');
    const { seq } = (await orchestrator.get(`${pathOf(task_id)}/events`)).body.items[0];
    stream.send(JSON.stringify({ type: 'subscribe', cursor: seq }));
    await answered(value, task_id);
    await post(`/v1/problems/${problem_id}/iterations`, `{"parent_iteration_id":1,"input":${other}}`);
    await answered(other, `${problem_id}/2`);
    await expect.poll(() => streamed.some((frame) => frame.includes(`"output":${other}`))).toBe(true);
    expect(streamed.some((frame) => frame.includes(`"output":${value}`))).toBe(true);
    stream.close();

    const shown = await run('show', task_id, '--json');
    expect(shown.stdout.split(value)).toHaveLength(3);
    // Six digits for people, where more were written.
    const people =
      'work:\n  b: 1.0\n  a: -0\n  "10": 1e5\n  "9":\n    - 3.14159\n  __proto__:\n    deep: 2.50';
    for (const command of ['show', 'watch']) expect((await run(command, task_id)).stdout).toContain(people);
    expect((await run('watch', task_id, '--json')).stdout).toContain(`"output":${value}`);
    expect((await run('export', problem_id)).stdout.split(value)).toHaveLength(3);
    const recorded = await run('node-kit', 'record', task_id, '--module', 'work', '-o', '-');
    expect(recorded.stdout).toContain(`"inputs":{"problem":${value}}`);
    expect(recorded.stdout).toContain(`"outputs":[${value}]`);

    const differences = '{"path":"/b","a":1.0,"b":1.50},{"path":"/__proto__/deep","a":2.50,"b":2.75}';
    const diff = await text(`/v1/problems/${problem_id}/diff?a=1&b=2`);
    expect(diff.split(differences)).toHaveLength(3);
    const diffed = await run('diff', problem_id, '1', '2');
    expect(diffed.stdout).toMatch(/work +b +1\.0 +1\.50 +\+50\.0 %/);
    const fields = 'work.b,work.a,work.10,work.9,input.__proto__.deep';
    const listed = await text(`/v1/problems/${problem_id}/iterations?fields=${fields}`);
    expect(listed).toContain(
      '"work.b":1.0,"work.a":-0,"work.10":1e5,"work.9":[3.14159265358979323846264338],"input.__proto__.deep":2.50',
    );
  });

  it('a multi-line value from a file with Windows line ends equals the same value on one line', {
    timeout: 60_000,
  }, async () => {
    const file = join(await scene.directory(), 'input.json');
    await writeFile(file, Buffer.from(`\ufeff{\r\n\t"x": 1.0\r\n}`, 'utf16le'));
    const { code, stdout } = await run('submit', 'one', '--input', file, '--json');
    expect(code).toBe(0);
    const { task_id } = JSON.parse(stdout);
    await answered('[\n1.0\n]', task_id);
    expect(await text(pathOf(task_id))).toContain('"input":{"x": 1.0}');
  });

  it.each([
    ['{"id":9007199254740993,"a":[1e999]}', ['out_of_range /id', 'out_of_range /a/0']],
    ['{"a":{"b":1,"b":2}}', ['duplicate_field /a/b']],
  ])(
    'a value that would change is refused at its place, at every entry point: %s',
    { timeout: 60_000 },
    async (value, faults) => {
      const at = (place: string) => faults.map((fault) => fault.replace(' ', ` ${place}`));
      const single = await post('/v1/problems', `{"graph":"one","input":${value}}`);
      expect([single.status, places(single.body)]).toEqual([422, at('/input')]);
      const batch = await post('/v1/problems:batch', `{"problems":[{"graph":"one","input":${value}}]}`);
      expect(places(batch.body.items[0])).toEqual(at('/input'));

      const problem = (await played('{}')).split('/')[0]!;
      const again = `/v1/problems/${problem}/iterations`;
      const iterated = await post(again, `{"input":${value}}`);
      expect([iterated.status, places(iterated.body)]).toEqual([422, at('/input')]);
      const overridden = await post(
        again,
        `{"parent_iteration_id":1,"reuse":[],"overrides":{"work":{"problem":${value}}}}`,
      );
      expect([overridden.status, places(overridden.body)]).toEqual([422, at('/overrides/work/problem')]);
      const submitted = await run('submit', 'one', '--input', value);
      expect(submitted.code).toBe(2);
    },
  );

  it('a value that is too deep is refused, at every depth', { timeout: 60_000 }, async () => {
    const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
    const single = await post('/v1/problems', `{"graph":"one","input":${deep(101)}}`);
    expect([single.status, places(single.body)]).toEqual([422, [`too_deep /input${'/0'.repeat(100)}`]]);
    for (const levels of [150, 3_000, 100_000]) {
      const { status, body } = await post('/v1/problems', `{"graph":"one","input":${deep(levels)}}`);
      expect([status, body.error.code]).toEqual([400, 'too_deep']);
    }
    expect((await run('submit', 'one', '--input', deep(3_000))).code).toBe(2);
  });

  it('a node value that would change, or break answers, ends its execution', {
    timeout: 60_000,
  }, async () => {
    for (const output of [
      '['.repeat(4_600) + ']'.repeat(4_600),
      '{"a":1e999}',
      '[9007199254740993]',
      '{"a":1,"a":2}',
    ]) {
      const task = await played(output);
      expect((await orchestrator.get(pathOf(task))).body.modules.work.error?.code).toBe('bad_payload');
      const [problem] = task.split('/');
      for (const path of ['/outputs/work', '/executions', '/events'])
        expect((await orchestrator.get(pathOf(task) + path)).status).toBeLessThan(500);
      expect(await text(`/v1/problems/${problem}/export`)).toContain('bad_payload');
    }
  });
});
