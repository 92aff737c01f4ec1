import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type RunningGateway, startGateway } from '../../support/gateway.js';

let running: RunningGateway;
const open = new Set<WebSocket>();

beforeEach(async () => {
  running = await startGateway({ token: 'secret', limits: { viewers: 3, viewerFrameBytes: 1_024 } });
});
afterEach(async () => {
  for (const socket of open) socket.terminate();
  open.clear();
  await running.gateway.stop();
});

type Frame = Record<string, unknown>;

/** A viewer whose frames are taken one by one, in order. */
function dial(
  headers: Record<string, string> = { authorization: 'Bearer secret' },
  query = '',
): { socket: WebSocket; next(): Promise<Frame> } {
  const socket = new WebSocket(`${running.url.replace('http', 'ws')}/v1/stream${query}`, { headers });
  open.add(socket);
  const frames: Frame[] = [];
  const takers: ((frame: Frame) => void)[] = [];
  socket.on('message', (data) => {
    const frame = JSON.parse(String(data)) as Frame;
    const taker = takers.shift();
    if (taker === undefined) frames.push(frame);
    else taker(frame);
  });
  return {
    socket,
    next: () => {
      const frame = frames.shift();
      return frame === undefined ? new Promise((resolve) => takers.push(resolve)) : Promise.resolve(frame);
    },
  };
}

/** The status with which an upgrade is refused. */
async function refusal(headers?: Record<string, string>, query?: string): Promise<number | undefined> {
  const { socket } = dial(headers, query);
  socket.on('error', () => {});
  const [, response] = await once(socket, 'unexpected-response');
  return response.statusCode;
}

describe('/v1/stream', () => {
  it('greets, subscribes, and pushes what is committed', async () => {
    const { socket, next } = dial();
    expect(await next()).toMatchObject({ type: 'hello', cursor: 0, store_id: running.coordinator.storeId });
    socket.send('{"type":"subscribe","cursor":0}');
    expect(await next()).toEqual({ type: 'subscribed', cursor: 0 });
    running.coordinator.events.commit([{ type: 'node.status' }, { type: 'node.joined' }]);
    expect(await next()).toMatchObject({ type: 'events', cursor: 2, events: [{ seq: 1 }, { seq: 2 }] });
  });

  it('lives on after a malformed message, and answers pings', async () => {
    const { socket, next } = dial();
    await next();
    socket.send('{');
    expect(await next()).toMatchObject({ type: 'error', error: { code: 'malformed_message' } });
    socket.send(Buffer.from('{"type":"subscribe"}'), { binary: true });
    expect(await next()).toMatchObject({ type: 'error', error: { code: 'malformed_message' } });
    socket.ping('x');
    expect(String((await once(socket, 'pong'))[0])).toBe('x');
  });

  it('closes on a frame that is too large', async () => {
    const { socket, next } = dial();
    await next();
    socket.send('x'.repeat(2_000));
    expect((await once(socket, 'close'))[0]).toBe(1009);
  });

  it('needs the token in the header, and refuses the pages of other sites', async () => {
    const right = { authorization: 'Bearer secret' };
    expect(await refusal({})).toBe(401);
    expect(await refusal({ authorization: 'Bearer wrong' })).toBe(401);
    expect(await refusal({}, '?token=secret')).toBe(400);
    expect(await refusal({ ...right, origin: 'https://evil.example' })).toBe(403);
    expect(await refusal({ ...right, origin: 'null' })).toBe(403);
    expect(await dial(right).next()).toMatchObject({ type: 'hello' });
    expect(await dial({ ...right, origin: running.url }).next()).toMatchObject({ type: 'hello' });
  });

  it('has room for so many viewers, and again when one has gone', async () => {
    const viewers = [dial(), dial(), dial()];
    for (const viewer of viewers) await viewer.next();
    expect(running.gateway.gauges()).toMatchObject({ viewers: 3, behind: 0 });
    expect(await refusal()).toBe(503);
    viewers[0]!.socket.close();
    await once(viewers[0]!.socket, 'close');
    expect(await dial().next()).toMatchObject({ type: 'hello' });
  });

  it('catches a viewer up that stopped reading, without losing an event', async () => {
    const { socket, next } = dial();
    await next();
    socket.send('{"type":"subscribe"}');
    await next();
    socket.pause();
    const note = 'x'.repeat(20_000);
    for (let round = 0; round < 600; round += 1) {
      running.coordinator.events.commit([{ type: 'node.status', note }]);
      if (round % 20 === 0) await new Promise(setImmediate);
    }
    expect(running.gateway.gauges()).toMatchObject({ viewers: 1, behind: 1 });
    socket.resume();
    const seen: number[] = [];
    while (seen.length < 600) {
      const frame = await next();
      expect(frame.type).not.toBe('gap');
      if (frame.type === 'events')
        seen.push(...(frame.events as { seq: number }[]).map((event) => event.seq));
    }
    expect(seen).toEqual(Array.from({ length: 600 }, (_unused, index) => index + 1));
    expect(running.gateway.gauges().behind).toBe(0);
  });

  it('stops within two seconds, telling its viewers, also those that do not answer', async () => {
    const polite = dial();
    await polite.next();
    const { port } = new URL(running.url);
    const deaf = connect(Number(port), '127.0.0.1');
    deaf.on('error', () => {});
    deaf.write(
      'GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer secret\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    await once(deaf, 'data');
    const closed = once(polite.socket, 'close');
    const started = performance.now();
    await running.gateway.stop();
    expect(performance.now() - started).toBeLessThan(2_000);
    expect((await closed)[0]).toBe(1001);
    deaf.destroy();
  });
});
