import { describe, expect, it } from 'vitest';
import { HEAD_LIMIT, reduceProblems } from '../../../frontend-bridge/web/src/state/problems-reducer.js';
import {
  type ListFilter,
  NO_FILTER,
  readFilter,
  withSelection,
} from '../../../frontend-bridge/web/src/state/selection.js';
import type { ProblemsView } from '../../../frontend-bridge/web/src/state/views.js';
import type { EventJson } from '../../../src/contract/event.js';
import type { ProblemJson } from '../../../src/contract/problem.js';

const AT = '2026-03-01T10:00:00.000Z';

function problem(id: string, fields: Partial<ProblemJson> = {}): ProblemJson {
  const facts = { title: id, graph: 'g', state: 'waiting', created_at: AT, newest_iteration_id: 1 } as const;
  return { problem_id: id, ...facts, tags: [], starred: false, archived: false, ...fields };
}

function page(filter: Partial<ListFilter>, ...items: ProblemJson[]): ProblemsView {
  return { kind: 'problems', filter: { ...NO_FILTER, ...filter }, isHead: true, items, next: null };
}

let seq = 0;
function event(type: EventJson['type'], problem_id: string, fields: Partial<EventJson> = {}): EventJson {
  seq += 1;
  return { seq, at: AT, type, problem_id, iteration_id: 1, graph: 'g', ...fields };
}
const ids = (view: ProblemsView) => view.items.map((one) => `${one.problem_id} ${one.state}`);

describe('a page of problems', () => {
  it('takes a batch at once: new ones, and the last word on each', () => {
    const { view, complete } = reduceProblems(page({}, problem('p1')), [
      event('problem.created', 'p2', { title: 'p2' }),
      event('iteration.submitted', 'p2'),
      event('iteration.started', 'p2'),
      event('iteration.started', 'p1'),
      event('iteration.succeeded', 'p1'),
    ]);
    expect([ids(view), complete]).toEqual([['p2 running', 'p1 succeeded'], true]);
  });

  it('a filtered page takes in only matching problems, and drops those that no longer match', () => {
    const narrow = page({ state: 'waiting', graph: 'g' }, problem('p1'));
    const { view, complete } = reduceProblems(narrow, [
      event('problem.created', 'p2', { title: 'p2' }),
      event('problem.created', 'p3', { title: 'p3', graph: 'another' }),
      event('iteration.started', 'p1'),
    ]);
    expect([ids(view), complete]).toEqual([['p2 waiting'], true]);
  });

  it('is read again when something older may have come into it', () => {
    const failed = page({ state: 'failed' });
    expect(reduceProblems(failed, [event('iteration.failed', 'old')]).complete).toBe(false);
    expect(reduceProblems(failed, [event('iteration.succeeded', 'old')]).complete).toBe(true);
    // The server looks into inputs too; the event shows only the title.
    const searched = page({ q: 'Steel' });
    const seen = reduceProblems(searched, [event('problem.created', 'a', { title: 'of steel' })]);
    expect([ids(seen.view), seen.complete]).toEqual([['a waiting'], true]);
    const unseen = reduceProblems(searched, [event('problem.created', 'b', { title: 'of wood' })]);
    expect([ids(unseen.view), unseen.complete]).toEqual([[], false]);
  });

  it('a page after the first takes in nothing new, and stays the same object if nothing concerns it', () => {
    const later = { ...page({}, problem('p1')), isHead: false };
    expect(reduceProblems(later, [event('problem.created', 'p2')]).view).toBe(later);
    expect(reduceProblems(later, [event('iteration.submitted', 'p1')]).view).toBe(later);
  });

  it('shows what people say of a problem from now on, and lets go what is not marked as it was asked for', () => {
    const said = event('problem.changed', 'p1', { title: 'new', tags: ['a'], starred: true, notes: 'n' });
    const { view, complete } = reduceProblems(page({}, problem('p1'), problem('p2')), [said]);
    expect(view.items[0]).toEqual(problem('p1', { title: 'new', tags: ['a'], starred: true }));
    expect(complete).toBe(true);
    const archived = event('problem.changed', 'p1', { archived: true });
    expect(ids(reduceProblems(page({}, problem('p1')), [archived]).view)).toEqual([]);
    expect(ids(reduceProblems(page({ archived: true }, problem('p1')), [archived]).view)).toHaveLength(1);
    const tagged = page({ tag: 'a', starred: true }, problem('p1', { tags: ['a'], starred: true }));
    expect(ids(reduceProblems(tagged, [event('problem.changed', 'p1', { tags: [] })]).view)).toEqual([]);
    expect(ids(reduceProblems(tagged, [event('problem.changed', 'p1', { starred: false })]).view)).toEqual(
      [],
    );
    const made = event('problem.created', 'p3', { title: 't', tags: ['a'], starred: true });
    expect(ids(reduceProblems(tagged, [made, event('problem.created', 'p4')]).view)[0]).toBe('p3 waiting');
  });

  it('is read again when an older problem may have been marked as it is asked for', () => {
    const complete = (filter: Partial<ListFilter>, fields: Partial<EventJson>): boolean =>
      reduceProblems(page(filter), [event('problem.changed', 'old', fields)]).complete;
    expect(complete({}, { archived: false })).toBe(false);
    expect(complete({ archived: true }, { archived: false })).toBe(true);
    expect(complete({ starred: true }, { starred: true })).toBe(false);
    expect(complete({ tag: 'a' }, { tags: ['b', 'a'] })).toBe(false);
    expect(complete({ q: 'x' }, { title: 'x' })).toBe(false);
    expect(complete({}, { title: 'x', starred: true, tags: ['a'] })).toBe(true);
  });

  it('does not grow for ever', () => {
    const events = Array.from({ length: HEAD_LIMIT + 1 }, (_, index) =>
      event('problem.created', `n${index}`),
    );
    expect(reduceProblems(page({}), events).complete).toBe(false);
  });
});

describe('the address', () => {
  it('keeps the filter while things are selected, and drops what makes no sense', () => {
    const filter = 'q=steel&state=failed&tag=a+b&starred=true&archived=true';
    const search = withSelection(`${filter}&problem=p1&at=9`, { problem: 'p2', module: 'm' });
    expect(search).toBe(`${filter}&problem=p2&module=m`);
    expect(readFilter(new URLSearchParams('q=&state=odd&after=yesterday&graph=g'))).toEqual({
      ...NO_FILTER,
      graph: 'g',
    });
  });
});
