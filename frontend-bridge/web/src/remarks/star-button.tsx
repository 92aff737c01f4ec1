import type { ReactNode } from 'react';
import { useProblemChange } from './use-change.js';

export interface StarButtonProps {
  readonly problem: string;
  /** What people call it. */
  readonly title: string;
  readonly isStarred: boolean;
}

export function StarButton({ problem, title, isStarred }: StarButtonProps): ReactNode {
  const change = useProblemChange(problem);
  const hint = change.error?.message ?? (isStarred ? 'Remove the star' : 'Add a star');
  return (
    <button
      type="button"
      className="sign-button star"
      aria-pressed={isStarred}
      aria-label={`Star for ${title}`}
      title={hint}
      disabled={change.pending}
      onClick={() => change.send({ starred: !isStarred })}
    >
      <svg viewBox="0 0 16 16" aria-hidden="true" focusable="false">
        <path
          d="M8 1.8l1.9 4 4.3.6-3.1 3 .7 4.3L8 11.6l-3.8 2.1.7-4.3-3.1-3 4.3-.6z"
          fill={isStarred ? 'currentColor' : 'none'}
          stroke="currentColor"
          strokeWidth="1.3"
          strokeLinejoin="round"
        />
      </svg>
    </button>
  );
}
