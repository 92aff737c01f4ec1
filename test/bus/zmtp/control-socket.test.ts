/** The control socket against peers that libzmq would not be. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Dealer } from 'zeromq';
import { ControlSocket } from '../../../src/bus/zmtp/control-socket.js';
import { endAll, GREETING, message, type Open, PING, rawPeer, readyAs } from './raw-peer.js';

const MAX_FRAME_BYTES = 100_000;
const READY = readyAs('DEALER');

let router: ControlSocket;
let endpoint: string;
const UNLIMITED = {
  limits: { connections: 1000, unregistered: 1000, unregisteredOfAddress: 1000 },
  admitsAll: true,
};

let port: number;
let heard: { route: string; text: string }[];
let cuts: string[];
let malformed: number;
let unreachable: string[];
const open: Open[] = [];

beforeEach(async () => {
  heard = [];
  cuts = [];
  unreachable = [];
  malformed = 0;
  router = new ControlSocket(
    {
      ...{ maxFrameBytes: MAX_FRAME_BYTES, lingerMs: 100, queueFrames: 100 },
      ...{ pingIntervalMs: 3000, silenceMs: 15_000, ...UNLIMITED },
    },
    {
      onControl: (route, frame) => void heard.push({ route, text: Buffer.from(frame).toString() }),
      onMalformed: () => {
        malformed += 1;
      },
      onUnreachable: (route) => void unreachable.push(route),
      onDisconnect: () => {},
      onCut: (_socket, _code, why) => void cuts.push(why),
    },
  );
  ({ port } = await router.bind('127.0.0.1', 0));
  endpoint = `tcp://127.0.0.1:${port}`;
});

afterEach(async () => {
  endAll(open);
  await router.close();
});

const raw = (...bytes: readonly Uint8Array[]): Promise<Socket> => rawPeer(port, open, ...bytes);

function dealer(routingId?: string): Dealer {
  const socket = new Dealer({ linger: 0, ...(routingId !== undefined && { routingId }) });
  open.push(socket);
  socket.connect(endpoint);
  return socket;
}

const heardFrom = (text: string) =>
  expect.poll(() => heard.find((one) => one.text === text)?.route, { timeout: 10_000 }).toBeDefined();

describe('the name that a peer asks to be called by', () => {
  it('means nothing: nobody gets what is meant for another, and both are served', async () => {
    const victim = dealer('victim');
    await victim.send('honest');
    await heardFrom('honest');
    const thief = dealer('victim');
    await thief.send('thief');
    await heardFrom('thief');
    const [honest, other] = heard.map(({ route }) => route);
    expect(other).not.toBe(honest);
    router.send(honest!, Buffer.from('secret'));
    router.send(other!, Buffer.from('public'));
    expect(String((await victim.receive())[0])).toBe('secret');
    expect(String((await thief.receive())[0])).toBe('public');
  });

  it('cannot be the one that would come next: libzmq ends its process at that', async () => {
    await dealer().send('first');
    await heardFrom('first');
    for (let guess = 0; guess < 50; guess += 1) {
      const name = Buffer.from([0, 0x6b, 0x8b, 0x45, 0x60 + guess]);
      await raw(GREETING, readyAs('DEALER', name), message(`guess ${guess}`));
    }
    await heardFrom('guess 49');
    await dealer().send('second');
    await heardFrom('second');
    expect(new Set(heard.map(({ route }) => route)).size).toBe(52);
  });
});

describe('a peer', () => {
  it.each<[string, readonly Uint8Array[], RegExp]>([
    ['of HTTP', [Buffer.from('GET / HTTP/1.1\r\n\r\n')], /greet/],
    ['of ZMTP 2', [Buffer.from([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 1, 5, 0, 0])], /version 1/],
    [
      'of another mechanism',
      [Buffer.from(GREETING.toString('latin1').replace('NULL', 'PLAI'), 'latin1')],
      /NULL/,
    ],
    ['that publishes', [GREETING, readyAs('PUB')], /DEALER/],
    ['that talks before it is ready', [GREETING, message('too early')], /before it was ready/],
    ['whose READY is cut', [GREETING, Buffer.from([4, 7, 5, 82, 69, 65, 68, 89, 200])], /DEALER/],
    ['of unknown frames', [GREETING, READY, Buffer.from([0xf0, 1, 1])], /kind/],
    [
      'with a frame that is too long',
      [GREETING, READY, Buffer.from([2, 0, 0, 0, 0, 0x7f, 0, 0, 0])],
      /at most \d+ are allowed/,
    ],
    [
      'with a command that is too long',
      [GREETING, READY, Buffer.from([6, 0, 0, 0, 0, 0, 1, 0, 0])],
      /at most \d+ are allowed/,
    ],
    [
      'with an endless length',
      [GREETING, READY, Buffer.from([2, 255, 255, 255, 255, 255, 255, 255, 255])],
      /most/,
    ],
  ])('a peer %s loses its connection, and is noted', async (_, bytes, why) => {
    const socket = await raw(...bytes);
    socket.resume();
    await once(socket, 'close');
    expect(cuts).toEqual([expect.stringMatching(why)]);
    await dealer().send('unharmed');
    await heardFrom('unharmed');
  });

  it('may send byte by byte, and ping', async () => {
    const socket = await raw();
    const bytes = Buffer.concat([GREETING, READY, message('slow'), PING, message('x'.repeat(400))]);
    let answers = Buffer.alloc(0);
    socket.on('data', (data) => {
      answers = Buffer.concat([answers, data]);
    });
    for (const byte of bytes) {
      if (!socket.write(Buffer.from([byte]))) await once(socket, 'drain');
    }
    await heardFrom('x'.repeat(400));
    expect(heard.map(({ text }) => text)).toContain('slow');
    await expect.poll(() => answers.includes('\u0004PONG')).toBe(true);
  });

  it('a peer that sends messages of several frames is distinguished from one that does not', async () => {
    const parts = Buffer.concat([Buffer.from([1, 1, 65, 1, 1, 66, 0, 1, 67])]);
    await raw(GREETING, READY, parts, message('whole'));
    await heardFrom('whole');
    expect([malformed, heard.length]).toEqual([1, 1]);
  });

  it('a lost peer is reported, and so is a peer that was never connected', async () => {
    const socket = await raw(GREETING, READY, message('here'));
    await heardFrom('here');
    const { route } = heard[0]!;
    socket.destroy();
    await expect.poll(() => router.gauges().connections).toBe(0);
    router.send(route, Buffer.from('too late'));
    router.send('nobody', Buffer.from('?'));
    expect(unreachable).toEqual([]);
    await Promise.resolve();
    expect(unreachable).toEqual([route, 'nobody']);
  });
});

describe('an unregistered peer', () => {
  const limits = { connections: 8, unregistered: 5, unregisteredOfAddress: 5 };
  const codes: string[] = [];
  let guarded: ControlSocket;
  let at: number;
  let frames: { route: string; isKnown: boolean }[];

  beforeEach(async () => {
    codes.length = 0;
    frames = [];
    guarded = new ControlSocket(
      {
        ...{ maxFrameBytes: 1024 ** 2, lingerMs: 100, queueFrames: 100 },
        ...{ pingIntervalMs: 3000, silenceMs: 15_000, limits, admitsAll: false },
      },
      {
        onControl: (route, _frame, { isKnown }) => void frames.push({ route, isKnown }),
        onMalformed: () => {},
        onUnreachable: () => {},
        onDisconnect: () => {},
        onCut: (_socket, code) => void codes.push(code),
      },
    );
    ({ port: at } = await guarded.bind('127.0.0.1', 0));
  });

  afterEach(() => guarded.close());

  const come = (...bytes: readonly Uint8Array[]): Promise<Socket> =>
    rawPeer(at, open, GREETING, READY, ...bytes);
  const gone = async (socket: Socket): Promise<void> => {
    socket.resume();
    if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
  };

  it('makes place for a new one when there are too many, and a known peer does not', async () => {
    const node = await come(message('hello'));
    await expect.poll(() => frames.length).toBe(1);
    guarded.admit(frames[0]!.route);
    const idle: Socket[] = [];
    for (let count = 0; count < 5; count += 1) idle.push(await come());
    await expect.poll(() => guarded.gauges()).toMatchObject({ connections: 6, unregistered: 5 });
    const late = await come(message('me too'));
    await gone(idle[0]!);
    await expect.poll(() => frames.length).toBe(2);
    expect(codes).toEqual(['too_many_connections']);
    expect(guarded.gauges()).toMatchObject({ connections: 6, unregistered: 5 });
    node.write(message('still here'));
    await expect.poll(() => frames.at(-1)).toMatchObject({ isKnown: true });
    late.destroy();
  });

  it('is not taken when all connections are in use by registered peers', async () => {
    for (let count = 0; count < limits.connections; count += 1) {
      await come(message('hello'));
      await expect.poll(() => frames.length).toBe(count + 1);
      guarded.admit(frames[count]!.route);
    }
    await gone(await come());
    expect(codes).toEqual(['too_many_connections']);
    expect(guarded.gauges()).toMatchObject({ connections: 8, unregistered: 0 });
  });

  it('is ended for a frame that a known peer may send, before it has come', async () => {
    const large = message(Buffer.alloc(100_000));
    await gone(await come(large.subarray(0, 100)));
    expect([codes, frames]).toEqual([['bad_frame'], []]);
    const node = await come(message('hello'));
    await expect.poll(() => frames.length).toBe(1);
    guarded.admit(frames[0]!.route);
    node.write(large);
    await expect.poll(() => frames.length).toBe(2);
  });

  it('is ended when it goes on and on', async () => {
    const talkative = await come(Buffer.concat(Array.from({ length: 5000 }, () => message('x'))));
    await gone(talkative);
    expect(frames.length).toBe(4096);
    const large = message(Buffer.alloc(60_000));
    await gone(await come(Buffer.concat(Array.from({ length: 100 }, () => large))));
    expect(frames.length).toBe(4096 + 69);
    expect(codes).toEqual(['bad_frame', 'bad_frame']);
  });

  it('is ended when it does not register in time, however much it pings', async () => {
    const node = await come(message('hello'));
    await expect.poll(() => frames.length).toBe(1);
    guarded.admit(frames[0]!.route);
    const beganAt = performance.now();
    const [idle, mute] = [await come(), await rawPeer(at, open)];
    const pinging = setInterval(() => idle.write(PING), 200);
    await Promise.all([gone(idle), gone(mute)]);
    clearInterval(pinging);
    expect(performance.now() - beganAt).toBeGreaterThan(9_000);
    expect(codes).toEqual(['no_hello', 'no_hello']);
    node.write(message('still here'));
    await expect.poll(() => frames.at(-1)).toMatchObject({ isKnown: true });
  });

  it.each(['REQ', 'ROUTER', 'REP', 'PUSH', 'PAIR', 'dealer', ''])(
    'an unregistered peer that is a %s is refused in the handshake',
    async (type) => {
      await gone(await rawPeer(at, open, GREETING, readyAs(type)));
      expect(codes).toEqual(['bad_frame']);
    },
  );
});
