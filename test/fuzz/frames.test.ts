/**
 * Frames of nodes through everything that reads them: the connection, the codec, the core with its store. `FUZZ_SEED=7` repeats a run,
 * `FUZZ_SECONDS=600` makes it longer.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { GREETING, readyOf, wrapped } from '../../src/bus/zmtp-frames.js';
import { Incoming } from '../../src/bus/zmtp-incoming.js';
import { ZmtpPublisher } from '../../src/bus/zmtp-publisher.js';
import { checkStore } from '../../src/orchestrator/check.js';
import type { Step } from '../../src/orchestrator/decide/turn.js';
import { ingest } from '../../src/orchestrator/ingest.js';
import { Random } from '../chaos/random.js';
import { Core, graphOf, moduleSpec } from '../orchestrator/core.js';
import { controlFrame, everyMessage, NOBODY, outputOf, outputsFrame } from '../support/attack-frames.js';
import { fuzzGuided } from './guided.js';

const SEED = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));
const SECONDS = Number(process.env.FUZZ_SECONDS ?? 8);
const TOPIC = 'output/work/';

it(
  'breaks nothing by frames that reach where no frame has been, and harms no honest node',
  async () => {
    console.log(`FUZZ_SEED=${SEED}`);
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
    const { onControl, onOutputs } = ingest(
      (step) => void steps.push(step),
      () => {},
    );
    const publisher = new ZmtpPublisher(
      { lingerMs: 100, queueFrames: 100, pingIntervalMs: 3000, silenceMs: 15_000 },
      { onStranger: () => {} },
    );
    const { port } = await publisher.bind('127.0.0.1', 0);
    const planes: readonly ((bytes: Buffer) => void | Promise<void>)[] = [
      (bytes) => void onControl('hostile', bytes),
      (bytes) => void onControl(insider.route, bytes),
      (bytes) => void onOutputs(TOPIC, bytes, 'hostile'),
      (bytes) => readAll('DEALER', 1, bytes, ([frame]) => void onControl('hostile', frame!)),
      (bytes) =>
        readAll('PUB', 2, bytes, ([topic, frame]) => void onOutputs(String(topic), frame!, 'hostile')),
      (bytes) => subscribe(port, bytes),
    ];
    const target = async (input: Buffer): Promise<void> => {
      await planes[(input[0] ?? 0) % planes.length]!(input.subarray(1));
      core.nowMs += 7;
      core.wallMs += 7;
      await core.turn(...steps.splice(0));
    };
    const frames = [
      ...everyMessage(order!).flatMap((message) => [
        controlFrame(NOBODY, message),
        controlFrame({ nodeId, incarnation }, message),
      ]),
      outputsFrame(outputOf(order!, 1), outputOf(order!, 2)),
    ];
    const [control, outputs, events] = [3, 4, 5];
    const corpus = [
      ...frames.flatMap((frame) => planes.map((_, plane) => Buffer.concat([Buffer.from([plane]), frame]))),
      ...frames.flatMap((frame) => [
        Buffer.concat([Buffer.from([control]), ...wrapped(frame)]),
        Buffer.concat([Buffer.from([outputs]), ...wrapped(Buffer.from(TOPIC), frame)]),
      ]),
      ...['\u0001task/', '\u0000task/'].map((change) =>
        Buffer.concat([Buffer.from([events]), ...wrapped(Buffer.from(change))]),
      ),
      ...['\u0009SUBSCRIBEa', '\u0006CANCELa'].map((command) =>
        Buffer.concat([Buffer.from([events, 4, command.length]), Buffer.from(command)]),
      ),
    ];
    const random = new Random(SEED);
    const report = await fuzzGuided({ random, corpus, ms: SECONDS * 1000, sources: '/src/', target });
    console.log(JSON.stringify(report));
    expect(report.inputs).toBeGreaterThan(corpus.length * 2);
    expect(report.blocks[1]).toBeGreaterThan(report.blocks[0]);

    const honest = core.peer('other');
    core.nowMs += 2000;
    await honest.join();
    const submitted = await core.turn(core.submits('two'));
    const [mine] = submitted.only(honest.route, 'assign order');
    await honest.report(mine!, 'ACCEPTED');
    expect((await honest.publish(mine!, 1)).types).toContain('iteration.succeeded');
    expect((await checkStore(core.store)).faults).toEqual([]);
    await expect.poll(() => publisher.gauges()).toMatchObject({ connections: 0, subscriptions: 0 });
    await publisher.close();
  },
  60_000 + SECONDS * 1000,
);

/** What a connection whose peer is of this type makes of what comes after the handshake. */
function readAll(
  peer: string,
  frames: number,
  bytes: Buffer,
  onMessage: (frames: readonly Uint8Array[]) => void,
): void {
  const incoming = new Incoming({ maxFrameBytes: 1 << 20, frames, peers: [peer] });
  for (const part of [GREETING, readyOf(peer), bytes]) incoming.push(part);
  for (;;) {
    const part = incoming.next();
    if (part.kind === 'message') onMessage(part.frames);
    if (part.kind === 'incomplete' || part.kind === 'broken') return;
  }
}

/** Says this to the socket for events, and waits until the connection has ended. */
async function subscribe(port: number, bytes: Buffer): Promise<void> {
  const socket = connect(port, '127.0.0.1').resume();
  // It may be ended in the middle.
  socket.on('error', () => {});
  socket.end(Buffer.concat([GREETING, readyOf('SUB'), bytes]));
  await once(socket, 'close');
}
