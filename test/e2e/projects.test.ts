/** Whose work it is: what of one project's work shows to somebody of another, on every route, in every stream and every file. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startNode } from '../support/nodes.js';
import { OrchestratorProcess, type Reply } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { tutti } from '../support/tutti.js';

const TOKEN = 'correct-horse-battery-staple';
/** In the title, the tags, the notes, the input, the output and a blob. */
const MARKER = 'sesame-7f3a';

type Headers = Readonly<Record<string, string>>;

interface Line {
  readonly type: string;
  readonly cursor?: number;
  readonly events?: readonly Readonly<Record<string, unknown>>[];
}

const bearer = (token: string): Headers => ({ authorization: `Bearer ${token}` });

/** What a viewer is told up to a `seq`, from the first event on. */
async function told(http: string, headers: Headers, subscribe: object, until: number): Promise<string> {
  const socket = new WebSocket(`${http.replace('http', 'ws')}/v1/stream`, { headers });
  const frames: string[] = [];
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('open', () => socket.send(JSON.stringify({ type: 'subscribe', cursor: 0, ...subscribe })));
    socket.on('message', (data) => {
      frames.push(String(data));
      const { type, cursor = 0 } = JSON.parse(String(data)) as Line;
      if (type === 'tick' && cursor >= until) resolve();
    });
  });
  socket.terminate();
  return frames.join('\n');
}

