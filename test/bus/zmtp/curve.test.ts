/** CURVE against its published vectors, and against peers and networks that alter, repeat, remove and reorder what is said. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { keyFromZ85, toZ85 } from '../../../src/base/z85.js';
import { type KeyPair, keyPairOf, loadBoxes, seal, sharedKey, unseal } from '../../../src/bus/zmtp/boxes.js';
import { curveMechanism } from '../../../src/bus/zmtp/curve.js';
import { COMMAND, commandBody, framed, Message } from '../../../src/bus/zmtp/frames.js';
import { Incoming, type Part } from '../../../src/bus/zmtp/incoming.js';
import type { Mechanism } from '../../../src/bus/zmtp/mechanism.js';
import { CURVE_GREETING, CurveClient } from './curve-client.js';
import { GREETING, readyAs } from './raw-peer.js';

const hex = (text: string): Buffer => Buffer.from(text, 'hex');

beforeAll(loadBoxes);

let server: KeyPair;
beforeAll(() => {
  server = keyPairOf();
});

interface Connection {
  readonly mechanism: Mechanism;
  readonly incoming: Incoming;
  say(...bytes: readonly Uint8Array[]): Part[];
}

function connection(keys: readonly KeyPair[] = [server]): Connection {
  const mechanism = curveMechanism('ROUTER', { keys: () => keys }).connect();
  const incoming = new Incoming({
    ...{ maxFrameBytes: 10_000, frames: 1, peers: ['DEALER'], mechanismName: 'CURVE', mechanism },
  });
  let isBroken = false;
  return {
    ...{ mechanism, incoming },
    say(...bytes) {
      const parts: Part[] = [];
      for (const piece of bytes) if (piece.length > 0) incoming.push(Buffer.from(piece));
      while (!isBroken) {
        const part = incoming.next();
        if (part.kind === 'incomplete') break;
        isBroken = part.kind === 'broken';
        parts.push(part);
      }
      return parts;
    },
  };
}

/** The body of a command, of which we know that it is short. */
const bodyOf = (part: Part | undefined): Buffer =>
  Buffer.from((part as { bytes?: Uint8Array; reply?: Uint8Array }).bytes ?? []).subarray(2);

/** Both ends, with the handshake done. */
function opened(own?: KeyPair): { there: Connection; client: CurveClient; ready: Part | undefined } {
  const there = connection();
  const client = new CurveClient(server.publicKey, own);
  const welcome = there.say(CURVE_GREETING, client.hello()).at(-1);
  const ready = there.say(client.initiate(bodyOf(welcome), 'DEALER')).at(-1);
  return { there, client, ready };
}

const texts = (parts: readonly Part[]): string[] =>
  parts.flatMap((part) => (part.kind === 'message' ? [String(Buffer.from(part.frames[0]!))] : []));

describe('the boxes', () => {
  it('give the keys and the box of the NaCl distribution', () => {
    const alice = keyPairOf(hex('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a'));
    const bob = hex('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f');
    expect(Buffer.from(alice.publicKey).toString('hex')).toBe(
      '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a',
    );
    const key = sharedKey(bob, alice.secretKey)!;
    expect(Buffer.from(key).toString('hex')).toBe(
      '1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389',
    );
    const text = hex(
      [
        ...['be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffc', 'e5ecbaaf33bd751a'],
        ...['1ac728d45e6c61296cdc3c01233561f41db66cce314adb310e3be8250c46f06dceea3a7fa134805', '7e2f6556'],
        ...['ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f9', '3776384864'],
        '5e0705',
      ].join(''),
    );
    const box = seal(text, hex('69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37'), key);
    expect(Buffer.from(box).toString('hex')).toBe(
      [
        ...['f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce', '48332ea7164d96a4476fb8c5'],
        ...['31a1186ac0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee3', '14a7cc8a'],
        ...['b932164548e526ae90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b3', '7973f622'],
        'a43d14a6599b1f654cb45a74e355a5',
      ].join(''),
    );
  });

  it.each([
    // The keys of libzmq's tests, which its documentation publishes.
    ['Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID', 'D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs'],
    ['rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7', 'JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6'],
  ])('make the public key %s of its secret, as ZeroMQ does', (publicKey, secretKey) => {
    expect(toZ85(keyPairOf(keyFromZ85(secretKey)!).publicKey)).toBe(publicKey);
  });

  it('refuse a public key of low order, whose shared key everybody knows', () => {
    expect(sharedKey(new Uint8Array(32), server.secretKey)).toBeUndefined();
    expect(sharedKey(hex(`01${'00'.repeat(31)}`), server.secretKey)).toBeUndefined();
  });

  it('open nothing that is too short, altered or under another nonce, and leak no memory over it', () => {
    const [key, nonce] = [Buffer.alloc(32, 1), Buffer.alloc(24)];
    const box = Buffer.from(seal(Buffer.from('text'), nonce, key));
    expect(String(Buffer.from(unseal(box, nonce, key)!))).toBe('text');
    for (let size = 0; size < box.length; size += 1)
      expect(unseal(box.subarray(0, size), nonce, key)).toBeUndefined();
    expect(unseal(box, Buffer.alloc(24, 1), key)).toBeUndefined();
    const large = Buffer.alloc(1_000_000);
    const before = process.memoryUsage().arrayBuffers;
    for (let time = 0; time < 200; time += 1) unseal(large, nonce, key);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100_000_000);
  });
});

