import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { GraphJson } from '../../../../src/contract/graph.js';
import type { TaskJson } from '../../../../src/contract/iteration.js';
import { DEFAULT_PROJECT } from '../../../../src/model/access.js';
import { shownGraph } from '../../../../src/model/private-graph.js';
import { taskHasEnded } from '../../../../src/model/task-state.js';
import { problemQuery } from '../api/queries.js';
import { CopyButton } from '../copying/copy-button.js';
import { Elapsed, Moment } from '../display/time.js';
import { JsonValue } from '../json/value.js';
import { Notes } from '../remarks/notes.js';
import { SelectionLink } from '../selection-link.js';
import { Clip } from './clip.js';
import { Fact } from './fact.js';
import { Results } from './results.js';

/** So that the input and a result are in sight on a laptop: pixels. */
const INPUT_PX = 180;

export interface OverviewProps {
  readonly task: TaskJson;
  readonly graph: GraphJson;
  /** The moment that is shown, where it is not now. */
  readonly asOf: string | undefined;
}

/** What the task is about and what came of it: beside the graph as long as no module is chosen. */
export function Overview({ task, graph, asOf }: OverviewProps): ReactNode {
  const of = { problem: task.problem_id, iteration: task.iteration_id, at: undefined };
  return (
    <section className="panel overview" aria-label="Overview">
      <section className="part" aria-label="About">
        <h2>
          About{' '}
          <SelectionLink className="link part-link" to={{ ...of, module: graph.source.name }} current={false}>
            {graph.source.name}
          </SelectionLink>
        </h2>
        <Clip height={INPUT_PX}>
          <JsonValue value={task.input} />
        </Clip>
      </section>
      <Results task={task} graph={graph} />
      <Notes key={task.problem_id} problem={task.problem_id} />
      <section className="part" aria-label="Facts">
        <dl className="fact-lines">
          <Fact name="Graph">
            <SelectionLink
              className="link"
              to={{ page: 'graphs', name: task.graph, version: task.graph_version }}
              current={false}
            >
              {shownGraph(task.graph)} version {task.graph_version}
            </SelectionLink>
          </Fact>
          <Project problem={task.problem_id} />
          <Fact name="Submitted">
            <Moment at={task.created_at} date="full" />
          </Fact>
          <Fact name={taskHasEnded(task.state) ? 'Took' : 'For'}>
            <span className="figure">
              <Elapsed since={task.created_at} until={endOf(task) ?? asOf ?? null} />
            </span>
          </Fact>
          <Fact name="Task">
            <code className="id">{`${task.problem_id}/${task.iteration_id}`}</code>
            <CopyButton text={`${task.problem_id}/${task.iteration_id}`} what="the task's id" />
          </Fact>
        </dl>
      </section>
    </section>
  );
}

/** When the last of its modules ended, in a task that is over. */
function endOf({ state, finished_at, modules }: TaskJson): string | undefined {
  if (!taskHasEnded(state)) return undefined;
  const ends = Object.values(modules).flatMap((module) => module.finished_at ?? []);
  return finished_at ?? ends.sort().at(-1);
}

/** Where there are no others, it would say nothing. */
function Project({ problem }: { problem: string }): ReactNode {
  const project = useQuery(problemQuery(problem)).data?.view.problem?.project ?? DEFAULT_PROJECT;
  return project === DEFAULT_PROJECT ? null : <Fact name="Project">{project}</Fact>;
}
