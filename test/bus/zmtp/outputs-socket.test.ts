/** The outputs socket: publishers of libzmq, and peers that it would not be. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Publisher, XPublisher } from 'zeromq';
import { OutputsSocket } from '../../../src/bus/zmtp/outputs-socket.js';
import { command, endAll, GREETING, message, type Open, rawPeer, readyAs } from './raw-peer.js';

const MAX_FRAME_BYTES = 1024 * 1024;
const READY = readyAs('PUB');
const SUBSCRIPTION = message('\u0001output/');

let subscriber: OutputsSocket;
const UNLIMITED = {
  limits: { connections: 1000, unregistered: 1000, unregisteredOfAddress: 1000 },
  admitsAll: true,
};

let port: number;
let heard: string[];
let heardBytes: number;
let cuts: string[];
let malformed: number;
/** What the handler answers with. */
let pause: Promise<void> | undefined;
const open: Open[] = [];

async function start(at = 0): Promise<void> {
  subscriber = new OutputsSocket(
    'output/',
    {
      ...{ maxFrameBytes: MAX_FRAME_BYTES, lingerMs: 100, queueFrames: 100 },
      ...{ pingIntervalMs: 3000, silenceMs: 15_000, ...UNLIMITED },
    },
    {
      onOutputs(topic, frame) {
        heard.push(`${topic} ${Buffer.from(frame.subarray(0, 50))}`);
        heardBytes += frame.byteLength;
        return pause;
      },
      onMalformed: () => {
        malformed += 1;
      },
      onCut: (_socket, _code, why) => void cuts.push(why),
    },
  );
  ({ port } = await subscriber.bind('127.0.0.1', at));
}

beforeEach(async () => {
  heard = [];
  heardBytes = 0;
  cuts = [];
  malformed = 0;
  pause = undefined;
  await start();
});

afterEach(async () => {
  endAll(open);
  await subscriber.close();
});

const raw = (...bytes: readonly Uint8Array[]): Promise<Socket> => rawPeer(port, open, ...bytes);

/** Connected and subscribed to: nothing that it publishes is lost. */
async function publisher(): Promise<XPublisher> {
  // As the SDK's do: what they know of a connection ends with it.
  const socket = new XPublisher({ linger: 0, reconnectInterval: 20, immediate: true });
  open.push(socket);
  socket.connect(`tcp://127.0.0.1:${port}`);
  expect(await socket.receive()).toEqual([Buffer.from('\u0001output/')]);
  return socket;
}

const comes = (text: string) => expect.poll(() => heard, { timeout: 10_000 }).toContain(text);

