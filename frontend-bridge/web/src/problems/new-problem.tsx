import { useQuery } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useId, useState } from 'react';
import { type Created, submitProblem } from '../api/commands.js';
import { graphsQuery } from '../api/queries.js';
import type { TaskJson } from '../api/shapes.js';
import { usePost } from '../api/use-post.js';
import { type FormFaults, NO_FAULTS, parseInput, sortFaults } from './faults.js';
import { FieldFaults, InputField } from './input-field.js';

export interface NewProblemProps {
  /** The task that is shown: its input can be taken over. */
  readonly shown: TaskJson | undefined;
  readonly onCreated: (created: Created) => void;
  readonly onClose: () => void;
}

export function NewProblem({ shown, onCreated, onClose }: NewProblemProps): ReactNode {
  const id = useId();
  const graphs = useQuery(graphsQuery());
  const names = [...new Set(graphs.data?.map((graph) => graph.name))];
  const [chosen, setChosen] = useState<string>();
  const [title, setTitle] = useState('');
  const [input, setInput] = useState('{\n  \n}');
  const [mistyped, setMistyped] = useState<FormFaults>(NO_FAULTS);
  const post = usePost(submitProblem, onCreated);
  const graph = chosen ?? names[0] ?? '';
  const faults = post.error ? sortFaults(post.error) : mistyped;

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    post.reset();
    const parsed = parseInput(input);
    setMistyped(parsed.ok ? NO_FAULTS : { ...NO_FAULTS, input: [parsed.fault] });
    if (parsed.ok) post.send({ graph, input: parsed.value, ...(title.trim() && { title: title.trim() }) });
  };

  return (
    <form className="form" aria-labelledby={`${id}-name`} onSubmit={submit}>
      <h1 id={`${id}-name`}>New problem</h1>
      <div className="field">
        <label htmlFor={`${id}-graph`}>Graph</label>
        <select
          id={`${id}-graph`}
          value={graph}
          aria-describedby={`${id}-graph-faults`}
          onChange={(change) => setChosen(change.target.value)}
        >
          {names.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
        <FieldFaults id={`${id}-graph-faults`} faults={faults.graph} />
        {graphs.isError && <p className="fault">{graphs.error.message}</p>}
        {graphs.data && names.length === 0 && <p className="none">No graph is stored yet.</p>}
      </div>
      <div className="field">
        <label htmlFor={`${id}-title`}>
          Title <small>optional</small>
        </label>
        <input
          id={`${id}-title`}
          value={title}
          autoComplete="off"
          aria-describedby={`${id}-title-faults`}
          onChange={(change) => setTitle(change.target.value)}
        />
        <FieldFaults id={`${id}-title-faults`} faults={faults.title} />
      </div>
      <InputField label="Input, as JSON" value={input} onChange={setInput} faults={faults.input} />
      {shown && (
        <button type="button" className="link" onClick={() => setInput(JSON.stringify(shown.input, null, 2))}>
          Take over the input of the iteration shown
        </button>
      )}
      <FormFault faults={faults} />
      <div className="actions">
        <button type="submit" className="primary" disabled={post.pending || graph === ''}>
          {post.pending ? 'Submitting …' : 'Submit'}
        </button>
        <button type="button" onClick={onClose}>
          Cancel
        </button>
      </div>
    </form>
  );
}

/** What is wrong with a form as a whole; announced when it appears. */
export function FormFault({ faults }: { faults: FormFaults }): ReactNode {
  const placed = faults.input.length + faults.graph.length + faults.title.length;
  const text = faults.form ?? (placed > 0 ? 'Not accepted: see the fields above.' : undefined);
  return (
    <div role="alert">
      {text !== undefined && (
        <p className="fault">
          {text} {faults.hint}
        </p>
      )}
    </div>
  );
}
