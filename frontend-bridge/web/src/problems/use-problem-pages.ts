/**
 * The list of problems as far as a person has scrolled: pages that follow each other by cursor. Each is a view of its own that the feed
 * keeps current; one that was read again may end elsewhere, and then the pages after it are others.
 */
import { type QueryClient, useQueries, useQueryClient } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import type { ProblemJson } from '../../../../src/contract/problem.js';
import { problemsQuery } from '../api/queries.js';
import type { ListFilter } from '../state/selection.js';
import type { ProblemsView, Snapshot } from '../state/views.js';

export interface ProblemPages {
  readonly items: readonly ProblemJson[];
  /** The first page has been read. */
  readonly isRead: boolean;
  readonly isReading: boolean;
  readonly error: Error | null;
  /** Whether there is more, and how to have it read. */
  readonly hasMore: boolean;
  readonly readMore: () => void;
}

export function useProblemPages(filter: ListFilter): ProblemPages {
  const cache = useQueryClient();
  const [wanted, setWanted] = useState({ filter, pages: 1 });
  const pages = wanted.filter === filter ? wanted.pages : 1;
  const queries = chain(cache, filter, pages);
  const found = useQueries({ queries });
  const views = found.map(({ data }) => data?.view);
  const last = found.at(-1);
  const lastView = last?.data?.view;
  const items = useItems(views);
  const hasMore = lastView !== undefined && lastView.next !== null;
  return {
    items,
    isRead: views[0] !== undefined,
    isReading: last?.isFetching ?? false,
    error: found.find(({ error }) => error !== null)?.error ?? null,
    hasMore,
    readMore: () => {
      if (hasMore && pages === queries.length) setWanted({ filter, pages: pages + 1 });
    },
  };
}

/** The queries of the first `count` pages, as far as it is known where they begin. */
function chain(cache: QueryClient, filter: ListFilter, count: number): ReturnType<typeof problemsQuery>[] {
  const queries = [problemsQuery(filter)];
  while (queries.length < count) {
    const key = queries.at(-1)?.queryKey ?? [];
    const next = cache.getQueryData<Snapshot<ProblemsView>>(key)?.view.next ?? null;
    if (next === null) break;
    queries.push(problemsQuery(filter, next));
  }
  return queries;
}

/** All pages' items, each problem once; the same list as long as no page has changed. */
function useItems(views: readonly (ProblemsView | undefined)[]): readonly ProblemJson[] {
  // biome-ignore lint/correctness/useExhaustiveDependencies: the views themselves are the dependencies.
  return useMemo(() => {
    const [head] = views;
    if (views.length <= 1) return head?.items ?? [];
    const byId = new Map<string, ProblemJson>();
    for (const view of views) {
      for (const item of view?.items ?? []) if (!byId.has(item.problem_id)) byId.set(item.problem_id, item);
    }
    return [...byId.values()];
  }, [views.length, ...views]);
}
