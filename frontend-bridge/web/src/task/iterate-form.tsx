import { type FormEvent, type ReactNode, useId, useState } from 'react';
import { printIndented } from '../../../../src/base/json/exact.js';
import type { TaskJson } from '../../../../src/contract/iteration.js';
import { type Created, iterate } from '../api/commands.js';
import { usePost } from '../api/use-post.js';
import { FormFault } from '../problems/form-fault.js';
import { type FormFaults, NO_FAULTS, parseInput, sortFaults } from '../problems/input-faults.js';
import { InputField } from '../problems/input-field.js';

export interface IterateFormProps {
  readonly task: TaskJson;
  readonly onCreated: (created: Created) => void;
  readonly onClose: () => void;
}

/** The next iteration of a problem: from the one shown where that has succeeded, with its input to change. */
export function IterateForm({ task, onCreated, onClose }: IterateFormProps): ReactNode {
  const id = useId();
  const [input, setInput] = useState(() => printIndented(task.input));
  const [mistyped, setMistyped] = useState<FormFaults>(NO_FAULTS);
  const post = usePost(
    (body: Parameters<typeof iterate>[1], key: string) => iterate(task.problem_id, body, key),
    onCreated,
  );
  const parent = task.state === 'succeeded' ? task.iteration_id : undefined;

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    post.reset();
    const parsed = parseInput(input);
    setMistyped(parsed.ok ? NO_FAULTS : { ...NO_FAULTS, input: [parsed.fault] });
    if (parsed.ok)
      post.send({ input: parsed.value, ...(parent !== undefined && { parent_iteration_id: parent }) });
  };

  const faults = post.error ? sortFaults(post.error) : mistyped;
  return (
    <form className="form" aria-labelledby={`${id}-name`} onSubmit={submit}>
      <h2 id={`${id}-name`}>Iterate</h2>
      <p className="none">
        {parent === undefined
          ? `Iteration ${task.iteration_id} has not succeeded: the new one continues from the newest that has, if any.`
          : `Continues from the outputs of iteration ${parent}.`}
      </p>
      <InputField label="Input, as JSON" value={input} onChange={setInput} faults={faults.input} />
      <FormFault faults={faults} />
      <div className="actions">
        <button type="submit" className="primary" disabled={post.pending}>
          {post.pending ? 'Submitting …' : 'Iterate'}
        </button>
        <button type="button" onClick={onClose}>
          Cancel
        </button>
      </div>
    </form>
  );
}