describe('the outputs socket', () => {
  it('subscribes at a publisher of libzmq, and hears what begins with its prefix, in order', async () => {
    const plain = new Publisher({ linger: 0 });
    open.push(plain);
    plain.connect(`tcp://127.0.0.1:${port}`);
    const probing = setInterval(() => void plain.send(['output/m/', 'probe']), 5);
    await comes('output/m/ probe');
    clearInterval(probing);
    await plain.send(['other/m/', 'not subscribed']);
    for (const text of ['1', '2', '3']) await plain.send(['output/m/', text]);
    await comes('output/m/ 3');
    expect(heard.filter((text) => text !== 'output/m/ probe')).toEqual(
      ['1', '2', '3'].map((text) => `output/m/ ${text}`),
    );
  });

  it('subscribes again at a publisher that connects again', async () => {
    const socket = await publisher();
    await subscriber.close();
    await start(port);
    // The end of the first subscription, and the second.
    expect(String((await socket.receive())[0])).toBe('\u0000output/');
    expect(String((await socket.receive())[0])).toBe('\u0001output/');
    await socket.send(['output/m/', 'again']);
    await comes('output/m/ again');
  });

  it('tells of a message that is not a topic and a frame, and reads on', async () => {
    const socket = await publisher();
    await socket.send(['output/m/']);
    await socket.send(['output/m/', 'two', 'three']);
    await socket.send(['output/m/', 'two', 'three', 'four']);
    await socket.send(['output/m/', 'fine']);
    await comes('output/m/ fine');
    expect([malformed, heard]).toEqual([3, ['output/m/ fine']]);
  });

  it('takes no subscription, by message or command: those are not outputs', async () => {
    await raw(
      ...[GREETING, READY, message('\u0001output/'), command('SUBSCRIBE', Buffer.from('output/'))],
      ...[command('CANCEL', Buffer.from('output/')), command('UNSUBSCRIBE'), message('output/m/', 'fine')],
    );
    await comes('output/m/ fine');
    expect([malformed, cuts]).toEqual([1, []]);
  });

  it('says its subscription in bytes that any peer of ZMTP 3 understands', async () => {
    const socket = await raw(GREETING, READY);
    let answers = Buffer.alloc(0);
    socket.on('data', (data) => {
      answers = Buffer.concat([answers, data]);
    });
    await expect.poll(() => answers.includes(SUBSCRIPTION)).toBe(true);
    expect(answers.includes('SUB')).toBe(true);
  });

  it.each<[string, readonly Uint8Array[], RegExp]>([
    ['of HTTP', [Buffer.from('GET / HTTP/1.1\r\n\r\n')], /greet/],
    ['that subscribes', [GREETING, readyAs('SUB')], /"SUB", not PUB or XPUB/],
    ['that deals', [GREETING, readyAs('DEALER')], /not PUB/],
    ['of rubbish after the handshake', [GREETING, READY, Buffer.alloc(100, 0xee)], /kind/],
    [
      'with a frame that is too long',
      [GREETING, READY, message('output/m/', Buffer.alloc(MAX_FRAME_BYTES + 1))],
      /a frame of 1048577 bytes/,
    ],
    [
      'with a topic that is too long',
      [GREETING, READY, Buffer.from([3, 0, 0, 0, 0, 1, 0, 0, 0])],
      /a frame of 16777216 bytes/,
    ],
  ])('ends the connection of a peer %s, and notes it', async (_, bytes, why) => {
    const other = await publisher();
    const socket = await raw(...bytes);
    socket.resume();
    await once(socket, 'close');
    expect(cuts).toEqual([expect.stringMatching(why)]);
    await other.send(['output/m/', 'unharmed']);
    await comes('output/m/ unharmed');
    await expect.poll(() => subscriber.gauges()).toMatchObject({ connections: 1, heldBytes: 0 });
  });

  it('goes on after a greeting that ends in the middle', async () => {
    const socket = await raw(GREETING.subarray(0, 20));
    socket.end();
    await once(socket.resume(), 'close');
    await expect.poll(() => subscriber.gauges().connections).toBe(0);
    expect(cuts).toEqual([]);
  });

  it('leaves with its senders what comes while a handler has not settled, of however many frames', async () => {
    const FLOODS = 4;
    const FRAMES = 128;
    const FRAME = Buffer.alloc(MAX_FRAME_BYTES / 4, 'x');
    let release = (): void => {};
    pause = new Promise((resolve) => {
      release = resolve;
    });
    const floods = await Promise.all(Array.from({ length: FLOODS }, () => raw(GREETING, READY)));
    const flood = message('output/m/', FRAME);
    for (const socket of floods) for (let count = 0; count < FRAMES; count += 1) socket.write(flood);
    await expect.poll(() => heard, { timeout: 10_000 }).toHaveLength(1);
    // What the system takes of it, and no more.
    let before = 0;
    await expect
      .poll(() => {
        const last = before;
        before = floods.reduce((sum, { writableLength }) => sum + writableLength, 0);
        return before < FLOODS * FRAMES * FRAME.length && before === last;
      })
      .toBe(true);
    expect(before).toBeGreaterThan(FLOODS * FRAMES * (FRAME.length / 2));
    expect(heard).toHaveLength(1);
    // One piece for each connection, of what a read brings at most.
    expect(subscriber.gauges().heldBytes).toBeLessThanOrEqual(FLOODS * 64 * 1024);
    const small = await raw(GREETING, READY, message('output/m/', 'small'));
    expect(heard).toHaveLength(1);
    pause = undefined;
    release();
    await comes('output/m/ small');
    const all = FLOODS * FRAMES * FRAME.length + 'small'.length;
    await expect.poll(() => heardBytes, { timeout: 10_000 }).toBe(all);
    expect(small.destroyed).toBe(false);
    expect([malformed, cuts]).toEqual([0, []]);
  });

  it('ends the connection that holds the most when too many frames are begun, and no other', async () => {
    await subscriber.close();
    const large = 400 * 1024 * 1024;
    subscriber = new OutputsSocket(
      'output/',
      {
        ...{ maxFrameBytes: large, lingerMs: 100, queueFrames: 100 },
        ...{ pingIntervalMs: 3000, silenceMs: 15_000, ...UNLIMITED },
      },
      {
        onOutputs: (topic) => void heard.push(topic),
        onMalformed: () => {},
        onCut: (_socket, _code, why) => void cuts.push(why),
      },
    );
    ({ port } = await subscriber.bind('127.0.0.1', 0));
    const piece = Buffer.alloc(1024 * 1024);
    const head = Buffer.from([3, 0, 0, 0, 0, 0x18, 0, 0, 0]);
    const holding = async (mib: number): Promise<Socket> => {
      const socket = await raw(GREETING, READY, head);
      const before = subscriber.gauges().heldBytes;
      for (let count = 0; count < mib; count += 1) socket.write(piece);
      if (cuts.length === 0 && before + mib * piece.length < 512 * 1024 * 1024)
        await expect
          .poll(() => subscriber.gauges().heldBytes, { timeout: 10_000 })
          .toBeGreaterThanOrEqual(before + mib * piece.length);
      return socket.resume();
    };
    const modest = await holding(150);
    const greedy = await holding(300);
    await holding(100);
    await once(greedy, 'close');
    expect(cuts).toEqual(['too many frames were begun at once']);
    expect(modest.destroyed).toBe(false);
    await raw(GREETING, READY, message('output/m/', 'served'));
    await comes('output/m/');
  });
});
