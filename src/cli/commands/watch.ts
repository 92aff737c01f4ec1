import type { Command } from 'commander';
import { eventLine } from '../event-line.js';
import { follow, type StreamedEvent } from '../follow.js';
import { type Io, writeLine } from '../io.js';
import { type CommonOptions, clientCommand, openSession, type Session } from '../program.js';
import { demandSuccess, describeTask, taskIdArgument, waitForTask } from '../task.js';

export function watchCommand(program: Command, io: Io): void {
  clientCommand(program, 'watch', 'Watch a task to its end, or everything until Ctrl-C')
    .argument('[task_id]')
    .addHelpText(
      'after',
      '\nWith --json every event is one line of JSON; that of a task ends with the task itself.',
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
    if (followed.kind === 'events') for (const event of followed.events) say(session, event);
    else writeLine(io.stderr, `events ${followed.from} to ${followed.to} are not available any more`);
  }
}

async function watchTask(session: Session, id: string): Promise<void> {
  const { client, io, json } = session;
  const view = await waitForTask(client, taskIdArgument(id), io.signal, {
    onState: (state) => {
      if (!json) writeLine(io.stdout, `${describeTask(state)}\n`);
    },
    onEvent: (event) => say(session, event),
  });
  session.print(view, () => `\n${describeTask(view)}`);
  demandSuccess(view);
}

function say({ io, json }: Session, event: StreamedEvent): void {
  writeLine(io.stdout, json ? JSON.stringify(event) : eventLine(event));
}
