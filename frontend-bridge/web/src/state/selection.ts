/** What is selected, as the address says it: `?problem=…&iteration=…&module=…`. A shared link shows the same. */
import { useSearchParams } from 'wouter';

export interface Selection {
  readonly problem: string | undefined;
  /** Without one: the newest. */
  readonly iteration: number | undefined;
  readonly module: string | undefined;
}

export function readSelection(params: URLSearchParams): Selection {
  const iteration = params.get('iteration') ?? '';
  return {
    problem: params.get('problem') ?? undefined,
    iteration: /^[1-9][0-9]{0,8}$/.test(iteration) ? Number(iteration) : undefined,
    module: params.get('module') ?? undefined,
  };
}

/** The search part for a selection: what is narrower than an absent part is left out. */
export function formatSelection(selection: Partial<Selection>): string {
  const params = new URLSearchParams();
  if (selection.problem) params.set('problem', selection.problem);
  if (selection.iteration !== undefined) params.set('iteration', String(selection.iteration));
  if (selection.module) params.set('module', selection.module);
  return params.toString();
}

export function useSelection(): [Selection, (next: Partial<Selection>) => void] {
  const [params, setParams] = useSearchParams();
  return [readSelection(params), (next) => setParams(new URLSearchParams(formatSelection(next)))];
}
