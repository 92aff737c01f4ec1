/** The columns of a search for which nobody has chosen any. */
import { useQuery } from '@tanstack/react-query';
import { getJson } from '../api/http.js';
import type { PageJson } from '../api/shapes.js';

/** Fewer fields are asked for at once than a search shows. */
const MOST_LOOKED_AT = 40;
/** So many of what is found first tell what varies: reading fields costs a look at each output. */
const SAMPLE = 20;
const MOST_SHOWN = 5;
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
  const asked = names.slice(0, MOST_LOOKED_AT);
  const found = useQuery({
    queryKey: ['varying columns', search.toString(), asked],
    queryFn: async ({ signal }) => {
      const query = new URLSearchParams([...search, ['fields', asked.join(',')], ['limit', String(SAMPLE)]]);
      const { items } = (await getJson<PageJson<Found>>(`iterations?${query}`, signal)).value;
      return asked.filter((name) => doesVary(items, name)).slice(0, MOST_SHOWN);
    },
    enabled: isWanted && asked.length > 0,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  return isWanted ? (found.data ?? NOTHING) : NOTHING;
}

function doesVary(items: readonly Found[], name: string): boolean {
  const values = items.map(({ fields }) => fields[name]).filter((value) => (value ?? null) !== null);
  return new Set(values.map(String)).size > 1;
}
