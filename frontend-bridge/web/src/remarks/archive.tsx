import { type ReactNode, useState } from 'react';
import type { WholeProblemJson } from '../../../../src/contract/problem.js';
import { useProblemChange } from './use-change.js';

export interface Archiving {
  readonly isPending: boolean;
  readonly error: Error | null;
  /** Whether it was archived here: then taking it back is an undo. */
  readonly isOwn: boolean;
  readonly archive: (archived: boolean) => void;
}

export function useArchiving(problem: string): Archiving {
  const change = useProblemChange(problem);
  const [isOwn, setIsOwn] = useState(false);
  return {
    isPending: change.pending,
    error: change.error,
    isOwn,
    archive: (archived) => change.send({ archived }, { onDone: () => setIsOwn(archived) }),
  };
}

export interface ArchiveProps {
  readonly problem: WholeProblemJson;
  readonly archiving: Archiving;
}

export function ArchiveButton({ problem, archiving }: ArchiveProps): ReactNode {
  if (problem.archived) return null;
  return (
    <button
      type="button"
      title="Hides it from the list; nothing is removed or stopped"
      disabled={archiving.isPending}
      onClick={() => archiving.archive(true)}
    >
      Archive
    </button>
  );
}

/** Says that a problem is archived, and takes it back. */
export function ArchivedNote({ problem, archiving }: ArchiveProps): ReactNode {
  return (
    <div role="status">
      {problem.archived && (
        <p className="past">
          <span>Archived: hidden from the list.</span>
          <button
            type="button"
            className="quiet"
            disabled={archiving.isPending}
            onClick={() => archiving.archive(false)}
          >
            {archiving.isOwn ? 'Undo' : 'Unarchive'}
          </button>
        </p>
      )}
      {archiving.error && <p className="faults">{archiving.error.message}</p>}
    </div>
  );
}
