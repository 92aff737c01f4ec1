import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useId, useState } from 'react';
import type { WholeProblemJson } from '../../../../src/contract/problem.js';
import { MAX_TAG_CHARACTERS, MAX_TAGS, TAG_PATTERN } from '../../../../src/model/problem.js';
import { tagsQuery } from '../api/queries.js';
import { useTagFilter } from '../state/selection.js';
import { useProblemChange } from './use-change.js';

/** A problem's tags: each narrows the list, goes away, and comes in with completion from those that there are. */
export function TagList({ problem }: { problem: WholeProblemJson }): ReactNode {
  const { tags } = problem;
  const change = useProblemChange(problem.problem_id);
  const showTag = useTagFilter();
  // Made to the tags that are shown: somebody else's are not lost.
  const put = (next: readonly string[], onDone?: () => void): void =>
    change.send({ tags: next }, { revision: problem.revision, ...(onDone && { onDone }) });
  return (
    <div className="tags">
      <ul className="tag-chips" aria-label="Tags">
        {tags.map((tag) => (
          <li key={tag} className="tag">
            <button
              type="button"
              className="tag-name"
              title={`Show the problems with ${tag}`}
              onClick={() => showTag(tag)}
            >
              {tag}
            </button>
            <button
              type="button"
              className="tag-remove"
              aria-label={`Remove the tag ${tag}`}
              disabled={change.pending}
              onClick={() => put(tags.filter((one) => one !== tag))}
            >
              ×
            </button>
          </li>
        ))}
      </ul>
      {tags.length < MAX_TAGS && <TagForm tags={tags} isBusy={change.pending} onAdd={put} />}
      {change.error && (
        <p className="faults" role="alert">
          {change.error.message}
        </p>
      )}
    </div>
  );
}

function TagForm(props: {
  readonly tags: readonly string[];
  readonly isBusy: boolean;
  readonly onAdd: (tags: readonly string[], onDone: () => void) => void;
}): ReactNode {
  const { tags, isBusy, onAdd } = props;
  const id = useId();
  const [typed, setTyped] = useState('');
  const [isAsked, setIsAsked] = useState(false);
  const known = useQuery({ ...tagsQuery(), enabled: isAsked }).data ?? [];
  const tag = typed.trim().replace(/\s+/g, ' ');
  const isFit = tag === '' || TAG_PATTERN.test(tag);
  return (
    <form
      className="tag-form"
      onSubmit={(submit) => {
        submit.preventDefault();
        if (tag === '' || !isFit || isBusy) return;
        if (tags.includes(tag)) setTyped('');
        else onAdd([...tags, tag], () => setTyped(''));
      }}
    >
      <label htmlFor={id} className="unseen">
        Add a tag
      </label>
      <input
        id={id}
        list={`${id}-known`}
        autoComplete="off"
        placeholder="add a tag"
        maxLength={MAX_TAG_CHARACTERS}
        value={typed}
        aria-invalid={!isFit}
        aria-describedby={isFit ? undefined : `${id}-fault`}
        onFocus={() => setIsAsked(true)}
        onChange={(change) => setTyped(change.target.value)}
      />
      <datalist id={`${id}-known`}>
        {known
          .filter((one) => !tags.includes(one))
          .map((one) => (
            <option key={one} value={one} />
          ))}
      </datalist>
      {!isFit && (
        <span id={`${id}-fault`} className="faults">
          A tag has letters, digits and . _ : / + # @ -
        </span>
      )}
    </form>
  );
}