describe('a connection with CURVE', () => {
  it('tells whose key it is, and carries messages and commands both ways', () => {
    const own = keyPairOf();
    const { there, client, ready } = opened(own);
    expect(ready).toMatchObject({ kind: 'ready', key: toZ85(own.publicKey) });
    const parts = there.say(
      client.message('one'),
      client.frame(2, commandBody('PING', Buffer.from('\0\0ctx'))),
    );
    expect(texts(parts)).toEqual(['one']);
    expect(parts.at(-1)).toEqual({ kind: 'ping', context: Buffer.from('ctx') });
    const [frame] = there.mechanism.message(new Message(Buffer.from('back')));
    expect(String(client.read(Buffer.from(frame!).subarray(2)))).toBe('\0back');
    const command = there.mechanism.command(commandBody('PING'));
    expect(client.read(Buffer.from(command).subarray(2))![0]).toBe(2);
  });

  it('accepts a peer that knows either of two keys of ours, and one that knows neither not', () => {
    const [before, after] = [keyPairOf(), keyPairOf()];
    for (const known of [before, after]) {
      const there = connection([after, before]);
      const client = new CurveClient(known.publicKey);
      const welcome = there.say(CURVE_GREETING, client.hello()).at(-1);
      expect(there.say(client.initiate(bodyOf(welcome), 'DEALER')).at(-1)).toMatchObject({ kind: 'ready' });
    }
    const stale = new CurveClient(server.publicKey);
    expect(connection([after, before]).say(CURVE_GREETING, stale.hello()).at(-1)?.kind).toBe('broken');
  });

  it.each<[string, (client: CurveClient) => readonly Uint8Array[]]>([
    ['NULL in its greeting', () => [GREETING, readyAs('DEALER')]],
    ['READY in the clear', () => [CURVE_GREETING, readyAs('DEALER')]],
    [
      'an INITIATE first',
      () => [CURVE_GREETING, framed(COMMAND, commandBody('INITIATE', Buffer.alloc(400)))],
    ],
    ['a HELLO twice', (client) => [CURVE_GREETING, client.hello(), client.hello()]],
    ['a message first', () => [CURVE_GREETING, framed(0, commandBody('MESSAGE', Buffer.alloc(40)))]],
    ['a HELLO of another version', (client) => [CURVE_GREETING, altered(client.hello(), 2 + 6)]],
    [
      'a HELLO that is longer',
      (client) => [
        CURVE_GREETING,
        framed(COMMAND, Buffer.concat([client.hello().subarray(2), Buffer.alloc(1)])),
      ],
    ],
    [
      "a HELLO with C' of low order",
      () => [CURVE_GREETING, framed(COMMAND, commandBody('HELLO', Buffer.from([1, 0]), Buffer.alloc(192)))],
    ],
    ['a command of 4 KiB and more', () => [CURVE_GREETING, framed(COMMAND, Buffer.alloc(5000))]],
  ])('ends without an answer to %s', (_what, bytes) => {
    const parts = connection().say(...bytes(new CurveClient(server.publicKey)));
    expect(parts.at(-1)?.kind).toBe('broken');
    expect(parts.filter(({ kind }) => kind === 'ready' || kind === 'message')).toEqual([]);
  });

  it('ends for a vouch for another server, and for metadata of a wrong type', () => {
    for (const [type, vouchFor] of [
      ['DEALER', keyPairOf().publicKey],
      ['REQ', server.publicKey],
    ] as const) {
      const there = connection();
      const client = new CurveClient(server.publicKey);
      const welcome = there.say(CURVE_GREETING, client.hello()).at(-1);
      expect(there.say(client.initiate(bodyOf(welcome), type, vouchFor))).toMatchObject([{ kind: 'broken' }]);
    }
  });

  it('ends for a handshake that was recorded on another connection', () => {
    const first = connection();
    const client = new CurveClient(server.publicKey);
    const hello = client.hello();
    const welcome = first.say(CURVE_GREETING, hello).at(-1);
    const initiate = client.initiate(bodyOf(welcome), 'DEALER');
    const said = client.message('order');
    expect(texts(first.say(initiate, said))).toEqual(['order']);
    const second = connection();
    expect(second.say(CURVE_GREETING, hello).at(-1)?.kind).toBe('reply');
    expect(second.say(initiate, said)).toMatchObject([{ kind: 'broken' }]);
  });

  it('ends for a frame of an unknown kind, for plain text, and for a message that is too large inside', () => {
    for (const bytes of [
      (client: CurveClient) => client.frame(4, 'flags'),
      () => framed(0, Buffer.from('plain')),
      () => framed(0, commandBody('MESSAGE', Buffer.alloc(100))),
      () => readyAs('DEALER'),
      (client: CurveClient) => client.frame(0, Buffer.alloc(10_001)),
      (client: CurveClient) => client.frame(2, Buffer.alloc(5_000)),
    ]) {
      const { there, client } = opened();
      expect(there.say(bytes(client))).toMatchObject([{ kind: 'broken' }]);
    }
    const { there, client } = opened();
    expect(there.say(client.frame(0, Buffer.alloc(10_000)))).toMatchObject([{ kind: 'message' }]);
  });

  it('never repeats a nonce, nor says the same twice for the same message', () => {
    const { there } = opened();
    const message = new Message(Buffer.from('same'));
    const said = Array.from({ length: 100 }, () => Buffer.from(there.mechanism.message(message)[0]!));
    const nonces = said.map((frame) => frame.readBigUInt64BE(10));
    expect(nonces).toEqual(nonces.map((_, index) => nonces[0]! + BigInt(index)));
    expect(new Set(said.map((frame) => frame.toString('hex'))).size).toBe(100);
    const other = Buffer.from(opened().there.mechanism.message(message)[0]!);
    expect(other.toString('hex')).not.toBe(said[0]!.toString('hex'));
  });

  it('delivers what was said up to the first frame that a network altered, repeated, removed or moved, and no more', () => {
    const MESSAGES = 6;
    const change = fc.oneof(
      fc.record({ kind: fc.constant('flip' as const), bit: fc.nat({ max: 8 * 30 }) }),
      fc.record({
        kind: fc.constantFrom('repeat' as const, 'remove' as const, 'swap' as const),
      }),
    );
    fc.assert(
      fc.property(fc.nat({ max: MESSAGES - 1 }), change, (at, how) => {
        // The frame of a message may be one of a command outside, which is how the RFC has it.
        fc.pre(how.kind !== 'flip' || how.bit !== 2);
        const { there, client } = opened();
        const frames = Array.from({ length: MESSAGES }, (_, index) => client.message(`message ${index}`));
        const frame = frames[at]!;
        if (how.kind === 'flip') frames[at] = flipped(frame, how.bit % (8 * frame.length));
        if (how.kind === 'repeat') frames.splice(at, 0, frame);
        if (how.kind === 'remove') frames.splice(at, 1);

        if (how.kind === 'swap') frames.push(...frames.splice(at, 1));
        const heard = texts(there.say(...frames));
        const whole = how.kind === 'repeat' ? at + 1 : at;
        const isLast = at === MESSAGES - 1;
        const expected = how.kind === 'swap' && isLast ? MESSAGES : whole;
        expect(heard).toEqual(Array.from({ length: expected }, (_, index) => `message ${index}`));
      }),
      { numRuns: 300 },
    );
  });

  it('is not opened by an INITIATE in which one bit is another, nor by a HELLO whose key, nonce or box is', () => {
    // Its head, name, version and padding come before.
    const KEY_AT = 2 + 6 + 2 + 72;
    const opens = (hello: (bytes: Buffer) => Buffer, initiate: (bytes: Buffer) => Buffer): boolean => {
      const there = connection();
      const client = new CurveClient(server.publicKey);
      const said = there.say(CURVE_GREETING, hello(client.hello()));
      if (said.at(-1)?.kind === 'broken') return false;
      const parts = there.say(initiate(client.initiate(bodyOf(said.at(-1)), 'DEALER')), client.message('x'));
      return parts.some(({ kind }) => kind === 'ready' || kind === 'message');
    };
    const same = (bytes: Buffer): Buffer => bytes;
    expect(opens(same, same)).toBe(true);
    fc.assert(
      fc.property(fc.nat(), (bit) => {
        const atHello = (bytes: Buffer) => flipped(bytes, 8 * KEY_AT + (bit % (8 * (bytes.length - KEY_AT))));
        expect(opens(atHello, same)).toBe(false);
        expect(opens(same, (bytes) => flipped(bytes, bit % (8 * bytes.length)))).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  it('never throws, whatever comes after the greeting or the handshake', () => {
    fc.assert(
      fc.property(fc.boolean(), fc.array(fc.uint8Array({ maxLength: 300 })), (isOpen, chunks) => {
        const there = isOpen ? opened().there : connection();
        if (!isOpen) there.say(CURVE_GREETING);
        for (const chunk of chunks) there.say(chunk);
      }),
    );
  });
});

function flipped(frame: Uint8Array, bit: number): Buffer {
  return altered(frame, bit >> 3, 1 << (bit & 7));
}

function altered(frame: Uint8Array, at: number, mask = 1): Buffer {
  const bytes = Buffer.from(frame);
  bytes[at] = bytes[at]! ^ mask;
  return bytes;
}
