import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type RunningGateway, startGateway } from '../../support/gateway.js';

const TOKEN = 'a'.repeat(32);
let running: RunningGateway | undefined;
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await running?.gateway.stop();
  running = undefined;
});

interface Client {
  readonly socket: Socket;
  /** By the other side. */
  readonly closed: Promise<unknown>;
  text: string;
  /** Sends it, and waits for an answer. */
  ask(text: string): Promise<string>;
}

/** A connection whose own end stays open when the other one closes. */
async function open(): Promise<Client> {
  const socket = connect({
    port: Number(new URL(running!.url).port),
    host: '127.0.0.1',
    allowHalfOpen: true,
  });
  sockets.push(socket);
  socket.on('error', () => {});
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    client.text += chunk;
  });
  const client: Client = {
    socket,
    closed: new Promise((resolve) => socket.once('end', resolve).once('close', resolve)),
    text: '',
    async ask(text) {
      socket.write(text);
      if (client.text === '') await Promise.race([once(socket, 'data'), client.closed]);
      return client.text;
    },
  };
  await once(socket, 'connect');
  return client;
}

const get = (path: string, header = ''): string => `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${header}\r\n`;
const connections = (): number => running!.gateway.gauges().connections;

describe('connections that are held', () => {
  it('connections that send something other than HTTP are answered and ended, regardless of the client', async () => {
    running = await startGateway();
    const clients = await Promise.all(Array.from({ length: 20 }, open));
    for (const client of clients) expect(await client.ask('nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    await expect.poll(connections).toBe(0);
  });

  it.each([
    ['nothing', ''],
    ['half a head', 'GET /livez HTTP/1.1\r\nhost: 127'],
    ['a head that goes on and on', 'GET /livez HTTP/1.1\r\na: b\r\n'],
  ])('connections with %s are ended after the time for a head', async (_, text) => {
    running = await startGateway({ limits: { headMs: 200 } });
    const client = await open();
    expect(await client.ask(text)).toMatch(/^HTTP\/1\.1 408 [\s\S]*"code":"head_timeout"/);
    await expect.poll(connections).toBe(0);
  });

  it('give their place to new ones, the longest idle first', async () => {
    running = await startGateway({ limits: { connections: 4 } });
    const first = await Promise.all(Array.from({ length: 4 }, open));
    expect(await first[0]!.ask(get('/livez'))).toContain(' 200 ');
    for (let count = 0; count < 20; count += 1) {
      const client = await open();
      expect(await client.ask(get('/livez'))).toContain(' 200 ');
    }
    expect(connections()).toBeLessThanOrEqual(4);
  });

  it('never take the place of one that has shown the token', async () => {
    running = await startGateway({ token: TOKEN, limits: { connections: 8 } });
    const known = await Promise.all(Array.from({ length: 4 }, open));
    const asked = get('/v1/problems', `authorization: Bearer ${TOKEN}\r\n`);
    for (const one of known) expect(await one.ask(asked)).toContain(' 200 ');
    for (let count = 0; count < 30; count += 1) await open();
    for (const one of known) {
      one.text = '';
      expect(await one.ask(asked)).toContain(' 200 ');
    }
  });

  it('do not become known by a wrong token', async () => {
    running = await startGateway({ token: TOKEN, limits: { connections: 4 } });
    const wrong = get('/v1/problems', 'authorization: Bearer wrong\r\n');
    const liars = await Promise.all(Array.from({ length: 2 }, open));
    for (const one of liars) expect(await one.ask(wrong)).toContain(' 401 ');
    await open();
    await open();
    await Promise.all(liars.map(({ closed }) => closed));
  });
});

describe('a client that does not read its answer', () => {
  it('is cut off after a while without progress', async () => {
    running = await startGateway({ limits: { answerIdleMs: 300 } });
    const client = await open();
    client.socket.pause();
    // More answers than the system buffers.
    const asked = get('/openapi.json').repeat(2_000);
    client.socket.write(asked);
    await expect.poll(connections).toBe(0);
  });
});

describe('a request with two Host headers', () => {
  it('is refused: a proxy may have read the other one', async () => {
    running = await startGateway();
    const client = await open();
    const answer = await client.ask('GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\nHost: evil.example\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 400 [\s\S]*more than one Host header/);
  });
});
