import './iterations.css';
import { type FormEvent, type ReactNode, useId, useMemo, useState } from 'react';
import { printIndented } from '../../../../src/base/json/exact.js';
import type { FaultJson } from '../../../../src/contract/answer.js';
import { splitReference } from '../../../../src/model/graph.js';
import type { Created } from '../api/commands.js';
import { ApiError } from '../api/http.js';
import { usePost } from '../api/use-post.js';
import { isDone } from '../display/tone.js';
import { parseInput } from '../problems/input-faults.js';
import { InputField } from '../problems/input-field.js';
import { Modal } from './modal.js';
import {
  changedInputs,
  givenInputs,
  type Rerun,
  type RerunSubject,
  recordedInputs,
  rerun,
  reusable,
} from './rerun.js';

/** A module's recorded inputs, to be kept or edited, and what a new iteration of it takes over as it is. */
export default function RerunDialog(
  props: RerunSubject & { readonly onClose: () => void; readonly onCreated: (created: Created) => void },
): ReactNode {
  const { task, graph, module, onCreated, onClose } = props;
  const id = useId();
  const recorded = useMemo(() => recordedInputs(task, graph, module), [task, graph, module]);
  const kept = useMemo(() => reusable(task, graph, module), [task, graph, module]);
  const previous = (graph.modules[module]?.previous ?? []).filter(
    (name) =>
      !Object.hasOwn(recorded, name) && isDone(task.modules[splitReference(name).module]?.state ?? 'waiting'),
  );
  const [texts, setTexts] = useState(() =>
    Object.fromEntries(Object.entries(recorded).map(([name, value]) => [name, printIndented(value)])),
  );
  const [mistyped, setMistyped] = useState<Readonly<Record<string, FaultJson>>>({});
  const post = usePost((asked: Rerun, key: string) => rerun(task.problem_id, asked, key), onCreated);

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    post.reset();
    const edited: Record<string, unknown> = {};
    const faults: Record<string, FaultJson> = {};
    for (const [name, text] of Object.entries(texts)) {
      const parsed = parseInput(text);
      if (parsed.ok) edited[name] = parsed.value;
      else faults[name] = parsed.fault;
    }
    setMistyped(faults);
    if (Object.keys(faults).length > 0) return;
    const overrides = changedInputs(givenInputs(task, graph, module), edited);
    post.send({
      parent_iteration_id: task.iteration_id,
      reuse: kept,
      ...(Object.keys(overrides).length > 0 && { overrides: { [module]: overrides } }),
    });
  };

  const faultsOf = (name: string): FaultJson[] => {
    const own = mistyped[name];
    return own ? [own] : placed(post.error, module, name);
  };
  return (
    <Modal label={`Run ${module} again`} onClose={onClose}>
      <form className="form" aria-labelledby={`${id}-name`} onSubmit={submit}>
        <h2 id={`${id}-name`}>Run {module} again</h2>
        <p className="none">
          A new iteration from {task.iteration_id}.{' '}
          {kept.length > 0
            ? `The outputs of ${kept.join(', ')} are reused; nothing runs for them.`
            : 'There are no earlier outputs to reuse.'}{' '}
          {previous.length > 0 &&
            `As in every iteration, it also gets the outputs of ${previous.join(', ')} in iteration ${task.iteration_id}.`}
        </p>
        {Object.entries(texts).map(([name, text]) => (
          <InputField
            key={name}
            label={name === graph.source.name ? `${name}, the input` : `${name}, its output`}
            value={text}
            onChange={(changed) => setTexts((now) => ({ ...now, [name]: changed }))}
            faults={faultsOf(name)}
          />
        ))}
        <div role="alert">{post.error && <p className="fault">{post.error.message}</p>}</div>
        <div className="actions">
          <button type="submit" className="primary" disabled={post.pending}>
            {post.pending ? 'Submitting …' : 'Run again'}
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Modal>
  );
}

/** The faults of one input in a refusal, with their path as the input's own. */
function placed(error: Error | null, module: string, name: string): FaultJson[] {
  const prefix = `/overrides/${module}/${name}`;
  const details = error instanceof ApiError ? error.details : [];
  return details
    .filter(({ path }) => path === prefix || path.startsWith(`${prefix}/`))
    .map((fault) => ({ ...fault, path: `/input${fault.path.slice(prefix.length)}` }));
}
