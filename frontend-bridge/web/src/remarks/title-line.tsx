import { type ReactNode, useEffect, useId, useRef, useState } from 'react';
import type { WholeProblemJson } from '../../../../src/contract/problem.js';
import { MAX_TITLE_CHARACTERS } from '../../../../src/model/problem.js';
import { StarButton } from './star-button.js';
import { useProblemChange } from './use-change.js';
import { useEditing } from './use-editing.js';

export interface TitleLineProps {
  readonly problem: WholeProblemJson | undefined;
  /** As it is shown: a problem without a title has a name, too. */
  readonly title: string;
}

/** A problem's title, which is edited where it stands, and its star. */
export function TitleLine({ problem, title }: TitleLineProps): ReactNode {
  const { isEditing, begin, end, opener } = useEditing();
  return (
    <div className="title-line">
      <h1 id="task-title" className={isEditing ? 'unseen' : undefined}>
        <bdi>{title}</bdi>
      </h1>
      {problem && isEditing && <TitleForm problem={problem} onClose={end} />}
      {problem && !isEditing && (
        <>
          <button
            ref={opener}
            type="button"
            className="sign-button"
            aria-label="Edit the title"
            title="Edit the title"
            onClick={begin}
          >
            <svg viewBox="0 0 16 16" aria-hidden="true" focusable="false">
              <path
                d="M2.5 13.5l.8-3.3 7.6-7.6 2.5 2.5-7.6 7.6zM9.4 4.1l2.5 2.5"
                fill="none"
                stroke="currentColor"
                strokeWidth="1.3"
                strokeLinejoin="round"
              />
            </svg>
          </button>
          <StarButton problem={problem.problem_id} title={title} isStarred={problem.starred} />
        </>
      )}
    </div>
  );
}

function TitleForm({ problem, onClose }: { problem: WholeProblemJson; onClose: () => void }): ReactNode {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState(problem.title ?? '');
  const change = useProblemChange(problem.problem_id);
  useEffect(() => input.current?.select(), []);
  return (
    <form
      className="title-form"
      onSubmit={(submit) => {
        submit.preventDefault();
        change.send({ title: typed.trim() }, { onDone: onClose });
      }}
      onKeyDown={(press) => {
        if (press.key === 'Escape') onClose();
      }}
    >
      <label htmlFor={id} className="unseen">
        Title
      </label>
      <input
        id={id}
        ref={input}
        autoComplete="off"
        maxLength={MAX_TITLE_CHARACTERS}
        value={typed}
        onChange={(changed) => setTyped(changed.target.value)}
      />
      <button type="submit" className="primary" disabled={change.pending}>
        Save
      </button>
      <button type="button" className="quiet" onClick={onClose}>
        Cancel
      </button>
      {change.error && (
        <p className="faults" role="alert">
          {change.error.message}
        </p>
      )}
    </form>
  );
}
