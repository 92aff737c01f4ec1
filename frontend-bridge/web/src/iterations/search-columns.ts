/** The columns of a search for which nobody has chosen any. */
import { useQuery } from '@tanstack/react-query';
import type { PageJson } from '../../../../src/contract/answer.js';
import { lookedAt, SAMPLE, varyingColumns } from '../../../../src/model/columns.js';
import { getJson } from '../api/http.js';

const NOTHING: readonly string[] = [];

interface Found {
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Of these fields, those that are not the same in all of what a search finds first. `search`: its filter and order. */
export function useVaryingColumns(
  search: URLSearchParams,
  names: readonly string[],
  isWanted: boolean,
): readonly string[] {
  const asked = lookedAt(names);
  const found = useQuery({
    queryKey: ['varying columns', search.toString(), asked],
    queryFn: async ({ signal }) => {
      const query = new URLSearchParams([...search, ['fields', asked.join(',')], ['limit', String(SAMPLE)]]);
      const { items } = (await getJson<PageJson<Found>>(`iterations?${query}`, signal)).value;
      return varyingColumns(items, asked);
    },
    enabled: isWanted && asked.length > 0,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  return isWanted ? (found.data ?? NOTHING) : NOTHING;
}
