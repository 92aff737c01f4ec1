import type { ReactNode } from 'react';
import type { TaskJson } from '../../../../src/contract/iteration.js';
import { taskPath } from '../api/queries.js';
import { download } from '../json/download.js';
import { SaveButton } from '../values/save-button.js';

/** The whole of an iteration as one file to keep and to cite. */
export function CrateButton({ task }: { task: TaskJson }): ReactNode {
  const { problem_id, iteration_id } = task;
  return (
    <SaveButton
      label="Download all"
      title="An RO-Crate: input, outputs as files, graph, versions, times and attempts"
      save={() => download(`${taskPath(problem_id, iteration_id)}/crate`, `${iteration_id}.crate.zip`)}
    />
  );
}
