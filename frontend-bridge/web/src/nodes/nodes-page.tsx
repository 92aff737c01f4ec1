import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { nodesQuery } from '../api/queries.js';
import type { NodeJson } from '../api/shapes.js';
import { useTab } from '../states/tab.js';
import { NodePanel } from './node-panel.js';
import { NodeTable } from './node-table.js';

/** Heartbeats are not events, since they change nothing: the page asks for their age as long as somebody looks at it. */
const HEARTBEAT_LOOK_MS = 2_000;

export interface NodesPageProps {
  /** A `node_id`. */
  readonly selected: string | undefined;
  readonly onSelect: (nodeId: string | undefined) => void;
}

/** The live fleet: what each node is, how it does, what it plays right now and since when. */
export default function NodesPage({ selected, onSelect }: NodesPageProps): ReactNode {
  const nodes = useQuery({ ...nodesQuery(), refetchInterval: HEARTBEAT_LOOK_MS });
  const items = nodes.data?.view.items;
  const node = items?.find((one) => one.node_id === selected);
  useTab(node === undefined ? 'Nodes' : `Node ${node.instance}`);
  return (
    <article className="fleet" aria-labelledby="nodes-title">
      <header className="fleet-head">
        <h1 id="nodes-title">Nodes</h1>
        {items && items.length > 0 && <p className="none">{describeFleet(items)}</p>}
      </header>
      {items?.length === 0 && (
        <p className="none">
          No node has joined. Start one with TUTTI_CONTROL set to the orchestrator's control address.
        </p>
      )}
      {!items && <p className="none">{nodes.isError ? nodes.error.message : 'Reading …'}</p>}
      {items && items.length > 0 && <NodeTable nodes={[...items].sort(byModule)} selected={selected} />}
      {selected !== undefined && items && !node && <p className="fault">There is no node {selected}.</p>}
      {node && <NodePanel key={node.node_id} node={node} onClose={() => onSelect(undefined)} />}
    </article>
  );
}

function describeFleet(nodes: readonly NodeJson[]): string {
  const alive = nodes.filter((node) => node.liveness === 'alive');
  const running = alive.reduce((sum, node) => sum + node.running.length, 0);
  const slots = alive.reduce((sum, node) => sum + node.capacity, 0);
  return `${alive.length} of ${nodes.length} alive · ${running} of ${slots} slots taken`;
}

function byModule(a: NodeJson, b: NodeJson): number {
  return a.module.localeCompare(b.module) || a.instance.localeCompare(b.instance);
}
