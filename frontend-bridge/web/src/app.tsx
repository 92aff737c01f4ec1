import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { ApiError } from './api/http.js';
import { nodesQuery } from './api/queries.js';
import { ConnectionIndicator, NoticeBar } from './connection/indicator.js';
import { TokenForm } from './connection/token-form.js';
import type { LiveFeed } from './live/feed.js';
import { NodeList } from './nodes/node-list.js';
import { NewProblem } from './problems/new-problem.js';
import { ProblemList } from './problems/problem-list.js';
import { formatSelection, useSelection } from './state/selection.js';
import { useShownTask } from './task/shown-task.js';
import { TaskPage } from './task/task-view.js';

export function App({ feed }: { feed: LiveFeed }): ReactNode {
  const [selection, select] = useSelection();
  // A new problem is composed over a selection: choosing something else puts the form away.
  const [composingOver, setComposingOver] = useState<string>();
  const here = formatSelection(selection);
  const composing = composingOver === here;
  const setComposing = (open: boolean): void => setComposingOver(open ? here : undefined);
  const nodes = useQuery(nodesQuery());
  const { problem, iteration } = selection;
  const shown = useShownTask(selection);
  const leave = (): void => {
    setComposing(false);
    select({});
  };
  if (nodes.error instanceof ApiError && nodes.error.status === 401) return <TokenForm />;
  return (
    <>
      <button type="button" className="skip" onClick={() => document.getElementById('stage')?.focus()}>
        Skip to the task
      </button>
      <header className="top">
        <a className="wordmark" href="./">
          Tutti
        </a>
        <ConnectionIndicator feed={feed} />
      </header>
      <NoticeBar feed={feed} />
      <div className="hall" data-open={problem !== undefined || composing}>
        <aside className="side" aria-label="Problems and nodes">
          {!composing && (
            <button type="button" className="primary wide" onClick={() => setComposing(true)}>
              New problem
            </button>
          )}
          <ProblemList selected={problem} />
          <NodeList />
        </aside>
        <main id="stage" className="stage" tabIndex={-1}>
          <button type="button" className="link back" onClick={leave}>
            All problems and nodes
          </button>
          {composing && (
            <NewProblem
              shown={shown}
              onClose={() => setComposing(false)}
              onCreated={(created) => {
                setComposing(false);
                select({ problem: created.problem_id, iteration: created.iteration_id });
              }}
            />
          )}
          {problem !== undefined && !composing && (
            <TaskPage problem={problem} iteration={iteration} module={selection.module} onSelect={select} />
          )}
          {problem === undefined && !composing && (
            <div className="tacet">
              <h1>Nothing is selected</h1>
              <p>Choose a problem, or submit a new one, to follow it through its graph.</p>
            </div>
          )}
        </main>
      </div>
    </>
  );
}
