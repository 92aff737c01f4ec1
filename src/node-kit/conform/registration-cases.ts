/** Registration, epochs, incarnations, and connections that break. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Heard } from '../conductor.js';
import type { ConformCase } from './case.js';
import { demand, isAbout, ON_ITS_WAY_MS, type Stage } from './stage.js';

/** A node that takes what it must not says so at once. */
const SILENCE_MS = 700;
/** Longer than the time between the first repeats of an output. */
const REPEAT_MS = 2_600;
/** A connection is made again, and an output repeated over it. */
const HEALED_MS = 9_000;

export const REGISTRATION_CASES: readonly ConformCase[] = [
  {
    id: 'hello.environment',
    level: 'full',
    sentence: 'Its hello carries the values of TUTTI_INSTANCE and TUTTI_TOKEN.',
    needs: 'process',
    async run(stage) {
      const hello = await stage.firstHello();
      demand(hello.instance === stage.instance, `the instance ${stage.instance}, not ${hello.instance}`);
      demand(hello.token === stage.token, 'the token of TUTTI_TOKEN');
    },
  },
  {
    id: 'hello.refused_for_good',
    level: 'full',
    sentence: 'A final refusal ends its process, with an exit code other than 0.',
    needs: 'process',
    spends: true,
    async run(stage) {
      await stage.firstHello();
      stage.conductor.send({ kind: 'refused', code: 'schema_mismatch', message: 'the types do not fit' });
      const { code } = await stage.exit(stage.patienceMs, 'after the final refusal schema_mismatch');
      demand(code !== 0, 'an exit code other than 0');
    },
  },
  {
    id: 'hello.again',
    level: 'full',
    sentence:
      'Told say_hello, it registers again with the same boot_id and names the executions that it holds.',
    async run(stage) {
      const execution = stage.assign({ echo: 1 });
      await stage.output(execution, 1);
      const first = await stage.rejoin();
      const second = await stage.rejoin();
      demand(
        first.bootId === second.bootId && first.bootId !== '',
        'the same boot_id in every hello of a process',
      );
      demand(
        second.held.some(
          (held) => held.executionId === execution.executionId && held.lease === execution.lease,
        ),
        `the execution that is not acknowledged in hello.held, with its lease`,
      );
    },
  },
  {
    id: 'welcome.drop',
    level: 'full',
    sentence: 'It abandons the executions that a welcome names in drop, and sends nothing more about them.',
    async run(stage) {
      const execution = stage.assign({ echo: 1 });
      await stage.output(execution, 1);
      await stage.rejoin({ drop: [execution.executionId] });
      await delay(ON_ITS_WAY_MS);
      stage.conductor.forget();
      await stage.conductor.never(
        (heard) => heard.kind === 'output' && isAbout(heard, execution),
        REPEAT_MS,
        'nothing more of a dropped execution: its output was published again',
      );
    },
  },
  {
    id: 'epoch.stale',
    level: 'full',
    sentence: 'It ignores a frame of an older epoch than the one that welcomed it.',
    async run(stage) {
      const { conductor } = stage;
      conductor.epoch += 1;
      await stage.rejoin();
      await settled(stage);
      const stale = stage.newExecution();
      conductor.sendAs({ epoch: conductor.epoch - 1 }, stage.assignment(stale, { echo: 'stale' }));
      await conductor.never(
        (heard) => isAbout(heard, stale),
        SILENCE_MS,
        'no answer to an assignment of an older epoch: it was taken',
      );
      await stage.finish(stage.assign({ echo: 'current' }));
    },
  },
  {
    id: 'incarnation.other',
    level: 'full',
    sentence: 'It ignores a frame for an incarnation other than its own.',
    async run(stage) {
      const { conductor } = stage;
      const other = stage.newExecution();
      conductor.sendAs(
        { incarnation: conductor.incarnation + 1 },
        stage.assignment(other, { echo: 'other' }),
      );
      await conductor.never(
        (heard) => isAbout(heard, other),
        SILENCE_MS,
        'no answer to an assignment for another incarnation: it was taken',
      );
      await stage.finish(stage.assign({ echo: 'own' }));
    },
  },
  {
    id: 'reconnect.mid_output',
    level: 'full',
    sentence:
      'When its connections break in the middle of an output, it connects again and publishes it again.',
    async run(stage) {
      const { conductor } = stage;
      conductor.cutOutputsAfter(4_000);
      const execution = stage.assign({ echo: 'x'.repeat(12_000) });
      const output = await conductor.next(
        'output',
        HEALED_MS,
        'the output that the broken connection swallowed, published again',
        (heard) => heard.executionId === execution.executionId,
      );
      demand(stage.valueOf(output).echo === 'x'.repeat(12_000), 'the output whole');
      const { frame } = await conductor.next('heartbeat', stage.patienceMs, 'a heartbeat');
      conductor.forget();
      conductor.cut();
      await conductor.next(
        'heartbeat',
        HEALED_MS,
        'a heartbeat over a new control connection',
        (beat) => beat.frame.route !== frame.route,
      );
      await stage.finish(stage.assign({ echo: 'healed' }));
    },
  },
  {
    id: 'orchestrator.restart',
    level: 'full',
    sentence:
      'After a restart of the orchestrator, it registers again, names the executions that it holds, publishes their outputs again, and runs nothing twice.',
    async run(stage) {
      const { conductor } = stage;
      const before = (await stage.finish(stage.assign({ echo: 0 }))).runs ?? 0;
      const execution = stage.assign({ echo: 'kept', sleep_ms: 1_500 });
      await stage.begun(execution);
      await conductor.down();
      await delay(400);
      conductor.forget();
      conductor.epoch += 1;
      await conductor.up();
      const isControl = (heard: Heard) => heard.kind !== 'output';
      await conductor.any(isControl, HEALED_MS, 'any word of the node after the restart');
      const hello = await stage.rejoin();
      demand(
        hello.held.some(
          (held) => held.executionId === execution.executionId && held.lease === execution.lease,
        ),
        'the execution in hello.held, with its lease',
      );
      const answer = await conductor.next(
        'output',
        HEALED_MS,
        'the output that nobody has acknowledged, published to the new orchestrator',
        (heard) => heard.executionId === execution.executionId,
      );
      stage.ack(execution, 1, true);
      const { echo, runs } = stage.valueOf(answer);
      demand(echo === 'kept' && runs === before + 1, 'the output of the one run');
    },
  },
  {
    id: 'frames.malformed',
    level: 'full',
    sentence: 'Frames that it cannot read, or does not know, do not hurt it.',
    async run(stage) {
      const { conductor } = stage;
      const rubbish: readonly (readonly [string, Uint8Array])[] = [
        ['(an empty frame)', new Uint8Array()],
        ['(rubbish)', Buffer.from('this is not protobuf, nor ever was it')],
        ['(256 bytes of 0xff)', Buffer.alloc(256, 0xff)],
        [
          '(a frame that ends in the middle of a message)',
          Buffer.from([0x08, 1, 0x10, 1, 0x18, 1, 0x22, 100, 1]),
        ],
        ['(a frame of protocol_version 99)', Buffer.from([0x08, 99, 0x10, 1, 0x18, 1])],
        ['(a frame without messages)', Buffer.from([0x08, 1, 0x10, 1, 0x18, 1])],
        [
          '(a message of the unknown body 99)',
          Buffer.from([0x08, 1, 0x10, 1, 0x18, 1, 0x22, 4, 0x9a, 0x06, 1, 0]),
        ],
        ['(a frame with the unknown field 99)', Buffer.from([0x08, 1, 0x10, 1, 0x18, 1, 0x98, 0x06, 7])],
      ];
      for (const [note, bytes] of rubbish) conductor.sendBytes(bytes, note);
      const { echo } = await stage.finish(stage.assign({ echo: 'still here' }));
      demand(echo === 'still here' && stage.process.end === undefined, 'a node that goes on working');
    },
  },
];

/** The node has taken its welcome: it answers a command of the new epoch. */
async function settled(stage: Stage): Promise<void> {
  await stage.finish(stage.assign({ echo: 'settled' }));
}
