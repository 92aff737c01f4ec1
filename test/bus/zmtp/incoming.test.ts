import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wrapped } from '../../../src/bus/zmtp/frames.js';
import { Incoming, type Part } from '../../../src/bus/zmtp/incoming.js';
import { nullMechanism } from '../../../src/bus/zmtp/mechanism.js';
import { command, GREETING, message, PING, readyAs } from './raw-peer.js';

const READY = readyAs('DEALER');
const plain = { mechanismName: 'NULL', mechanism: nullMechanism('ROUTER').connect() };
const options = { maxFrameBytes: 100_000, frames: 1, peers: ['DEALER'], ...plain };

function parts(incoming: Incoming): Part[] {
  const taken: Part[] = [];
  for (;;) {
    const part = incoming.next();
    if (part.kind === 'incomplete') return taken;
    taken.push(part);
    if (part.kind === 'broken') return taken;
  }
}

/** What comes after the handshake. */
function partsOf(frames: number, ...bytes: readonly Uint8Array[]): Part[] {
  const incoming = new Incoming({ ...options, frames });
  for (const piece of [GREETING, READY, ...bytes]) incoming.push(Buffer.from(piece));
  return parts(incoming).slice(2);
}

describe('what comes on a connection', () => {
  const frame = fc.uint8Array({ maxLength: 600 });

  it('reads the same however it is cut into pieces', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3 }),
        fc.array(fc.array(frame, { minLength: 1, maxLength: 4 }), { maxLength: 10 }),
        fc.array(fc.integer({ min: 1, max: 700 })),
        (agreed, messages, cuts) => {
          const bytes = Buffer.concat([
            ...[GREETING, READY, PING],
            ...messages.flatMap((frames) => wrapped(...frames)),
          ]);
          const incoming = new Incoming({ ...options, frames: agreed });
          const taken: Part[] = [];
          let at = 0;
          for (const cut of [...cuts, bytes.length]) {
            if (at >= bytes.length) break;
            incoming.push(bytes.subarray(at, at + cut));
            at += cut;
            taken.push(...parts(incoming));
          }
          expect(taken.map(({ kind }) => kind).filter((kind) => kind !== 'more')).toEqual([
            ...['reply', 'ready', 'ping'],
            ...messages.map((frames) => (frames.length === agreed ? 'message' : 'malformed')),
          ]);
          const read = taken.flatMap((part) => (part.kind === 'message' ? [part.frames.map(toHex)] : []));
          expect(read).toEqual(
            messages.filter(({ length }) => length === agreed).map((one) => one.map(toHex)),
          );
          expect(incoming.size).toBe(0);
        },
      ),
    );
  });

  it('never throws, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 }),
        fc.integer({ min: 1, max: 2 }),
        fc.array(fc.uint8Array({ maxLength: 300 })),
        (lead, frames, chunks) => {
          const incoming = new Incoming({ ...options, maxFrameBytes: 1000, frames });
          for (const chunk of [GREETING, READY].slice(0, lead)) incoming.push(chunk);
          for (const chunk of chunks) {
            if (chunk.length > 0) incoming.push(Buffer.from(chunk));
            if (parts(incoming).at(-1)?.kind === 'broken') return;
          }
        },
      ),
    );
  });

  it('is held and counted as long as it is part of a message that is not whole, and of no other', () => {
    const incoming = new Incoming({ ...options, frames: 2 });
    for (const piece of [GREETING, READY, Buffer.from([1, 5]), Buffer.alloc(5), Buffer.from([1, 4, 0])])
      incoming.push(piece);
    parts(incoming);
    expect(incoming.size).toBe(5 + 3);
    // The second of three: neither it nor the first is any use.
    incoming.push(Buffer.alloc(3));
    parts(incoming);
    expect(incoming.size).toBe(0);
    incoming.push(message('x'));
    expect(parts(incoming)).toEqual([{ kind: 'malformed' }]);
    incoming.push(Buffer.alloc(1));
    incoming.clear();
    expect(incoming.size).toBe(0);
  });

  it('may be a message without end, which leaves nothing behind', () => {
    const endless = Buffer.concat(Array.from({ length: 1000 }, () => Buffer.from([1, 1, 65])));
    const incoming = new Incoming({ ...options, frames: 2 });
    for (const piece of [GREETING, READY, endless]) incoming.push(piece);
    parts(incoming);
    expect(incoming.size).toBe(0);
  });

  it('costs few objects, however small the pieces are', () => {
    const incoming = new Incoming(options);
    for (const piece of [GREETING, READY, Buffer.from([2, 0, 0, 0, 0, 0, 1, 0x86, 0xa0])])
      incoming.push(piece);
    parts(incoming);
    setFlagsFromString('--expose-gc');
    const collect: () => void = runInNewContext('gc');
    collect();
    const before = process.memoryUsage().heapUsed;
    const one = Buffer.from([7]);
    for (let count = 0; count < 99_999; count += 1) incoming.push(Buffer.from(one));
    expect(parts(incoming)).toEqual([]);
    collect();
    // As objects of their own they would be some ten million bytes.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(1_000_000);
    incoming.push(one);
    expect(parts(incoming)).toMatchObject([{ kind: 'message' }]);
  });

  it('tells a subscription by command from other commands', () => {
    expect(partsOf(1, command('SUBSCRIBE', Buffer.from('a')), command('PONG'))).toEqual([
      { kind: 'command', name: 'SUBSCRIBE', data: Buffer.from('a') },
      { kind: 'command', name: 'PONG', data: Buffer.alloc(0) },
    ]);
  });
});

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
