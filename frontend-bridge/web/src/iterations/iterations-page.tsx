import './iterations.css';
import { useQuery } from '@tanstack/react-query';
import { lazy, type ReactNode, Suspense, useMemo, useState } from 'react';
import type { PageJson } from '../../../../src/contract/answer.js';
import type { GraphJson } from '../../../../src/contract/graph.js';
import { columnNames } from '../../../../src/model/columns.js';
import { getJson } from '../api/http.js';
import {
  campaignsQuery,
  iterationsQuery,
  newestGraphQuery,
  problemQuery,
  taskQuery,
} from '../api/queries.js';
import { useTab } from '../display/tab.js';
import { titleOf } from '../display/title.js';
import { download } from '../json/download.js';
import { SelectionLink } from '../selection-link.js';
import type { Select } from '../state/selection.js';
import { SaveButton } from '../values/save-button.js';
import { ColumnChooser } from './column-chooser.js';
import { Comparison } from './comparison.js';
import { defaultColumns, type FieldInfo, fieldInfo } from './fields.js';
import { IterateDialog } from './iterate-dialog.js';
import { IterationsTable } from './iterations-table.js';
import { Tree } from './tree.js';
import { useIterationRows } from './use-rows.js';
import {
  type IterationsMode,
  type IterationsState,
  rememberColumns,
  rememberedColumns,
  useIterationsState,
  VIEWS,
} from './use-view.js';

const Charts = lazy(() => import('./charts.js'));

const NAMES: Readonly<Record<IterationsMode, string>> = {
  table: 'Table',
  charts: 'Charts',
  compare: 'Compare',
  tree: 'Tree',
};

/** All iterations of a problem, beside each other. */
export default function IterationsPage({
  problem,
  onSelect,
}: {
  problem: string;
  onSelect: Select;
}): ReactNode {
  const found = useQuery(problemQuery(problem));
  const named = found.data?.view.problem;
  const graph = useQuery({ ...newestGraphQuery(named?.graph ?? ''), enabled: named !== undefined });
  const error = found.error ?? graph.error;
  const title = titleOf(named?.title, problem);
  useTab(`Iterations of ${title}`);
  return (
    <article className="task" aria-labelledby="iterations-title">
      <header className="task-head">
        <h1 id="iterations-title">
          <bdi>{title}</bdi>
        </h1>
        <p className="task-facts">
          <SelectionLink className="link" to={{ problem }} current={false}>
            Back to its newest iteration
          </SelectionLink>
          <CampaignLink problem={problem} />
        </p>
      </header>
      {error && <p className="fault">{error.message}</p>}
      {graph.data ? (
        <Iterations problem={problem} graph={graph.data} onSelect={onSelect} />
      ) : (
        !error && <p className="none">Reading …</p>
      )}
    </article>
  );
}

/** Where a campaign has begun them. */
function CampaignLink({ problem }: { problem: string }): ReactNode {
  const campaigns = useQuery(campaignsQuery()).data?.view.items;
  if (!campaigns?.some(({ problem_id }) => problem_id === problem)) return null;
  return (
    <SelectionLink className="link" to={{ page: 'campaigns', problem }} current={false}>
      Campaign
    </SelectionLink>
  );
}

export interface IterationsProps {
  readonly problem: string;
  readonly graph: GraphJson;
  /** Columns until somebody chooses others here. @default those that a person has chosen for the graph, or that vary */
  readonly preset?: readonly string[];
  /** @default true */
  readonly mayIterate?: boolean;
  readonly onSelect: Select;
}

/** The iterations as a table, charts, a comparison and a tree. */
export function Iterations(props: IterationsProps): ReactNode {
  const { problem, graph, preset: given = NOTHING, mayIterate = true, onSelect } = props;
  const [state, change] = useIterationsState();
  const isGiven = given.length > 0;
  const { names, columns } = useColumns(problem, graph, isGiven ? given : undefined, state.columns);
  const columnList = useMemo(() => columns.map(({ name }) => name), [columns]);
  const { rows, isReading, error } = useIterationRows(problem, columnList);
  const [iterating, setIterating] = useState<number>();
  const { view, compare } = state;
  const mark = (iteration: number): void => {
    const marked = compare.includes(iteration)
      ? compare.filter((one) => one !== iteration)
      : [...compare, iteration];
    change({ compare: marked }, { replace: true });
  };
  return (
    <>
      <ViewsBar
        problem={problem}
        state={state}
        count={rows.length}
        isReading={isReading}
        onView={(one) => change({ view: one })}
      />
      {error && <p className="fault">{error.message}</p>}
      {view !== 'compare' && (
        <ColumnChooser
          names={names}
          chosen={columnList}
          graph={graph}
          onChange={(next) => {
            if (!isGiven) rememberColumns(graph.name, next);
            change({ columns: next }, { replace: true });
          }}
        />
      )}
      {view === 'table' && (
        <IterationsTable
          rows={rows}
          columns={columns}
          sort={state.sort}
          onSort={(sort) => change({ sort }, { replace: true })}
          marked={compare}
          onMark={mark}
          onIterate={mayIterate ? setIterating : undefined}
        />
      )}
      {view === 'charts' && (
        <Suspense fallback={<p className="none">Reading …</p>}>
          <Charts rows={rows} columns={columns} />
        </Suspense>
      )}
      {view === 'compare' && (
        <Comparison
          problem={problem}
          items={rows}
          compared={compare}
          graph={graph}
          onCompare={(next) => change({ compare: next }, { replace: true })}
        />
      )}
      {view === 'tree' && <Tree rows={rows} columns={columns} />}
      {iterating !== undefined && (
        <IterateDialog
          problem={problem}
          iteration={iterating}
          onClose={() => setIterating(undefined)}
          onCreated={(created) => onSelect({ problem, iteration: created.iteration_id })}
        />
      )}
    </>
  );
}

