/** Requests and streams over restarts, and requests that make no sense. */
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startNode } from '../support/nodes.js';
import { type Json, OrchestratorProcess, SUSTAINML_GRAPH } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';

describe('an Idempotency-Key', () => {
  it('gives the same answer to the same request, also after kill -9, and refuses another body', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
    const key = { 'idempotency-key': 'once-and-for-all' };
    const body = { graph: 'one', input: { name: 'once' }, title: 'Once' };
    const first = await orchestrator.post('/v1/problems', body, key);
    expect(first.status).toBe(201);
    const [again, alike] = await Promise.all([
      orchestrator.post('/v1/problems', body, key),
      orchestrator.post('/v1/problems', body, key),
    ]);
    expect([again.body, alike.body]).toEqual([first.body, first.body]);
    await orchestrator.process.end('SIGKILL');
    await orchestrator.restart();
    const after = await orchestrator.post('/v1/problems', body, key);
    expect(after).toMatchObject({ status: 201, body: first.body });
    const other = await orchestrator.post('/v1/problems', { ...body, title: 'Twice' }, key);
    expect(other).toMatchObject({ status: 422, body: { error: { code: 'idempotency_mismatch' } } });
    expect((await orchestrator.get('/v1/problems')).body.items).toHaveLength(1);
  });

  it('used by many at once makes one problem', async () => {
    const orchestrator = await OrchestratorProcess.up(Scene.ofTest(), { graphs: ['one'] });
    const key = { 'idempotency-key': 'stampede' };
    const body = { graph: 'one', input: {} };
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => orchestrator.post('/v1/problems', body, key)),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map((answer) => answer.body.problem_id)).size).toBe(1);
    expect((await orchestrator.get('/v1/problems')).body.items).toHaveLength(1);
  });
});

describe('many problems in one request', () => {
  it('are answered each for itself, in their order, and once for a key, also after kill -9', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
    const problem = (title: string) => ({ graph: 'one', input: { name: title }, title });
    const submit = (...problems: Json[]) =>
      orchestrator.post('/v1/problems:batch', { problems }, { 'idempotency-key': 'all-of-them' });
    const first = await submit(problem('a'), { ...problem('b'), graph: 'none' }, problem('c'));
    expect(first).toMatchObject({
      status: 200,
      body: {
        items: [
          { iteration_id: 1 },
          { status: 422, error: { code: 'unknown_graph', details: [{ path: '/graph' }] } },
          { iteration_id: 1 },
        ],
      },
    });
    await orchestrator.process.end('SIGKILL');
    await orchestrator.restart();
    const again = await submit(problem('a'), problem('b'), problem('d'));
    expect(again.body.items[0]).toEqual(first.body.items[0]);
    // What was refused was not done, so it may be now; what was done with this key was something else.
    expect(again.body.items[1]).toMatchObject({ iteration_id: 1 });
    expect(again.body.items[2]).toMatchObject({ status: 422, error: { code: 'idempotency_mismatch' } });
    const { items } = (await orchestrator.get('/v1/problems')).body;
    expect(items.map(({ title }: Json) => title)).toEqual(['b', 'c', 'a']);
  });

  it('are refused together where the request is not well-formed, with every place named', async () => {
    const orchestrator = await OrchestratorProcess.up(Scene.ofTest(), { graphs: ['one'] });
    const problems = [
      { graph: 'one', input: {} },
      { graph: '', input: {} },
      { input: {}, priority: 101 },
    ];
    const refused = await orchestrator.post('/v1/problems:batch', { problems });
    expect(refused).toMatchObject({ status: 422, body: { error: { code: 'invalid_body' } } });
    expect(refused.body.error.details.map(({ path }: Json) => path)).toEqual(
      expect.arrayContaining(['/problems/1/graph', '/problems/2/graph', '/problems/2/priority']),
    );
    expect(await orchestrator.post('/v1/problems:batch', { problems: [] })).toMatchObject({ status: 422 });
    expect((await orchestrator.get('/v1/problems')).body.items).toEqual([]);
  });
});

interface Stream {
  /** The next frame; ticks, which come at any time, are left out. */
  next(): Promise<Json>;
  /** The next frame that is not a batch of events. */
  answer(): Promise<Json>;
  say(what: Json): void;
  close(): Promise<void>;
}

