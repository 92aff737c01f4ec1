import type { Command } from 'commander';
import { follow } from '../../client/follow.js';
import { printEvent } from '../event-line.js';
import { type Io, writeLine } from '../io.js';
import { type CommonOptions, clientCommand, openSession, type Session } from '../program.js';
import { taskIdOf } from '../short-ids.js';
import { demandSuccess, describeTask, type IterationView, taskPath, waitForTask } from '../task.js';
import type { Inputs } from '../watch/board.js';
import { LiveBoard, type Terminal, terminalOf } from '../watch/live.js';

export function watchCommand(program: Command, io: Io): void {
  clientCommand(program, 'watch', 'Watch a task to its end, or everything until Ctrl-C')
    .argument('[task_id]')
    .addHelpText(
      'after',
      '\nIn a terminal a task is drawn as it runs; elsewhere every event is a line. With --json it is one line of JSON, and that ' +
        'of a task ends with the task itself.',
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
    else writeLine(io.stderr, `events ${followed.from} to ${followed.to} are not available any more`);
  }
}

async function watchTask(session: Session, id: string): Promise<void> {
  const { client, io, json } = session;
  const terminal = json ? undefined : terminalOf(io);
  if (terminal !== undefined) return watchLive(session, id, terminal);
  const view = await waitForTask(client, await taskIdOf(client, id), io.signal, {
    onState: (state) => {
      if (!json) writeLine(io.stdout, `${describeTask(state)}\n`);
    },
    onEvent: (event) => printEvent(session, event),
  });
  session.print(view, () => `\n${describeTask(view)}`);
  demandSuccess(view);
}

/** Drawn over itself until the task has ended, then what came of it. */
async function watchLive(session: Session, id: string, terminal: Terminal): Promise<void> {
  const { client, io } = session;
  const task = await taskIdOf(client, id);
  const { value } = await client.get<IterationView>(taskPath(task));
  const inputs = await inputsOf(session, value);
  const board = new LiveBoard(terminal, io.env);
  board.show(value, inputs);
  let view: IterationView;
  try {
    view = await waitForTask(client, task, io.signal, {
      onState: (state) => board.show(state, inputs),
      onEvent: (event) => board.take(event),
    });
    board.show(view, inputs);
  } finally {
    board.close();
  }
  session.print(view, () => `\n${describeTask(view)}`);
  demandSuccess(view);
}

/** What each module takes, as the graph that the task runs on says. */
async function inputsOf({ client }: Session, view: IterationView): Promise<Inputs> {
  const path = `/v1/graphs/${encodeURIComponent(String(view.graph))}/versions/${String(view.graph_version)}`;
  const { value } = await client.get<{ modules: Record<string, { inputs: string[] }> }>(path);
  return Object.fromEntries(Object.entries(value.modules).map(([name, { inputs }]) => [name, inputs]));
}
