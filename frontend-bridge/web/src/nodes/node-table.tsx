import type { ReactNode } from 'react';
import type { NodeJson, RunningJson } from '../../../../src/contract/node.js';
import { shortId } from '../../../../src/model/short-id.js';
import { parseTaskId } from '../../../../src/model/task-id.js';
import { formatBytes } from '../display/amounts.js';
import { Chip } from '../display/chip.js';
import { FleetTable } from '../display/fleet-table.js';
import { Elapsed } from '../display/time.js';
import { nodeTone } from '../display/tone.js';
import { SelectionLink } from '../selection-link.js';

/** More executions of one node than these are counted, not named. */
const RUNNING_SHOWN = 3;

export function NodeTable(props: { nodes: readonly NodeJson[]; selected: string | undefined }): ReactNode {
  return (
    <FleetTable
      label="All nodes"
      columns={['Node', 'Module', 'Status', 'Runs now', 'Load', 'Heartbeat', 'Version']}
    >
      {props.nodes.map((node) => (
        <NodeRow key={node.node_id} node={node} isSelected={node.node_id === props.selected} />
      ))}
    </FleetTable>
  );
}

function NodeRow({ node, isSelected }: { node: NodeJson; isSelected: boolean }): ReactNode {
  return (
    <tr className={isSelected ? 'is-selected' : undefined}>
      <th scope="row">
        <SelectionLink className="node-name" to={{ page: 'nodes', node: node.node_id }} current={isSelected}>
          {node.instance}
        </SelectionLink>
      </th>
      <td data-label="Module">{node.module}</td>
      <td data-label="Status">
        <NodeStatus node={node} />
      </td>
      <td data-label="Runs now">
        <RunsNow node={node} />
      </td>
      <td className="figure" data-label="Load">
        {node.load ? `${node.load.cpu.toFixed(1)} cores, ${formatBytes(node.load.memory_bytes)}` : '–'}
      </td>
      <td className="figure" data-label="Heartbeat">
        {node.last_seen_at === null ? 'never' : <HeartbeatAge node={node} />}
      </td>
      <td data-label="Version">
        <code>{node.version || '—'}</code>
      </td>
    </tr>
  );
}

export function NodeStatus({ node }: { node: NodeJson }): ReactNode {
  const status = node.liveness === 'alive' ? node.status.toLowerCase() : node.liveness;
  const isWanted = node.desired_status !== 'started';
  return (
    <span className="node-status">
      <Chip tone={nodeTone(node.status, node.liveness)}>{status}</Chip>
      {isWanted && <small>to be {node.desired_status}</small>}
      {node.error && (
        <span className="row-fault" title={node.error.stack}>
          {node.error.message}
        </span>
      )}
      {node.warning && (
        <span className="row-fault" title={node.warning.hint}>
          {node.warning.message}
        </span>
      )}
    </span>
  );
}

/** The age of a dead node's last sign is counted too: that is when it fell silent. */
function HeartbeatAge({ node }: { node: NodeJson }): ReactNode {
  return (
    <span title={`${node.last_seen_at?.replace('T', ' ').replace('Z', '')} UTC`}>
      <Elapsed since={node.last_seen_at ?? ''} until={null} /> ago
    </span>
  );
}

export function RunsNow({ node }: { node: NodeJson }): ReactNode {
  const { running, capacity } = node;
  if (running.length === 0)
    return <span className="none">nothing{capacity > 1 ? ` of ${capacity}` : ''}</span>;
  return (
    <ul className="runs">
      {running.slice(0, RUNNING_SHOWN).map((one) => (
        <li key={one.execution_id}>
          <RunningTask running={one} />
        </li>
      ))}
      {running.length > RUNNING_SHOWN && (
        <li className="none">
          and {running.length - RUNNING_SHOWN} more; {running.length} of {capacity} slots
        </li>
      )}
    </ul>
  );
}

export function RunningTask({ running }: { running: RunningJson }): ReactNode {
  const task = parseTaskId(running.task_id);
  if (!task) return <span>{running.task_id}</span>;
  const to = { problem: task.problemId, iteration: task.iterationId, module: running.module };
  return (
    <>
      <SelectionLink className="link" to={to} current={false}>
        problem {shortId(task.problemId)} / {task.iterationId}
      </SelectionLink>
      {running.since !== undefined && (
        <span className="figure">
          {' for '}
          <Elapsed since={running.since} until={null} />
        </span>
      )}
    </>
  );
}
