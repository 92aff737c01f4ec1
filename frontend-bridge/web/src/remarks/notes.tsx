import { useQuery } from '@tanstack/react-query';
import { lazy, type ReactNode, Suspense, useEffect, useId, useRef, useState } from 'react';
import type { WholeProblemJson } from '../../../../src/contract/problem.js';
import { ApiError } from '../api/http.js';
import { problemQuery } from '../api/queries.js';
import { HeadingAbove } from '../values/heading-above.js';
import { useProblemChange } from './use-change.js';
import { useEditing } from './use-editing.js';

const Markdown = lazy(() => import('../values/markdown.js'));

/** A problem's notes, in Markdown, and where they are written. */
export function Notes({ problem: problemId }: { problem: string }): ReactNode {
  const problem = useQuery(problemQuery(problemId)).data?.view.problem;
  const { isEditing, begin, end, opener } = useEditing();
  if (problem === undefined) return null;
  return (
    <section className="part" aria-label="Notes">
      <h2>
        Notes{' '}
        {!isEditing && (
          <button
            ref={opener}
            type="button"
            className="link part-link"
            aria-label={problem.notes === '' ? 'Add notes' : 'Edit the notes'}
            onClick={begin}
          >
            {problem.notes === '' ? 'add' : 'edit'}
          </button>
        )}
      </h2>
      {isEditing ? (
        <NotesForm problem={problem} onClose={end} />
      ) : (
        problem.notes !== '' && (
          <Suspense fallback={<p className="none">Reading …</p>}>
            <HeadingAbove value={2}>
              <Markdown text={problem.notes} />
            </HeadingAbove>
          </Suspense>
        )
      )}
    </section>
  );
}

function NotesForm({ problem, onClose }: { problem: WholeProblemJson; onClose: () => void }): ReactNode {
  const id = useId();
  const area = useRef<HTMLTextAreaElement>(null);
  const [typed, setTyped] = useState(problem.notes);
  /** What they were when the writing began. */
  const [begun, setBegun] = useState(problem.notes);
  const change = useProblemChange(problem.problem_id);
  useEffect(() => area.current?.focus(), []);
  // A star or a tag may come at any time: only other notes are in the way.
  const isOther = problem.notes !== begun;
  const isOutdated = change.error instanceof ApiError && change.error.code === 'revision_outdated';
  return (
    <form
      className="notes-form"
      onSubmit={(submit) => {
        submit.preventDefault();
        if (isOther) return;
        change.send({ notes: typed }, { revision: problem.revision, onDone: onClose });
      }}
      onKeyDown={(press) => {
        if (press.key === 'Escape' && typed === begun) onClose();
      }}
    >
      <label htmlFor={id} className="unseen">
        Notes, in Markdown
      </label>
      <textarea
        id={id}
        ref={area}
        rows={8}
        placeholder="Markdown"
        value={typed}
        onChange={(changed) => setTyped(changed.target.value)}
      />
      {isOther && (
        <p className="faults" role="alert">
          Somebody else has changed the notes.{' '}
          <button type="button" className="link" onClick={() => setBegun(problem.notes)}>
            Replace theirs
          </button>{' '}
          <button
            type="button"
            className="link"
            onClick={() => {
              setTyped(problem.notes);
              setBegun(problem.notes);
            }}
          >
            Take theirs
          </button>
        </p>
      )}
      {change.error && !isOther && (
        <p className="faults" role="alert">
          {isOutdated ? 'The problem has changed in the meantime: save again.' : change.error.message}
        </p>
      )}
      <div className="actions">
        <button type="submit" className="primary" disabled={change.pending || isOther}>
          Save
        </button>
        <button type="button" className="quiet" onClick={onClose}>
          Cancel
        </button>
      </div>
    </form>
  );
}
