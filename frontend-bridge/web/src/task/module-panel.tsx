import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { GraphModuleJson, LoopJson } from '../../../../src/contract/graph.js';
import type { ItemJson, ModuleJson, TaskJson } from '../../../../src/contract/iteration.js';
import { mayDecide } from '../../../../src/model/access.js';
import { splitReference } from '../../../../src/model/graph.js';
import { executionOutputQuery, moduleOutputQuery, taskPath } from '../api/queries.js';
import { DecisionForm } from '../approvals/decision-form.js';
import { useRole } from '../connection/may.js';
import { Chip } from '../display/chip.js';
import { loopEndWords, passWords } from '../display/loop-words.js';
import { sourceWords } from '../display/source-words.js';
import { Elapsed, Moment } from '../display/time.js';
import { Foreign } from '../display/title.js';
import { moduleTone, toneOf } from '../display/tone.js';
import { type OutputOf, outputAt, outputsOf } from '../graphs/outputs.js';
import { countsInWords } from '../items/counts.js';
import { ItemsPart } from '../items/items-part.js';
import { ValueView } from '../json/value-view.js';
import { SelectionLink } from '../selection-link.js';
import { CurvesView } from '../values/curves-view.js';
import { Fault, Stack } from './fault.js';
import type { Attempt, Beginning, ModuleHistory, RecordedOutput } from './history.js';
import { LogList } from './log-list.js';
import { Part } from './part.js';
import { RunCommand } from './run-command.js';

interface PanelProps {
  readonly task: TaskJson;
  readonly instances: ReadonlyMap<string, string>;
  readonly onClose: () => void;
}

/** What was put in. */
export function SourcePanel(props: PanelProps & { name: string; type: string }): ReactNode {
  const { task, name, type, onClose } = props;
  return (
    <Panel name={name} onClose={onClose}>
      <p className="panel-facts">
        <span>the input</span> <code>{type}</code>
      </p>
      <ValueView value={task.input} name={name} type={type} />
    </Panel>
  );
}

export interface ModulePanelProps extends PanelProps {
  readonly name: string;
  readonly module: ModuleJson;
  readonly spec: GraphModuleJson;
  readonly source: string;
  /** The loop that it is in. */
  readonly loop: LoopJson | undefined;
  /** Of one with `map`, its items at the moment that is shown, where it is not now. */
  readonly pastItems: readonly ItemJson[] | undefined;
  /** Up to the moment that is shown. */
  readonly history: ModuleHistory;
  /** What can be done about it. */
  readonly actions: ReactNode;
  /** The moment that is shown, where it is not now. */
  readonly asOf: string | undefined;
}

/** One module of a task: what it got and put out, what went wrong, and how it came to it. */
export function ModulePanel(props: ModulePanelProps): ReactNode {
  const { task, name, module, spec, instances, history, onClose } = props;
  const { partials, log } = history;
  const current = history.finals.filter((output) => output.execution_id === module.execution_id);
  const role = useRole();
  const mayDecideIt = role !== undefined && spec.approve !== undefined && mayDecide(role, spec.approve.role);
  const curves = history.curves.filter(({ x }) => x.length > 1);
  return (
    <Panel name={name} onClose={onClose}>
      <p className="panel-facts">
        <Chip tone={moduleTone(module)}>{module.state}</Chip>
        {module.reused_from && (
          <SelectionLink
            className="link"
            to={{
              problem: task.problem_id,
              iteration: module.reused_from.iteration_id,
              module: name,
              at: undefined,
            }}
            current={false}
          >
            {sourceWords(module)}
          </SelectionLink>
        )}
        {module.cached_from && (
          <SelectionLink
            className="link"
            to={{
              problem: module.cached_from.problem_id,
              iteration: module.cached_from.iteration_id,
              module: name,
              at: undefined,
            }}
            current={false}
          >
            {sourceWords(module)}
          </SelectionLink>
        )}
        {module.node_id !== null && <span>on {instances.get(module.node_id) ?? module.node_id}</span>}
        {module.started_at !== null && module.state !== 'waiting' && (
          <span className="figure">
            <Elapsed since={module.started_at} until={module.finished_at ?? props.asOf ?? null} />
          </span>
        )}
      </p>
      {spec.when !== undefined && (
        <p className="panel-facts">
          <span>runs only when</span> <code>{spec.when}</code>
        </p>
      )}
      <LoopFacts {...props} />
      {spec.approve && (
        <p className="panel-facts">
          <span>asks the {spec.approve.role}</span> <Foreign text={spec.approve.message} />
        </p>
      )}
      {props.actions}
      {module.waiting?.code === 'approval' && props.asOf === undefined && mayDecideIt && (
        <DecisionForm
          key={module.waiting.requested_at}
          problem={task.problem_id}
          iteration={task.iteration_id}
          module={name}
        />
      )}
      {module.waiting_reason !== null && <p className="panel-reason">{module.waiting_reason}</p>}
      {module.error !== null && <Fault error={module.error} />}
      {spec.run && (
        <Part title="Command" note={module.command?.cluster ?? ''}>
          <RunCommand
            run={spec.run}
            command={module.command ?? null}
            asOf={props.asOf}
            isOver={module.finished_at !== null}
          />
        </Part>
      )}
      {module.items && (
        <Part title="Items" note={countsInWords(module.items)}>
          <ItemsPart
            of={{ problem_id: task.problem_id, iteration_id: task.iteration_id, module: name }}
            instances={instances}
            asOf={props.asOf}
            past={props.pastItems}
          />
        </Part>
      )}
      {outputsOf(name, spec).map((output) => (
        <Part
          key={output.reference}
          title={output.name === '' ? 'Output' : `Output ${output.name}`}
          note={output.type}
        >
          <FinalOutput task={task} module={module} of={output} current={current} />
        </Part>
      ))}
      {curves.length > 0 && (
        <Part title="Curves" note={String(curves.length)}>
          <CurvesView runs={[{ name, curves }]} />
        </Part>
      )}
      {partials.count > 0 && (
        <Part title="Partial outputs" note={`${partials.count}, newest first`}>
          <Partials task={task} name={name} type={spec.output ?? 'json'} outputs={partials} />
        </Part>
      )}
      <Inputs {...props} />
      {log.count > 0 && (
        <Part title="Log" note={`${log.count} ${log.count === 1 ? 'line' : 'lines'}`}>
          <LogList entries={log} />
        </Part>
      )}
      {history.attempts.length > 0 && (
        <Part title="Attempts" note={String(history.attempts.length)}>
          <Attempts attempts={history.attempts} instances={instances} asOf={props.asOf} />
        </Part>
      )}
    </Panel>
  );
}

