/** Frames of nodes, and what else comes over the three sockets, through everything that reads them: handshake, connection, codec, core and store. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type KeyPair, keyPairOf, loadBoxes } from '../../src/bus/zmtp/boxes.js';
import { curveMechanism } from '../../src/bus/zmtp/curve.js';
import { EventsSocket } from '../../src/bus/zmtp/events-socket.js';
import { wrapped } from '../../src/bus/zmtp/frames.js';
import { Incoming, type Part } from '../../src/bus/zmtp/incoming.js';
import { nullMechanism } from '../../src/bus/zmtp/mechanism.js';
import type { Step } from '../../src/orchestrator/core/turn.js';
import { ingest } from '../../src/orchestrator/incoming/ingest.js';
import { CURVE_GREETING, CurveClient } from '../bus/zmtp/curve-client.js';
import { GREETING, readyAs } from '../bus/zmtp/raw-peer.js';
import { Core, graphOf, moduleSpec } from '../orchestrator/core.js';
import { controlFrame, everyMessage, NOBODY, outputOf, outputsFrame } from '../support/attack-frames.js';
import type { FuzzTarget } from './guided.js';

const TOPIC = 'output/work/';
const INPUT_BYTES = 4096;
const STRANGER = { route: 'hostile', address: 'hostile', isKnown: false };
const REGISTERED = { ...STRANGER, isKnown: true };
const IDLE_MS = 10_000;
/** The first byte of an input says which of them reads the rest. */
const [CONTROL, INSIDER, OUTPUTS, CONTROL_SOCKET, OUTPUTS_SOCKET, EVENTS_SOCKET, CONTROL_HANDSHAKE] = [
  0, 1, 2, 3, 4, 5, 6,
];
const [OUTPUTS_HANDSHAKE, EVENTS_HANDSHAKE, CURVE_HANDSHAKE, CURVE_SOCKET, PLANES] = [7, 8, 9, 10, 11];

export async function framesTarget(sources: RegExp): Promise<FuzzTarget> {
  const core = await Core.open([
    graphOf('one', moduleSpec('work', ['source'])),
    graphOf('two', moduleSpec('other', ['source'])),
  ]);
  // The attacker knows everything that this node knows.
  const insider = core.peer('work', { instance: 'insider', capacity: 100 });
  await insider.join();
  const turned = await core.turn(core.submits('one'));
  const [order] = turned.only(insider.route, 'assign order');
  const { nodeId, incarnation } = insider;
  const steps: Step[] = [];
  const { onControl, onOutputs } = ingest({
    post: (step) => void steps.push(step),
    refused: () => {},
    end: () => {},
    token: undefined,
    nowMs: () => core.nowMs,
  });
  const publisher = new EventsSocket(
    {
      ...{ lingerMs: 100, queueFrames: 100, pingIntervalMs: 3000, silenceMs: 15_000, admitsAll: false },
      limits: { connections: 1000, unregistered: 1000, unregisteredOfAddress: 1000 },
    },
    { onCut: () => {} },
  );
  const { port } = await publisher.bind('127.0.0.1', 0);
  await loadBoxes();
  const pair = keyPairOf();
  const heardControl = ([frame]: readonly Uint8Array[]) => void onControl('hostile', frame!, REGISTERED);
  const heardOutputs = ([topic, frame]: readonly Uint8Array[]) =>
    void onOutputs(String(topic), frame!, STRANGER);
  const read = (plane: number, bytes: Buffer): void | Promise<void> => {
    switch (plane) {
      case CONTROL:
        return void onControl('hostile', bytes, STRANGER);
      case INSIDER:
        return void onControl(insider.route, bytes, REGISTERED);
      case OUTPUTS:
        return void onOutputs(TOPIC, bytes, STRANGER);
      case CONTROL_SOCKET:
        return readAll('DEALER', 1, shaken('DEALER', bytes), heardControl);
      case OUTPUTS_SOCKET:
        return readAll('PUB', 2, shaken('PUB', bytes), heardOutputs);
      case EVENTS_SOCKET:
        return say(port, shaken('SUB', bytes));
      case CONTROL_HANDSHAKE:
        return readAll('DEALER', 1, bytes, heardControl);
      case OUTPUTS_HANDSHAKE:
        return readAll('PUB', 2, bytes, heardOutputs);
      case EVENTS_HANDSHAKE:
        return say(port, bytes);
      case CURVE_HANDSHAKE:
        return void new CurveListener(pair).say(CURVE_GREETING, bytes);
      case CURVE_SOCKET:
        return readSealed(pair, bytes, heardControl);
    }
  };
  const frames = [
    ...everyMessage(order!).flatMap((message) => [
      controlFrame(NOBODY, message),
      controlFrame({ nodeId, incarnation }, message),
    ]),
    outputsFrame(outputOf(order!, 1), outputOf(order!, 2)),
  ];
  return {
    sources,
    maxBytes: INPUT_BYTES,
    corpus: corpusOf(frames),
    tryOne: async (input) => {
      await read((input[0] ?? 0) % PLANES, input.subarray(1));
      core.nowMs += 7;
      core.wallMs += 7;
      await core.turn(...steps.splice(0));
    },
    conclude: async () => {
      const honest = core.peer('other');
      core.nowMs += 2000;
      await honest.join();
      const submitted = await core.turn(core.submits('two'));
      const [mine] = submitted.only(honest.route, 'assign order');
      await honest.report(mine!, 'ACCEPTED');
      assert(
        (await honest.publish(mine!, 1)).types.includes('iteration.succeeded'),
        'an honest node was harmed',
      );
      assert.deepEqual(await core.faults(), []);
      const end = performance.now() + IDLE_MS;
      while (publisher.gauges().connections > 0 && performance.now() < end) await delay(20);
      const { connections, subscriptions } = publisher.gauges();
      assert.deepEqual({ connections, subscriptions }, { connections: 0, subscriptions: 0 });
      await publisher.close();
    },
  };
}

