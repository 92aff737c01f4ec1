import { columnNames, MOST_GRAPHS } from '../../../../src/model/columns.js';
import { shownGraph } from '../../../../src/model/private-graph.js';
import { shortId } from '../../../../src/model/short-id.js';
import './iterations.css';
import './search.css';
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { type ReactNode, useId, useMemo } from 'react';
import { useSearchParams } from 'wouter';
import type { PageJson } from '../../../../src/contract/answer.js';
import type { IterationJson, TaskJson } from '../../../../src/contract/iteration.js';
import type { ProblemJson } from '../../../../src/contract/problem.js';
import { ApiError, getJson } from '../api/http.js';
import { graphsQuery, taskPath } from '../api/queries.js';
import { useTab } from '../display/tab.js';
import { TaskChip } from '../display/task-chip.js';
import { Moment } from '../display/time.js';
import { titleOf } from '../display/title.js';
import { download } from '../json/download.js';
import { SelectionLink } from '../selection-link.js';
import { SaveButton } from '../values/save-button.js';
import { FilterBar } from './filter-bar.js';
import { useVaryingColumns } from './search-columns.js';
import { ValueCell } from './value-cell.js';

const PAGE = 100;
const KINDS = { iterations: 'Iterations', problems: 'Problems' } as const;
type Kind = keyof typeof KINDS;
const FORMATS = { csv: 'CSV', jsonl: 'JSON lines', parquet: 'Parquet' } as const;

/** Stored fields of both, and those of each. */
const STORED = [
  'state',
  'graph',
  'title',
  'tags',
  'starred',
  'archived',
  'notes',
  'created_at',
  'finished_at',
  'duration_ms',
  'priority',
  'problem_id',
];
const OWN: Readonly<Record<Kind, readonly string[]>> = {
  iterations: ['iteration_id', 'parent_iteration_id', 'started_at', 'graph_version', 'reason', 'reused'],
  problems: ['iterations', 'newest_iteration_id'],
};
const ERRORS = ['error.code', 'error.message', 'error.module'];

type Item = (IterationJson | ProblemJson) & {
  readonly graph: string;
  readonly fields?: Readonly<Record<string, unknown>>;
};

interface FoundPage extends PageJson<Item> {
  readonly query?: {
    readonly hint?: string;
    readonly scanned: number;
    readonly indexed: boolean;
    readonly elapsed_ms: number;
  };
}

/** A search over everything that is kept: iterations of all problems, or problems. */
export default function SearchPage(): ReactNode {
  useTab('Search');
  const id = useId();
  const [params, setParams] = useSearchParams();
  const kind: Kind = params.get('kind') === 'problems' ? 'problems' : 'iterations';
  const [filter, order, fields] = ['filter', 'order', 'fields'].map((name) => params.get(name) ?? '') as [
    string,
    string,
    string,
  ];
  const set = (name: string, value: string): void =>
    setParams((now) => {
      const changed = new URLSearchParams(now);
      if (value === '') changed.delete(name);
      else changed.set(name, value);
      return changed;
    });
  const { words, shown } = useWords(kind);
  const chosen = fields
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const isOpen = chosen.length === 0 && kind === 'iterations';
  const varying = useVaryingColumns(queryOf(filter, order, []), shown, isOpen);
  const columns = isOpen ? varying : chosen;
  const asked = queryOf(filter, order, columns);
  const found = useFound(kind, asked);
  const items = useMemo(() => found.data?.pages.flatMap((page) => page.items) ?? [], [found.data]);
  const report = found.data?.pages.at(-1)?.query;
  const fault = found.error instanceof ApiError ? found.error : undefined;
  const isFilterFault = fault?.code === 'bad_filter';
  return (
    <article className="task search-page" aria-labelledby="search-title">
      <header className="task-head">
        <h1 id="search-title">Search</h1>
      </header>
      <FilterBar
        key={filter}
        text={filter}
        fault={isFilterFault ? fault.message : undefined}
        fields={words}
        onSearch={(text) => set('filter', text)}
      />
      <div className="search-options">
        <KindOption
          id={`${id}-kind`}
          kind={kind}
          onChange={(next) => set('kind', next === 'problems' ? next : '')}
        />
        <TextOption
          id={`${id}-order`}
          label="Order by"
          text={order}
          words={words}
          placeholder="-train.loss"
          onChange={(text) => set('order', text)}
        />
        <TextOption
          id={`${id}-fields`}
          label="Show"
          text={fields}
          words={words}
          placeholder="train.loss, input.rate"
          onChange={(text) => set('fields', text)}
        />
      </div>
      {fault && !isFilterFault && (
        <p className="fault" role="alert">
          {fault.message} {fault.hint}
        </p>
      )}
      <div className="views-bar">
        <span className="none figure" role="status">
          {found.isFetching ? 'Searching …' : countOf(items.length, kind, found.hasNextPage)}
          {report &&
            !found.isFetching &&
            `, ${report.scanned.toLocaleString('en-US')} looked at in ${report.elapsed_ms} ms`}
        </span>
        {kind === 'iterations' && <Downloads asked={asked} />}
      </div>
      {report?.hint && <p className="notice-line">{report.hint}</p>}
      {items.length > 0 && <Results items={items} columns={columns} kind={kind} />}
      {found.hasNextPage && !found.isFetching && (
        <button type="button" onClick={() => void found.fetchNextPage()}>
          Show more
        </button>
      )}
    </article>
  );
}

