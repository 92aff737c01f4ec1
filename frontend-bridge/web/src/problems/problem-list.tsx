import { useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, type ReactNode, useEffect, useLayoutEffect, useRef } from 'react';
import type { ProblemJson } from '../../../../src/contract/problem.js';
import { shownGraph } from '../../../../src/model/private-graph.js';
import { TaskChip } from '../display/task-chip.js';
import { Moment } from '../display/time.js';
import { titleOf } from '../display/title.js';
import { StarButton } from '../remarks/star-button.js';
import { SelectionLink } from '../selection-link.js';
import { NO_FILTER, useListFilter } from '../state/selection.js';
import { ProblemFilters } from './problem-filters.js';
import { useProblemPages } from './use-problem-pages.js';

/** All rows have one height, in pixels: with 100,000 of them nothing is measured. */
const ROW_PX = 60;
/** The next page is asked for when fewer rows than this are left below. */
const READ_AHEAD_ROWS = 40;

/** All problems, newest first; what is read is what has been scrolled to. */
export function ProblemList({ selected }: { selected: string | undefined }): ReactNode {
  const [filter, setFilter] = useListFilter();
  const { items, isRead, isReading, error, hasMore, readMore } = useProblemPages(filter);
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    getItemKey: (index) => items[index]?.problem_id ?? index,
    overscan: 8,
  });
  useSteadyTop(scroller.current, items);
  const shown = rows.getVirtualItems();
  const bottom = shown.at(-1)?.index ?? 0;
  useEffect(() => {
    if (isRead && hasMore && !isReading && bottom + READ_AHEAD_ROWS >= items.length) readMore();
  });
  const { archived: _, ...narrowing } = filter;
  const isFiltered = Object.values(narrowing).some((value) => value !== undefined);

  return (
    <section className="problems" aria-labelledby="problems-title">
      <h2 id="problems-title">Problems</h2>
      <ProblemFilters filter={filter} onChange={setFilter} />
      <p className="list-state" role="status">
        {error && !isRead && error.message}
        {!error && !isRead && 'Reading …'}
        {isRead && items.length === 0 && !isFiltered && 'None yet. Submit the first one above.'}
        {isRead &&
          items.length === 0 &&
          isFiltered &&
          (hasMore ? 'Looking further back …' : 'No problem matches.')}
      </p>
      {isFiltered && (
        <button type="button" className="link" onClick={() => setFilter(NO_FILTER)}>
          Show all problems
        </button>
      )}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the arrow keys move between the links inside. */}
      <div className="rows-scroller" ref={scroller} onKeyDown={(event) => moveBetweenRows(event)}>
        <ul className="rows" style={{ height: rows.getTotalSize() }}>
          {shown.map(({ index, key, start }) => {
            const problem = items[index];
            return problem === undefined ? null : (
              <li
                key={key}
                aria-setsize={hasMore ? -1 : items.length}
                aria-posinset={index + 1}
                style={{ transform: `translateY(${start}px)`, height: ROW_PX }}
              >
                <ProblemRow problem={problem} isSelected={problem.problem_id === selected} />
              </li>
            );
          })}
        </ul>
      </div>
    </section>
  );
}

function ProblemRow({ problem, isSelected }: { problem: ProblemJson; isSelected: boolean }): ReactNode {
  const title = titleOf(problem.title, problem.problem_id);
  const tags = [...(problem.archived ? ['archived'] : []), ...problem.tags];
  return (
    <>
      <SelectionLink className="row" to={{ problem: problem.problem_id }} current={isSelected}>
        <span className="row-title row-title-one" title={title}>
          <bdi>{title}</bdi>
        </span>
        <span className="row-facts row-facts-one">
          <TaskChip state={problem.state} standing={problem.standing} />
          <span className="row-graph">{shownGraph(problem.graph)}</span>
          {problem.newest_iteration_id > 1 && (
            <span className="row-iteration" title={`iteration ${problem.newest_iteration_id}`}>
              <span className="unseen">iteration</span> {problem.newest_iteration_id}
            </span>
          )}
          {tags.length > 0 && (
            <span className="row-tags">
              {tags.map((tag) => (
                <span key={tag} className="row-tag">
                  {tag}
                </span>
              ))}
            </span>
          )}
          <span className="figure row-time">
            <Moment at={problem.created_at} date />
          </span>
        </span>
      </SelectionLink>
      <StarButton problem={problem.problem_id} title={title} isStarred={problem.starred} />
    </>
  );
}

/** New problems come in at the top without moving what a person who has scrolled down is reading. */
function useSteadyTop(scroller: HTMLElement | null, items: readonly ProblemJson[]): void {
  const first = useRef<string>(undefined);
  useLayoutEffect(() => {
    const added = items.findIndex((problem) => problem.problem_id === first.current);
    first.current = items[0]?.problem_id;
    if (scroller && added > 0 && scroller.scrollTop > ROW_PX) scroller.scrollTop += added * ROW_PX;
  }, [scroller, items]);
}

/** Arrow keys go from row to row, Home and End to the first and last that are there. */
function moveBetweenRows(event: KeyboardEvent<HTMLDivElement>): void {
  const links = [...event.currentTarget.querySelectorAll<HTMLAnchorElement>('a.row')];
  const here = links.indexOf(document.activeElement as HTMLAnchorElement);
  if (here < 0) return;
  const target = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: links.length - 1 }[event.key];
  if (target === undefined) return;
  event.preventDefault();
  links[target]?.focus();
}
