import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useMemo } from 'react';
import type { EventJson } from '../../../../src/contract/event.js';
import type { IterationJson } from '../../../../src/contract/iteration.js';
import { ApiError } from '../api/http.js';
import { graphQuery, iterationsQuery, problemQuery, taskEventsQuery, taskQuery } from '../api/queries.js';
import { titleOf } from '../display/title.js';
import type { Select, TaskPart } from '../state/selection.js';
import { IterationPicker } from './iteration-picker.js';
import { pickerFields } from './picker-fields.js';
import { TaskMoment } from './task-moment.js';

export interface TaskPageProps {
  readonly problem: string;
  readonly iteration: number | undefined;
  readonly module: string | undefined;
  readonly item: number | undefined;
  /** The event `seq` that it is shown as of. */
  readonly at: number | undefined;
  readonly part: TaskPart | undefined;
  readonly onSelect: Select;
}

const NO_EVENTS: readonly EventJson[] = [];

/** A problem with the iteration that the address names, or its newest. */
export default function TaskPage(props: TaskPageProps): ReactNode {
  const { problem, iteration } = props;
  const iterations = useQuery(iterationsQuery(problem));
  const items = iterations.data?.view.items;
  const shown = iteration ?? items?.at(-1)?.iteration_id;
  if (iterations.isError && !items) return <Failure error={iterations.error} what={`problem ${problem}`} />;
  if (!items || shown === undefined) return <p className="none">Reading …</p>;
  return (
    <article className="task" aria-labelledby="task-title">
      <TaskOf {...props} key={`${problem}/${shown}`} iteration={shown} iterations={items} />
    </article>
  );
}

const NO_FIELDS: readonly string[] = [];

function TaskOf(
  props: TaskPageProps & { iteration: number; iterations: readonly IterationJson[] },
): ReactNode {
  const { problem, iteration, iterations, module, onSelect } = props;
  const about = useQuery(problemQuery(problem)).data?.view.problem;
  const title = titleOf(about?.title, problem);
  const found = useQuery(taskQuery(problem, iteration));
  const events = useQuery(taskEventsQuery(problem, iteration));
  const view = found.data?.view;
  const name = view?.task.graph ?? '';
  const graph = useQuery({ ...graphQuery(name, view?.task.graph_version ?? 0), enabled: name !== '' });
  const task = view?.task;
  const fields = useMemo(
    () => (task && graph.data ? pickerFields(task, graph.data) : NO_FIELDS),
    [task, graph.data],
  );
  const picker = (
    <IterationPicker
      items={iterations}
      selected={iteration}
      module={module}
      fields={fields}
      isReading={found.isPending || (name !== '' && graph.isPending)}
      onSelect={onSelect}
    />
  );
  if (view && graph.data) {
    return (
      <TaskMoment
        {...props}
        title={title}
        about={about}
        picker={picker}
        now={view}
        graph={graph.data}
        events={events.data?.view.items ?? NO_EVENTS}
        isCut={events.data?.view.isCut ?? false}
        eventsError={events.error}
      />
    );
  }
  return (
    <>
      <header className="task-head">
        <h1 id="task-title">
          <bdi>{title}</bdi>
        </h1>
        {picker}
      </header>
      {found.isError && <Failure error={found.error} what={`iteration ${iteration}`} />}
      {graph.isError && <Failure error={graph.error} what={`graph ${name}`} />}
      {!found.isError && !graph.isError && <p className="none">Reading …</p>}
    </>
  );
}

function Failure({ error, what }: { error: Error; what: string }): ReactNode {
  const missing = error instanceof ApiError && error.status === 404;
  return (
    <p className="fault" role="alert">
      {missing ? `There is no ${what} here.` : `Could not read ${what}: ${error.message}`}
    </p>
  );
}
