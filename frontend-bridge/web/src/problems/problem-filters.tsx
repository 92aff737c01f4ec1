import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useEffect, useId, useRef, useState } from 'react';
import type { TaskState } from '../../../../src/model/task-state.js';
import { TASK_STATES } from '../../../../src/model/task-state.js';
import { graphsQuery } from '../api/queries.js';
import type { ListFilter } from '../state/selection.js';
import { fromLocalInput, toLocalInput } from './local-time.js';

/** What is typed is asked for once the typing pauses. */
const TYPING_PAUSE_MS = 250;

export interface ProblemFiltersProps {
  readonly filter: ListFilter;
  readonly onChange: (change: Partial<ListFilter>) => void;
}

export function ProblemFilters({ filter, onChange }: ProblemFiltersProps): ReactNode {
  const id = useId();
  const graphs = useQuery(graphsQuery());
  const names = [
    ...new Set([...(graphs.data ?? []).map(({ name }) => name), ...(filter.graph ? [filter.graph] : [])]),
  ];
  const isNarrow = filter.graph !== undefined || filter.after !== undefined || filter.before !== undefined;
  return (
    <search className="filters" aria-label="Problems">
      <SearchField text={filter.q} onChange={(q) => onChange({ q })} />
      <div className="filter">
        <label htmlFor={`${id}-state`}>State</label>
        <select
          id={`${id}-state`}
          value={filter.state ?? ''}
          onChange={(change) =>
            onChange({ state: (change.target.value || undefined) as TaskState | undefined })
          }
        >
          <option value="">any</option>
          {TASK_STATES.map((state) => (
            <option key={state}>{state}</option>
          ))}
        </select>
      </div>
      <div className="switches">
        <Switch label="Starred" isOn={filter.starred} onChange={(starred) => onChange({ starred })} />
        <Switch label="Archived too" isOn={filter.archived} onChange={(archived) => onChange({ archived })} />
      </div>
      {filter.tag !== undefined && (
        <p className="tag">
          <span className="tag-name">{filter.tag}</span>
          <button
            type="button"
            className="tag-remove"
            aria-label={`Problems without ${filter.tag} too`}
            onClick={() => onChange({ tag: undefined })}
          >
            ×
          </button>
        </p>
      )}
      <details open={isNarrow}>
        <summary>Graph and time</summary>
        <div className="filter">
          <label htmlFor={`${id}-graph`}>Graph</label>
          <select
            id={`${id}-graph`}
            value={filter.graph ?? ''}
            onChange={(change) => onChange({ graph: change.target.value || undefined })}
          >
            <option value="">any</option>
            {names.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </div>
        <TimeField label="From" value={filter.after} onChange={(after) => onChange({ after })} />
        <TimeField label="Until" value={filter.before} onChange={(before) => onChange({ before })} />
      </details>
    </search>
  );
}

function Switch(props: {
  label: string;
  isOn: true | undefined;
  onChange: (isOn: true | undefined) => void;
}): ReactNode {
  return (
    <label className="check">
      <input
        type="checkbox"
        checked={props.isOn ?? false}
        onChange={(change) => props.onChange(change.target.checked || undefined)}
      />
      {props.label}
    </label>
  );
}

function SearchField(props: {
  text: string | undefined;
  onChange: (text: string | undefined) => void;
}): ReactNode {
  const { text = '', onChange } = props;
  const id = useId();
  const [typed, setTyped] = useState(text);
  const asked = useRef(text);
  useEffect(() => {
    // The address changed under the field: a link, the way back.
    if (asked.current !== text) setTyped(text);
    asked.current = text;
  }, [text]);
  useEffect(() => {
    if (typed === text) return;
    const timer = window.setTimeout(() => {
      asked.current = typed;
      onChange(typed || undefined);
    }, TYPING_PAUSE_MS);
    return () => window.clearTimeout(timer);
  }, [typed, text, onChange]);
  return (
    <div className="filter filter-search">
      <label htmlFor={id}>Search</label>
      <input
        id={id}
        type="search"
        autoComplete="off"
        placeholder="title, tag, note, input"
        value={typed}
        onChange={(change) => setTyped(change.target.value)}
      />
    </div>
  );
}

function TimeField(props: {
  label: string;
  value: string | undefined;
  onChange: (value: string | undefined) => void;
}): ReactNode {
  const id = useId();
  return (
    <div className="filter">
      <label htmlFor={id}>{props.label}</label>
      <input
        id={id}
        type="datetime-local"
        value={toLocalInput(props.value)}
        onChange={(change) => props.onChange(fromLocalInput(change.target.value))}
      />
    </div>
  );
}
