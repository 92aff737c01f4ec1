/** HTTPS and WSS on one port, with a certificate that is renewed while connections are open. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { readTlsPair, type TlsFiles } from '../../../frontend-bridge/gateway/tls.js';
import { type RunningGateway, startGateway } from '../../support/gateway.js';

const TOKEN = 'correct-horse-battery-staple-and-more';

/** Made for `localhost` and 127.0.0.1, for these tests alone; each is its own authority. */
function filesOf(name: 'first' | 'second'): TlsFiles {
  const file = (part: string) =>
    fileURLToPath(new URL(`../../support/tls/${name}.${part}.pem`, import.meta.url));
  return { cert: file('cert'), key: file('key') };
}
const ca = [readFileSync(filesOf('first').cert), readFileSync(filesOf('second').cert)];

let running: RunningGateway;
beforeAll(async () => {
  running = await startGateway({
    token: TOKEN,
    tls: readTlsPair(filesOf('first')),
    limits: { connections: 8, headMs: 500 },
  });
});
afterAll(() => running.gateway.stop());

async function call(method: string, path: string, agent = new Agent({ ca }), body?: string) {
  const sent = request(running.url + path, {
    ...{ method, agent },
    headers: {
      authorization: `Bearer ${TOKEN}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
  });
  sent.end(body);
  const [response] = await once(sent, 'response');
  const { subject } = response.socket.getPeerCertificate();
  await response.toArray();
  return { status: response.statusCode, headers: response.headers, of: subject.CN };
}

it('answers HTTPS and WSS under an https address, with cookies for TLS only', async () => {
  expect(running.url).toMatch(/^https:/);
  expect(await call('GET', '/v1/problems')).toMatchObject({ status: 200, of: 'tutti test first' });
  const signedIn = await call('POST', '/v1/login', undefined, JSON.stringify({ token: TOKEN }));
  const [cookie = ''] = signedIn.headers['set-cookie'] ?? [];
  expect(cookie).toContain('; Secure; SameSite=Strict');
  const headers = { cookie: cookie.split(';')[0]!, origin: running.url };
  const socket = new WebSocket(`${running.url.replace('https', 'wss')}/v1/stream`, { headers, ca });
  const [hello] = await once(socket, 'message');
  expect(JSON.parse(String(hello))).toMatchObject({ type: 'hello' });
  socket.terminate();
  // The same page by HTTP is another origin.
  const other = { ...headers, origin: running.url.replace('https', 'http') };
  const refused = new WebSocket(`${running.url.replace('https', 'wss')}/v1/stream`, { headers: other, ca });
  refused.on('error', () => {});
  expect((await once(refused, 'unexpected-response'))[1].statusCode).toBe(403);
});

it('shows a renewed certificate to new connections, and goes on with those that are open', async () => {
  const kept = new Agent({ ca, keepAlive: true, maxSockets: 1 });
  try {
    expect((await call('GET', '/v1/problems', kept)).of).toBe('tutti test first');
    running.gateway.renew(readTlsPair(filesOf('second')));
    expect((await call('GET', '/v1/problems', kept)).of).toBe('tutti test first');
    expect((await call('GET', '/v1/problems')).of).toBe('tutti test second');
  } finally {
    kept.destroy();
    running.gateway.renew(readTlsPair(filesOf('first')));
  }
});

it('names what is wrong with the files', () => {
  const [first, second] = [filesOf('first'), filesOf('second')];
  for (const [files, words] of [
    [{ ...first, cert: '/none.pem' }, '--tls-cert cannot be read: ENOENT'],
    [{ ...first, key: '/none.pem' }, '--tls-key cannot be read: ENOENT'],
    [{ cert: first.cert, key: second.key }, 'cannot be used together'],
    [{ cert: first.key, key: first.key }, 'cannot be used together'],
    [{ cert: first.cert, key: first.cert }, 'cannot be used together'],
  ] as const)
    expect(() => readTlsPair(files)).toThrow(
      expect.objectContaining({ code: 'bad_tls', message: expect.stringContaining(words) }),
    );
});

it('ends those that do not speak TLS, or say nothing, and has room for others meanwhile', async () => {
  const { port } = new URL(running.url);
  const plain = connect(Number(port), '127.0.0.1');
  plain.on('error', () => {});
  plain.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(plain, 'close');
  // More than there are places for, none of which finishes its handshake.
  const silent = Array.from({ length: 20 }, () => connect(Number(port), '127.0.0.1').on('error', () => {}));
  const closed = silent.map((socket) => once(socket.resume(), 'close'));
  expect((await call('GET', '/v1/problems')).status).toBe(200);
  await Promise.all(closed);
  const secured = connectTls({ port: Number(port), host: '127.0.0.1', ca });
  await once(secured, 'secureConnect');
  secured.destroy();
  await expect.poll(() => running.gateway.gauges().connections).toBe(0);
});
