import { useQueries } from '@tanstack/react-query';
import { Fragment, type ReactNode, useMemo } from 'react';
import type { GraphJson } from '../../../../src/contract/graph.js';
import type { IterationJson, ModuleJson, TaskJson } from '../../../../src/contract/iteration.js';
import { isBytes } from '../../../../src/model/media-type.js';
import { taskQuery } from '../api/queries.js';
import { outputAt, outputsOf } from '../graphs/outputs.js';
import { SelectionLink } from '../selection-link.js';
import { type DifferingPart, differingParts } from './compare.js';
import { changeOf, fieldInfo } from './fields.js';
import { OutputsBeside } from './outputs-beside.js';
import { ReusedMark, ValueCell } from './value-cell.js';

export interface ComparisonProps {
  readonly problem: string;
  readonly items: readonly IterationJson[];
  /** The first is what the others are compared with. */
  readonly compared: readonly number[];
  readonly graph: GraphJson;
  readonly onCompare: (iterations: readonly number[]) => void;
}

/** More do not fit beside each other. */
const MOST = 8;

/** What differs between two or more iterations, module by module. */
export function Comparison({ problem, items, compared, graph, onCompare }: ComparisonProps): ReactNode {
  const shown = compared.filter((id) => items.some(({ iteration_id }) => iteration_id === id)).slice(0, MOST);
  const tasks = useQueries({ queries: shown.map((id) => taskQuery(problem, id)) });
  const read = tasks.map(({ data }) => data?.view.task);
  const error = tasks.find(({ isError }) => isError)?.error;
  return (
    <>
      <fieldset className="compared">
        <legend>Iterations</legend>
        {items.map(({ iteration_id: id }) => (
          <label key={id} className="choice">
            <input
              type="checkbox"
              checked={shown.includes(id)}
              disabled={!shown.includes(id) && shown.length >= MOST}
              onChange={() =>
                onCompare(shown.includes(id) ? shown.filter((one) => one !== id) : [...shown, id])
              }
            />
            <span>{id}</span>
          </label>
        ))}
      </fieldset>
      {error && <p className="fault">{error.message}</p>}
      {shown.length < 2 && (
        <p className="none">Choose two or more iterations to see what differs between them.</p>
      )}
      {shown.length >= 2 && read.every((task) => task !== undefined) && (
        <>
          <Differences
            tasks={read}
            graph={graph}
            onBase={(id) => onCompare([id, ...shown.filter((one) => one !== id)])}
          />
          <OutputsBeside tasks={read} graph={graph} />
        </>
      )}
      {shown.length >= 2 && !error && !read.every((task) => task !== undefined) && (
        <p className="none">Reading …</p>
      )}
    </>
  );
}

function Differences(props: {
  tasks: readonly TaskJson[];
  graph: GraphJson;
  onBase: (iteration: number) => void;
}): ReactNode {
  const { tasks, graph, onBase } = props;
  const parts = useMemo(() => differingParts(tasks.map((task) => withoutBytes(task, graph))), [tasks, graph]);
  if (parts.length === 0) return <p>They do not differ: every input and every output is the same.</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard.
    <section className="table-frame" tabIndex={0} aria-label="Differences, scrolls">
      <table className="differences">
        <thead>
          <tr>
            <th scope="col">Field</th>
            {tasks.map(({ problem_id: problem, iteration_id: id }, position) => (
              <th key={id} scope="col">
                <SelectionLink className="iteration-link" to={{ problem, iteration: id }} current={false}>
                  Iteration {id}
                </SelectionLink>
                {position === 0 ? (
                  <small>the base</small>
                ) : (
                  <button type="button" className="quiet" onClick={() => onBase(id)}>
                    Make {id} the base
                  </button>
                )}
              </th>
            ))}
          </tr>
        </thead>
        {parts.map((part) => (
          <PartRows key={part.part} part={part} graph={graph} tasks={tasks} />
        ))}
      </table>
    </section>
  );
}

/** Bytes are looked at, beside each other. */
function withoutBytes(task: TaskJson, graph: GraphJson): TaskJson {
  const modules = Object.entries(task.modules).map(([name, module]): [string, ModuleJson] => {
    const spec = graph.modules[name];
    if (!spec?.outputs) return [name, isBytes(spec?.output ?? '') ? { ...module, output: null } : module];
    const read = outputsOf(name, spec).filter(({ type }) => !isBytes(type));
    const output =
      module.output && Object.fromEntries(read.map((one) => [one.name, outputAt(task, one.reference)]));
    return [name, { ...module, output }];
  });
  return { ...task, modules: Object.fromEntries(modules) };
}

function PartRows({
  part,
  graph,
  tasks,
}: {
  part: DifferingPart;
  graph: GraphJson;
  tasks: readonly TaskJson[];
}): ReactNode {
  const { fields } = part;
  return (
    <tbody>
      <tr className="part-row">
        <th scope="rowgroup" colSpan={tasks.length + 1}>
          {part.part}{' '}
          <small>{fields.length === 1 ? '1 field differs' : `${fields.length} fields differ`}</small>
        </th>
      </tr>
      {fields.map(({ path, values }) => {
        // Of an overridden input, the part begins with the name of what it stands for.
        const { description, unit } = fieldInfo(`${part.part.split(' ')[0]}.${path}`, graph);
        return (
          <tr key={path}>
            <th scope="row" title={description}>
              <Breaking path={path || 'value'} />
            </th>
            {values.map((value, position) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a column is an iteration, and has no other name here.
              <td key={position}>
                <ValueCell value={value} unit={unit} />
                {tasks[position]?.modules[part.part]?.state === 'reused' && <ReusedMark />}
                {position > 0 && <Change before={values[0]} after={value} />}
              </td>
            ))}
          </tr>
        );
      })}
    </tbody>
  );
}

/** A path that may be broken where people read a pause. */
function Breaking({ path }: { path: string }): ReactNode {
  return path.split(/(?<=[._])/).map((step, at) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: the steps of a path have no name but their place.
    <Fragment key={at}>
      {step}
      <wbr />
    </Fragment>
  ));
}

function Change({ before, after }: { before: unknown; after: unknown }): ReactNode {
  const change = changeOf(before, after);
  return change === undefined ? null : <span className="change figure">{change}</span>;
}
