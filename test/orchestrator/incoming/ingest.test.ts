import { beforeEach, describe, expect, it } from 'vitest';
import type { Peer } from '../../../src/bus/bus.js';
import { MAX_HELLO_BYTES } from '../../../src/model/limits.js';
import type { NodeMessage } from '../../../src/model/protocol.js';
import type { Step } from '../../../src/orchestrator/core/turn.js';
import { type IngestDeps, ingest } from '../../../src/orchestrator/incoming/ingest.js';
import type { Refused } from '../../../src/orchestrator/port.js';
import { encodeOutputs } from '../../../src/wire/codec.js';
import { controlFrame, helloOf, NOBODY } from '../../support/attack-frames.js';

const FRAME = encodeOutputs({ protocolVersion: 1, outputs: [] });
const STRANGER: Peer = { route: 'route', address: '192.0.2.1', isKnown: false };
const NODE: Peer = { ...STRANGER, isKnown: true };
const BEAT: NodeMessage = { kind: 'heartbeat', status: 'IDLE', running: ['x'] };
const LONG = 'a token that nobody guesses, since it has so many characters';
let steps: Step[];
let costs: number[];
let refused: Refused[];
let ended: string[];
let now: number;
let door: ReturnType<typeof ingest>;

function open(
  token?: string,
  authorize?: IngestDeps['authorize'],
  isReplica: IngestDeps['isReplica'] = () => false,
): void {
  steps = [];
  costs = [];
  refused = [];
  ended = [];
  now = 0;
  door = ingest({
    post: (step, cost) => {
      steps.push(step);
      costs.push(cost);
      return undefined;
    },
    refused: (one) => void refused.push(one),
    end: (route) => void ended.push(route),
    token,
    authorize,
    isReplica,
    nowMs: () => now,
  });
}

beforeEach(() => open());

const hello = (more: object = {}): NodeMessage => helloOf('m', 'one', more);
const say = (peer: Peer, ...messages: readonly NodeMessage[]): void =>
  void door.onControl(peer.route, controlFrame(NOBODY, ...messages), peer);

describe('the door for outputs', () => {
  it('hands on what it can read, with the peer that it came from', () => {
    void door.onOutputs('output/m/', FRAME, STRANGER);
    expect([steps, refused]).toMatchObject([[{ kind: 'outputs', peer: STRANGER }], []]);
  });

  it.each([
    ['no frame of outputs', () => door.onOutputs('output/m/', Buffer.from([0xff]), STRANGER)],
    ['no topic of outputs', () => door.onOutputs('elsewhere', FRAME, STRANGER)],
    ['no topic and frame', () => door.onMalformed('outputs', STRANGER.address)],
  ])('refuses what is %s, and says whose it was', (_what, come) => {
    void come();
    expect(steps).toEqual([]);
    expect(refused).toMatchObject([{ via: 'outputs', peer: STRANGER.address, code: 'bad_frame' }]);
  });

  it('refuses on the control socket by the route', () => {
    door.onMalformed('control', 'route');
    expect([steps, refused]).toMatchObject([[{ kind: 'bad control', route: 'route' }], []]);
  });
});

describe('a connection with a key', () => {
  const ENCRYPTED: Peer = { ...STRANGER, key: 'a key' };

  it('says hello by its key, whatever token it shows and however often it registers', async () => {
    open(LONG, (key, { module }) =>
      Promise.resolve(key === 'a key' && module === 'm' ? undefined : 'not this one'),
    );
    say(ENCRYPTED, hello({ token: 'tutti-join-x' }));
    say({ ...ENCRYPTED, isKnown: true }, hello());
    say({ ...ENCRYPTED, key: 'another' }, hello({ token: LONG }));
    await new Promise(setImmediate);
    expect(steps).toMatchObject([
      { kind: 'control', key: 'a key', frame: { messages: [{ kind: 'hello', token: LONG }] } },
      { kind: 'control', key: 'a key' },
      { kind: 'bad control', code: 'unauthorized', message: 'not this one' },
    ]);
  });

  it('has the sockets wait while many megabytes of hellos are being decided on', async () => {
    let decide = (): void => {};
    const decided = new Promise<undefined>((resolve) => {
      decide = () => resolve(undefined);
    });
    open(undefined, () => decided);
    const large = controlFrame(NOBODY, hello({ labels: { label: 'x'.repeat(200) } }));
    const node = { ...ENCRYPTED, isKnown: true };
    const come = (): unknown => door.onControl('route', large, node);
    let told = 1;
    let waiting = come();
    for (; !waiting && told < 100_000; told += 1) waiting = come();
    expect(told * large.byteLength).toBeLessThan(16 * 1024 * 1024);
    expect(waiting).toBeInstanceOf(Promise);
    decide();
    await waiting;
    await new Promise(setImmediate);
    expect(steps).toHaveLength(told);
    expect(come()).toBeUndefined();
  });

  it('is left unanswered while its key cannot be stored', async () => {
    open(undefined, () => Promise.reject(new Error('full')));
    say(ENCRYPTED, hello());
    await new Promise(setImmediate);
    expect([steps, refused]).toMatchObject([[], [{ code: 'key_not_stored' }]]);
  });
});

