/** The events socket: subscribers of libzmq, and peers that it would not be. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setImmediate as turnOfTheLoop, setTimeout as turnOfTheTimers } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Subscriber } from 'zeromq';
import { EventsSocket } from '../../../src/bus/zmtp/events-socket.js';
import { command, endAll, GREETING, message, type Open, rawPeer, readyAs } from './raw-peer.js';

const QUEUE_FRAMES = 1000;
const READY = readyAs('SUB');
const TOPIC = 'task/p/1/';

const UNLIMITED = {
  limits: { connections: 1000, unregistered: 1000, unregisteredOfAddress: 1000 },
  admitsAll: false,
};

let publisher: EventsSocket;
let port: number;
let cuts: string[];
const open: Open[] = [];

async function start(at = 0, pings = { pingIntervalMs: 3000, silenceMs: 15_000 }): Promise<void> {
  publisher = new EventsSocket(
    { lingerMs: 100, queueFrames: QUEUE_FRAMES, ...pings, ...UNLIMITED },
    { onCut: (_socket, _code, why) => void cuts.push(why) },
  );
  ({ port } = await publisher.bind('127.0.0.1', at));
}

beforeEach(async () => {
  cuts = [];
  await start();
});

afterEach(async () => {
  endAll(open);
  await publisher.close();
});

const raw = (...bytes: readonly Uint8Array[]): Promise<Socket> => rawPeer(port, open, ...bytes);
const subscribing = (prefix: string): Buffer => message(`\u0001${prefix}`);
const subscriptions = () => expect.poll(() => publisher.gauges().subscriptions, { timeout: 10_000 });

interface Listener {
  readonly socket: Subscriber;
  readonly heard: string[];
}

function listener(...prefixes: readonly string[]): Listener {
  const socket = new Subscriber({ linger: 0, reconnectInterval: 20, receiveHighWaterMark: 0 });
  open.push(socket);
  const heard: string[] = [];
  socket.connect(`tcp://127.0.0.1:${port}`);
  socket.subscribe(...prefixes);
  void (async () => {
    for await (const [topic, frame] of socket) heard.push(`${topic} ${frame}`);
  })();
  return { socket, heard };
}

/** All that a raw peer is told, from now on. */
function told(socket: Socket): () => Buffer {
  const pieces: Buffer[] = [];
  socket.on('data', (data) => pieces.push(data));
  return () => Buffer.concat(pieces);
}