interface ViewsBarProps {
  readonly problem: string;
  readonly state: IterationsState;
  readonly count: number;
  readonly isReading: boolean;
  readonly onView: (view: IterationsMode) => void;
}

function ViewsBar({ problem, state: { view, compare }, count, isReading, onView }: ViewsBarProps): ReactNode {
  return (
    <div className="views-bar">
      <nav aria-label="Views of the iterations" className="views">
        {VIEWS.map((one) => (
          <button
            key={one}
            type="button"
            aria-current={one === view ? 'true' : undefined}
            onClick={() => onView(one)}
          >
            {NAMES[one]}
            {one === 'compare' && compare.length > 1 && ` ${compare.length}`}
          </button>
        ))}
      </nav>
      <span className="none figure" role="status">
        {count === 1 ? '1 iteration' : `${count} iterations`}
        {isReading && ', reading …'}
      </span>
      <SpreadsheetButton problem={problem} />
    </div>
  );
}

/** The fields that there are, and those of them that are shown. */
function useColumns(
  problem: string,
  graph: GraphJson,
  given: readonly string[] | undefined,
  asked: readonly string[] | undefined,
): { readonly names: readonly string[]; readonly columns: readonly FieldInfo[] } {
  const names = useColumnNames(problem);
  const remembered = useMemo(() => rememberedColumns(graph.name), [graph.name]);
  const decided = asked ?? given ?? remembered;
  const varying = useVarying(problem, names, decided === undefined);
  const own = defaultColumns(names, graph);
  // Those of the graph's own that vary come first.
  const preset = [...own.filter((name) => varying.includes(name)), ...varying];
  const chosen = decided ?? (preset.length > 0 ? [...new Set(preset)].slice(0, MOST_SHOWN) : own);
  const key = chosen.filter((name) => isOf(name, graph)).join(',');
  const columns = useMemo(
    () => (key === '' ? [] : key.split(',')).map((name) => fieldInfo(name, graph)),
    [key, graph],
  );
  return { names, columns };
}

/** All iterations as a table in which nothing is a formula. */
function SpreadsheetButton({ problem }: { problem: string }): ReactNode {
  const path = `problems/${problem}/export?format=csv&spreadsheet=true`;
  return <SaveButton label="Download for spreadsheets" save={() => download(path, `${problem}.csv`)} />;
}

/** The fields that there are, as far as the newest iteration that has succeeded shows; without one, the newest. */
function useColumnNames(problem: string): readonly string[] {
  const items = useQuery(iterationsQuery(problem)).data?.view.items;
  const example = items?.findLast(({ state }) => state === 'succeeded') ?? items?.at(-1);
  const task = useQuery({
    ...taskQuery(problem, example?.iteration_id ?? 0),
    enabled: example !== undefined,
  }).data?.view.task;
  return useMemo(() => (task === undefined ? [] : columnNames(task)), [task]);
}

/** Fewer are asked for at once than a search shows. */
const MOST_LOOKED_AT = 40;
const MOST_SHOWN = 8;
const NOTHING: readonly string[] = [];

/** Fields that are not the same in all of the newest iterations: until somebody chooses, those are what people came for. */
function useVarying(problem: string, names: readonly string[], isWanted: boolean): readonly string[] {
  const asked = names.slice(0, MOST_LOOKED_AT);
  const found = useQuery({
    queryKey: ['varying fields', problem, asked],
    queryFn: async ({ signal }) => {
      const query = new URLSearchParams({ fields: asked.join(','), order_by: '-iteration_id', limit: '200' });
      const path = `problems/${encodeURIComponent(problem)}/iterations?${query}`;
      const { items } = (await getJson<PageJson<{ fields: Record<string, unknown> }>>(path, signal)).value;
      const values = (name: string): Set<string> =>
        new Set(
          items.map(({ fields }) => fields[name]).flatMap((value) => (value === null ? [] : [String(value)])),
        );
      return asked.filter((name) => values(name).size > 1);
    },
    enabled: isWanted && asked.length > 0,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return found.data ?? NOTHING;
}

function isOf(name: string, graph: GraphJson): boolean {
  const [part = '', ...path] = name.split('.');
  return path.length > 0 && (part === 'input' || Object.hasOwn(graph.modules, part));
}
