/** Who may do what, asked of the gateway itself: every route by every role, and what a refusal, a revocation and an expiry do. */
import { once } from 'node:events';
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import { validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type AccessOptions, createAccess } from '../../../frontend-bridge/gateway/access.js';
import { apiRoutes } from '../../../frontend-bridge/gateway/application.js';
import type { App } from '../../../frontend-bridge/gateway/http.js';
import { Holders } from '../../../frontend-bridge/gateway/stream/holders.js';
import { type Action, type Grant, LEAST_ROLE, ROLES, type Role } from '../../../src/model/access.js';
import { type RunningGateway, startGateway } from '../../support/gateway.js';

const TOKEN = 'correct-horse-battery-staple-and-more';
const NODE_TOKEN = 'tutti-node-of-a-registration';

/** By the contract: who may do it at least. What reads is not named, and needs a viewer. */
const NEEDS: Readonly<Record<string, Role>> = {
  'POST /v1/problems': 'author',
  'POST /v1/problems::batch': 'author',
  'PATCH /v1/problems/:problem_id': 'author',
  'POST /v1/problems/:problem_id/iterations': 'author',
  'POST /v1/problems/:problem_id/iterations/:iteration_id/commands': 'author',
  'POST /v1/problems/:problem_id/iterations/:iteration_id/approvals/:module': 'author',
  'POST /v1/jobs': 'author',
  'POST /v1/jobs/:job_id/cancel': 'author',
  'PUT /v1/blobs/:sha256': 'author',
  'POST /v1/sessions': 'viewer',
  'POST /v1/nodes/:node_id/commands': 'operator',
  'POST /v1/nodes/:node_id/configuration': 'operator',
  'DELETE /v1/nodes/:node_id': 'operator',
  'POST /v1/node-keys/joins': 'operator',
  'POST /v1/node-keys/subscribers': 'operator',
  'POST /v1/node-keys/revoke': 'operator',
  'POST /v1/server-keys': 'operator',
  'POST /v1/clusters': 'operator',
  'PATCH /v1/clusters/:name': 'operator',
  'DELETE /v1/clusters/:name': 'operator',
  'POST /v1/campaigns': 'author',
  'POST /v1/campaigns/:campaign_id/commands': 'author',
  'POST /v1/deployments': 'operator',
  'POST /v1/deployments/:deployment_id/continue': 'operator',
  'POST /v1/deployments/:deployment_id/diff': 'operator',
  'POST /v1/deployments/:deployment_id/update': 'operator',
  'POST /v1/deployments/:deployment_id/undeploy': 'operator',
  'POST /v1/deployments/:deployment_id/cancel': 'operator',
  'PUT /v1/services/:name': 'operator',
  'POST /v1/services/:name/commands': 'operator',
  'DELETE /v1/services/:name': 'operator',
  'PUT /v1/secrets/:name': 'operator',
  'DELETE /v1/secrets/:name': 'operator',
  'POST /v1/webhooks': 'operator',
  'DELETE /v1/webhooks/:name': 'operator',
  'POST /v1/webhooks/:name/test': 'operator',
  'POST /v1/graphs': 'operator',
  'PUT /v1/graphs/:name': 'operator',
  'GET /v1/access': 'admin',
  'GET /v1/audit': 'admin',
  'GET /v1/audit/export': 'admin',
  'POST /v1/access': 'admin',
  'DELETE /v1/access/:access_id': 'admin',
};

let running: RunningGateway;
const tokens = new Map<Role, string>();

beforeAll(async () => {
  running = await startGateway({ token: TOKEN });
  running.coordinator.nodeBlobs.holderOf = (token) =>
    token === NODE_TOKEN ? { nodeId: 'n', name: 'work/a' } : undefined;
  for (const role of ROLES) tokens.set(role, String((await grant(role)).token));
});
afterAll(() => running.gateway.stop());

