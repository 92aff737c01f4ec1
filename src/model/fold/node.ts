/** The fold of facts about nodes. */
import type { DurableState, Moment } from '../durable.js';
import type { FactOf } from '../facts.js';
import { type Liveness, livenessMayBecome } from '../node.js';
import type { NodeRecord } from '../node-record.js';

interface OfNode {
  readonly node_id: string;
}

/** A new instance, or a new boot of a known one. */
export function joinNode(state: DurableState, fact: FactOf<'node.joined'>, moment: Moment): void {
  const { undo } = state;
  const known = state.nodes.get(fact.node_id);
  if (!known) {
    state.addNode({
      nodeId: fact.node_id,
      module: fact.module,
      instance: fact.instance,
      bootId: fact.boot_id,
      incarnation: fact.incarnation,
      version: '',
      capacity: fact.capacity,
      labels: {},
      status: 'INACTIVE',
      error: undefined,
      desired: fact.desired_status,
      liveness: 'alive',
      lastSeenAt: moment.at,
      executions: new Set(),
    });
  } else {
    undo.set(known, 'bootId', fact.boot_id);
    undo.set(known, 'incarnation', fact.incarnation);
    undo.set(known, 'capacity', fact.capacity);
    undo.set(known, 'status', 'INACTIVE');
    undo.set(known, 'desired', fact.desired_status);
  }
  undo.add(moment.changed.nodes, nodeOf(state, fact));
}

export function describeNode(state: DurableState, fact: FactOf<'node.described'>, moment: Moment): void {
  const node = nodeOf(state, fact);
  state.undo.set(node, 'version', fact.version);
  state.undo.set(node, 'capacity', fact.capacity);
  state.undo.set(node, 'labels', fact.labels);
  touch(state, node, fact.last_seen_at, moment);
}

export function setStatus(
  state: DurableState,
  fact: FactOf<'node.status'> | FactOf<'node.turned'>,
  moment: Moment,
): void {
  const node = nodeOf(state, fact);
  state.undo.set(node, 'status', fact.status);
  state.undo.set(node, 'error', fact.error);
  if (fact.type === 'node.status') touch(state, node, fact.last_seen_at, moment);
}

export function desireNode(state: DurableState, fact: FactOf<'node.desired'>, moment: Moment): void {
  const node = nodeOf(state, fact);
  state.undo.set(node, 'desired', fact.desired_status);
  state.undo.add(moment.changed.nodes, node);
}

export function setLiveness(
  state: DurableState,
  fact: OfNode & { readonly last_seen_at: number },
  next: Liveness,
  moment: Moment,
): void {
  const node = nodeOf(state, fact);
  if (!livenessMayBecome(node.liveness, next))
    throw new Error(`node ${node.nodeId} cannot become ${next} from ${node.liveness}`);
  state.undo.set(node, 'liveness', next);
  touch(state, node, fact.last_seen_at, moment);
}

export function leaveNode(state: DurableState, fact: FactOf<'node.left'>, moment: Moment): void {
  const node = nodeOf(state, fact);
  state.undo.set(node, 'status', 'INACTIVE');
  state.undo.set(node, 'liveness', 'dead');
  touch(state, node, fact.last_seen_at, moment);
}

export function forgetNode(state: DurableState, fact: OfNode): void {
  state.removeNode(nodeOf(state, fact));
}

function touch({ undo }: DurableState, node: NodeRecord, lastSeenAt: number, { changed }: Moment): void {
  undo.set(node, 'lastSeenAt', lastSeenAt);
  undo.add(changed.nodes, node);
}

function nodeOf(state: DurableState, { node_id }: OfNode): NodeRecord {
  const node = state.nodes.get(node_id);
  if (!node) throw new Error(`node ${node_id} is not there`);
  return node;
}