/** `asked`: as the query of an address. */
function useFound(kind: Kind, asked: URLSearchParams) {
  return useInfiniteQuery({
    queryKey: ['search', kind, asked.toString()],
    initialPageParam: '',
    queryFn: async ({ pageParam, signal }) => {
      const query = new URLSearchParams(asked);
      query.set('limit', String(PAGE));
      if (pageParam !== '') query.set('cursor', pageParam);
      return (await getJson<FoundPage>(`${kind}?${query}`, signal)).value;
    },
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    // What was found stays in sight until it has its columns.
    placeholderData: keepPreviousData,
    retry: false,
  });
}

function KindOption(props: { id: string; kind: Kind; onChange: (kind: Kind) => void }): ReactNode {
  const { id, kind, onChange } = props;
  return (
    <span className="filter">
      <label htmlFor={id}>Find</label>
      <select id={id} value={kind} onChange={({ target }) => onChange(target.value as Kind)}>
        {Object.entries(KINDS).map(([value, name]) => (
          <option key={value} value={value}>
            {name}
          </option>
        ))}
      </select>
    </span>
  );
}

/** What was found, with all of its pages, as a file. */
function Downloads({ asked }: { asked: URLSearchParams }): ReactNode {
  const pathOf = (format: string): string =>
    `iterations/export?${new URLSearchParams([...asked, ['format', format]])}`;
  return (
    <span className="search-downloads">
      Download
      {Object.entries(FORMATS).map(([format, name]) => (
        <SaveButton key={format} label={name} save={() => download(pathOf(format), `iterations.${format}`)} />
      ))}
    </span>
  );
}

function queryOf(filter: string, order: string, columns: readonly string[]): URLSearchParams {
  const query = new URLSearchParams();
  if (filter !== '') query.set('filter', filter);
  if (order !== '') query.set('order_by', order);
  if (columns.length > 0) query.set('fields', columns.join(','));
  return query;
}

function countOf(count: number, kind: Kind, hasMore: boolean): string {
  const what = count === 1 ? kind.slice(0, -1) : kind;
  return `${hasMore ? 'the first ' : ''}${count.toLocaleString('en-US')} ${what}`;
}

function TextOption(props: {
  id: string;
  label: string;
  text: string;
  words: readonly string[];
  placeholder: string;
  onChange: (text: string) => void;
}): ReactNode {
  const { id, label, text, words, placeholder, onChange } = props;
  return (
    <span className="filter">
      <label htmlFor={id}>{label}</label>
      <input
        key={text}
        id={id}
        list={`${id}-words`}
        autoComplete="off"
        spellCheck={false}
        placeholder={placeholder}
        defaultValue={text}
        onBlur={({ target }) => target.value.trim() !== text && onChange(target.value.trim())}
        onKeyDown={({ key, currentTarget }) => key === 'Enter' && onChange(currentTarget.value.trim())}
      />
      <datalist id={`${id}-words`}>
        {words.map((word) => (
          <option key={word} value={word} />
        ))}
      </datalist>
    </span>
  );
}

function Results({
  items,
  columns,
  kind,
}: {
  items: readonly Item[];
  columns: readonly string[];
  kind: Kind;
}): ReactNode {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard.
    <section className="table-frame" tabIndex={0} aria-label="Results, scrolls">
      <table className="iterations-table">
        <thead>
          <tr>
            {[kind === 'problems' ? 'Problem' : 'Iteration', 'State', 'Graph', ...columns, 'Created'].map(
              (name) => (
                <th key={name} scope="col" className="search-head">
                  {name}
                </th>
              ),
            )}
          </tr>
        </thead>
        <tbody>
          {items.map((item) => (
            <tr key={`${item.problem_id}/${'iteration_id' in item ? item.iteration_id : ''}`}>
              <th scope="row">
                {'iteration_id' in item ? (
                  <SelectionLink
                    className="iteration-link"
                    to={{ problem: item.problem_id, iteration: item.iteration_id }}
                    current={false}
                  >
                    …{shortId(item.problem_id)}/{item.iteration_id}
                  </SelectionLink>
                ) : (
                  <SelectionLink className="iteration-link" to={{ problem: item.problem_id }} current={false}>
                    <bdi>{titleOf(item.title, item.problem_id)}</bdi>
                  </SelectionLink>
                )}
              </th>
              <td>
                <TaskChip state={item.state} standing={item.standing} />
              </td>
              <td>{shownGraph(item.graph)}</td>
              {columns.map((name) => (
                <td key={name}>
                  <ValueCell value={item.fields?.[name]} />
                </td>
              ))}
              <td className="figure">
                <Moment at={item.created_at} date="always" />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** Fields that a filter may name: stored ones, and those that a recent iteration of each graph shows, which are also given alone. */
function useWords(kind: Kind): { readonly words: readonly string[]; readonly shown: readonly string[] } {
  const graphs = useQuery(graphsQuery()).data;
  const names = graphs?.slice(0, MOST_GRAPHS).map(({ name }) => name) ?? [];
  const shown = useQuery({
    queryKey: ['search words', names],
    queryFn: async ({ signal }) => (await Promise.all(names.map((name) => exampleOf(name, signal)))).flat(),
    enabled: names.length > 0,
    staleTime: Number.POSITIVE_INFINITY,
  }).data;
  return useMemo(() => {
    const words = [...new Set([...STORED, ...OWN[kind], ...ERRORS, ...(shown ?? [])])];
    return { words, shown: [...new Set(shown)] };
  }, [kind, shown]);
}

async function exampleOf(graph: string, signal: AbortSignal): Promise<readonly string[]> {
  const filter = `graph = "${graph}" and state = "succeeded"`;
  const query = new URLSearchParams({ filter, limit: '1' });
  const [newest] = (await getJson<PageJson<IterationJson>>(`iterations?${query}`, signal)).value.items;
  if (newest === undefined) return [];
  const path = taskPath(newest.problem_id, newest.iteration_id);
  return columnNames((await getJson<TaskJson>(path, signal)).value);
}
