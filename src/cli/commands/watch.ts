import type { Command } from 'commander';
import { follow } from '../../client/follow.js';
import { taskIdOf } from '../arguments/short-ids.js';
import { type Io, writeLine } from '../io.js';
import { type CommonOptions, clientCommand, openSession, type Session } from '../program.js';
import { printEvent } from '../tasks/event-line.js';
import { demandSuccess, describeTask, waitForTask } from '../tasks/task.js';
import { drawToEnd, type Terminal, terminalOf } from '../watch/live.js';
import { printTask } from './print-task.js';

export function watchCommand(program: Command, io: Io): void {
  clientCommand(program, 'watch', 'Watch a task until it ends, or all events until Ctrl-C')
    .argument('[task_id]')
    .addHelpText(
      'after',
      '\nIn a terminal, a task is drawn as it runs; otherwise every event is printed as a line. With --json, each line is JSON, and ' +
        'the last line for a task is the task itself.',
    )
    .action(async (id: string | undefined, options: CommonOptions) => {
      const session = openSession(options, io);
      if (id === undefined) await watchAll(session);
      else await watchTask(session, id);
    });
}

async function watchAll(session: Session): Promise<void> {
  const { client, io } = session;
  for await (const followed of follow(client, { signal: io.signal })) {
    if (followed.kind === 'events') for (const event of followed.events) printEvent(session, event);
    else writeLine(io.stderr, `events ${followed.from} to ${followed.to} are no longer available`);
  }
}

async function watchTask(session: Session, id: string): Promise<void> {
  const { client, io, json } = session;
  const terminal = json ? undefined : terminalOf(io);
  if (terminal !== undefined) return watchLive(session, id, terminal);
  const view = await waitForTask(client, await taskIdOf(client, id), io.signal, {
    onState: async (state) => {
      if (!json) writeLine(io.stdout, `${describeTask(state)}\n`);
    },
    onEvent: (event) => printEvent(session, event),
  });
  printTask(session, view, '\n');
  demandSuccess(view);
}

/** Drawn over itself until the task has ended, then what came of it. */
async function watchLive(session: Session, id: string, terminal: Terminal): Promise<void> {
  const { client, io } = session;
  const view = await drawToEnd(client, await taskIdOf(client, id), terminal, io);
  printTask(session, view, '\n');
  demandSuccess(view);
}
