/** What the page of iterations shows, as the address says it, beside the selection: view, columns, order, what is compared. */
import { useSearchParams } from 'wouter';
import { remember, remembered } from '../display/remembered.js';

export const VIEWS = ['table', 'charts', 'compare', 'tree'] as const;
export type IterationsMode = (typeof VIEWS)[number];

export interface IterationsState {
  readonly view: IterationsMode;
  /** Absent: as remembered for the graph, or its own. */
  readonly columns: readonly string[] | undefined;
  /** A column, or `-` and a column from the highest down. */
  readonly sort: string;
  /** The first is what the others are compared with. */
  readonly compare: readonly number[];
}

export const NEWEST_LAST = 'iteration_id';

export function readState(params: URLSearchParams): IterationsState {
  const columns = params.get('columns');
  const compare = (params.get('compare') ?? '').split(',').filter((text) => /^[1-9]\d{0,8}$/.test(text));
  return {
    view: VIEWS.find((view) => view === params.get('view')) ?? 'table',
    columns: columns === null ? undefined : columns.split(',').filter((name) => /^[\w.-]+$/.test(name)),
    sort: params.get('sort') ?? NEWEST_LAST,
    compare: [...new Set(compare.map(Number))],
  };
}

/** The search part with these changes; what is as it would be anyhow is left out. */
export function withState(params: URLSearchParams, change: Partial<IterationsState>): URLSearchParams {
  const next = { ...readState(params), ...change };
  const changed = new URLSearchParams(params);
  const set = (name: string, value: string | undefined): void =>
    value === undefined ? changed.delete(name) : changed.set(name, value);
  set('view', next.view === 'table' ? undefined : next.view);
  set('columns', next.columns?.join(','));
  set('sort', next.sort === NEWEST_LAST ? undefined : next.sort);
  set('compare', next.compare.length === 0 ? undefined : next.compare.join(','));
  return changed;
}

export function useIterationsState(): [
  IterationsState,
  (change: Partial<IterationsState>, options?: { readonly replace?: boolean }) => void,
] {
  const [params, setParams] = useSearchParams();
  return [readState(params), (change, options) => setParams((now) => withState(now, change), options)];
}

const REMEMBERED = 'tutti.columns.';

/** The columns that were last chosen for a graph, in this browser. */
export function rememberedColumns(graph: string): readonly string[] | undefined {
  try {
    const stored: unknown = JSON.parse(remembered(REMEMBERED + graph) ?? 'null');
    return Array.isArray(stored) ? stored.filter((name) => typeof name === 'string') : undefined;
  } catch {
    // Not ours: the columns are the graph's own.
    return undefined;
  }
}

export function rememberColumns(graph: string, columns: readonly string[]): void {
  remember(REMEMBERED + graph, JSON.stringify(columns));
}