async function openStream(scene: Scene, http: string): Promise<Stream> {
  const socket = new WebSocket(`${http.replace('http', 'ws')}/v1/stream`);
  scene.atEnd(() => socket.terminate());
  const frames: Json[] = [];
  const waiting: ((frame: Json) => void)[] = [];
  socket.on('message', (data) => {
    const frame = JSON.parse(String(data));
    if (frame.type === 'tick') return;
    const wanted = waiting.shift();
    if (wanted) wanted(frame);
    else frames.push(frame);
  });
  await once(socket, 'open');
  const next = (): Promise<Json> =>
    frames.length > 0 ? Promise.resolve(frames.shift()) : new Promise((resolve) => waiting.push(resolve));
  return {
    next,
    async answer() {
      for (;;) {
        const frame = await next();
        if (frame.type !== 'events') return frame;
      }
    },
    say: (what) => socket.send(JSON.stringify(what)),
    async close() {
      socket.close();
      await once(socket, 'close');
    },
  };
}

/** The events up to this one, in the order in which they came. */
async function eventsTo(stream: Stream, cursor: number): Promise<number[]> {
  const seqs: number[] = [];
  for (;;) {
    const frame = await stream.next();
    expect(frame.type).toBe('events');
    seqs.push(...frame.events.map(({ seq }: { seq: number }) => seq));
    // A batch may go on past it.
    if (frame.cursor >= cursor) return seqs.filter((seq) => seq <= cursor);
  }
}

const upTo = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index + 1);

describe('a viewer that comes back with its cursor', () => {
  it('a viewer with a cursor sees every event once after kill -9, and a viewer with a cursor of another store is told so', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
    const tape = orchestrator.tape();
    startNode(scene, orchestrator, { module: 'work' });
    const solve = async () => tape.ended((await orchestrator.submit('one', {})).task_id);
    await solve();

    const before = await openStream(scene, orchestrator.ready.http);
    const hello = await before.answer();
    const { store_id } = orchestrator.ready;
    expect(hello).toMatchObject({ type: 'hello', epoch: 1, store_id });
    before.say({ type: 'subscribe', cursor: 0 });
    expect(await before.answer()).toEqual({ type: 'subscribed', cursor: 0 });
    expect(await eventsTo(before, hello.cursor)).toEqual(upTo(0, hello.cursor));
    await before.close();

    await solve();
    await orchestrator.process.end('SIGKILL');
    await orchestrator.restart();
    await solve();

    const after = await openStream(scene, orchestrator.ready.http);
    const back = await after.answer();
    expect(back).toMatchObject({ type: 'hello', epoch: 2, store_id });
    after.say({ type: 'subscribe', cursor: hello.cursor, store_id });
    expect(await after.answer()).toEqual({ type: 'subscribed', cursor: hello.cursor });
    expect(await eventsTo(after, back.cursor)).toEqual(upTo(hello.cursor, back.cursor));

    after.say({ type: 'subscribe', cursor: back.cursor + 1000, store_id });
    expect(await after.answer()).toMatchObject({ type: 'error', error: { code: 'bad_cursor' } });
    after.say({ type: 'subscribe', cursor: 3, store_id: '01890000-0000-7000-8000-000000000000' });
    // From the beginning, none of which is what that viewer believes to have seen.
    expect(await after.answer()).toEqual({ type: 'subscribed', cursor: 0 });
    const gap = await after.answer();
    expect(gap).toMatchObject({ type: 'gap', from: 1 });
    expect(gap.to).toBeGreaterThanOrEqual(back.cursor);
    // The tape was connected all the while, over the restart: it throws if anything was missing or came twice.
    expect(tape.reconnects).toBeGreaterThan(0);
    expect(tape.events.map(({ seq }) => seq)).toEqual(upTo(0, tape.cursor));
  });

  it('subscribes with the cursor of what it has fetched, and misses nothing in between', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
    const fetched = await orchestrator.get('/v1/problems');
    const cursor = Number(fetched.headers.get('tutti-cursor'));
    const submitted = await orchestrator.submit('one', {});
    const stream = await openStream(scene, orchestrator.ready.http);
    await stream.next();
    stream.say({ type: 'subscribe', cursor, problem_id: submitted.problem_id });
    expect(await stream.next()).toEqual({ type: 'subscribed', cursor });
    const { events } = await stream.next();
    expect(events[0]).toMatchObject({ type: 'problem.created', problem_id: submitted.problem_id });
    expect(events[0].seq).toBeGreaterThan(cursor);
  });
});

