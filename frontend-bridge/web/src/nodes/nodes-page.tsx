import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import type { NodeJson } from '../../../../src/contract/node.js';
import { nodesQuery } from '../api/queries.js';
import { remember, remembered } from '../display/remembered.js';
import { useTab } from '../display/tab.js';
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
  const [hidesDead, hideDead] = useHidesDead();
  const dead = items?.filter(({ liveness }) => liveness === 'dead').length ?? 0;
  // The one that somebody looks at stays where it is.
  const shown = items?.filter(
    ({ liveness, node_id }) => !hidesDead || liveness !== 'dead' || node_id === selected,
  );
  useTab(node === undefined ? 'Nodes' : `Node ${node.instance}`);
  return (
    <article className="fleet" aria-labelledby="nodes-title">
      <header className="fleet-head">
        <h1 id="nodes-title">Nodes</h1>
        {items && items.length > 0 && <p className="none">{describeFleet(items)}</p>}
        {dead > 0 && (
          <label className="choice">
            <input type="checkbox" checked={hidesDead} onChange={({ target }) => hideDead(target.checked)} />
            <span>Hide dead nodes ({dead})</span>
          </label>
        )}
      </header>
      {items?.length === 0 && (
        <p className="none">
          No node has joined. Start one with TUTTI_CONTROL set to the orchestrator's control address.
        </p>
      )}
      {!items && <p className="none">{nodes.isError ? nodes.error.message : 'Reading …'}</p>}
      {shown && shown.length > 0 && <NodeTable nodes={shown.sort(byModule)} selected={selected} />}
      {selected !== undefined && items && !node && <p className="fault">There is no node {selected}.</p>}
      {node && <NodePanel key={node.node_id} node={node} onClose={() => onSelect(undefined)} />}
    </article>
  );
}

const HIDES_DEAD = 'tutti.hides-dead';

/** Remembered in this browser. */
function useHidesDead(): [hides: boolean, hide: (hides: boolean) => void] {
  const [hides, setHides] = useState(() => remembered(HIDES_DEAD) === 'true');
  const hide = (wanted: boolean): void => {
    setHides(wanted);
    remember(HIDES_DEAD, String(wanted));
  };
  return [hides, hide];
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
