import type { ReactNode } from 'react';
import type { TaskJson } from '../../../../src/contract/iteration.js';
import { apiUrl } from '../api/http.js';
import { taskPath } from '../api/queries.js';
import { CopyLine } from '../copying/copy-button.js';
import { Popover } from '../popover/popover.js';

/** What a person takes along of a task: its id, and the lines that show the same in a terminal. */
export function CopyMenu({ task }: { task: TaskJson }): ReactNode {
  return (
    <Popover button="Copy …" className="small">
      {() => (
        <dl className="copy-menu">
          {linesOf(task).map(([what, text]) => (
            <div key={what}>
              <dt>{what}</dt>
              <dd>
                <CopyLine text={text} what={what.toLowerCase()} />
              </dd>
            </div>
          ))}
        </dl>
      )}
    </Popover>
  );
}

function linesOf({ problem_id, iteration_id }: TaskJson): [what: string, text: string][] {
  const id = `${problem_id}/${iteration_id}`;
  const base = apiUrl('').href.replace(/\/v1\/$/, '');
  return [
    ['Task id', id],
    ['Problem id', problem_id],
    ['Link to this view', location.href],
    ['Command line', `tutti show ${id} --url ${base}`],
    ['Follow it in a terminal', `tutti watch ${id} --url ${base}`],
    ['curl', `curl ${apiUrl(taskPath(problem_id, iteration_id)).href}`],
  ];
}