describe('a request that makes no sense', () => {
  it('is refused with every fault and its place, and the orchestrator serves on', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one', SUSTAINML_GRAPH] });
    const post = (body: unknown) => orchestrator.post('/v1/problems', body);

    const unknown = await post({ graph: 'sustainable', input: {} });
    expect(unknown.status).toBe(422);
    expect(unknown.body.error).toMatchObject({
      ...{ code: 'unknown_graph', hint: expect.stringContaining('sustainml') },
      details: [{ path: '/graph' }],
    });

    const input = {
      modality: 7,
      inputs: ['one', 2],
      minimum_samples: -1,
      extra_data: '%%%',
      colour: 'green',
    };
    const faulty = await post({ graph: 'sustainml', input });
    expect(faulty.status).toBe(422);
    expect(faulty.body.error.code).toBe('bad_input');
    const details = faulty.body.error.details as { path: string; code: string; message: string }[];
    expect(Object.fromEntries(details.map(({ path, code }) => [path, code]))).toEqual({
      '/input/modality': 'wrong_type',
      '/input/inputs/1': 'wrong_type',
      '/input/minimum_samples': 'out_of_range',
      '/input/extra_data': 'bad_base64',
      '/input/colour': 'unknown_field',
    });

    expect((await post({ input: {} })).status).toBe(422);
    expect((await post({ graph: 'one', input: {}, priority: 101 })).body.error.details).toMatchObject([
      { path: '/priority' },
    ]);
    const { http } = orchestrator.ready;
    const headers = { 'content-type': 'application/json' };
    const half = await fetch(`${http}/v1/problems`, { method: 'POST', headers, body: '{"graph":' });
    expect(half.status).toBe(400);
    // The announced length is enough to be refused; a body that is under way would meet a closing connection.
    const large = request(`${http}/v1/problems`, {
      ...{ method: 'POST', agent: false },
      headers: { ...headers, 'content-length': String(9 * 1024 ** 2) },
    });
    large.on('error', () => {});
    large.flushHeaders();
    const [tooLarge] = (await once(large, 'response')) as [IncomingMessage];
    large.destroy();
    expect(tooLarge.statusCode).toBe(413);
    expect((await orchestrator.get('/v1/problems/no-such-problem')).status).toBe(404);
    expect((await orchestrator.get('/v1/problems?limit=0')).status).toBe(400);
    expect((await orchestrator.get('/v1/problems?cursor=made-up')).status).toBe(400);
    const put = await fetch(`${http}/v1/graphs/broken`, {
      ...{ method: 'PUT', headers: { 'content-type': 'application/yaml' } },
      body: 'name: broken\nsource: { name: a, type: json }\nmodules:\n  b: { inputs: [c], output: json, timeout: x }\n',
    });
    expect(put.status).toBe(422);
    const faults = ((await put.json()) as Json).error.details.map(({ path }: { path: string }) => path);
    expect(faults).toContain('modules.b.timeout');
    expect(faults.length).toBeGreaterThanOrEqual(2);
    expect((await orchestrator.get('/v1/problems')).body.items).toEqual([]);
    await orchestrator.submit('one', {});
  });

  it('a request to iterate is a conflict if the parent does not exist yet, and invalid without an input', async () => {
    const orchestrator = await OrchestratorProcess.up(Scene.ofTest(), { graphs: ['one'] });
    const { problem_id: problem, task_id: task } = await orchestrator.submit('one', {});
    const path = `/v1/problems/${problem}/iterations`;
    expect(await orchestrator.post(path, { parent_iteration_id: 1 })).toMatchObject({ status: 409 });
    expect(await orchestrator.post(path, { parent_iteration_id: 7, input: {} })).toMatchObject({
      status: expect.toSatisfy((status: number) => status === 404 || status === 409),
    });
    expect(await orchestrator.post(path, {})).toMatchObject({ status: 422 });
    const stop = `${path}/1/commands`;
    expect((await orchestrator.post(stop, { command: 'dance' })).status).toBe(422);
    expect((await orchestrator.post(stop, { command: 'stop' })).status).toBe(202);
    expect((await orchestrator.task(task)).state).toBe('cancelled');
    expect((await orchestrator.post(stop, { command: 'stop' })).status).toBe(409);
  });
});
