import { type ReactNode, useState } from 'react';
import { taskHasEnded } from '../../../../src/model/task-state.js';
import { commandTask, type TaskCommand } from '../api/commands.js';
import type { EventJson, TaskJson } from '../api/shapes.js';
import { usePost } from '../api/use-post.js';
import { CommandList } from '../commands/command-list.js';
import { commandsOf } from '../commands/records.js';

export interface Commanding {
  readonly send: (command: TaskCommand, module?: string) => void;
  /** Nothing can be asked of it now: it has ended, or the last wish is on its way. */
  readonly isClosed: boolean;
  readonly status: ReactNode;
}

/** Commands to a task: each is sent, pending, then acknowledged with its latency, as its events say. */
export function useTaskCommands(task: TaskJson, events: readonly EventJson[]): Commanding {
  const [asked, setAsked] = useState<string>();
  const post = usePost((wish: { command: TaskCommand; module?: string }, key: string) =>
    commandTask(task.problem_id, task.iteration_id, wish, key),
  );
  const records = commandsOf(events);
  const isRecorded = records.some((record) => record.command_id === post.result?.command_id);
  const isUnderWay = post.pending || (post.result !== undefined && !isRecorded);
  return {
    send: (command, module) => {
      setAsked(
        `${command.charAt(0).toUpperCase()}${command.slice(1)}${module === undefined ? '' : ` ${module}`}`,
      );
      post.send({ command, ...(module !== undefined && { module }) });
    },
    isClosed: taskHasEnded(task.state) || post.pending,
    status: (
      <>
        <CommandList records={records} sending={isUnderWay ? asked : undefined} />
        {post.error && (
          <p className="fault" role="alert">
            {post.error.message}
          </p>
        )}
      </>
    ),
  };
}

/** Stop, preempt, terminate: what concerns the task as a whole. Terminating asks back, since it leaves no grace. */
export function TaskButtons({ commanding }: { commanding: Commanding }): ReactNode {
  const { send, isClosed } = commanding;
  const [isAsking, setIsAsking] = useState(false);
  if (isAsking && !isClosed) {
    return (
      <fieldset className="actions asking">
        <legend>Terminate? What runs is cut off without grace, and the task is aborted.</legend>
        <button
          type="button"
          className="grave"
          onClick={() => {
            setIsAsking(false);
            send('terminate');
          }}
        >
          Terminate
        </button>
        <button type="button" onClick={() => setIsAsking(false)}>
          Keep
        </button>
      </fieldset>
    );
  }
  return (
    <>
      <button type="button" disabled={isClosed} onClick={() => send('stop')}>
        Stop
      </button>
      <button type="button" disabled={isClosed} onClick={() => send('preempt')}>
        Preempt
      </button>
      <button type="button" disabled={isClosed} onClick={() => setIsAsking(true)}>
        Terminate …
      </button>
    </>
  );
}
