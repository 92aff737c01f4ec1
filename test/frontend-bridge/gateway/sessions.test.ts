/** Signing in by cookie, and tokens that last for hours: what they are good for, and from where. */
import { once } from 'node:events';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type RunningGateway, startGateway } from '../../support/gateway.js';

const TOKEN = 'correct-horse-battery-staple-and-more';
const PAGE = 'https://tutti.example.org';

let running: RunningGateway;
beforeAll(async () => {
  running = await startGateway({ token: TOKEN, origins: [PAGE] });
});
afterAll(() => running.gateway.stop());

interface Reply {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: each route answers with another shape.
  readonly body: any;
  readonly setCookie: string;
}

/** Sends `headers` as they are: `fetch` keeps some of them to itself. */
async function call(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: unknown,
): Promise<Reply> {
  const sent = request(running.url + path, {
    method,
    headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
  });
  sent.end(body === undefined ? undefined : JSON.stringify(body));
  const [response] = await once(sent, 'response');
  const text = (await response.toArray()).join('');
  return {
    status: response.statusCode,
    body: text === '' ? undefined : JSON.parse(text),
    setCookie: String(response.headers['set-cookie'] ?? ''),
  };
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** What the browser sends back. */
async function signIn(token: string): Promise<string> {
  const { status, setCookie } = await call('POST', '/v1/login', {}, { token });
  expect(status).toBe(200);
  return setCookie.split(';')[0]!;
}

async function grant(role: string, more: object = {}): Promise<{ access_id: string; token: string }> {
  const { status, body } = await call('POST', '/v1/access', bearer(TOKEN), { name: role, role, ...more });
  expect(status).toBe(201);
  return body;
}

async function upgradeStatus(headers: Record<string, string>): Promise<number> {
  const socket = new WebSocket(`${running.url.replace('http', 'ws')}/v1/stream`, { headers });
  socket.on('error', () => {});
  const status = await Promise.race([
    once(socket, 'open').then(() => 101),
    once(socket, 'unexpected-response').then(([, response]) => Number(response.statusCode)),
  ]);
  socket.terminate();
  return status;
}

describe('signing in', () => {
  it('keeps the session in a cookie that no script and no other site can use, and signing out removes it', async () => {
    const { status, body, setCookie } = await call('POST', '/v1/login', {}, { token: TOKEN });
    expect([status, body.name, body.role]).toEqual([200, 'token', 'admin']);
    expect(Date.parse(body.expires_at) - Date.now()).toBeGreaterThan(11 * 3_600_000);
    expect(setCookie).toMatch(
      /^tutti_session=tutti-session-[\w-]+; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Strict$/,
    );
    expect(setCookie).not.toContain(TOKEN);
    const behindTls = await call('POST', '/v1/login', { origin: PAGE }, { token: TOKEN });
    expect(behindTls.setCookie).toMatch(/; HttpOnly; Secure; SameSite=Strict$/);
    const out = await call('POST', '/v1/logout', { origin: running.url });
    expect([out.status, out.body]).toEqual([200, {}]);
    expect(out.setCookie).toContain('tutti_session=; ');
    expect(out.setCookie).toContain('Expires=Thu, 01 Jan 1970');
  });

  it('is refused with a wrong token and to other sites, and a body that is refused is not quoted', async () => {
    const wrong = await call('POST', '/v1/login', {}, { token: 'tutti-access-wrong' });
    expect([wrong.status, wrong.body.error.code, wrong.setCookie]).toEqual([401, 'unauthorized', '']);
    const site = { origin: 'https://evil.example' };
    expect((await call('POST', '/v1/login', site, { token: TOKEN })).status).toBe(403);
    const faulty = await call('POST', '/v1/login', {}, { token: TOKEN, [TOKEN]: 1 });
    expect([faulty.status, JSON.stringify(faulty.body).includes(`"${TOKEN}"`)]).toEqual([422, false]);
  });

  it('has the role of the token, and ends with the grant', async () => {
    const viewer = await grant('viewer');
    const cookie = await signIn(viewer.token);
    const origin = running.url;
    expect((await call('GET', '/v1/me', { cookie })).body).toMatchObject({ role: 'viewer', name: 'viewer' });
    const submitted = await call('POST', '/v1/problems', { cookie, origin }, { graph: 'demo', input: {} });
    expect([submitted.status, submitted.body.error.code]).toEqual([403, 'author_needed']);
    const socket = new WebSocket(`${running.url.replace('http', 'ws')}/v1/stream`, {
      headers: { cookie, origin },
    });
    await once(socket, 'open');
    const closed = once(socket, 'close');
    expect((await call('DELETE', `/v1/access/${viewer.access_id}`, bearer(TOKEN))).status).toBe(200);
    expect((await closed)[0]).toBe(1008);
    const after = await call('GET', '/v1/me', { cookie });
    expect([after.status, after.setCookie.startsWith('tutti_session=; ')]).toEqual([401, true]);
  });

  it('is not there where nobody needs a token', async () => {
    const open = await startGateway();
    try {
      for (const path of ['login', 'sessions']) {
        const reply = await fetch(`${open.url}/v1/${path}`, {
          ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
          body: path === 'login' ? '{"token":"x"}' : '{}',
        });
        expect([reply.status, await reply.json()]).toMatchObject([409, { error: { code: 'no_token' } }]);
      }
    } finally {
      await open.gateway.stop();
    }
  });
});

describe('a session cookie', () => {
  it('changes something and opens the stream only for pages of ours', async () => {
    const cookie = await signIn(TOKEN);
    const post = async (headers: Record<string, string>) =>
      (await call('POST', '/v1/access', { cookie, ...headers }, { name: 'ada', role: 'viewer' })).status;
    expect(await post({ origin: running.url })).toBe(201);
    expect(await post({ origin: PAGE })).toBe(201);
    expect(await post({ 'sec-fetch-site': 'same-origin' })).toBe(201);
    const before = running.coordinator.requests.length;
    for (const headers of [
      {},
      { origin: 'null' },
      { origin: `${running.url}0` },
      { 'sec-fetch-site': 'none' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'cross-site' },
    ])
      expect([headers, await post(headers as Record<string, string>)]).toEqual([headers, 403]);
    expect(running.coordinator.requests.length).toBe(before);
    expect(await upgradeStatus({ cookie, origin: running.url })).toBe(101);
    expect(await upgradeStatus({ cookie })).toBe(403);
    expect(await upgradeStatus({ cookie, 'sec-fetch-site': 'same-site' })).toBe(403);
    expect(await upgradeStatus({ cookie, origin: 'https://evil.example' })).toBe(403);
    // A page that is embedded by another one of the same machine learns nothing; a person who types the address does.
    expect((await call('GET', '/v1/problems', { cookie, 'sec-fetch-site': 'same-site' })).status).toBe(403);
    expect((await call('GET', '/v1/problems', { cookie, 'sec-fetch-site': 'none' })).status).toBe(200);
  });

  it('a changed session cookie is refused, and does not count as a wrong token', async () => {
    const cookie = await signIn(TOKEN);
    const changed = `${cookie.slice(0, -1)}${cookie.endsWith('A') ? 'B' : 'A'}`.replace(
      'session-',
      'session-A',
    );
    for (let attempt = 0; attempt < 10; attempt += 1)
      expect((await call('GET', '/v1/me', { cookie: changed })).status).toBe(401);
    // The cookie's place is for sessions: a token there would be one that scripts had put there.
    expect((await call('GET', '/v1/me', { cookie: `tutti_session=${TOKEN}` })).status).toBe(401);
    expect((await call('GET', '/v1/me', { cookie: 'tutti_session=%E0%A4%A; a=b' })).status).toBe(401);
    expect((await call('GET', '/v1/me', { cookie })).status).toBe(200);
  });
});

describe('POST /v1/sessions', () => {
  it('makes a token of the same rights, which lasts no longer than asked for, and than the one that it is made with', async () => {
    const author = await grant('author', { expires_in_ms: 60_000 });
    const make = async (token: string, more: object = {}) =>
      (await call('POST', '/v1/sessions', bearer(token), more)).body;
    const short = await make(author.token, { expires_in_ms: 5_000 });
    expect(Date.parse(short.expires_at) - Date.now()).toBeLessThanOrEqual(5_000);
    const long = await make(author.token);
    expect(Date.parse(long.expires_at) - Date.now()).toBeLessThanOrEqual(60_000);
    const ofShort = await make(short.token, { expires_in_ms: 60_000 });
    expect(Date.parse(ofShort.expires_at)).toBeLessThanOrEqual(Date.parse(short.expires_at));
    expect((await call('GET', '/v1/me', bearer(short.token))).body).toEqual({
      ...{ access_id: author.access_id, name: 'author', role: 'author', project: 'default' },
      expires_at: short.expires_at,
    });
    expect((await call('DELETE', `/v1/access/${author.access_id}`, bearer(TOKEN))).status).toBe(200);
    for (const { token } of [short, long, ofShort])
      expect((await call('GET', '/v1/me', bearer(token))).status).toBe(401);
  });

  it('refuses a time that is out of bounds, and extra fields', async () => {
    for (const body of [{ expires_in_ms: 0 }, { expires_in_ms: 1e12 }, { role: 'admin' }])
      expect((await call('POST', '/v1/sessions', bearer(TOKEN), body)).status).toBe(422);
  });
});
