/** Requirements for every node, with any input: the minimal node of the protocol. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ConformCase } from './case.js';
import { demand, isAbout, ON_ITS_WAY_MS, same } from './stage.js';

/** Three publications: at once, after 1 s, after 2 s more; and a slow machine. */
const REPEATS_MS = 9_000;
/** Longer than the time between the first repeats. */
const SILENCE_MS = 2_600;

export const MINIMAL_CASES: readonly ConformCase[] = [
  {
    id: 'hello.introduces',
    level: 'minimal',
    sentence: 'Its first message is a hello with its module, instance and boot_id.',
    needs: 'process',
    async run(stage) {
      const hello = await stage.firstHello();
      const [first] = stage.conductor.record.filter(({ by }) => by === 'node');
      demand(typeof first?.what === 'object' && first.what.kind === 'hello', 'a hello before anything else');
      demand(hello.module === stage.module, `module ${stage.module} (TUTTI_MODULE), not ${hello.module}`);
      demand(hello.instance !== '' && hello.bootId !== '', 'an instance and a boot_id');
    },
  },
  {
    id: 'hello.repeats',
    level: 'minimal',
    sentence:
      'An unanswered hello is repeated with the same boot_id, and the node sends nothing else meanwhile.',
    needs: 'process',
    async run(stage) {
      const first = await stage.firstHello();
      for (const which of ['second', 'third']) {
        const again = await stage.conductor.next(
          'hello',
          stage.patienceMs,
          `a ${which} hello, since none was answered`,
        );
        demand(again.bootId === first.bootId, `the same boot_id in the ${which} hello`);
      }
      const others = stage.conductor.record.filter(
        ({ by, what }) => by === 'node' && (typeof what === 'string' || what.kind !== 'hello'),
      );
      demand(others.length === 0, 'nothing but hellos before a welcome');
    },
  },
  {
    id: 'hello.in_use',
    level: 'minimal',
    sentence: 'Told instance_in_use, it keeps saying hello: another process of its instance is at work.',
    needs: 'process',
    async run(stage) {
      await stage.firstHello();
      const message = 'another process of this instance is at work';
      for (const which of ['second', 'third']) {
        stage.conductor.send({ kind: 'refused', code: 'instance_in_use', message });
        await stage.conductor.next('hello', stage.patienceMs, `a ${which} hello after the refusal`);
      }
    },
  },
  {
    id: 'start.acked',
    level: 'minimal',
    sentence: 'It acknowledges the command START.',
    needs: 'process',
    async run(stage) {
      await stage.firstHello();
      const start = stage.nodeCommand('START');
      stage.conductor.send(stage.conductor.welcome(), start);
      const ack = await stage.acked(start, 'START');
      demand(ack.accepted, 'START accepted');
    },
  },
  {
    id: 'start.reports_idle',
    level: 'minimal',
    sentence: 'START leads to a node_report IDLE.',
    needs: 'process',
    async run(stage) {
      await stage.firstHello();
      stage.conductor.send(stage.conductor.welcome(), stage.nodeCommand('START'));
      await stage.status('IDLE', 'after START');
    },
  },
  {
    id: 'heartbeat.regular',
    level: 'minimal',
    sentence: 'It sends heartbeats at the interval of its welcome, even without work.',
    async run(stage) {
      stage.conductor.forget(({ kind }) => kind === 'heartbeat');
      const { heartbeatIntervalMs } = stage.conductor.welcome();
      const expected = `a heartbeat every ${heartbeatIntervalMs} ms (heartbeat_interval_ms)`;
      for (let beat = 1; beat <= 4; beat += 1) {
        await stage.conductor.next(
          'heartbeat',
          Math.min(stage.patienceMs, heartbeatIntervalMs * 8),
          expected,
        );
      }
    },
  },
  {
    id: 'assign.accepted',
    level: 'minimal',
    sentence: 'It answers an assignment with ACCEPTED, under its lease.',
    async run(stage) {
      const execution = stage.assign();
      const accepted = await stage.report(execution, 'ACCEPTED');
      demand(accepted.lease === execution.lease, 'the lease of the assignment in ACCEPTED');
    },
  },
  {
    id: 'output.published',
    level: 'minimal',
    sentence:
      'It publishes its output under the topic of its module, with the lease, numbered from 1 and marked as the last.',
    async run(stage) {
      const execution = stage.assign();
      const output = await stage.output(execution, 1);
      demand(output.lease === execution.lease, 'the lease of the assignment in the output');
      demand(
        output.topic === `output/${stage.module}/`,
        `the topic output/${stage.module}/, not ${output.topic}`,
      );
      demand(output.last, 'the output marked as the last');
    },
  },
  {
    id: 'assign.answered_again',
    level: 'minimal',
    sentence: 'It answers a repeated assignment with ACCEPTED again, as long as it holds the execution.',
    async run(stage) {
      const execution = stage.newExecution();
      const assignment = stage.assignment(execution);
      stage.conductor.send(assignment);
      await stage.output(execution, 1);
      // The output may have overtaken the first answer, which is said before the second heartbeat from here.
      stage.conductor.forget(({ kind }) => kind === 'heartbeat');
      for (let beat = 1; beat <= 2; beat += 1)
        await stage.conductor.next('heartbeat', stage.patienceMs, 'a heartbeat');
      stage.conductor.forget((heard) => heard.kind === 'execution_report');
      stage.conductor.send(assignment);
      await stage.report(execution, 'ACCEPTED');
    },
  },
  {
    id: 'output.repeated',
    level: 'minimal',
    sentence: 'It publishes an output again and again, unchanged, until it is acknowledged.',
    async run(stage) {
      const before = stage.assign();
      await stage.output(before, 1);
      stage.ack(before, 1, true);
      const execution = stage.assign();
      const first = await stage.output(execution, 1);
      for (const which of ['second', 'third']) {
        const again = await stage.conductor.next(
          'output',
          REPEATS_MS,
          `the same output for the ${which} time, since it was not acknowledged`,
          (output) => output.executionId === execution.executionId,
        );
        demand(
          same(
            [again.seq, again.lease, again.last, again.type, again.payload],
            [1, first.lease, first.last, first.type, first.payload],
          ),
          'the repeated output unchanged',
        );
      }
    },
  },
  {
    id: 'output.acknowledged',
    level: 'minimal',
    sentence: 'It publishes an output no more once it is acknowledged as ended.',
    async run(stage) {
      const execution = stage.assign();
      await stage.output(execution, 1);
      stage.ack(execution, 1, true);
      // Outputs that were in flight when the acknowledgement arrived.
      await delay(ON_ITS_WAY_MS);
      stage.conductor.forget((heard) => isAbout(heard, execution));
      await stage.conductor.never(
        (heard) => heard.kind === 'output' && isAbout(heard, execution),
        SILENCE_MS,
        'no output after it was acknowledged: it was published again',
      );
    },
  },
  {
    id: 'command.task_acked',
    level: 'minimal',
    sentence: 'It acknowledges a task command, naming command and execution.',
    async run(stage) {
      const execution = stage.assign();
      await stage.begun(execution);
      const stop = stage.taskCommand('STOP', execution);
      stage.conductor.send(stop);
      const ack = await stage.acked(stop, 'the task command STOP');
      demand(ack.executionId === execution.executionId, 'the execution_id in the command_ack');
    },
  },
];
