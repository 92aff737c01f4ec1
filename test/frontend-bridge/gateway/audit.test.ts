/** The gateway's part of the audit: callers, their addresses, and callers that lack a right, by HTTP and by WebSocket. */
import { once } from 'node:events';
import { request } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type RunningGateway, startGateway } from '../../support/gateway.js';

const TOKEN = 'correct-horse-battery-staple-and-more';

let running: RunningGateway;
let ada: { readonly access_id: string; readonly token: string };

beforeAll(async () => {
  running = await startGateway({ token: TOKEN });
  ada = (await call('POST', '/v1/access', TOKEN, { name: 'ada', role: 'author' })) as typeof ada;
});
afterAll(() => running.gateway.stop());

async function call(
  method: string,
  path: string,
  token?: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const reply = await fetch(running.url + path, {
    method,
    headers: {
      ...headers,
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return reply.json();
}

/** The name that another site made to point here. */
async function rebound(): Promise<void> {
  const asked = request(`${running.url}/v1/problems`, { headers: { host: 'evil.example' } }).end();
  const [reply] = (await once(asked, 'response')) as [NodeJS.ReadableStream];
  reply.resume();
}

async function upgrade(headers: Readonly<Record<string, string>>): Promise<void> {
  const socket = new WebSocket(`${running.url.replace('http', 'ws')}/v1/stream`, { headers });
  await once(socket, 'error');
}

it('is who was refused for want of rights, from where and by which route, and no refusal of another kind', async () => {
  const { refused } = running.coordinator;
  const before = refused.length;
  await call('GET', '/v1/problems');
  await call('GET', `/v1/problems?token=${TOKEN}`);
  await call('POST', '/v1/graphs', ada.token, {});
  await call('DELETE', '/v1/access/x', ada.token);
  await call('POST', '/v1/login', undefined, { token: 'wrong' });
  await call('POST', '/v1/problems', ada.token, {}, { origin: 'https://evil.example' });
  await rebound();
  await upgrade({});
  await upgrade({ authorization: 'Bearer wrong' });
  await call('GET', '/v1/problems?limit=x', ada.token);
  await call('POST', '/v1/access', TOKEN, {});
  await call('GET', '/nothing');
  const address = '127.0.0.1';
  const byAda = { by: 'ada', accessId: ada.access_id, address };
  const deeds = refused.slice(before).map(({ code, deed }) => [code, deed]);
  expect(deeds).toEqual([
    ['unauthorized', { address, action: 'read', operation: 'GET /v1/problems' }],
    ['token_in_url', { address, action: 'read', operation: 'GET /v1/problems' }],
    ['operator_needed', { ...byAda, action: 'store_graph', operation: 'POST /v1/graphs' }],
    ['admin_needed', { ...byAda, action: 'manage_access', operation: 'DELETE /v1/access/:access_id' }],
    ['unauthorized', { address, action: 'sign_in', operation: 'POST /v1/login' }],
    // Before anybody looks whose the token is.
    ['forbidden_origin', { address, action: 'submit', operation: 'POST /v1/problems' }],
    ['forbidden_host', { address, action: 'read', operation: 'GET /v1/problems' }],
    ['unauthorized', { address, action: 'read', operation: 'GET /v1/stream' }],
    ['unauthorized', { address, action: 'read', operation: 'GET /v1/stream' }],
    ['invalid_query', undefined],
    ['invalid_body', undefined],
    ['not_found', undefined],
  ]);
  expect(JSON.stringify(deeds)).not.toContain(TOKEN);
});

it('is who asks for something, also with a session, and who signs in', async () => {
  const { coordinator } = running;
  await call('POST', '/v1/problems', ada.token, { graph: 'demo', input: {} });
  const byAda = { by: 'ada', accessId: ada.access_id, address: '127.0.0.1' };
  expect(coordinator.asker).toEqual(byAda);
  await call('GET', '/v1/problems', TOKEN);
  expect(coordinator.asker).toEqual({ by: 'token', address: '127.0.0.1' });
  const { token } = (await call('POST', '/v1/sessions', ada.token, {})) as { token: string };
  await call('GET', '/v1/problems', token);
  expect(coordinator.asker).toEqual(byAda);
  await call('POST', '/v1/login', undefined, { token: ada.token });
  expect(coordinator.done).toEqual([
    { ...byAda, action: 'sign_in', operation: 'session' },
    { ...byAda, action: 'sign_in', operation: 'login' },
  ]);
});