function call(method: string, path: string, token?: string, body?: unknown): Promise<Response> {
  return fetch(running.url + path, {
    method,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

async function grant(role: Role, more: object = {}): Promise<Record<string, unknown>> {
  const reply = await call('POST', '/v1/access', TOKEN, { name: `a ${role}`, role, ...more });
  expect(reply.status).toBe(201);
  return (await reply.json()) as Record<string, unknown>;
}

async function codeOf(reply: Response): Promise<string> {
  return ((await reply.json()) as { error: { code: string } }).error.code;
}

/** Every route of the API that needs a token, with what it says that it does; the others are added to `opened`. */
async function routes(
  opened: string[],
): Promise<{ method: string; url: string; action: Action | undefined }[]> {
  const app: App = Fastify().withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(() => String);
  const found: { method: string; url: string; action: Action | undefined }[] = [];
  app.addHook('onRoute', ({ method, url, config }) => {
    if (config?.isOpen) opened.push(`${String(method)} ${url}`);
    else for (const one of [method].flat()) found.push({ method: one, url, action: config?.action });
  });
  // Nothing is asked: the routes are listed, and never called.
  const nothing = {} as never;
  await app.register(async (api: App) =>
    apiRoutes(
      api,
      {
        ...{ coordinator: nothing, hub: nothing, connections: nothing, holders: nothing },
        ...{ metrics: nothing, peers: nothing, logger: nothing, access: nothing },
      },
      { samples: nothing, limits: nothing, jobTypes: new Map(), version: nothing, token: TOKEN },
    ),
  );
  await app.ready();
  return found;
}

describe('the table of who may do what', () => {
  it('is what each route does for each role: it is done, or refused with the role that it needs', async () => {
    const opened: string[] = [];
    const all = [...(await routes(opened)), { method: 'GET', url: '/openapi.json', action: 'read' as const }];
    expect(all.filter(({ action }) => action === undefined)).toEqual([]);
    expect(opened).toEqual(['POST /v1/login', 'POST /v1/logout']);
    const named = new Set(all.map(({ method, url }) => `${method} ${url}`));
    expect(Object.keys(NEEDS).filter((name) => !named.has(name))).toEqual([]);
    // What changes something is named above, so that nobody lets viewers do it by mistake.
    const changing = all.filter(
      ({ method, url }) => !['GET', 'HEAD'].includes(method) && !(`${method} ${url}` in NEEDS),
    );
    expect(changing).toEqual([]);
    // No row of the table is without a route.
    expect(new Set(all.map(({ action }) => action))).toEqual(new Set(Object.keys(LEAST_ROLE)));

    const actions = new Map(all.map(({ method, url, action }) => [`${method} ${url}`, action]));
    let cells = 0;
    for (const { method, url, action } of all) {
      if (method === 'HEAD') {
        // The framework adds it to its GET.
        expect([url, action]).toEqual([url, actions.get(`GET ${url}`)]);
        continue;
      }
      const needed = NEEDS[`${method} ${url}`] ?? 'viewer';
      const path = url.replace('::', ':').replace(/:(?!batch)\w+/g, 'x');
      const body = ['POST', 'PUT', 'PATCH'].includes(method) ? {} : undefined;
      const ask = async (role: Role | undefined): Promise<readonly [string, number, string | undefined]> => {
        const reply = await call(method, path, role && tokens.get(role), body);
        const isRefused = [401, 403].includes(reply.status);
        const code = isRefused ? await codeOf(reply) : await reply.body?.cancel();
        return [`${role}: ${method} ${url}`, reply.status, code ?? undefined];
      };
      const may = ROLES.filter((role) => ROLES.indexOf(role) >= ROLES.indexOf(needed));
      const mayNot = ROLES.filter((role) => !may.includes(role));
      const before = running.coordinator.requests.length;
      expect(await Promise.all([undefined, ...mayNot].map(ask))).toEqual([
        [`undefined: ${method} ${url}`, 401, 'unauthorized'],
        ...mayNot.map((role) => [`${role}: ${method} ${url}`, 403, `${needed}_needed`]),
      ]);
      expect(running.coordinator.requests.length).toBe(before);
      for (const [cell, status] of await Promise.all(may.map(ask)))
        expect([401, 403], cell).not.toContain(status);
      cells += ROLES.length;
    }
    expect(cells).toBeGreaterThan(250);
  });

  it('lets a node with the token of its registration get and put blobs, and do nothing else', async () => {
    const opened: string[] = [];
    const all = [...(await routes(opened)), { method: 'GET', url: '/openapi.json', action: 'read' as const }];
    const may: string[] = [];
    for (const { method, url } of all.filter((route) => route.method !== 'HEAD')) {
      const path = url
        .replace('::', ':')
        .replace(':sha256', '0'.repeat(64))
        .replace(/:(?!batch)\w+/g, 'x');
      const reply = await call(
        method,
        path,
        NODE_TOKEN,
        method === 'GET' || method === 'DELETE' ? undefined : {},
      );
      const code = reply.ok ? undefined : await codeOf(reply);
      if (reply.status === 403) expect([url, code]).toEqual([url, 'blobs_only']);
      else may.push(`${method} ${url} ${reply.status}`);
    }
    // None of these is one that it was given, or hashes to that.
    expect(may).toEqual(['GET /v1/blobs/:sha256 404', 'PUT /v1/blobs/:sha256 422']);
    const login = await call('POST', '/v1/login', undefined, { token: NODE_TOKEN });
    expect([login.status, login.headers.get('set-cookie')]).toEqual([401, null]);
    await expect(watch(NODE_TOKEN)).rejects.toThrow('403');
    // One that has ended does not count as a guess.
    for (let tries = 0; tries < 10; tries += 1)
      expect((await call('GET', '/v1/me', `${NODE_TOKEN}-over`)).status).toBe(401);
  });

  it('lets viewers watch the stream, and nobody without a token', async () => {
    const viewer = await watch(tokens.get('viewer')!);
    viewer.terminate();
    await expect(watch('tutti-access-of-nobody')).rejects.toThrow('401');
  });
});

async function watch(token: string): Promise<WebSocket> {
  const socket = new WebSocket(`${running.url.replace('http', 'ws')}/v1/stream`, {
    headers: { authorization: `Bearer ${token}` },
  });
  await once(socket, 'open');
  return socket;
}

describe('a grant', () => {
  it('says who its holder is, and shows its token only once', async () => {
    const granted = await grant('author', { expires_in_ms: 60_000 });
    expect(granted.token).toMatch(/^tutti-access-[\w-]{43}$/);
    const { token, created_at: _, ...rest } = granted;
    expect(Date.parse(String(rest.expires_at)) - Date.now()).toBeGreaterThan(50_000);
    const { access_id, name, role, project, expires_at } = rest;
    expect(await (await call('GET', '/v1/me', String(token))).json()).toEqual({
      access_id,
      name,
      role,
      project,
      expires_at,
    });
    expect(await (await call('GET', '/v1/me', TOKEN)).json()).toEqual({
      ...{ access_id: null, name: 'token', role: 'admin', project: '*', expires_at: null },
    });
    const listed = await (await call('GET', '/v1/access', TOKEN)).text();
    expect(listed).toContain(String(access_id));
    expect(listed).not.toContain(String(token));
  });

  it('is worth nothing once it is revoked: requests are refused, and its open streams end at once', async () => {
    const [granted, other] = [await grant('viewer'), await watch(tokens.get('viewer')!)];
    const token = String(granted.token);
    const mine = await watch(token);
    const heard: string[] = [];
    mine.on('message', (data) => heard.push(String(data)));
    mine.send('{"type":"subscribe","cursor":0}');
    await expect.poll(() => heard.join()).toContain('subscribed');
    const [closed, told] = [once(mine, 'close'), heard.length];
    expect((await call('DELETE', `/v1/access/${String(granted.access_id)}`, TOKEN)).status).toBe(200);
    running.coordinator.events.commit([{ type: 'node.status' }]);
    expect((await closed)[0]).toBe(1008);
    // A tick, which says nothing of what has happened, comes at any time until then.
    expect(heard.slice(told).filter((frame) => !frame.startsWith('{"type":"tick"'))).toEqual([]);
    expect(other.readyState).toBe(WebSocket.OPEN);
    other.terminate();
    expect((await call('GET', '/v1/problems', token)).status).toBe(401);
    expect(await codeOf(await call('DELETE', `/v1/access/${String(granted.access_id)}`, TOKEN))).toBe(
      'not_found',
    );
  });

  it('is refused with the faults of its fields', async () => {
    for (const [path, body] of [
      ['/role', { name: 'ada', role: 'root' }],
      ['/name', { name: ' ', role: 'viewer' }],
      ['/name', { name: 'a\nb', role: 'viewer' }],
      ['/expires_in_ms', { name: 'ada', role: 'viewer', expires_in_ms: 1 }],
      ['/project', { name: 'ada', role: 'viewer', project: 'a/b' }],
      ['/other', { name: 'ada', role: 'viewer', other: 'p' }],
    ] as const) {
      const reply = await call('POST', '/v1/access', TOKEN, body);
      expect(reply.status).toBe(422);
      const { error } = (await reply.json()) as { error: { details: { path: string }[] } };
      expect(error.details.map((fault) => fault.path)).toEqual([path]);
    }
  });

  it('is not made where nobody needs a token, and everybody is an admin', async () => {
    const open = await startGateway();
    try {
      expect(await (await fetch(`${open.url}/v1/me`)).json()).toMatchObject({ role: 'admin', name: null });
      const reply = await fetch(`${open.url}/v1/access`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'ada', role: 'viewer' }),
      });
      expect([reply.status, await codeOf(reply)]).toEqual([409, 'no_token']);
    } finally {
      await open.gateway.stop();
    }
  });
});

