import { Fragment, type ReactNode, useMemo } from 'react';
import { isBytes } from '../../../../src/model/media-type.js';
import { taskHasEnded } from '../../../../src/model/task-state.js';
import { taskPath } from '../api/queries.js';
import type { GraphJson, TaskJson } from '../api/shapes.js';
import { CopyButton } from '../copying/copy-button.js';
import { modulesOf, type OutputOf, outputAt, outputsOf } from '../graphs/outputs.js';
import { JsonValue } from '../json/value.js';
import { ValueView } from '../json/value-view.js';
import { Notes } from '../remarks/notes.js';
import { SelectionLink } from '../selection-link.js';
import { Chip } from '../states/chip.js';
import { Elapsed, Moment } from '../states/time.js';
import { toneOf } from '../states/tone.js';
import { Clip } from './clip.js';
import { Fact } from './fact.js';

/** Of a result and of the input, so that both are in sight on a laptop: pixels. */
const RESULT_PX = 250;
const INPUT_PX = 220;

/** Modules that no other one goes on from: their outputs are the result. */
export function resultModules(graph: GraphJson): string[] {
  const used = new Set(Object.values(graph.modules).flatMap(({ inputs }) => modulesOf(inputs)));
  return Object.keys(graph.modules).filter((name) => !used.has(name));
}

export interface OverviewProps {
  readonly task: TaskJson;
  readonly graph: GraphJson;
  /** The moment that is shown, where it is not now. */
  readonly asOf: string | undefined;
}

/** What the task is about and what came of it: beside the graph as long as no module is chosen. */
export function Overview({ task, graph, asOf }: OverviewProps): ReactNode {
  const names = useMemo(() => resultModules(graph), [graph]);
  const of = { problem: task.problem_id, iteration: task.iteration_id, at: undefined };
  return (
    <section className="panel overview" aria-label="Overview">
      {names.map((name) => (
        <section key={name} className="part" aria-label={`Result of ${name}`}>
          <h2>
            {names.length === 1 ? 'Result' : 'Result of'}{' '}
            <SelectionLink className="link part-link" to={{ ...of, module: name }} current={false}>
              {name}
            </SelectionLink>
          </h2>
          {outputsOf(name, graph.modules[name]!).map((output) => (
            <Fragment key={output.reference}>
              {output.name !== '' && <h3>{output.name}</h3>}
              <Result task={task} name={name} of={output} />
            </Fragment>
          ))}
        </section>
      ))}
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
      <Notes key={task.problem_id} problem={task.problem_id} />
      <section className="part" aria-label="Facts">
        <dl className="fact-lines">
          <Fact name="Graph">
            <SelectionLink
              className="link"
              to={{ page: 'graphs', name: task.graph, version: task.graph_version }}
              current={false}
            >
              {task.graph} version {task.graph_version}
            </SelectionLink>
          </Fact>
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

function Result(props: { task: TaskJson; name: string; of: OutputOf }): ReactNode {
  const { task, name, of } = props;
  const { reference, type } = of;
  const module = task.modules[name];
  const value = outputAt(task, reference);
  if (module === undefined) return null;
  if (value !== null || module.output !== null) {
    const bytesAt = `${taskPath(task.problem_id, task.iteration_id)}/outputs/${encodeURIComponent(reference)}`;
    return (
      <Clip height={RESULT_PX}>
        {isBytes(type) ? (
          <ValueView value={value} name={reference.replace('.', '-')} type={type} bytesAt={bytesAt} />
        ) : (
          <JsonValue value={value} />
        )}
      </Clip>
    );
  }
  return (
    <p className="result-none">
      <Chip tone={toneOf(module.state)}>{module.state}</Chip>{' '}
      {module.error
        ? module.error.message
        : (module.waiting_reason ?? (module.finished_at ? 'It gave nothing.' : ''))}
    </p>
  );
}

/** When the last of its modules ended, in a task that is over. */
function endOf({ state, finished_at, modules }: TaskJson): string | undefined {
  if (!taskHasEnded(state)) return undefined;
  const ends = Object.values(modules).flatMap((module) => module.finished_at ?? []);
  return finished_at ?? ends.sort().at(-1);
}