/** The pass that it is in, and what ends the loop. */
function LoopFacts({ name, module, loop, task }: ModulePanelProps): ReactNode {
  if (!loop) return null;
  const end = task.modules[loop.from]?.loop_end ?? null;
  return (
    <p className="panel-facts">
      <span className="figure">{passWords(module, loop)}</span>
      {name === loop.from && <span>then back to {loop.to}</span>}
      <span>until</span> <code>{loop.until}</code>
      {end !== null && <span>ended: {loopEndWords(end)}</span>}
    </p>
  );
}

/** The output of a module, or one of several. `current`: those of its newest execution. */
function FinalOutput(props: {
  task: TaskJson;
  module: ModuleJson;
  of: OutputOf;
  current: readonly RecordedOutput[];
}): ReactNode {
  const { task, module, of, current } = props;
  const { reference, name, type } = of;
  const file = reference.replace('.', '-');
  const recorded = current.find((output) => (name === '' ? output.last : output.name === name));
  if (module.cached_from) return <ReusedOutput task={task} of={of} from={task.iteration_id} />;
  if (module.reused_from) return <ReusedOutput task={task} of={of} from={module.reused_from.iteration_id} />;
  if (recorded) return <OutputValue task={task} output={recorded} name={file} type={type} />;
  const value = outputAt(task, reference);
  if (value !== null) return <ValueView value={value} name={file} type={type} />;
  return <p className="none">{module.finished_at === null ? 'None yet.' : 'None.'}</p>;
}

/** Where it is too large for its event it is read where it was published; its bytes are there in any case. */
function ReusedOutput(props: { task: TaskJson; of: OutputOf; from: number }): ReactNode {
  const { task, of, from } = props;
  const { reference, type } = of;
  const value = outputAt(task, reference);
  const isHere = value !== null;
  const found = useQuery({ ...moduleOutputQuery(task.problem_id, from, reference), enabled: !isHere });
  if (!isHere && found.isError) return <p className="fault">{found.error.message}</p>;
  if (!isHere && found.isPending) return <p className="none">Reading …</p>;
  const bytesAt = `${taskPath(task.problem_id, from)}/outputs/${encodeURIComponent(reference)}`;
  const name = reference.replace('.', '-');
  return <ValueView value={isHere ? value : found.data} name={name} type={type} bytesAt={bytesAt} />;
}

function Panel(props: { name: string; onClose: () => void; children: ReactNode }): ReactNode {
  return (
    <section className="panel" aria-labelledby="panel-title">
      <header className="panel-head">
        <h2 id="panel-title">{props.name}</h2>
        <button type="button" className="quiet" onClick={props.onClose} aria-label={`Close ${props.name}`}>
          Close
        </button>
      </header>
      {props.children}
    </section>
  );
}

