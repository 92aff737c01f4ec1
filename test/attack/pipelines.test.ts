/** Requests sent ahead of their answers, and bodies of very many names: others are served meanwhile, and each refusal has a code. */
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { latency, memoryOf } from './hostile.js';

/** Tests share their machine with others; without a bound it is a minute. */
const ANSWER_MS = 10_000;
const GET = 'GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n';

function dial(scene: Scene, orchestrator: OrchestratorProcess, text: string): Socket {
  const { hostname, port } = new URL(orchestrator.ready.http);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  socket.write(text);
  scene.atEnd(() => socket.destroy());
  return socket;
}

/** Everything that a client is told until its connection ends. */
async function told(scene: Scene, orchestrator: OrchestratorProcess, text: string): Promise<string> {
  let answer = '';
  const socket = dial(scene, orchestrator, text).setEncoding('utf8');
  socket.on('data', (data) => {
    answer += data;
  });
  await new Promise((resolve) => socket.once('close', resolve));
  return answer;
}

describe('requests that are sent ahead of their answers', () => {
  it('are all served while they are few, and the one too many is told so and is the last', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
    const few = await told(
      scene,
      orchestrator,
      GET.repeat(15) + GET.replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n'),
    );
    expect(few.match(/HTTP\/1\.1 200/g)).toHaveLength(16);
    const many = await told(scene, orchestrator, GET.repeat(1_000));
    expect(many.match(/HTTP\/1\.1 200/g)).toHaveLength(16);
    expect(many.match(/HTTP\/1\.1 429/g)).toHaveLength(1);
    expect(many).toContain('"code":"too_many_requests"');
    expect(many).not.toContain('internal');
  });

  it('a hundred thousand pipelined requests with unread answers delay nobody', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
    const before = await memoryOf(orchestrator);
    const requests = 'GET /openapi.json HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n'.repeat(20_000);
    const sockets = Array.from({ length: 20 }, () => dial(scene, orchestrator, requests).pause());
    expect(await latency(orchestrator)).toBeLessThan(ANSWER_MS);
    expect((await memoryOf(orchestrator)) - before).toBeLessThan(300);
    for (const socket of sockets) socket.destroy();
    expect(await latency(orchestrator)).toBeLessThan(ANSWER_MS);
  });
});

describe('requests without what they need', () => {
  it.each([
    ['a Host', 'GET /livez HTTP/1.1\r\nconnection: close\r\n\r\n', 400, 'bad_request'],
    [
      'an expectation that can be met',
      'POST /v1/problems HTTP/1.1\r\nhost: 127.0.0.1\r\nexpect: the-moon\r\ncontent-length: 0\r\n\r\n',
      ...([417, 'bad_request'] as const),
    ],
    [
      'a body that is sent as it is',
      'POST /v1/problems HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\ncontent-type: application/json\r\n' +
        'content-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}',
      ...([415, 'unsupported_media_type'] as const),
    ],
  ])('%s are refused with a code', async (_what, text, status, code) => {
    const scene = Scene.ofTest();
    const answer = await told(scene, await OrchestratorProcess.up(scene, { graphs: ['one'] }), text);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer).toContain(`"code":"${code}"`);
  });
});

describe('bodies of a hundred thousand names', () => {
  const NAMES = Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => [`k${at}`, {}]));
  it.each([
    ['/v1/problems', NAMES, ''],
    ['/v1/problems:batch', { problems: [NAMES] }, '/problems/0'],
    ['/v1/problems/x/iterations', { overrides: NAMES }, '/overrides'],
    ['/v1/problems/x/iterations', { overrides: { m: NAMES } }, '/overrides/m'],
  ])('are refused at %s with the place, before each name is looked at', async (path, body, at) => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
    const answer = await orchestrator.post(path, body);
    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({
      error: { code: 'invalid_body', details: [{ path: at, code: 'out_of_range' }] },
    });
  });
});

describe('a viewer that floods', () => {
  const frame = (op: number, data = ''): Buffer =>
    Buffer.concat([Buffer.from([0x80 | op, 0x80 | data.length, 0, 0, 0, 0]), Buffer.from(data)]);
  const UPGRADE =
    'GET /v1/stream HTTP/1.1\r\nhost: 127.0.0.1\r\nupgrade: websocket\r\nconnection: upgrade\r\n' +
    'sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

  it.each([
    ['messages', frame(1, '{}')],
    ['pings', frame(9, 'x'.repeat(100))],
    ['pongs', frame(10)],
  ])(
    'a viewer that floods with %s is told why and cut off, and later frames are not read',
    async (_what, one) => {
      const scene = Scene.ofTest();
      const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
      let answer = '';
      const socket = dial(scene, orchestrator, UPGRADE).setEncoding('latin1');
      socket.on('data', (data) => {
        answer += data;
      });
      const flood = Buffer.concat(Array.from({ length: 1_000 }, () => one));
      const sendOn = (): void => {
        if (!socket.destroyed) socket.write(flood, () => setImmediate(sendOn));
      };
      sendOn();
      const began = performance.now();
      await new Promise((resolve) => socket.once('close', resolve));
      expect(performance.now() - began).toBeLessThan(20_000);
      expect(answer).toContain('too many messages');
      expect(await latency(orchestrator)).toBeLessThan(ANSWER_MS);
    },
  );
});
