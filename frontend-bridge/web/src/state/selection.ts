/**
 * What is shown, as the address says it: a shared link, a reload and the browser's own buttons show the same.
 *
 * 1. A `Selection` says what stands on the stage: a page, a task, a moment of it. Selecting replaces all of it.
 * 2. A `ListFilter` says what the list of problems is narrowed to. It stays where it is while things are selected.
 */
import { useCallback, useMemo } from 'react';
import { useSearchParams } from 'wouter';
import type { TaskState } from '../../../../src/model/task-state.js';
import { TASK_STATES } from '../../../../src/model/task-state.js';

/** Pages beside the task: without one of them the task is shown, where one is selected, and what goes on where none is. */
export const PAGES = [
  'problems',
  'new',
  'nodes',
  'graphs',
  'iterations',
  'search',
  'clusters',
  'services',
  'deployments',
  'deploy',
  'campaigns',
  'jobs',
  'approvals',
  'webhooks',
  'audit',
] as const;
export type Page = (typeof PAGES)[number];

/** What stands below the graph of a task; without one: the timeline. */
export const TASK_PARTS = ['history', 'log'] as const;
export type TaskPart = (typeof TASK_PARTS)[number];

export interface Selection {
  readonly page: Page | undefined;
  readonly problem: string | undefined;
  /** Without one: the newest. */
  readonly iteration: number | undefined;
  readonly module: string | undefined;
  /** The number of an item of that module, which has `map`. */
  readonly item: number | undefined;
  /** A `node_id`, on the page of nodes. */
  readonly node: string | undefined;
  /** The event `seq` that the task is shown as of; without one: now. */
  readonly at: number | undefined;
  readonly part: TaskPart | undefined;
  /** Of a graph, a cluster or a service, on their pages. */
  readonly name: string | undefined;
  /** Without one: the newest. */
  readonly version: number | undefined;
}

export interface ListFilter {
  /** A part of the title or of the input. */
  readonly q: string | undefined;
  readonly graph: string | undefined;
  readonly state: TaskState | undefined;
  /** RFC 3339. */
  readonly after: string | undefined;
  readonly before: string | undefined;
  readonly tag: string | undefined;
  /** Only those with a star. */
  readonly starred: true | undefined;
  /** Archived ones too. */
  readonly archived: true | undefined;
}

const NAMES = [
  ...(['page', 'problem', 'iteration', 'module', 'item', 'node', 'at', 'part', 'name', 'version'] as const),
];
const FILTER_NAMES = ['q', 'graph', 'state', 'after', 'before', 'tag', 'starred', 'archived'] as const;

export function readSelection(params: URLSearchParams): Selection {
  return {
    page: PAGES.find((page) => page === params.get('page')),
    problem: params.get('problem') ?? undefined,
    iteration: wholeNumber(params.get('iteration')),
    module: params.get('module') ?? undefined,
    item: params.get('item') === '0' ? 0 : wholeNumber(params.get('item')),
    node: params.get('node') ?? undefined,
    at: wholeNumber(params.get('at')),
    part: TASK_PARTS.find((part) => part === params.get('part')),
    name: params.get('name') ?? undefined,
    version: wholeNumber(params.get('version')),
  };
}

/** The search part for a selection: what is narrower than an absent part is left out. */
export function formatSelection(selection: Partial<Selection>): string {
  return writeSelection(new URLSearchParams(), selection).toString();
}

export function readFilter(params: URLSearchParams): ListFilter {
  const time = (name: string): string | undefined => {
    const text = params.get(name) ?? '';
    return Number.isNaN(Date.parse(text)) ? undefined : text;
  };
  return {
    q: params.get('q') || undefined,
    graph: params.get('graph') || undefined,
    state: TASK_STATES.find((state) => state === params.get('state')),
    after: time('after'),
    before: time('before'),
    tag: params.get('tag') || undefined,
    starred: params.get('starred') === 'true' || undefined,
    archived: params.get('archived') === 'true' || undefined,
  };
}

export const NO_FILTER: ListFilter = {
  q: undefined,
  graph: undefined,
  state: undefined,
  after: undefined,
  before: undefined,
  tag: undefined,
  starred: undefined,
  archived: undefined,
};

/** `search`, with this selection instead of its own and the same filter. */
export function withSelection(search: string | URLSearchParams, selection: Partial<Selection>): string {
  return writeSelection(filterOnly(new URLSearchParams(search)), selection).toString();
}

/** `replace`: the step is not one to go back over, such as every stop of a slider. */
export type Select = (next: Partial<Selection>, options?: { readonly replace?: boolean }) => void;

export function useSelection(): [Selection, Select] {
  const [params, setParams] = useSearchParams();
  const selection = useMemo(() => readSelection(params), [params]);
  const select = useCallback<Select>(
    (next, options) => setParams((now) => new URLSearchParams(withSelection(now, next)), options),
    [setParams],
  );
  return [selection, select];
}

export function useListFilter(): [ListFilter, (next: Partial<ListFilter>) => void] {
  const [params, setParams] = useSearchParams();
  const filter = useMemo(() => readFilter(params), [params]);
  const change = useCallback(
    (next: Partial<ListFilter>) =>
      setParams(
        (now) => {
          const changed = new URLSearchParams(now);
          for (const [name, value] of Object.entries(next)) {
            if (value) changed.set(name, String(value));
            else changed.delete(name);
          }
          return changed;
        },
        { replace: true },
      ),
    [setParams],
  );
  return [filter, change];
}

/** Where the list takes the place of what is open, as in `layout.css`. */
const NARROW = '(max-width: 960px)';

/** Narrows the list to a tag, and shows it where it is not beside the stage. */
export function useTagFilter(): (tag: string) => void {
  const [, setParams] = useSearchParams();
  return useCallback(
    (tag) =>
      setParams((now) => {
        const isNarrow = window.matchMedia(NARROW).matches;
        const changed = new URLSearchParams(isNarrow ? withSelection(now, { page: 'problems' }) : now);
        changed.set('tag', tag);
        return changed;
      }),
    [setParams],
  );
}

function writeSelection(params: URLSearchParams, selection: Partial<Selection>): URLSearchParams {
  for (const name of NAMES) {
    const value = selection[name];
    if (value !== undefined && value !== '') params.set(name, String(value));
  }
  return params;
}

function filterOnly(params: URLSearchParams): URLSearchParams {
  const kept = FILTER_NAMES.flatMap((name): [string, string][] => {
    const value = params.get(name);
    return value === null ? [] : [[name, value]];
  });
  return new URLSearchParams(kept);
}

function wholeNumber(text: string | null): number | undefined {
  return /^[1-9][0-9]{0,14}$/.test(text ?? '') ? Number(text) : undefined;
}
