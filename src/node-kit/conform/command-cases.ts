/** Commands, in every state, and the end of the process. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ConformCase } from './case.js';
import { demand, isAbout, isFinal, same } from './stage.js';

/** The tolerance beyond the grace period of a node. */
const SLACK_MS = 1_500;
const SILENCE_MS = 700;
/** A clean end, with everything acknowledged. */
const END_MS = 10_000;

export const COMMAND_CASES: readonly ConformCase[] = [
  {
    id: 'command.every_state',
    level: 'full',
    sentence:
      'It accepts START, STOP and RESET in INACTIVE, IDLE and RUNNING, and refuses them once it is TERMINATING.',
    needs: 'process',
    spends: true,
    async run(stage) {
      const { conductor } = stage;
      const give = async (cmd: 'START' | 'STOP' | 'RESET', state: string, accepted: boolean) => {
        const command = stage.nodeCommand(cmd);
        conductor.send(command);
        const ack = await stage.acked(command, `${cmd} in ${state}`);
        demand(ack.accepted === accepted, `${cmd} in ${state} ${accepted ? 'accepted' : 'refused'}`);
        if (!accepted) demand(ack.error !== undefined, `an error with the refusal of ${cmd} in ${state}`);
      };
      await stage.firstHello();
      conductor.send(conductor.welcome());
      await give('STOP', 'INACTIVE', true);
      await give('START', 'INACTIVE', true);
      await stage.status('IDLE', 'after START');
      await give('START', 'IDLE', true);
      await give('RESET', 'IDLE', true);
      await stage.status('IDLE', 'after RESET');
      const execution = stage.assign({ deaf_ms: 1_500 });
      await stage.begun(execution);
      await give('START', 'RUNNING', true);
      conductor.send(stage.nodeCommand('TERMINATE', 5_000));
      await give('START', 'TERMINATING', false);
      await give('STOP', 'TERMINATING', false);
      await give('RESET', 'TERMINATING', false);
    },
  },
  {
    id: 'command.acked_again',
    level: 'full',
    sentence: 'A repeated command, however late, is acknowledged again with the same answer.',
    async run(stage) {
      const { conductor } = stage;
      const execution = stage.assign({ sleep_ms: 60_000 });
      await stage.begun(execution);
      const stop = stage.taskCommand('STOP', execution, 0);
      conductor.send(stop);
      const first = await stage.acked(stop, 'the task command STOP');
      conductor.send(stop);
      const second = await stage.acked(stop, 'the task command STOP, repeated');
      await stage.report(execution, 'CANCELLED');
      stage.ack(execution, 0, true);
      await delay(200);
      conductor.send(stop);
      const late = await stage.acked(stop, 'the task command STOP, repeated after the end of its execution');
      demand(
        first.accepted === second.accepted && first.accepted === late.accepted,
        'the same answer to every repeat',
      );
    },
  },
  {
    id: 'command.done_once',
    level: 'full',
    sentence: 'A repeated command is not carried out again.',
    async run(stage) {
      const { conductor } = stage;
      const start = stage.nodeCommand('START');
      const stop = stage.nodeCommand('STOP');
      conductor.send(start);
      await stage.acked(start, 'START');
      conductor.send(stop);
      await stage.status('INACTIVE', 'after STOP');
      conductor.forget();
      conductor.send(start);
      await conductor.never(
        (heard) => heard.kind === 'node_report' && heard.status === 'IDLE',
        SILENCE_MS,
        'no second start by a START that was done before: the node is IDLE again',
      );
      conductor.send(stage.nodeCommand('START'));
      await stage.status('IDLE', 'after a new START');
    },
  },
  {
    id: 'command.stop_node',
    level: 'full',
    sentence:
      'Stopped, it finishes what it works on, reports INACTIVE, and rejects assignments until it is started again.',
    async run(stage) {
      const { conductor } = stage;
      const running = stage.assign({ echo: 'finished', sleep_ms: 400 });
      await stage.begun(running);
      conductor.send(stage.nodeCommand('STOP'));
      const { echo } = await stage.finish(running);
      demand(echo === 'finished', 'the execution that was running, finished');
      await stage.status('INACTIVE', 'after STOP');
      const unwelcome = stage.assign({ echo: 'too late' });
      const rejected = await stage.report(unwelcome, 'REJECTED');
      demand(rejected.error !== undefined, 'an error with REJECTED');
      conductor.forget();
      conductor.send(stage.nodeCommand('START'));
      await stage.status('IDLE', 'after START');
      await stage.finish(stage.assign({ echo: 'welcome' }));
    },
  },
  {
    id: 'command.reset_node',
    level: 'full',
    sentence: 'Reset, it gives its work back as PREEMPTED, reports INITIALIZING, and is IDLE again.',
    async run(stage) {
      const execution = stage.assign({ sleep_ms: 60_000 });
      await stage.begun(execution);
      stage.conductor.forget(({ kind }) => kind === 'node_report');
      stage.conductor.send(stage.nodeCommand('RESET'));
      await stage.report(execution, 'PREEMPTED');
      stage.ack(execution, 0, true);
      await stage.status('INITIALIZING', 'after RESET');
      await stage.status('IDLE', 'after RESET');
    },
  },
  {
    id: 'command.terminate_node',
    level: 'full',
    sentence: 'Terminated, it says goodbye and ends its process with 0.',
    spends: true,
    async run(stage) {
      const terminate = stage.nodeCommand('TERMINATE', 1_000);
      stage.conductor.send(terminate);
      await stage.conductor.next('goodbye', END_MS, 'a goodbye after TERMINATE');
      const { code } = await stage.exit(END_MS, 'after TERMINATE');
      demand(code === 0, `exit code 0 after TERMINATE, not ${code}`);
    },
  },
  {
    id: 'command.unknown_execution',
    level: 'full',
    sentence:
      'A task command for an execution that it does not know is acknowledged as not accepted, with unknown_execution.',
    async run(stage) {
      const stop = stage.taskCommand('STOP', stage.newExecution());
      stage.conductor.send(stop);
      const ack = await stage.acked(stop, 'a task command for an unknown execution');
      demand(
        !ack.accepted && ack.error?.code === 'unknown_execution',
        'it refused with the error unknown_execution',
      );
    },
  },
  {
    id: 'stop.cancels',
    level: 'full',
    sentence:
      'A stopped execution is reported CANCELLED with the number of its committed outputs, and publishes nothing more.',
    async run(stage) {
      const execution = stage.assign({ partials: 1, sleep_ms: 60_000 });
      await stage.output(execution, 1);
      stage.ack(execution, 1, false);
      await delay(200);
      stage.conductor.send(stage.taskCommand('STOP', execution, 1_000));
      const report = await stage.report(execution, 'CANCELLED', stage.patienceMs);
      demand(report.lease === execution.lease, 'the lease of the assignment in CANCELLED');
      demand(report.lastSeq === 1, `last_seq 1 in CANCELLED, not ${report.lastSeq}`);
      stage.ack(execution, 1, true);
      await stage.conductor.never(
        (heard) => heard.kind === 'output' && isAbout(heard, execution) && heard.seq > 1,
        SILENCE_MS,
        'no output of a stopped execution: one was published',
      );
    },
  },
  {
    id: 'stop.in_time',
    level: 'full',
    sentence:
      'Work that does not look whether it was stopped is reported CANCELLED within the grace of the command all the same.',
    spends: true,
    async run(stage) {
      const execution = stage.assign({ deaf_ms: 8_000 });
      await stage.begun(execution);
      stage.conductor.send(stage.taskCommand('STOP', execution, 500));
      await stage.report(execution, 'CANCELLED', 500 + SLACK_MS);
    },
  },
  {
    id: 'preempt.reports',
    level: 'full',
    sentence: 'A preempted execution is reported PREEMPTED.',
    async run(stage) {
      const execution = stage.assign({ sleep_ms: 60_000 });
      await stage.begun(execution);
      stage.conductor.send(stage.taskCommand('PREEMPT', execution, 1_000));
      const final = await stage.conductor.next(
        'execution_report',
        stage.patienceMs,
        'an execution_report PREEMPTED',
        (report) => report.executionId === execution.executionId && isFinal(report),
      );
      demand(final.state === 'PREEMPTED', `the state PREEMPTED, not ${final.state}`);
    },
  },
  {
    id: 'sigterm.clean',
    level: 'full',
    sentence: 'On SIGTERM it gives its work back as PREEMPTED, says goodbye, and ends with 0.',
    spends: true,
    async run(stage) {
      const execution = stage.assign({ sleep_ms: 60_000 });
      await stage.begun(execution);
      stage.process.signal('SIGTERM');
      await stage.report(execution, 'PREEMPTED', END_MS);
      stage.ack(execution, 0, true);
      await stage.conductor.next('goodbye', END_MS, 'a goodbye after SIGTERM');
      const { code } = await stage.exit(END_MS, 'after SIGTERM');
      demand(code === 0, `exit code 0 after SIGTERM, not ${code}`);
    },
  },
  {
    id: 'configuration.replied',
    level: 'full',
    sentence: 'It answers a configuration, and its repeat with the same answer.',
    async run(stage) {
      const request = {
        kind: 'config_request',
        transactionId: `t-${stage.instance}`,
        configuration: 'x',
      } as const;
      const reply = async (which: string) => {
        stage.conductor.send(request);
        const { success, configuration } = await stage.conductor.next(
          'config_reply',
          stage.patienceMs,
          `a config_reply to the ${which} config_request`,
          ({ transactionId }) => transactionId === request.transactionId,
        );
        return { success, configuration };
      };
      demand(same(await reply('first'), await reply('repeated')), 'the same config_reply to a repeat');
    },
  },
];