/** What it is given: the source, other modules' outputs, and those of the parent iteration. */
function Inputs({ task, name, module, loop, spec, source }: ModulePanelProps): ReactNode {
  const given = task.overrides[name] ?? {};
  const others = Object.keys(given).filter((input) => !spec.inputs.includes(input));
  const inputs = [...spec.inputs, ...others];
  // In a further pass, they are those of the pass before.
  const fellows = (module.pass ?? 1) > 1 ? (loop?.modules ?? []) : [];
  const previous =
    task.parent_iteration_id === null
      ? []
      : (spec.previous ?? []).filter(
          (one) => !others.includes(one) && !fellows.includes(splitReference(one).module),
        );
  return (
    <Part title="Inputs" note={String(inputs.length + previous.length)}>
      {inputs.map((input) => {
        const isGiven = Object.hasOwn(given, input);
        const from = task.modules[splitReference(input).module]?.reused_from;
        const value = isGiven ? given[input] : input === source ? task.input : outputAt(task, input);
        return (
          <details key={input}>
            <summary>
              {input} {isGiven && <small>edited for this module</small>}
              {!isGiven && from && <small>of iteration {from.iteration_id}</small>}
            </summary>
            {value === null ? (
              <p className="none">Not available yet.</p>
            ) : (
              <ValueView value={value} name={input} />
            )}
          </details>
        );
      })}
      {previous.map((one) => (
        <Previous key={one} task={task} parent={task.parent_iteration_id ?? 0} module={one} />
      ))}
      {fellows.length > 0 && (
        <p className="none">
          And what {fellows.join(', ')} put out in pass {(module.pass ?? 1) - 1}.
        </p>
      )}
    </Part>
  );
}

/** An output of the parent iteration: read when it is opened. */
function Previous(props: { task: TaskJson; parent: number; module: string }): ReactNode {
  const { task, parent, module } = props;
  const query = useQuery({ ...moduleOutputQuery(task.problem_id, parent, module), enabled: false });
  return (
    <details
      onToggle={(event) => event.currentTarget.open && query.data === undefined && void query.refetch()}
    >
      <summary>
        {module} <small>of iteration {parent}</small>
      </summary>
      {query.isError && <p className="fault">{query.error.message}</p>}
      {query.isFetching && <p className="none">Reading …</p>}
      {query.data !== undefined && <ValueView value={query.data} name={`${module}-${parent}`} />}
    </details>
  );
}

/** More partial outputs than these begin folded away. */
const PARTIALS_SHOWN = 20;

function Partials(props: {
  task: TaskJson;
  name: string;
  type: string;
  outputs: Beginning<RecordedOutput>;
}): ReactNode {
  const { items, count } = props.outputs;
  const hidden = Math.max(0, count - PARTIALS_SHOWN);
  const newest = items.slice(hidden, count).reverse();
  return (
    <>
      <ol className="partials">
        {newest.map((output, index) => (
          <li key={`${output.execution_id}/${output.output_seq}`}>
            <details open={index === 0}>
              <summary>
                No. {output.output_seq}
                {output.attempt > 1 && ` of attempt ${output.attempt}`} <Moment at={output.at} />
              </summary>
              <OutputValue
                task={props.task}
                output={output}
                name={`${props.name}-${output.output_seq}`}
                type={props.type}
              />
            </details>
          </li>
        ))}
      </ol>
      {hidden > 0 && <p className="none">{hidden} older ones: the scrubber goes back to them.</p>}
    </>
  );
}

function OutputValue(props: {
  task: TaskJson;
  output: RecordedOutput;
  name: string;
  type: string;
}): ReactNode {
  const { task, output, name, type } = props;
  const { execution_id, output_seq } = output;
  const bytesAt = `${taskPath(task.problem_id, task.iteration_id)}/executions/${execution_id}/outputs/${output_seq}`;
  if (output.output === undefined) return <LargeOutput {...props} bytesAt={bytesAt} />;
  return <ValueView value={output.output} name={name} type={type} bytesAt={bytesAt} />;
}

/** Too large for its event: fetched when it is shown. */
function LargeOutput(props: {
  task: TaskJson;
  output: RecordedOutput;
  name: string;
  type: string;
  bytesAt: string;
}): ReactNode {
  const { task, output, name, type, bytesAt } = props;
  const found = useQuery(executionOutputQuery(task, output.execution_id, output.output_seq));
  if (found.isError) return <p className="fault">{found.error.message}</p>;
  if (found.isPending) return <p className="none">Reading …</p>;
  return <ValueView value={found.data} name={name} type={type} bytesAt={bytesAt} />;
}

function Attempts(props: {
  attempts: readonly Attempt[];
  instances: ReadonlyMap<string, string>;
  asOf: string | undefined;
}): ReactNode {
  return (
    <ol className="attempts">
      {props.attempts.map((attempt) => (
        <li key={attempt.execution_id}>
          <span className="figure">{attempt.attempt}</span>
          {attempt.pass !== undefined && <span className="figure">pass {attempt.pass}</span>}
          <Chip tone={toneOf(attempt.state)}>{attempt.state}</Chip>
          <span>{props.instances.get(attempt.node_id ?? '') ?? attempt.node_id}</span>
          <span className="attempt-at">
            <Moment at={attempt.assigned_at} />
          </span>
          <span className="figure attempt-time">
            <Elapsed since={attempt.assigned_at} until={attempt.ended_at ?? props.asOf ?? null} />
          </span>
          {attempt.error && (
            <div>
              <p>
                <code>{attempt.error.code}</code> {attempt.error.message}
              </p>
              <Stack stack={attempt.error.stack} />
            </div>
          )}
        </li>
      ))}
    </ol>
  );
}