describe('a connection that has not registered', () => {
  it('is heard as a replica by the token of that, which the core takes for the shared one', () => {
    open(LONG, undefined, ({ token }) => token === 'of a replica');
    say(STRANGER, hello({ token: 'of a replica' }));
    say({ ...STRANGER, route: 'other' }, hello({ token: 'of another' }));
    expect(steps).toMatchObject([
      { kind: 'control', frame: { messages: [{ kind: 'hello', token: LONG }] } },
      { kind: 'control', frame: { messages: [{ kind: 'hello', token: 'of another' }] } },
    ]);
  });

  it('is heard when it says hello', () => {
    say(STRANGER, hello());
    expect(steps).toMatchObject([{ kind: 'control', frame: { messages: [{ kind: 'hello' }] } }]);
  });

  it('may say nothing', () => {
    say(STRANGER);
    expect(steps).toMatchObject([{ kind: 'control', frame: { messages: [] } }]);
  });

  it.each<[string, Uint8Array, string]>([
    ['a heartbeat', controlFrame(NOBODY, BEAT), 'say_hello'],
    ['a hello and a heartbeat', controlFrame(NOBODY, hello(), BEAT), 'say_hello'],
    ['two hellos', controlFrame(NOBODY, hello(), hello()), 'say_hello'],
    [
      'a million heartbeats',
      Buffer.concat([Buffer.from([8, 1]), Buffer.alloc(60_000, Buffer.from([0x22, 4, 0x12, 2, 8, 3]))]),
      'say_hello',
    ],
    // A message whose body is said twice is what it is said to be last.
    [
      'a hello that turns into a heartbeat',
      Buffer.from([8, 1, 0x22, 6, 0x0a, 0, 0x12, 2, 8, 3]),
      'say_hello',
    ],
    [
      'a hello that is too large',
      controlFrame(NOBODY, hello({ token: 'x'.repeat(MAX_HELLO_BYTES) })),
      'bad_frame',
    ],
    ['what is not protobuf', Buffer.from([8, 1, 0x22, 0xff]), 'bad_frame'],
    ['another version', Buffer.from([8, 2]), 'protocol_version'],
  ])('is refused, and nothing else is decoded, when it says %s', (_what, frame, code) => {
    void door.onControl('route', frame, STRANGER);
    expect(steps).toMatchObject([{ kind: 'bad control', route: 'route', code }]);
  });

  it('is refused by the field where a hello says too much', () => {
    const labels = Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`l${n}`, 'x']));
    say(STRANGER, hello({ labels }));
    expect(steps).toMatchObject([
      { kind: 'control', faults: [{ message: 'hello.labels has 65 entries, expected at most 64' }] },
    ]);
  });
});

describe('a connection that has registered', () => {
  it('is heard whatever it says', () => {
    say(NODE, BEAT, BEAT);
    expect(steps).toMatchObject([{ kind: 'control', frame: { messages: [BEAT, BEAT] } }]);
  });

  it('is refused, unread, when a frame has too many messages', () => {
    say(NODE, ...Array.from({ length: 4097 }, () => BEAT));
    expect(steps).toMatchObject([
      { kind: 'bad control', code: 'bad_frame', message: expect.stringContaining('4097 messages') },
    ]);
  });

  it('is weighed by what its messages take in memory', () => {
    say(NODE, BEAT);
    say(NODE, ...Array.from({ length: 4000 }, () => BEAT));
    expect(costs[0]).toBeGreaterThan(512);
    expect(costs[1]).toBeGreaterThan(4000 * 512);
  });
});

describe('wrong tokens', () => {
  let guesses = 0;
  const guess = (peer: Peer, token: string): void => {
    guesses += 1;
    say({ ...peer, route: `route ${guesses}` }, hello({ token }));
  };

  it('are one for each connection', () => {
    open(LONG);
    say(STRANGER, hello({ token: 'a guess' }));
    say(STRANGER, hello({ token: LONG }));
    say(STRANGER, BEAT);
    expect([steps.length, ended]).toEqual([1, []]);
    door.onDisconnect(STRANGER.route);
    say(STRANGER, hello({ token: LONG }));
    expect(steps.map(({ kind }) => kind)).toEqual(['control', 'unreachable', 'control']);
  });

  it('wrong tokens from one address are checked a few times a second, each on its own connection', () => {
    open('secret-of-16-char');
    for (let count = 0; count < 1000; count += 1) guess(STRANGER, `guess ${count}`);
    expect(steps.length).toBe(5);
    expect(ended.length).toBe(995);
    expect(refused[0]).toMatchObject({ via: 'control', code: 'unauthorized', peer: STRANGER.address });
    now += 1000;
    guess(STRANGER, 'again');
    expect(steps.length).toBe(6);
  });

  it('keep nobody out at another address, nor a connection that has registered', () => {
    open('secret-of-16-char');
    for (let count = 0; count < 10; count += 1) guess(STRANGER, 'guess');
    guess({ ...STRANGER, route: 'elsewhere', address: '192.0.2.2' }, 'secret-of-16-char');
    say(NODE, BEAT);
    expect(steps.length).toBe(7);
  });

  it.each([
    ['keep the right one out for that second where it could be guessed', 'secret-of-16-char', 5],
    ['do not keep the right one out where nobody guesses it', LONG, 6],
  ])('%s', (_what, token, heard) => {
    open(token);
    for (let count = 0; count < 10; count += 1) guess(STRANGER, 'guess');
    guess(STRANGER, token);
    expect(steps.length).toBe(heard);
    now += 1000;
    guess(STRANGER, token);
    expect(steps.length).toBe(heard + 1);
  });
});
