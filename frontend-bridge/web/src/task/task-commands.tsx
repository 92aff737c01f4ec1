import { type ReactNode, useMemo, useState } from 'react';
import type { EventJson } from '../../../../src/contract/event.js';
import type { TaskJson } from '../../../../src/contract/iteration.js';
import { taskHasEnded } from '../../../../src/model/task-state.js';
import { commandTask, type TaskCommand } from '../api/commands.js';
import { usePost } from '../api/use-post.js';
import { CommandList } from '../commands/command-list.js';
import { commandsOf } from '../commands/records.js';

export interface Commanding {
  readonly send: (command: TaskCommand, module?: string) => void;
  /** It can no longer be asked for anything. */
  readonly isOver: boolean;
  /** The last wish is on its way. */
  readonly isBusy: boolean;
  readonly status: ReactNode;
}

/** Commands to a task: each is sent, pending, then acknowledged with its latency, as its events say. */
export function useTaskCommands(task: TaskJson, events: readonly EventJson[]): Commanding {
  const [asked, setAsked] = useState<string>();
  const post = usePost((wish: { command: TaskCommand; module?: string }, key: string) =>
    commandTask(task.problem_id, task.iteration_id, wish, key),
  );
  const records = useMemo(() => commandsOf(events), [events]);
  const isRecorded = records.some((record) => record.command_id === post.result?.command_id);
  const isUnderWay = post.pending || (post.result !== undefined && !isRecorded);
  return {
    send: (command, module) => {
      setAsked(
        `${command.charAt(0).toUpperCase()}${command.slice(1)}${module === undefined ? '' : ` ${module}`}`,
      );
      post.send({ command, ...(module !== undefined && { module }) });
    },
    isOver: taskHasEnded(task.state),
    isBusy: post.pending,
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
  const { send, isOver, isBusy } = commanding;
  const [isAsking, setIsAsking] = useState(false);
  if (isOver) return null;
  if (isAsking) {
    return (
      <fieldset className="actions asking">
        <legend>Terminate? Running work is killed immediately, and the task is aborted.</legend>
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
      <button type="button" disabled={isBusy} onClick={() => send('stop')}>
        Stop
      </button>
      <button type="button" disabled={isBusy} onClick={() => send('preempt')}>
        Preempt
      </button>
      <button type="button" disabled={isBusy} onClick={() => setIsAsking(true)}>
        Terminate …
      </button>
    </>
  );
}
