import type { TaskAnswerJson } from '../../contract/iteration.js';
import { writeLine } from '../io.js';
import type { Session } from '../program.js';
import { describeTask } from '../tasks/task.js';

/** A task as it stands: as JSON, or for a person, below what `lead` is. */
export function printTask(session: Session, view: TaskAnswerJson, lead = ''): void {
  session.print(view, () => `${lead}${describeTask(view)}`);
}

/** External reasons for which a task waits: nodes, slots, clusters. They were decided before this command subscribed. */
export function printShortages({ io }: Session, { task_id: task, modules }: TaskAnswerJson): void {
  for (const [name, { state, waiting, waiting_reason: reason }] of Object.entries(modules)) {
    if (state === 'waiting' && waiting && waiting.code !== 'inputs')
      writeLine(io.stderr, `${task.slice(task.lastIndexOf('/') - 8)} ${name} ${reason}`);
  }
}
