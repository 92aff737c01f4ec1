import { lazy, type ReactNode, Suspense, useState } from 'react';
import { isPrivateGraph } from '../../../../src/model/private-graph.js';
import { taskHasEnded } from '../../../../src/model/task-state.js';
import { useSelection } from '../state/selection.js';
import type { RerunSubject } from './rerun.js';

const RerunDialog = lazy(() => import('./rerun-dialog.js'));

/** Offered for a module that has run, or has an output that was reused, in a task that is over. */
export function RerunButton(props: RerunSubject): ReactNode {
  const [isOpen, setIsOpen] = useState(false);
  const [, select] = useSelection();
  const { task, module } = props;
  const { execution_id = null, reused_from = null } = task.modules[module] ?? {};
  const hasRun =
    !isPrivateGraph(task.graph) &&
    taskHasEnded(task.state) &&
    (execution_id !== null || reused_from !== null);
  if (!hasRun) return null;
  return (
    <>
      <div className="actions">
        <button type="button" onClick={() => setIsOpen(true)}>
          Run again with an edit
        </button>
      </div>
      {isOpen && (
        <Suspense fallback={null}>
          <RerunDialog
            {...props}
            onClose={() => setIsOpen(false)}
            onCreated={(created) => {
              setIsOpen(false);
              select({ problem: created.problem_id, iteration: created.iteration_id });
            }}
          />
        </Suspense>
      )}
    </>
  );
}
