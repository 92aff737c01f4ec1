import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Created } from '../api/commands.js';
import { taskQuery } from '../api/queries.js';
import { IterateForm } from '../task/iterate-form.js';
import { Modal } from './modal.js';

/** Iterates from any iteration: its input is there to be changed. */
export function IterateDialog(props: {
  problem: string;
  iteration: number;
  onCreated: (created: Created) => void;
  onClose: () => void;
}): ReactNode {
  const found = useQuery(taskQuery(props.problem, props.iteration));
  const task = found.data?.view.task;
  return (
    <Modal label={`Iterate from ${props.iteration}`} onClose={props.onClose}>
      {task && <IterateForm task={task} onCreated={props.onCreated} onClose={props.onClose} />}
      {found.isError && <p className="fault">{found.error.message}</p>}
      {found.isPending && <p className="none">Reading …</p>}
    </Modal>
  );
}
