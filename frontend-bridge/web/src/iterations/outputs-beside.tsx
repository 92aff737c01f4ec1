import { useQueries } from '@tanstack/react-query';
import { type ReactNode, useMemo } from 'react';
import type { GraphJson } from '../../../../src/contract/graph.js';
import type { TaskJson } from '../../../../src/contract/iteration.js';
import { isBytes } from '../../../../src/model/media-type.js';
import { taskEventsQuery, taskPath } from '../api/queries.js';
import { allOutputs, outputAt } from '../graphs/outputs.js';
import { TaskHistory } from '../task/history.js';
import { contentOf, elsewhere } from '../values/content.js';
import { ContentView } from '../values/content-view.js';
import type { Curve } from '../values/curves.js';
import { CurvesView } from '../values/curves-view.js';
import { LargeContent } from '../values/large-content.js';

/** What the iterations put out that is looked at rather than read, module by module beside each other, and their curves in one chart. */
export function OutputsBeside({ tasks, graph }: { tasks: readonly TaskJson[]; graph: GraphJson }): ReactNode {
  const shown = allOutputs(graph).filter(({ type }) => isBytes(type));
  return (
    <>
      <RunCurves tasks={tasks} graph={graph} />
      {shown.map(({ reference: name, type }) => (
        <section key={name} className="beside" aria-label={`${name}, side by side`}>
          <h3>
            {name} <small>{type}</small>
          </h3>
          <ol>
            {tasks.map((task) => (
              <li key={task.iteration_id}>
                <h4>Iteration {task.iteration_id}</h4>
                <Output task={task} name={name} type={type} />
              </li>
            ))}
          </ol>
        </section>
      ))}
    </>
  );
}

function Output({ task, name, type }: { task: TaskJson; name: string; type: string }): ReactNode {
  const value = outputAt(task, name);
  const label = `${name} of iteration ${task.iteration_id}`;
  const content = useMemo(() => contentOf(value, type), [value, type]);
  const large = elsewhere(value);
  if (content) return <ContentView content={content} name={label} />;
  if (!large) return <p className="none">None.</p>;
  const bytesAt = `${taskPath(task.problem_id, task.iteration_id)}/outputs/${encodeURIComponent(name)}`;
  return <LargeContent name={label} type={type} size={large.size} bytesAt={bytesAt} />;
}

function RunCurves({ tasks, graph }: { tasks: readonly TaskJson[]; graph: GraphJson }): ReactNode {
  const found = useQueries({
    queries: tasks.map(({ problem_id, iteration_id }) => taskEventsQuery(problem_id, iteration_id)),
    combine: (results) => results.map(({ data }) => data?.view.items),
  });
  const modules = useMemo(() => {
    const histories = tasks.map(({ iteration_id }, at) => ({
      name: `iteration ${iteration_id}`,
      history: new TaskHistory().read(found[at] ?? []),
    }));
    return Object.keys(graph.modules).flatMap((module) => {
      const runs = histories.map(({ name, history }) => ({ name, curves: history.ofModule(module).curves }));
      return runs.some(({ curves }) => curves.some(isLong)) ? [{ name: module, runs }] : [];
    });
  }, [tasks, graph, found]);
  return modules.map(({ name, runs }) => (
    <section key={name} className="beside" aria-label={`${name}, curves`}>
      <h3>
        {name} <small>curves</small>
      </h3>
      <CurvesView runs={runs} />
    </section>
  ));
}

/** One point is not a curve. */
function isLong({ x }: Curve): boolean {
  return x.length > 1;
}
