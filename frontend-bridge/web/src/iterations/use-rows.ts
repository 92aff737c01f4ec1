/** The iterations of a problem with the values of chosen fields, as rows. */
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { PageJson } from '../../../../src/contract/answer.js';
import type { IterationJson } from '../../../../src/contract/iteration.js';
import { taskHasEnded } from '../../../../src/model/task-state.js';
import { getJson } from '../api/http.js';
import { iterationsQuery } from '../api/queries.js';

export interface IterationRow extends IterationJson {
  /** From its start to its end; nothing before. */
  readonly duration_ms: number | null;
  readonly values: Readonly<Record<string, unknown>>;
}

export interface Rows {
  readonly rows: readonly IterationRow[];
  /** The values of some columns are still being read. */
  readonly isReading: boolean;
  readonly error: Error | null;
}

interface FoundFields {
  readonly iteration_id: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

const NONE: readonly IterationJson[] = [];
const PAGE = 1000;

export function useIterationRows(problem: string, columns: readonly string[]): Rows {
  const iterations = useQuery(iterationsQuery(problem));
  const items = iterations.data?.view.items ?? NONE;
  // Outputs stand once their iteration has ended: each end is a reason to read again, and nothing else is.
  const ended = items.filter(({ state }) => taskHasEnded(state)).length;
  const names = ['duration_ms', ...columns];
  const fields = useQuery({
    queryKey: ['iteration fields', problem, names, ended],
    queryFn: ({ signal }) => readFields(problem, names, signal),
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
    enabled: ended > 0,
  });
  const rows = useMemo(() => {
    const values = new Map(fields.data?.map((found) => [found.iteration_id, found.fields]));
    return items.map((item): IterationRow => {
      const found = values.get(item.iteration_id) ?? {};
      const duration = found.duration_ms;
      return { ...item, duration_ms: typeof duration === 'number' ? duration : null, values: found };
    });
  }, [items, fields.data]);
  return {
    rows,
    isReading: iterations.isPending || fields.isFetching,
    error: iterations.error ?? fields.error,
  };
}

async function readFields(
  problem: string,
  names: readonly string[],
  signal: AbortSignal,
): Promise<FoundFields[]> {
  const found: FoundFields[] = [];
  let cursor: string | null = null;
  do {
    const params: URLSearchParams = new URLSearchParams({ limit: String(PAGE), fields: names.join(',') });
    if (cursor !== null) params.set('cursor', cursor);
    const path = `problems/${encodeURIComponent(problem)}/iterations?${params}`;
    const page: PageJson<FoundFields> = (await getJson<PageJson<FoundFields>>(path, signal)).value;
    found.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return found;
}
