/**
 * Frames of nodes through everything that reads them: the connection, the codec, the core with its store. `FUZZ_SEED=7` repeats a run,
 * `FUZZ_SECONDS=600` makes it longer.
 */
import { expect, it } from 'vitest';
import { GREETING, Incoming, READY } from '../../src/bus/zmtp-frames.js';
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
    const planes: readonly ((bytes: Buffer) => void)[] = [
      (bytes) => void onControl('hostile', bytes),
      (bytes) => void onControl(insider.route, bytes),
      (bytes) => void onOutputs(TOPIC, bytes),
      (bytes) => {
        const incoming = new Incoming(1 << 20);
        for (const part of [GREETING, READY, bytes]) incoming.push(part);
        for (;;) {
          const part = incoming.next();
          if (part.kind === 'message') void onControl('hostile', part.frame);
          if (part.kind === 'incomplete' || part.kind === 'broken') return;
        }
      },
    ];
    const target = async (input: Buffer): Promise<void> => {
      planes[(input[0] ?? 0) % planes.length]!(input.subarray(1));
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
    const corpus = frames.flatMap((frame) =>
      planes.map((_, plane) => Buffer.concat([Buffer.from([plane]), frame])),
    );
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
  },
  60_000 + SECONDS * 1000,
);
