import type { Json } from '../client.js';
import { writeLine } from '../io.js';
import type { Session } from '../program.js';
import { eventLine } from '../tasks/event-line.js';
import { demandSuccess, taskIdArgument, waitForTask } from '../tasks/task.js';
import { printShortages, printTask } from './print-task.js';

/** Prints the task that was begun; with `wait` follows it to its end and prints that. */
export async function finish(session: Session, begun: Json, wait: boolean): Promise<void> {
  const { client, json, io } = session;
  const taskId = String(begun.task_id);
  if (!wait) return session.print(begun, () => taskId);
  if (!json) writeLine(io.stdout, taskId);
  const view = await waitForTask(client, taskIdArgument(taskId), io.signal, {
    onState: (state) => printShortages(session, state),
    onEvent: (event) => writeLine(io.stderr, eventLine(event)),
  });
  printTask(session, view);
  demandSuccess(view);
}
