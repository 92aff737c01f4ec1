/** Whether this orchestrator can run a single module again: older ones cannot, and say so by not naming it. */
import { useQuery } from '@tanstack/react-query';
import { getJson } from '../api/http.js';

interface Document {
  readonly paths?: Readonly<Record<string, { readonly post?: unknown } | undefined>>;
}

export function canRerun(document: Document): boolean {
  const post = document.paths?.['/v1/problems/{problem_id}/iterations']?.post;
  return post !== undefined && JSON.stringify(post).includes('"reuse"');
}

export function useCanRerun(): boolean {
  const found = useQuery({
    queryKey: ['can rerun'],
    queryFn: async ({ signal }) => canRerun((await getJson<Document>('../openapi.json', signal)).value),
    staleTime: Number.POSITIVE_INFINITY,
  });
  return found.data ?? false;
}
