import { useMutation } from '@tanstack/react-query';
import type { ProblemChangeJson } from '../../../../src/contract/problem.js';
import { changeProblem } from '../api/commands.js';

export interface Change {
  /** With `revision`, only where it still is the newest. */
  readonly send: (change: ProblemChangeJson, options?: ChangeOptions) => void;
  readonly pending: boolean;
  readonly error: Error | null;
  readonly reset: () => void;
}

export interface ChangeOptions {
  readonly revision?: number;
  readonly onDone?: () => void;
}

interface Asked {
  readonly change: ProblemChangeJson;
  readonly revision: number | undefined;
}

/** Changes what people say about a problem. What is shown follows the event, here as in every other tab. */
export function useProblemChange(problemId: string): Change {
  const mutation = useMutation({
    mutationFn: ({ change, revision }: Asked) => changeProblem(problemId, change, revision),
  });
  return {
    send: (change, { revision, onDone } = {}) =>
      mutation.mutate({ change, revision }, { onSuccess: () => onDone?.() }),
    pending: mutation.isPending,
    error: mutation.error,
    reset: mutation.reset,
  };
}