describe('pages that are public', () => {
  it('are read without a token, and nothing else is', async () => {
    const open = await startGateway({ token: TOKEN, publicPages: ['metrics', 'openapi'] });
    try {
      const statusOf = async (path: string): Promise<number> => (await fetch(open.url + path)).status;
      expect(await Promise.all(['/metrics', '/openapi.json', '/v1/stats', '/v1/me'].map(statusOf))).toEqual([
        200, 200, 401, 401,
      ]);
      const wrong = { headers: { authorization: 'Bearer wrong' } };
      expect((await fetch(`${open.url}/metrics`, wrong)).status).toBe(401);
    } finally {
      await open.gateway.stop();
    }
  });
});

describe('wrong tokens', () => {
  const granted: Grant = {
    ...{
      id: 'g',
      name: 'ada',
      role: 'viewer',
      project: 'default',
      hash: '',
      createdAt: 0,
      expiresAt: undefined,
    },
  };

  /** The codes of attempts, one after the other, each with a token at a time. */
  function codes(
    token: string,
    attempts: readonly (readonly [given: string, nowMs: number, ip?: string])[],
  ): string[] {
    let now = 0;
    const options: AccessOptions = {
      ...{ token, origins: [], hosts: [], loopback: true, publicPages: [] },
      grants: { holderOf: (given) => (given === 'granted' ? granted : undefined), withHash: () => undefined },
      sessions: { seal: () => '', read: () => undefined },
      nodeBlobs: { holderOf: () => undefined },
      clock: { monotonicMs: () => now, wallMs: () => now },
    };
    const access = createAccess(options);
    const reply = { header: () => reply } as unknown as FastifyReply;
    return attempts.map(([given, nowMs, ip = 'a']) => {
      now = nowMs;
      const request = {
        headers: { authorization: `Bearer ${given}` },
        cookies: {},
        routeOptions: { config: {} },
        ip,
      };
      try {
        return access.identify(request as unknown as FastifyRequest, reply).role;
      } catch (error) {
        return (error as { code: string }).code;
      }
    });
  }
  const wrong = (nowMs: number) => ['wrong', nowMs] as const;
  const fails = Array.from({ length: 5 }, () => 'unauthorized');

  it('are few a second for each address, and keep nobody with an unguessable token out', () => {
    const long = 'x'.repeat(32);
    expect(
      codes(long, [
        ...[0, 1, 2, 3, 4, 5].map(wrong),
        [long, 6],
        ['granted', 7],
        ['wrong', 8, 'b'],
        wrong(1_001),
      ]),
    ).toEqual([...fails, 'too_many_attempts', 'admin', 'viewer', 'unauthorized', 'unauthorized']);
  });

  it('keep a short token from being guessed', () => {
    expect(
      codes('short', [
        ...[0, 1, 2, 3, 4].map(wrong),
        ['short', 5],
        ['short', 6, 'b'],
        wrong(1_001),
        ['short', 1_002],
      ]),
    ).toEqual([...fails, 'too_many_attempts', 'admin', 'unauthorized', 'admin']);
  });
});

describe('the viewers of a grant', () => {
  it('are ended once when it has expired, and those that have gone before are forgotten', () => {
    let now = 0;
    const ended: string[] = [];
    const expiring: Grant = {
      ...{
        id: 'g',
        name: 'ada',
        role: 'viewer',
        project: 'default',
        hash: '',
        createdAt: 0,
        expiresAt: 1_000,
      },
    };
    const holders = new Holders({
      grants: { isValid: ({ expiresAt }) => now < expiresAt!, onChange: () => () => {} },
      sessions: { isValid: ({ expiresAt }) => now < expiresAt },
    });
    holders.add({ grant: expiring }, () => ended.push('one'));
    holders.add({ grant: expiring }, () => ended.push('two'))();
    holders.add({ grant: expiring, sessionUntil: 500 }, () => ended.push('session'));
    holders.add({ sessionUntil: 500 }, () => ended.push('session of the configured token'));
    holders.check();
    expect(ended).toEqual([]);
    now = 500;
    holders.check();
    expect(ended.splice(0)).toEqual(['session', 'session of the configured token']);
    now = 1_000;
    holders.check();
    holders.check();
    expect(ended).toEqual(['one']);
  });
});
