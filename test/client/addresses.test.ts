/** The clients with the addresses of several orchestrators of one store: the one that leads answers. */
import { describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { missing } from '../python/python.js';
import { Scene } from '../support/processes.js';
import { FakeOrchestrator, inPython, inTypeScript, nobody } from './fake-orchestrators.js';
import { NEEDED } from './stage.js';

const withoutPython = missing(...NEEDED) !== undefined;

describe.each([
  ['the TypeScript client', () => inTypeScript, false],
  ['the Python client', inPython, withoutPython],
] as const)('%s', (_, clientOf, isMissing) => {
  describe.skipIf(isMissing)('a client with several addresses', () => {
    it('a client finds the orchestrator that leads past one that is gone and one that waits, and stays with it', async () => {
      const scene = Scene.ofTest();
      const standby = await FakeOrchestrator.up(scene, 'a', 'standby');
      const leader = await FakeOrchestrator.up(scene, 'b', 'leader');
      const url = [await nobody(scene), standby.url, leader.url].join(',');
      const answers = await clientOf(scene).ask(url, 'GET', 'GET', 'POST');
      expect(answers).toEqual([{ name: 'b' }, { name: 'b' }, { name: 'b' }]);
      expect([standby.asked.length, leader.asked.length]).toEqual([1, 3]);
    });

    it('a client sends a request whose answer was lost to the next one with the same key', async () => {
      const scene = Scene.ofTest();
      const killed = await FakeOrchestrator.up(scene, 'a', 'hangs_up');
      const leader = await FakeOrchestrator.up(scene, 'b', 'leader');
      expect(await clientOf(scene).ask(`${killed.url},${leader.url}`, 'POST')).toEqual([{ name: 'b' }]);
      expect(killed.asked).toEqual([{ method: 'POST', key: expect.stringMatching(/.{36}/) }]);
      expect(leader.asked).toEqual(killed.asked);
    });

    it('a client waits for a takeover', async () => {
      const scene = Scene.ofTest();
      const next = await FakeOrchestrator.up(scene, 'b', 'standby', 'standby', 'standby', 'leader');
      expect(await clientOf(scene).ask(`${await nobody(scene)},${next.url}`, 'POST')).toEqual([
        { name: 'b' },
      ]);
      expect(new Set(next.asked.map(({ key }) => key)).size).toBe(1);
    });

    it('a client asks nobody else where the leader refuses', async () => {
      const scene = Scene.ofTest();
      const leader = await FakeOrchestrator.up(scene, 'a', 'refuses');
      const other = await FakeOrchestrator.up(scene, 'b', 'leader');
      const [answer] = await clientOf(scene).ask(`${leader.url},${other.url}`, 'POST');
      expect(answer).toMatchObject({ code: 'no_token' });
      expect(other.asked).toEqual([]);
    });

    it('a client names every address where nobody has ever answered, and waits for seconds at most', async () => {
      const scene = Scene.ofTest();
      const [one, other] = [await nobody(scene), await nobody(scene)];
      const [answer] = await clientOf(scene).ask(`${one},${other}`, 'GET');
      expect(answer).toMatchObject({ code: 'unreachable', message: expect.stringContaining(one) });
      expect(answer).toMatchObject({ message: expect.stringContaining(other) });
    });

    it('a client leaves the stream of an orchestrator of an older epoch', async () => {
      const scene = Scene.ofTest();
      const old = await FakeOrchestrator.up(scene, 'a', 'leader');
      const leader = await FakeOrchestrator.up(scene, 'b', 'leader');
      const told: unknown[] = [];
      const hello = (socket: WebSocket, epoch: number): void =>
        socket.send(JSON.stringify({ type: 'hello', cursor: 0, epoch, store_id: 's' }));
      old.onStream = (socket) => {
        socket.on('message', (message) => told.push(String(message)));
        hello(socket, 1);
      };
      let seq = 0;
      leader.onStream = (socket) => {
        socket.on('message', (text) => {
          const { cursor } = JSON.parse(String(text)) as { cursor: number };
          seq += 1;
          socket.send(JSON.stringify({ type: 'subscribed', cursor }));
          const event = { seq, at: '2026-01-01T00:00:00Z', type: 'graph.stored' };
          socket.send(JSON.stringify({ type: 'events', cursor: seq, events: [event] }));
          // It is lost after each event.
          setImmediate(() => socket.terminate());
        });
        hello(socket, 2);
      };
      expect(await clientOf(scene).follow(`${leader.url},${old.url}`, 3)).toEqual([1, 2, 3]);
      expect(told).toEqual([]);
    });
  });
});
