import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { parseTaskId } from '../../../../src/model/task-id.js';
import { nodesQuery, problemsQuery } from '../api/queries.js';
import type { NodeJson, RunningJson } from '../api/shapes.js';
import { SelectionLink } from '../selection-link.js';
import { formatSelection } from '../state/selection.js';
import { Chip } from '../states/chip.js';
import { nodeTone } from '../states/tone.js';

/** The players: what each is, how it does and what it plays right now. */
export function NodeList(): ReactNode {
  const nodes = useQuery(nodesQuery());
  const items = nodes.data?.view.items;
  return (
    <section className="nodes" aria-labelledby="nodes-title">
      <h2 id="nodes-title">
        Nodes{' '}
        {items && items.length > 0 && (
          <small>{items.filter((node) => node.liveness === 'alive').length} alive</small>
        )}
      </h2>
      {items?.length === 0 && <p className="none">No node has joined.</p>}
      {!items && <p className="none">{nodes.isError ? nodes.error.message : 'Reading …'}</p>}
      <ul className="rows">
        {items && [...items].sort(byModule).map((node) => <NodeRow key={node.node_id} node={node} />)}
      </ul>
    </section>
  );
}

function NodeRow({ node }: { node: NodeJson }): ReactNode {
  const status = node.liveness === 'alive' ? node.status.toLowerCase() : node.liveness;
  return (
    <li className="row node">
      <span className="row-title">{node.module}</span>
      <span className="row-facts">
        <Chip tone={nodeTone(node.status, node.liveness)}>{status}</Chip>
        <span className="node-instance">{node.instance}</span>
        {node.capacity > 1 && (
          <span className="figure row-time">
            {node.running.length} of {node.capacity}
          </span>
        )}
      </span>
      {node.running.length > 0 && (
        <span className="row-facts">
          {node.running.slice(0, 3).map((running) => (
            <RunningTask key={running.execution_id} running={running} />
          ))}
          {node.running.length > 3 && <span>and {node.running.length - 3} more</span>}
        </span>
      )}
      {node.error && <span className="row-fault">{node.error.message}</span>}
    </li>
  );
}

function RunningTask({ running }: { running: RunningJson }): ReactNode {
  const problems = useQuery(problemsQuery());
  const task = parseTaskId(running.task_id);
  if (!task) return <span>{running.task_id}</span>;
  const title = problems.data?.view.items.find((one) => one.problem_id === task.problemId)?.title;
  const selection = { problem: task.problemId, iteration: task.iterationId, module: running.module };
  return (
    <SelectionLink className="link" to={formatSelection(selection)} current={false}>
      {title || `problem ${task.problemId.slice(-6)}`} / {task.iterationId}
    </SelectionLink>
  );
}

function byModule(a: NodeJson, b: NodeJson): number {
  return a.module.localeCompare(b.module) || a.instance.localeCompare(b.instance);
}
