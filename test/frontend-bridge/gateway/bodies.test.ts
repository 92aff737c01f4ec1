import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { GatewayLimits } from '../../../frontend-bridge/gateway/limits.js';
import { type RunningGateway, startGateway } from '../../support/gateway.js';

const IDLE_MS = 1000;
/** Far below that: a pause of the machine is not taken for the end of a body. */
const PAUSE_MS = IDLE_MS / 4;
const TOGETHER = 1024 * 1024;
const PIECE = Buffer.alloc(64 * 1024, ' ');

let running: RunningGateway | undefined;
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await running?.gateway.stop();
  running = undefined;
});

async function start(limits: Partial<GatewayLimits>): Promise<void> {
  running = await startGateway({ limits });
}

/** A request of which the head has been sent, and what comes back until the other side ends. */
function begin(path: string, headers: string, method = 'POST'): { socket: Socket; answer: Promise<string> } {
  const { port } = new URL(running!.url);
  const socket = connect(Number(port), '127.0.0.1');
  sockets.push(socket);
  let text = '';
  const answer = new Promise<string>((resolve) => {
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk;
    });
    // A reset after the answer is one way of ending, too.
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
  });
  socket.write(`${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${headers}\r\n\r\n`);
  return { socket, answer };
}

const json = (length: number): string => `content-type: application/json\r\ncontent-length: ${length}`;

/** Writes so many bytes as fast as they are taken. */
async function fill(socket: Socket, bytes: number): Promise<void> {
  for (let sent = 0; sent < bytes && !socket.destroyed; sent += PIECE.length) {
    if (!socket.write(PIECE))
      await new Promise((resolve) => socket.once('drain', resolve).once('close', resolve));
  }
}

describe('a body that does not end', () => {
  it.each([
    ['of a known length', '/v1/problems', json(100), 'POST'],
    ['in chunks', '/v1/problems', 'content-type: application/json\r\ntransfer-encoding: chunked', 'POST'],
    ['of a blob', `/v1/blobs/${'a'.repeat(64)}`, 'content-length: 100', 'PUT'],
  ])('%s is waited for as long as it goes on, and no longer', async (_, path, headers, method) => {
    await start({ bodyIdleMs: IDLE_MS });
    const { socket, answer } = begin(path, headers, method);
    let isOver = false;
    void answer.then(() => {
      isOver = true;
    });
    for (let waited = 0; waited < 1.5 * IDLE_MS; waited += PAUSE_MS) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      socket.write(headers.includes('chunked') ? '1\r\n{\r\n' : '{');
    }
    expect(isOver).toBe(false);
    const text = await answer;
    expect(text).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect(JSON.parse(text.split('\r\n\r\n')[1]!)).toMatchObject({ error: { code: 'body_timeout' } });
  });
});

describe('bodies that are too large together', () => {
  it('cost the largest its connection, and nobody else anything', async () => {
    await start({ bodiesBytes: TOGETHER });
    const small = begin('/v1/problems', json(TOGETHER));
    await fill(small.socket, TOGETHER / 4);
    const large = begin('/v1/problems', json(3 * TOGETHER));
    await fill(large.socket, 2 * TOGETHER);
    // A reset of the connection that still sends may overtake the answer, so it is looked for where operators see it.
    await large.answer;
    expect(running!.coordinator.refused).toMatchObject([{ via: 'http', code: 'too_many_bodies' }]);
    expect(running!.gateway.gauges().bodyBytes).toBeLessThanOrEqual(TOGETHER);
    await fill(small.socket, (3 * TOGETHER) / 4);
    small.socket.end();
    // It was read to its end: of blanks only, it is not a submission.
    expect(await small.answer).toMatch(/^HTTP\/1\.1 400 /);
    const response = await fetch(`${running!.url}/v1/problems`);
    expect(response.status).toBe(200);
  });
});

describe('a body that is answered before it is whole', () => {
  const LARGE = 100_000_000_000;

  it('is read on for a while, so that its client reads the answer, and then cut off', async () => {
    await start({ lingerMs: IDLE_MS });
    const { socket, answer } = begin('/v1/problems', json(LARGE));
    let isOver = false;
    void answer.then(() => {
      isOver = true;
    });
    let sent = 0;
    while (!isOver) {
      await fill(socket, PIECE.length);
      await new Promise((resolve) => setImmediate(resolve));
      sent += PIECE.length;
    }
    expect(await answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(sent).toBeGreaterThan(10 * TOGETHER);
  });

  it('does not count among those that are kept', async () => {
    await start({ lingerMs: 60_000, bodiesBytes: TOGETHER });
    const large = begin('/v1/problems', json(LARGE));
    await fill(large.socket, 4 * TOGETHER);
    const small = begin('/v1/problems', json(2));
    small.socket.end('{}');
    expect(await small.answer).toMatch(/^HTTP\/1\.1 422 /);
    expect(running!.gateway.gauges().bodyBytes).toBeLessThan(TOGETHER);
  });

  it('keeps the connection of a client that wanted it closed until it has sent all of it', async () => {
    await start({});
    const { socket, answer } = begin('/v1/problems', `${json(5 * TOGETHER)}\r\nconnection: close`);
    await fill(socket, 5 * TOGETHER);
    socket.end();
    expect(await answer).toMatch(/^HTTP\/1\.1 413 /);
  });
});
