import { useQueries, useQuery } from '@tanstack/react-query';
import { type ReactNode, useMemo } from 'react';
import type { GraphJson, GraphModuleJson, LoopJson } from '../../../../src/contract/graph.js';
import type { NodeJson } from '../../../../src/contract/node.js';
import { AGENT_MODULE } from '../../../../src/model/run.js';
import { taskHasEnded } from '../../../../src/model/task-state.js';
import { executionsQuery, nodesQuery, problemsQuery } from '../api/queries.js';
import { Chip } from '../display/chip.js';
import { FleetTable } from '../display/fleet-table.js';
import { formatDuration } from '../display/time.js';
import { Foreign } from '../display/title.js';
import { nodeTone } from '../display/tone.js';
import { SelectionLink } from '../selection-link.js';
import { NO_FILTER } from '../state/selection.js';
import { figuresOf, type ModuleFigures } from './figures.js';
import { typesNote } from './outputs.js';

/** The newest tasks of the graph whose attempts are looked at. */
const LOOKED_AT = 25;

/** The modules of a graph: what each needs, who plays it, and how it has done lately. */
export function ModuleTable({ graph }: { graph: GraphJson }): ReactNode {
  const nodes = useQuery(nodesQuery()).data?.view.items ?? [];
  const problems = useQuery(problemsQuery({ ...NO_FILTER, graph: graph.name })).data?.view.items;
  const ended = (problems ?? []).filter(({ state }) => taskHasEnded(state)).slice(0, LOOKED_AT);
  const found = useQueries({
    queries: ended.map((one) => executionsQuery(one.problem_id, one.newest_iteration_id)),
    combine: (results) => results.flatMap(({ data }) => data ?? []),
  });
  const figures = useMemo(() => figuresOf(found), [found]);
  return (
    <section className="card-section" aria-labelledby="graph-modules">
      <header className="section-head">
        <h2 id="graph-modules">Modules</h2>
        <span className="none">
          {ended.length === 0
            ? problems && 'no task has ended yet'
            : `figures of the newest ${ended.length} ${ended.length === 1 ? 'task' : 'tasks'} that ended`}
        </span>
      </header>
      <FleetTable
        label="Modules of the graph"
        columns={[
          'Module',
          'Continues from',
          'Gives',
          'Nodes',
          { name: 'Median', is: 'number' },
          { name: 'Longest', is: 'number' },
          'Failures',
        ]}
      >
        {Object.entries(graph.modules).map(([name, spec]) => (
          <ModuleRow
            key={name}
            name={name}
            spec={spec}
            loop={graph.loops?.find(({ from }) => from === name)}
            nodes={nodes.filter((node) => node.module === (spec.run ? AGENT_MODULE : name))}
            figures={figures.get(name)}
          />
        ))}
      </FleetTable>
    </section>
  );
}

function ModuleRow(props: {
  name: string;
  spec: GraphModuleJson;
  /** The loop that it is the last module of. */
  loop: LoopJson | undefined;
  nodes: readonly NodeJson[];
  figures: ModuleFigures | undefined;
}): ReactNode {
  const { name, spec, loop, nodes, figures } = props;
  const { previous = [], require = {} } = spec;
  const length = (ms: number | undefined): string => (ms === undefined ? '–' : formatDuration(ms));
  return (
    <tr>
      <th scope="row">{name}</th>
      <td data-label="Continues from">
        {spec.inputs.join(', ')}
        {previous.length > 0 && <small className="row-more">and previous {previous.join(', ')}</small>}
        {spec.approve && (
          <small className="row-more">
            asks <Foreign text={spec.approve.message} />
          </small>
        )}
        {loop && (
          <small className="row-more">
            then back to {loop.to} until {loop.until}, at most {loop.max} passes
          </small>
        )}
        {spec.cache && <small className="row-more">reuses earlier results</small>}
        {spec.when !== undefined && <small className="row-more">only when {spec.when}</small>}
      </td>
      <td data-label="Gives">
        <code>{typesNote(spec)}</code>
      </td>
      <td data-label="Nodes">
        {spec.approve && <span>a person: the {spec.approve.role}</span>}
        {nodes.length === 0 && !spec.approve && (
          <span className="missing">{spec.run ? 'no cluster has an agent' : 'no node'}</span>
        )}
        <ul className="runs">
          {nodes.map((node) => (
            <li key={node.node_id} className="node-line">
              <SelectionLink className="link" to={{ page: 'nodes', node: node.node_id }} current={false}>
                {node.instance}
              </SelectionLink>
              <Chip tone={nodeTone(node.status, node.liveness)}>
                {node.liveness === 'alive' ? node.status.toLowerCase() : node.liveness}
              </Chip>
            </li>
          ))}
        </ul>
        {Object.entries(require).map(([label, value]) => (
          <small key={label} className="row-more">
            needs {label}={value}
          </small>
        ))}
      </td>
      <td data-label="Median" className="number figure">
        {length(figures?.median)}
      </td>
      <td data-label="Longest" className="number figure">
        {length(figures?.longest)}
      </td>
      <td data-label="Failures">
        <span className="figure">
          {figures === undefined ? '–' : `${figures.failed} of ${figures.attempts} attempts`}
        </span>
        {figures?.error !== undefined && (
          <span className="row-fault">
            <Foreign text={figures.error} />
          </span>
        )}
      </td>
    </tr>
  );
}
