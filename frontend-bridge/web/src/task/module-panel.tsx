import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useMemo } from 'react';
import { executionOutputQuery, taskEventsQuery } from '../api/queries.js';
import type { ModuleJson, TaskJson } from '../api/shapes.js';
import { JsonValue } from '../json/value.js';
import { Chip } from '../states/chip.js';
import { Elapsed, Moment } from '../states/time.js';
import { toneOf } from '../states/tone.js';
import { type Attempt, type LogEntry, moduleHistory, type RecordedOutput } from './history.js';

interface PanelProps {
  readonly task: TaskJson;
  readonly instances: ReadonlyMap<string, string>;
  readonly onClose: () => void;
}

/** What was put in. */
export function SourcePanel({
  task,
  name,
  type,
  onClose,
}: PanelProps & { name: string; type: string }): ReactNode {
  return (
    <Panel name={name} onClose={onClose}>
      <p className="panel-facts">
        <span>the input</span> <code>{type}</code>
      </p>
      <JsonValue value={task.input} />
    </Panel>
  );
}

/** One module of a task: what it put out, what went wrong, and how it came to it. */
export function ModulePanel(
  props: PanelProps & { name: string; module: ModuleJson; type: string },
): ReactNode {
  const { task, name, module, type, instances, onClose } = props;
  const events = useQuery(taskEventsQuery(task.problem_id, task.iteration_id));
  const items = events.data?.view.items;
  const history = useMemo(() => moduleHistory(items ?? [], name), [items, name]);
  const partials = history.outputs.filter((output) => !output.last);
  return (
    <Panel name={name} onClose={onClose}>
      <p className="panel-facts">
        <Chip tone={toneOf(module.state)}>{module.state}</Chip>
        {module.node_id !== null && <span>on {instances.get(module.node_id) ?? module.node_id}</span>}
        {module.started_at !== null && module.state !== 'waiting' && (
          <span className="figure">
            <Elapsed since={module.started_at} until={module.finished_at} />
          </span>
        )}
      </p>
      {module.waiting_reason !== null && <p className="panel-reason">{module.waiting_reason}</p>}
      {module.error !== null && (
        <div className="fault" role="alert">
          <code>{module.error.code}</code>
          <p>{module.error.message}</p>
        </div>
      )}
      <Part title="Output" note={type}>
        {module.output === null ? (
          <p className="none">{module.finished_at === null ? 'None yet.' : 'None.'}</p>
        ) : (
          <JsonValue value={module.output} />
        )}
      </Part>
      {partials.length > 0 && (
        <Part title="Partial outputs" note={String(partials.length)}>
          <Partials task={task} outputs={partials} />
        </Part>
      )}
      {history.log.length > 0 && (
        <Part title="Log" note={`${history.log.length} ${history.log.length === 1 ? 'line' : 'lines'}`}>
          <Log entries={history.log} />
        </Part>
      )}
      {history.attempts.length > 0 && (
        <Part title="Attempts" note={String(history.attempts.length)}>
          <Attempts attempts={history.attempts} instances={instances} />
        </Part>
      )}
      {events.isError && <p className="fault">The task's events could not be read: {events.error.message}</p>}
    </Panel>
  );
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

function Part({ title, note, children }: { title: string; note: string; children: ReactNode }): ReactNode {
  return (
    <section className="part">
      <h3>
        {title} <small>{note}</small>
      </h3>
      {children}
    </section>
  );
}

function Partials({ task, outputs }: { task: TaskJson; outputs: readonly RecordedOutput[] }): ReactNode {
  return (
    <ol className="partials">
      {outputs.map((output) => (
        <li key={`${output.execution_id}/${output.output_seq}`}>
          <details>
            <summary>
              No. {output.output_seq} <Moment at={output.at} />
            </summary>
            {output.output === undefined ? (
              <LargeOutput task={task} output={output} />
            ) : (
              <JsonValue value={output.output} />
            )}
          </details>
        </li>
      ))}
    </ol>
  );
}

/** Too large for its event: fetched when it is opened. */
function LargeOutput({ task, output }: { task: TaskJson; output: RecordedOutput }): ReactNode {
  const found = useQuery(executionOutputQuery(task, output.execution_id, output.output_seq));
  if (found.isError) return <p className="fault">{found.error.message}</p>;
  return found.isPending ? <p className="none">Reading …</p> : <JsonValue value={found.data} />;
}

function Log({ entries }: { entries: readonly LogEntry[] }): ReactNode {
  return (
    <ol className="log">
      {entries.map((entry) => (
        <li key={entry.seq} className={`level-${entry.level}`}>
          <Moment at={entry.at} />
          {entry.level !== 'info' && <b>{entry.level}</b>} <span>{entry.message}</span>
          {Object.entries(entry.fields).map(([name, value]) => (
            <span key={name} className="log-field">
              {name}={String(value)}
            </span>
          ))}
        </li>
      ))}
    </ol>
  );
}

function Attempts(props: {
  attempts: readonly Attempt[];
  instances: ReadonlyMap<string, string>;
}): ReactNode {
  return (
    <ol className="attempts">
      {props.attempts.map((attempt) => (
        <li key={attempt.execution_id}>
          <span className="figure">{attempt.attempt}</span>
          <Chip tone={toneOf(attempt.state)}>{attempt.state}</Chip>
          <span>{props.instances.get(attempt.node_id ?? '') ?? attempt.node_id}</span>
          <span className="figure attempt-time">
            <Elapsed since={attempt.assigned_at} until={attempt.ended_at} />
          </span>
          {attempt.error && (
            <p>
              <code>{attempt.error.code}</code> {attempt.error.message}
            </p>
          )}
        </li>
      ))}
    </ol>
  );
}
