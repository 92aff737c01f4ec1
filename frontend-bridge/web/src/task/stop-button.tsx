import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { taskHasEnded } from '../../../../src/model/task-state.js';
import { stopTask } from '../api/commands.js';
import { taskEventsQuery } from '../api/queries.js';
import type { EventJson, TaskJson } from '../api/shapes.js';
import { usePost } from '../api/use-post.js';
import { formatDuration } from '../states/time.js';

/** Stops a task, and says how far that has come: asked, acknowledged (and how fast), refused. */
export function StopButton({ task }: { task: TaskJson }): ReactNode {
  const events = useQuery(taskEventsQuery(task.problem_id, task.iteration_id));
  const post = usePost((_: null, key: string) => stopTask(task.problem_id, task.iteration_id, key));
  const command = post.result?.command_id;
  return (
    <>
      <button
        type="button"
        disabled={taskHasEnded(task.state) || post.pending || command !== undefined}
        onClick={() => post.send(null)}
      >
        Stop
      </button>
      <span role="status" className="command-state">
        {post.error ? post.error.message : command && describeCommand(events.data?.view.items ?? [], command)}
      </span>
    </>
  );
}

/** Where a command stands, by its events. */
export function describeCommand(events: readonly EventJson[], commandId: string): string {
  const own = events.filter((event) => event.command_id === commandId);
  const issued = own.find((event) => event.type === 'command.issued');
  const answer = own.find((event) =>
    ['command.acked', 'command.refused', 'command.expired'].includes(event.type),
  );
  if (!answer) return 'Stop: sent';
  const took = issued ? ` in ${formatDuration(Date.parse(answer.at) - Date.parse(issued.at))}` : '';
  switch (answer.type) {
    case 'command.acked':
      return `Stop: acknowledged${took}`;
    case 'command.refused':
      return 'Stop: refused';
    default:
      return 'Stop: no answer in time';
  }
}
