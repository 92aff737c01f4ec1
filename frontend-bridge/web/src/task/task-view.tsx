import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useMemo, useState, useSyncExternalStore } from 'react';
import { ApiError } from '../api/http.js';
import { graphQuery, iterationsQuery, nodesQuery, problemQuery, taskQuery } from '../api/queries.js';
import type { GraphJson } from '../api/shapes.js';
import type { Selection } from '../state/selection.js';
import type { TaskView } from '../state/views.js';
import { Chip } from '../states/chip.js';
import { Moment } from '../states/time.js';
import { toneOf } from '../states/tone.js';
import { GraphCanvas, GraphList } from './graph-view.js';
import { IterateForm } from './iterate-form.js';
import { Iterations } from './iterations.js';
import { ModulePanel, SourcePanel } from './module-panel.js';
import { StopButton } from './stop-button.js';

export interface TaskPageProps {
  readonly problem: string;
  readonly iteration: number | undefined;
  readonly module: string | undefined;
  readonly onSelect: (selection: Partial<Selection>) => void;
}

/** A problem with the iteration that the address names, or its newest. */
export function TaskPage({ problem, iteration, module, onSelect }: TaskPageProps): ReactNode {
  const iterations = useQuery(iterationsQuery(problem));
  const items = iterations.data?.view.items;
  const shown = iteration ?? items?.at(-1)?.iteration_id;
  if (iterations.isError) return <Failure error={iterations.error} what={`problem ${problem}`} />;
  if (!items || shown === undefined) return <p className="none">Reading …</p>;
  return (
    <article className="task" aria-labelledby="task-title">
      <TaskOf
        key={`${problem}/${shown}`}
        problem={problem}
        iteration={shown}
        module={module}
        onSelect={onSelect}
        iterations={<Iterations items={items} selected={shown} module={module} />}
      />
    </article>
  );
}

function TaskOf(props: TaskPageProps & { iteration: number; iterations: ReactNode }): ReactNode {
  const { problem, iteration, module, onSelect } = props;
  const found = useQuery(taskQuery(problem, iteration));
  const [iterating, setIterating] = useState(false);
  const title = useQuery(problemQuery(problem)).data?.title;
  const view = found.data?.view;
  return (
    <>
      <header className="task-head">
        <h1 id="task-title">{title || `Problem ${problem.slice(-6)}`}</h1>
        {view && <TaskFacts view={view} />}
        {view?.task.error && <p className="fault">{view.task.error.message}</p>}
        {view?.task.reason && <p className="none">Stopped: {view.task.reason}</p>}
        {props.iterations}
        {view && !iterating && (
          <div className="actions">
            <button type="button" className="primary" onClick={() => setIterating(true)}>
              Iterate
            </button>
            <StopButton task={view.task} />
          </div>
        )}
      </header>
      {view && iterating && (
        <IterateForm
          task={view.task}
          onClose={() => setIterating(false)}
          onCreated={(created) => onSelect({ problem, iteration: created.iteration_id })}
        />
      )}
      {found.isError && <Failure error={found.error} what={`iteration ${iteration}`} />}
      {view && <TaskScore view={view} module={module} onSelect={onSelect} />}
    </>
  );
}

function TaskFacts({ view }: { view: TaskView }): ReactNode {
  const { task } = view;
  const modules = Object.values(task.modules);
  const done = modules.filter((module) => module.state === 'succeeded').length;
  return (
    <p className="task-facts">
      <Chip tone={toneOf(task.state)}>{task.state}</Chip>
      <span>
        iteration {task.iteration_id}
        {task.parent_iteration_id !== null && ` from ${task.parent_iteration_id}`}
      </span>
      <span className="figure">
        {done} of {modules.length} modules
      </span>
      <span>
        {task.graph} <span className="figure">v{task.graph_version}</span>
      </span>
      <span className="figure">
        <Moment at={task.created_at} />
      </span>
    </p>
  );
}

function TaskScore(props: {
  view: TaskView;
  module: string | undefined;
  onSelect: TaskPageProps['onSelect'];
}): ReactNode {
  const { view, module, onSelect } = props;
  const { task } = view;
  const graph = useQuery(graphQuery(task.graph, task.graph_version));
  const instances = useInstances();
  const narrow = useNarrow();
  const select = (name: string | undefined): void =>
    onSelect({
      problem: task.problem_id,
      iteration: task.iteration_id,
      module: name === module ? undefined : name,
    });
  if (graph.isError) return <Failure error={graph.error} what={`graph ${task.graph}`} />;
  if (!graph.data) return <p className="none">Reading …</p>;
  const score = { graph: graph.data, view, selected: module, onSelect: select, instances };
  const panel =
    module === undefined ? (
      <p className="none">Choose a module to see its output, its log and its attempts.</p>
    ) : (
      <SelectedPanel
        graph={graph.data}
        view={view}
        name={module}
        instances={instances}
        onClose={() => select(undefined)}
      />
    );
  if (narrow) return <GraphList {...score} panel={panel} />;
  return (
    <div className={module === undefined ? 'score' : 'score score-open'}>
      <GraphCanvas {...score} />
      {panel}
    </div>
  );
}

function SelectedPanel(props: {
  graph: GraphJson;
  view: TaskView;
  name: string;
  instances: ReadonlyMap<string, string>;
  onClose: () => void;
}): ReactNode {
  const { graph, view, name, instances, onClose } = props;
  const common = { task: view.task, name, instances, onClose };
  if (name === graph.source.name) return <SourcePanel {...common} type={graph.source.type} />;
  const module = view.task.modules[name];
  const spec = graph.modules[name];
  if (!module || !spec) return <p className="fault">The graph has no module “{name}”.</p>;
  return <ModulePanel {...common} module={module} type={spec.output} />;
}

function Failure({ error, what }: { error: Error; what: string }): ReactNode {
  const missing = error instanceof ApiError && error.status === 404;
  return (
    <p className="fault" role="alert">
      {missing ? `There is no ${what} here.` : `Could not read ${what}: ${error.message}`}
    </p>
  );
}

/** The nodes' own stable names by `node_id`. */
function useInstances(): ReadonlyMap<string, string> {
  const items = useQuery(nodesQuery()).data?.view.items;
  return useMemo(() => new Map(items?.map((node) => [node.node_id, node.instance])), [items]);
}

const NARROW = '(max-width: 720px)';

function useNarrow(): boolean {
  return useSyncExternalStore(
    (listener) => {
      const query = window.matchMedia(NARROW);
      query.addEventListener('change', listener);
      return () => query.removeEventListener('change', listener);
    },
    () => window.matchMedia(NARROW).matches,
  );
}