describe('the events socket', () => {
  it('publishes to a subscriber of libzmq what it subscribes to, until it does no more, and when it does again', async () => {
    const { socket, heard } = listener('task/p/', 'task/p/1');
    await subscriptions().toBe(2);
    expect(publisher.isWanted(TOPIC)).toBe(true);
    expect(publisher.isWanted('task/q/')).toBe(false);
    publisher.publish('task/q/1/', Buffer.from('not wanted'));
    // Once, although two prefixes begin it.
    publisher.publish(TOPIC, Buffer.from('first'));
    await expect.poll(() => heard).toEqual([`${TOPIC} first`]);
    socket.unsubscribe('task/p/', 'task/p/1');
    await subscriptions().toBe(0);
    expect(publisher.isWanted(TOPIC)).toBe(false);
    publisher.publish(TOPIC, Buffer.from('missed'));
    socket.subscribe('');
    await subscriptions().toBe(1);
    publisher.publish('anything', Buffer.alloc(0));
    await expect.poll(() => heard).toEqual([`${TOPIC} first`, 'anything ']);
  });

  it('is subscribed to again by a subscriber that connects again', async () => {
    const { heard } = listener('task/');
    await subscriptions().toBe(1);
    await publisher.close();
    await start(port);
    await subscriptions().toBe(1);
    publisher.publish(TOPIC, Buffer.from('again'));
    await expect.poll(() => heard).toEqual([`${TOPIC} again`]);
  });

  it('forgets the subscriptions of a subscriber that is gone', async () => {
    const [one, other] = [listener('task/'), listener('task/', 'node/')];
    await subscriptions().toBe(3);
    other.socket.close();
    await subscriptions().toBe(1);
    expect([publisher.isWanted(TOPIC), publisher.isWanted('node/n/')]).toEqual([true, false]);
    one.socket.close();
    await expect
      .poll(() => publisher.gauges())
      .toEqual({ connections: 0, queuedFrames: 0, subscriptions: 0, missedFrames: 0 });
  });

  it('takes subscriptions by message and by command, each prefix once', async () => {
    const socket = await raw(
      ...[GREETING, readyAs('XSUB'), subscribing('a'), command('SUBSCRIBE', Buffer.from('b'))],
      ...[subscribing('a'), command('CANCEL', Buffer.from('never')), command('UNHEARD-OF')],
    );
    await subscriptions().toBe(2);
    const said = told(socket);
    for (const topic of ['a', 'b']) publisher.publish(topic, Buffer.from('yes'));
    await expect
      .poll(() => said().includes(Buffer.concat([message('a', 'yes'), message('b', 'yes')])))
      .toBe(true);
    socket.write(Buffer.concat([command('CANCEL', Buffer.from('a')), message('\u0000b')]));
    await subscriptions().toBe(0);
    expect(cuts).toEqual([]);
  });

  it('loses nothing of what one turn publishes to a subscriber that reads, however much it is', async () => {
    const { heard } = listener('task/');
    await subscriptions().toBe(1);
    for (let count = 0; count < 3 * QUEUE_FRAMES; count += 1)
      publisher.publish(TOPIC, Buffer.from(`${count}`));
    await expect.poll(() => heard.length).toBe(3 * QUEUE_FRAMES);
    expect(heard.at(-1)).toBe(`${TOPIC} ${3 * QUEUE_FRAMES - 1}`);
    expect(publisher.gauges()).toMatchObject({ missedFrames: 0, queuedFrames: 0 });
  });

  it.each<[string, readonly Uint8Array[], RegExp]>([
    ['of TLS', [Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3])], /greet/],
    ['that publishes', [GREETING, readyAs('PUB')], /"PUB", not SUB or XSUB/],
    ['of rubbish after the handshake', [GREETING, READY, Buffer.alloc(100, 0xee)], /kind/],
    ['that talks of something else', [GREETING, READY, message('hello')], /not a subscription/],
    ['that says nothing', [GREETING, READY, message('')], /not a subscription/],
    ['with a subscription of two frames', [GREETING, READY, message('\u0001a', 'b')], /one frame/],
    [
      'with a prefix that is too long',
      [GREETING, READY, subscribing('x'.repeat(251))],
      /252 bytes, at most 251/,
    ],
    [
      'with a prefix that is too long for a command',
      [
        GREETING,
        READY,
        Buffer.from([6, 0, 0, 0, 0, 0, 0, 1, 9]),
        Buffer.from('\u0009SUBSCRIBE'),
        Buffer.alloc(255),
      ],
      /a subscription of 255 bytes, at most 250/,
    ],
    [
      'with too many subscriptions',
      [
        GREETING,
        READY,
        Buffer.concat(Array.from({ length: 1001 }, (_, number) => subscribing(`task/${number}/`))),
      ],
      /more than 1000/,
    ],
  ])('ends the connection of a peer %s, and notes it', async (_, bytes, why) => {
    const other = listener('task/');
    await subscriptions().toBe(1);
    const socket = await raw(...bytes);
    socket.resume();
    await once(socket, 'close');
    expect(cuts).toEqual([expect.stringMatching(why)]);
    await subscriptions().toBe(1);
    publisher.publish(TOPIC, Buffer.from('unharmed'));
    await expect.poll(() => other.heard).toEqual([`${TOPIC} unharmed`]);
  });

  it('remembers a bounded number of subscriptions of all peers together', async () => {
    const PEERS = 110;
    const all = await Promise.all(
      Array.from({ length: PEERS }, (_, peer) => {
        const prefixes = Array.from({ length: 1000 }, (_, number) =>
          subscribing(`task/${peer}/${number}/`.padEnd(250, 'x')),
        );
        return raw(GREETING, READY, Buffer.concat(prefixes));
      }),
    );
    for (const socket of all) socket.resume();
    await subscriptions().toBe(100_000);
    await expect.poll(() => cuts.length).toBeGreaterThan(0);
    expect(new Set(cuts)).toEqual(new Set(['all subscribers together have 100000 subscriptions already']));
    endAll(open);
    await subscriptions().toBe(0);
  });

  it('keeps a bounded part of what a subscriber does not read, counts the rest as missed, and delays nobody', async () => {
    const FRAME = Buffer.alloc(4096, 'e');
    const FRAMES = 20_000;
    const stuck = await raw(GREETING, READY, subscribing('task/'));
    await subscriptions().toBe(1);
    stuck.pause();
    const lively = listener('task/');
    await subscriptions().toBe(2);
    for (let count = 0; count < FRAMES; count += 100) {
      for (let frame = 0; frame < 100; frame += 1) publisher.publish(TOPIC, FRAME);
      await expect.poll(() => lively.heard.length, { interval: 1 }).toBe(count + 100);
      expect(publisher.gauges().queuedFrames).toBeLessThanOrEqual(QUEUE_FRAMES);
    }
    expect(publisher.gauges().queuedFrames).toBe(QUEUE_FRAMES);
    expect(publisher.gauges().missedFrames).toBeGreaterThan(FRAMES / 4);
    // A subscriber that reads again gets the frames that have waited.
    const said = told(stuck);
    stuck.resume();
    await expect.poll(() => publisher.gauges().queuedFrames).toBe(0);
    publisher.publish(TOPIC, Buffer.from('the last one'));
    await expect.poll(() => said().includes('the last one')).toBe(true);
    stuck.destroy();
    await subscriptions().toBe(1);
  });

  it('ends a connection that gives no sign of life, but none that takes, however slowly, what waits for it', async () => {
    await publisher.close();
    const SILENCE_MS = 1000;
    await start(0, { pingIntervalMs: 10, silenceMs: SILENCE_MS });
    const waiting = (): number => publisher.gauges().queuedFrames;
    // It reads, and answers no ping.
    const slow = await raw(GREETING, READY, subscribing('task/'));
    await subscriptions().toBe(1);
    slow.pause();
    const frame = Buffer.alloc(64 * 1024);
    for (let count = 0; count < 800; count += 1) publisher.publish(TOPIC, frame);
    expect(waiting()).toBeGreaterThan(100);
    // It reads until the system has taken more, and rests for a part of the silence: a busy machine makes neither much longer.
    const beganAt = performance.now();
    while (performance.now() - beganAt < 2 * SILENCE_MS) {
      for (const before = waiting(); before > 0 && waiting() === before; await turnOfTheLoop()) slow.read();
      await turnOfTheTimers(SILENCE_MS / 5);
    }
    expect(publisher.gauges().connections).toBe(1);
    expect(waiting()).toBeGreaterThan(0);
    expect(slow.closed).toBe(false);
    // All that is left for it is to answer.
    slow.resume();
    await once(slow, 'close');
    await expect.poll(() => publisher.gauges().connections).toBe(0);
  });

  it('keeps of large frames not even so many', async () => {
    const FRAME = Buffer.alloc(1024 ** 2);
    const stuck = await raw(GREETING, READY, subscribing(''));
    await subscriptions().toBe(1);
    stuck.pause();
    for (let count = 0; count < 200; count += 1) publisher.publish(TOPIC, FRAME);
    const { queuedFrames, missedFrames } = publisher.gauges();
    expect(queuedFrames).toBeLessThanOrEqual(65);
    expect(queuedFrames + missedFrames).toBeLessThanOrEqual(200);
    expect(missedFrames).toBeGreaterThan(100);
    stuck.destroy();
    await expect.poll(() => publisher.gauges().queuedFrames).toBe(0);
  });
});