describe('the work of a project', () => {
  it('shows to its people and to those who are bound to none, and to nobody of another project, by no route', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, {
      graphs: ['one', 'asking'],
      env: { TUTTI_TOKEN: TOKEN },
    });
    const { http } = orchestrator.ready;
    startNode(scene, orchestrator, { module: 'work', env: { TUTTI_TOKEN: TOKEN } });
    const owner = bearer(TOKEN);
    const grant = async (name: string, project?: string): Promise<Headers> => {
      const body = { name, role: 'admin', ...(project !== undefined && { project }) };
      const granted = await orchestrator.post('/v1/access', body, owner);
      expect(granted).toMatchObject({ status: 201, body: { project: project ?? 'default' } });
      return bearer(String(granted.body.token));
    };
    const ada = await grant('ada', 'alpha');
    const bob = await grant('bob', 'beta');
    const dee = await grant('dee');
    const all = await grant('all', '*');
    expect((await orchestrator.get('/v1/me', ada)).body).toMatchObject({ name: 'ada', project: 'alpha' });
    expect((await orchestrator.get('/v1/me', owner)).body).toMatchObject({ project: '*' });

    const body = {
      graph: 'one',
      input: { say: MARKER },
      title: MARKER,
      tags: [MARKER],
      notes: MARKER,
      starred: true,
    };
    const submitted = await orchestrator.post('/v1/problems', body, { ...ada, 'idempotency-key': 'same' });
    expect(submitted).toMatchObject({ status: 201 });
    const { problem_id, task_id } = submitted.body as { problem_id: string; task_id: string };
    const iteration = `/v1/problems/${task_id.replace('/', '/iterations/')}`;
    await expect
      .poll(async () => (await orchestrator.get(iteration, ada)).body.state, { timeout: 20_000 })
      .toBe('succeeded');
    // Nobody runs it, so it stays under way.
    const waiting = await orchestrator.post('/v1/problems', { ...body, graph: 'asking' }, ada);
    expect(waiting.status).toBe(201);
    const blob = createHash('sha256').update(MARKER).digest('hex');
    const put = await fetch(`${http}/v1/blobs/${blob}`, { method: 'PUT', headers: ada, body: MARKER });
    expect(put.status).toBe(201);
    const hook = { name: 'chat', url: 'http://127.0.0.1:9/chat', problem: `title = "${MARKER}"` };
    expect((await orchestrator.post('/v1/webhooks', hook, ada)).status).toBe(201);
    const stop = await orchestrator.post(
      `/v1/problems/${waiting.body.task_id.replace('/', '/iterations/')}/commands`,
      { command: 'reset', module: 'nobody' },
      ada,
    );
    expect(stop.status).toBe(422);
    const cursor = Number((await orchestrator.get('/v1/stats', owner)).headers.get('tutti-cursor'));
    const executions = await orchestrator.get(`${iteration}/executions`, ada);
    const [{ execution_id, node_id }] = executions.body.items;

    const { paths } = (await orchestrator.get('/openapi.json', owner)).body as {
      readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
    };
    const named: Headers = {
      ...{ problem_id, iteration_id: '1', module: 'work', execution_id, node_id, sha256: blob },
      ...{ job_id: problem_id, seq: '1', name: 'one', version: '1', command_id: problem_id },
      ...{
        access_id: problem_id,
        deployment_id: problem_id,
        campaign_id: problem_id,
        operation_id: '1',
        item: '0',
      },
    };
    const queries = [
      '',
      `?q=${MARKER}`,
      `?tag=${MARKER}`,
      `?filter=${encodeURIComponent(`title ~ "${MARKER}"`)}`,
    ];
    const asks = async (path: string, headers: Headers): Promise<string> => {
      const reply = await fetch(http + path, { headers });
      return Buffer.from(await reply.arrayBuffer()).toString('latin1');
    };
    const leaks: string[] = [];
    const shown: string[] = [];
    let asked = 0;
    for (const [path, methods] of Object.entries(paths)) {
      // The socket is asked below.
      if (!('get' in methods) || path === '/v1/stream') continue;
      const address = path.replace(/\{(\w+)\}/g, (_, name: string) => {
        expect(named, `${path} has a parameter that is unknown here`).toHaveProperty(name);
        return encodeURIComponent(named[name]!);
      });
      const more = /^\/v1\/(problems|iterations)$|\/(iterations|export)$/.test(path) ? queries : [''];
      for (const query of more) {
        asked += 1;
        for (const headers of [bob, dee]) {
          const text = await asks(address + query, headers);
          // A refusal may say what it was asked for.
          const isEcho = text.startsWith('{"error"');
          // Admins see the audit of all projects: who has done what to which problem, and nothing of what is in it.
          const mayName = isEcho || path.startsWith('/v1/audit');
          if (text.includes(MARKER) || (!mayName && text.includes(problem_id)))
            leaks.push(`${address}${query}: ${text.slice(0, 200)}`);
        }
        if ((await asks(address + query, ada)).includes(MARKER)) shown.push(path);
      }
    }
    expect(leaks).toEqual([]);
    // Otherwise it would prove nothing.
    expect(asked).toBeGreaterThan(40);
    for (const path of ['/v1/problems', '/v1/tags', '/v1/iterations', '/v1/webhooks'])
      expect(shown).toContain(path);
    expect(new Set(shown).size).toBeGreaterThan(9);

    for (const headers of [bob, dee]) {
      const heard = [{}, { problem_id }].map((subscribe) => told(http, headers, subscribe, cursor));
      for (const text of await Promise.all(heard)) {
        expect(text).not.toContain(MARKER);
        expect(text).not.toContain(problem_id);
      }
      const refused: readonly (readonly [Reply, string])[] = [
        [await orchestrator.post(`/v1/problems/${problem_id}/iterations`, {}, headers), 'unknown_problem'],
        [await orchestrator.patch(`/v1/problems/${problem_id}`, { title: 'x' }, headers), 'unknown_problem'],
        [await orchestrator.post(`${iteration}/commands`, { command: 'stop' }, headers), 'unknown_task'],
        [
          await orchestrator.post(`${iteration}/approvals/work`, { decision: 'approve' }, headers),
          'unknown_task',
        ],
        [await orchestrator.post('/v1/webhooks/chat/test', {}, headers), 'unknown_webhook'],
      ];
      for (const [
        {
          status,
          body: { error },
        },
        code,
      ] of refused) {
        expect(error.code).toBe(code);
        expect(status).toBe(404);
      }
      expect((await fetch(`${http}/v1/blobs/${blob}`, { headers })).status).toBe(404);
    }
    for (const headers of [ada, all, owner]) {
      expect((await orchestrator.get(`/v1/problems/${problem_id}`, headers)).body.project).toBe('alpha');
      expect(await told(http, headers, {}, cursor)).toContain(MARKER);
    }

    // Keys belong to a project.
    const again = await orchestrator.post('/v1/problems', body, { ...ada, 'idempotency-key': 'same' });
    expect(again.body.problem_id).toBe(problem_id);
    const other = { ...body, title: 'of beta' };
    const ofBeta = await orchestrator.post('/v1/problems', other, { ...bob, 'idempotency-key': 'same' });
    expect(ofBeta.status).toBe(201);
    expect(ofBeta.body.problem_id).not.toBe(problem_id);
    const ofNone = await orchestrator.post('/v1/problems', { ...body, title: 'of none' }, owner);
    const titles = async (headers: Headers): Promise<string[]> =>
      (await orchestrator.get('/v1/problems', headers)).body.items.map(
        ({ title }: { title: string }) => title,
      );
    expect(await titles(bob)).toEqual(['of beta']);
    expect(await titles(dee)).toEqual(['of none']);
    expect(await titles(owner)).toEqual(['of none', 'of beta', MARKER, MARKER]);
    expect((await orchestrator.get(`/v1/problems/${ofNone.body.problem_id}`, owner)).body.project).toBe(
      'default',
    );

    // A cursor of another project's list leads nowhere but into one's own.
    for (const list of ['/v1/problems', '/v1/iterations']) {
      const own = await orchestrator.get(`${list}?limit=1`, ada);
      const position = JSON.stringify(['alpha']);
      for (const taken of [own.body.next_cursor, Buffer.from(position).toString('base64url')])
        if (taken) expect(await asks(`${list}?cursor=${taken}`, bob), list).not.toContain(problem_id);
    }
    const exported = await fetch(`${http}/v1/problems/${problem_id}/export?format=csv`, { headers: ada });
    expect((await exported.text()).split('\r\n').map((line) => line.split(',').includes('alpha'))).toContain(
      true,
    );
    const found = await fetch(`${http}/v1/iterations/export?format=csv`, { headers: owner });
    const [head = '', ...lines] = (await found.text()).trim().split('\r\n');
    const at = head.split(',').indexOf('project');
    expect(new Set(lines.map((line) => line.split(',')[at]))).toEqual(new Set(['alpha', 'beta', 'default']));
    const metrics = await Promise.all([ada, bob, owner].map((headers) => asks('/metrics', headers)));
    expect(metrics.map((text) => text.includes('project="alpha"'))).toEqual([true, false, true]);

    await orchestrator.process.end('SIGKILL');
    await orchestrator.restart();
    expect(await titles(ada)).toEqual([MARKER, MARKER]);
    expect(await titles(all)).toEqual(['of none', 'of beta', MARKER, MARKER]);

    const job = { name: 'quick', script: '#!/bin/sh\n', cluster: 'local' };
    expect((await orchestrator.post('/v1/jobs', job, ada)).status).toBe(201);
    for (const headers of [ada, owner]) {
      const { items } = (await orchestrator.get('/v1/jobs', headers)).body;
      expect(items.map(({ project }: { project: string }) => project)).toEqual(['alpha']);
    }
    const listed = await tutti(scene, ['jobs', '--url', http], { TUTTI_TOKEN: TOKEN });
    expect(listed.stdout).toMatch(/ PROJECT *\n.* alpha *$/m);
    expect((await orchestrator.get('/v1/jobs', bob)).body.items).toEqual([]);
  }, 120_000);

  it('has the plans of its deployments and their scripts for itself', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, { env: { TUTTI_TOKEN: TOKEN } });
    const { http } = orchestrator.ready;
    const grant = async (name: string): Promise<Headers> => {
      const body = { name, role: 'operator', project: name };
      return bearer(String((await orchestrator.post('/v1/access', body, bearer(TOKEN))).body.token));
    };
    const [alpha, beta] = [await grant('alpha'), await grant('beta')];
    const script = `#!/bin/sh\necho ${MARKER}\n`;
    const sha256 = createHash('sha256').update(script).digest('hex');
    const blob = `/v1/blobs/${sha256}`;
    expect((await fetch(http + blob, { method: 'PUT', headers: alpha, body: script })).status).toBe(201);
    const blueprint = `blueprint: ${MARKER}\ncomponents: { a: { operations: { start: ./a.sh } } }\n`;
    const body = { blueprint, files: { 'a.sh': sha256 } };
    const deployed = await orchestrator.post('/v1/deployments', body, alpha);
    expect(deployed.status).toBe(202);
    const id = String(deployed.body.deployment_id);
    const stats = await orchestrator.get('/v1/stats', bearer(TOKEN));
    const cursor = Number(stats.headers.get('tutti-cursor'));

    const plan = `/v1/graphs/deployment:${id}`;
    for (const path of [plan, `${plan}/versions/1`, blob, `/v1/deployments/${id}`]) {
      const asked = async (headers: Headers): Promise<number> => {
        const reply = await fetch(http + path, { headers });
        await reply.arrayBuffer();
        return reply.status;
      };
      expect([path, await asked(alpha), await asked(beta)]).toEqual([path, 200, 404]);
    }
    const reused = await orchestrator.post('/v1/deployments', body, beta);
    expect([reused.status, reused.body.error?.code]).toEqual([422, 'bad_blueprint']);
    expect(await told(http, alpha, {}, cursor)).toContain(`"graph":"deployment:${id}"`);
    const heard = await told(http, beta, {}, cursor);
    expect(heard).not.toContain(id);
    expect(heard).not.toContain(MARKER);
  }, 60_000);
});