function corpusOf(frames: readonly Buffer[]): Buffer[] {
  const input = (plane: number, ...parts: readonly Uint8Array[]) =>
    Buffer.concat([Buffer.from([plane]), ...parts]);
  const changes = ['\u0001task/', '\u0000task/'].map((change) => wrapped(Buffer.from(change)));
  const commands = ['\u0009SUBSCRIBEa', '\u0006CANCELa'].map((command) => [
    Buffer.from([4, command.length]),
    Buffer.from(command),
  ]);
  return [
    ...frames.flatMap((frame) => [CONTROL, INSIDER, OUTPUTS].map((plane) => input(plane!, frame))),
    ...frames.flatMap((frame) => [
      input(CONTROL_SOCKET!, ...wrapped(frame)),
      input(OUTPUTS_SOCKET!, ...wrapped(Buffer.from(TOPIC), frame)),
    ]),
    ...[...changes, ...commands].map((parts) => input(EVENTS_SOCKET!, ...parts)),
    input(CONTROL_HANDSHAKE!, shaken('DEALER', Buffer.concat(wrapped(frames[0]!)))),
    input(OUTPUTS_HANDSHAKE!, shaken('PUB', Buffer.concat(wrapped(Buffer.from(TOPIC), frames.at(-1)!)))),
    input(CURVE_HANDSHAKE!, new CurveClient(keyPairOf().publicKey).hello()),
    input(CURVE_SOCKET!, Buffer.from([0]), frames[0]!),
    input(EVENTS_HANDSHAKE!, shaken('SUB', Buffer.concat(changes[0]!))),
  ];
}

/** After a whole handshake. */
function shaken(peer: string, bytes: Buffer): Buffer {
  return Buffer.concat([GREETING, readyAs(peer), bytes]);
}

/** What a connection whose peer has to be of this type makes of it. */
function readAll(
  peer: string,
  frames: number,
  bytes: Buffer,
  onMessage: (frames: readonly Uint8Array[]) => void,
): void {
  const incoming = new Incoming({
    ...{ maxFrameBytes: 1 << 20, frames, peers: [peer] },
    ...{ mechanismName: 'NULL', mechanism: nullMechanism('ROUTER').connect() },
  });
  incoming.push(bytes);
  for (;;) {
    const part = incoming.next();
    if (part.kind === 'message') onMessage(part.frames);
    if (part.kind === 'incomplete' || part.kind === 'broken') return;
  }
}

/** A connection of the control socket with CURVE. */
class CurveListener {
  readonly #incoming: Incoming;

  constructor(pair: KeyPair) {
    const mechanism = curveMechanism('ROUTER', { keys: () => [pair] }).connect();
    this.#incoming = new Incoming({
      ...{ maxFrameBytes: 1 << 20, frames: 1, peers: ['DEALER'], mechanismName: 'CURVE', mechanism },
    });
  }

  say(...bytes: readonly Uint8Array[]): Part[] {
    for (const piece of bytes) if (piece.length > 0) this.#incoming.push(Buffer.from(piece));
    const parts: Part[] = [];
    for (;;) {
      const part = this.#incoming.next();
      if (part.kind === 'incomplete') return parts;
      parts.push(part);
      if (part.kind === 'broken') return parts;
    }
  }
}

/** What a peer with a key of its own may say: the first byte is the flags inside, the rest the frame. */
function readSealed(pair: KeyPair, bytes: Buffer, onMessage: (frames: readonly Uint8Array[]) => void): void {
  const listener = new CurveListener(pair);
  const client = new CurveClient(pair.publicKey);
  const welcome = listener.say(CURVE_GREETING, client.hello()).at(-1);
  assert(welcome?.kind === 'reply');
  listener.say(client.initiate(Buffer.from(welcome.bytes!).subarray(2), 'DEALER'));
  for (const part of listener.say(client.frame(bytes[0] ?? 0, bytes.subarray(1))))
    if (part.kind === 'message') onMessage(part.frames);
}

/** Says this to the socket for events, and waits until the connection has ended. */
async function say(port: number, bytes: Buffer): Promise<void> {
  const socket = connect(port, '127.0.0.1').resume();
  // It may be ended in the middle.
  socket.on('error', () => {});
  socket.end(bytes);
  await once(socket, 'close');
}
