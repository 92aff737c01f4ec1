import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { GraphJson, GraphSummaryJson } from '../../../../src/contract/graph.js';
import { graphQuery, graphsQuery, newestGraphQuery, queuesQuery, samplesQuery } from '../api/queries.js';
import { CopyButton, CopyLine } from '../copying/copy-button.js';
import { useTab } from '../display/tab.js';
import { Moment } from '../display/time.js';
import { downloadText } from '../json/download.js';
import { JsonValue } from '../json/value.js';
import { SelectionLink } from '../selection-link.js';
import { GraphDrawing } from './graph-drawing.js';
import { ModuleTable } from './module-table.js';

export interface GraphsPageProps {
  /** @default the first */
  readonly name: string | undefined;
  /** @default the newest */
  readonly version: number | undefined;
}

/** What the orchestrator knows how to do: each graph with its drawing, its file, its versions and its samples. */
export default function GraphsPage({ name, version }: GraphsPageProps): ReactNode {
  const graphs = useQuery(graphsQuery());
  const items = graphs.data ?? [];
  const shown = name ?? items[0]?.name;
  useTab(shown === undefined ? 'Graphs' : `Graph ${shown}`);
  return (
    <article className="fleet" aria-labelledby="graphs-title">
      <header className="fleet-head">
        <h1 id="graphs-title">Graphs</h1>
        <nav className="graph-names" aria-label="Graphs">
          {items.map((one) => (
            <SelectionLink
              key={one.name}
              className="part-tab"
              to={{ page: 'graphs', name: one.name }}
              current={one.name === shown}
            >
              {one.name}
            </SelectionLink>
          ))}
        </nav>
      </header>
      {graphs.isError && <p className="fault">{graphs.error.message}</p>}
      {graphs.data && items.length === 0 && (
        <p className="none">
          No graph is stored yet. Give one to the orchestrator: <code>tutti up --graph my-graph.yaml</code>
        </p>
      )}
      {shown !== undefined && <GraphOf key={shown} name={shown} version={version} items={items} />}
    </article>
  );
}

function GraphOf(props: {
  name: string;
  version: number | undefined;
  items: readonly GraphSummaryJson[];
}): ReactNode {
  const { name, version, items } = props;
  const newest = items.find((one) => one.name === name)?.version;
  const found = useQuery(version === undefined ? newestGraphQuery(name) : graphQuery(name, version));
  const queues = useQuery(queuesQuery()).data ?? [];
  const missing = new Set(queues.filter(({ nodes }) => nodes === 0).map(({ module }) => module));
  if (found.isError) return <p className="fault">{found.error.message}</p>;
  const graph = found.data;
  if (graph === undefined) return <p className="none">Reading …</p>;
  return (
    <>
      <section className="card-section" aria-labelledby="graph-name">
        <header className="section-head">
          <h2 id="graph-name">{name}</h2>
          <Versions graph={graph} newest={newest ?? graph.version} />
          <span className="tool-end">
            <SelectionLink className="button" to={{ page: 'new', name }} current={false}>
              New problem with this graph
            </SelectionLink>
          </span>
        </header>
        <GraphDrawing graph={graph} missing={missing} />
      </section>
      <ModuleTable graph={graph} />
      <div className="home-columns">
        <Yaml graph={graph} />
        <Samples name={name} />
      </div>
    </>
  );
}

/** More versions than these are reached by their address. */
const VERSIONS_SHOWN = 8;

function Versions({ graph, newest }: { graph: GraphJson; newest: number }): ReactNode {
  const oldest = Math.max(1, newest - VERSIONS_SHOWN + 1);
  const versions = Array.from({ length: newest - oldest + 1 }, (_, index) => newest - index);
  return (
    <>
      <nav className="versions" aria-label="Versions">
        {versions.map((version) => (
          <SelectionLink
            key={version}
            className="version"
            to={{ page: 'graphs', name: graph.name, version }}
            current={version === graph.version}
          >
            version {version}
          </SelectionLink>
        ))}
      </nav>
      {graph.created_at !== undefined && (
        <small>
          stored <Moment at={graph.created_at} date="full" />
        </small>
      )}
    </>
  );
}

function Yaml({ graph }: { graph: GraphJson }): ReactNode {
  const { yaml = '', name } = graph;
  return (
    <section className="card-section" aria-labelledby="graph-yaml">
      <header className="section-head">
        <h2 id="graph-yaml">File</h2>
        <span className="tool-end">
          <CopyButton text={yaml} what="the file">
            Copy
          </CopyButton>
          <button type="button" className="small" onClick={() => downloadText(`${name}.yaml`, yaml)}>
            Download
          </button>
        </span>
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled with the keyboard. */}
      <pre className="yaml" tabIndex={0}>
        {yaml}
      </pre>
    </section>
  );
}

function Samples({ name }: { name: string }): ReactNode {
  const samples = useQuery(samplesQuery(name)).data ?? [];
  return (
    <section className="card-section" aria-labelledby="graph-samples">
      <header className="section-head">
        <h2 id="graph-samples">Samples</h2>
      </header>
      {samples.length === 0 && (
        <p className="none">
          None. JSON files in a folder <code>samples</code> beside the graph file are offered here.
        </p>
      )}
      {samples.map((sample) => (
        <details key={sample.name}>
          <summary>{sample.title}</summary>
          <JsonValue value={sample.input} />
        </details>
      ))}
      <p className="held-more">
        <CopyLine text={`tutti submit ${name} --input input.json --wait`} what="the command line" />
      </p>
    </section>
  );
}
