/**
 * The rows of nodes, commands and clusters against the events about them, in one pass over all events.
 *
 * F1. An entity whose first event is gone, or is older than complete facts, is left out and counted.
 * F2. Memory holds a node and a cluster for each row of one, and the commands under way.
 * F3. Of nodes, only what events show is compared: the boot, its description and what is desired of it are said by private facts. A status
 *     that flickers is written with the next row only.
 */

import type { FactEvent, FactOf } from '../../../model/facts.js';
import type { Reader } from '../../../store/store.js';
import { clusterToRow } from '../../tables/cluster-row.js';
import type { CommandRow } from '../../tables/command-row.js';
import { commandToRow } from '../../tables/command-row.js';
import type { NodeRow } from '../../tables/node-row.js';
import { nodeToRow } from '../../tables/node-row.js';
import { encodeRow } from '../../tables/row.js';
import * as tables from '../../tables/tables.js';
import { differenceOf } from './differences.js';
import { FoldedState } from './state.js';

export interface FleetFoldDeps {
  readonly reader: Reader;
  readonly fault: (where: string, what: string) => void;
  readonly count: (what: string) => void;
}

type NodeEvent = Extract<FactEvent, { type: `node.${string}` }>;
type ClusterEvent = Extract<FactEvent, { type: `cluster.${string}` }>;
type CommandEvent = Extract<FactEvent, { type: `command.${string}` }>;

/** F2. */
export class FleetFold {
  readonly #deps: FleetFoldDeps;
  readonly #state = new FoldedState();
  /** The rows of commands under way. */
  readonly #issued = new Map<string, CommandRow>();

  constructor(deps: FleetFoldDeps) {
    this.#deps = deps;
  }

  /** Throws where the event does not fit what came before. */
  async take(event: FactEvent): Promise<void> {
    if (isOfNode(event)) await this.#node(event);
    else if (isOfCommand(event)) await this.#command(event);
    else if (isOfCluster(event)) await this.#cluster(event);
  }

  /** All events have been told: compares what is still there. */
  async finish(): Promise<void> {
    for (const id of this.#issued.keys()) this.#compare(id);
    for (const [id, node] of this.#state.nodes) {
      const stored = await this.#deps.reader.get('nodes', [id]);
      if (!stored) continue;
      const difference = differenceOf(shown(tables.nodes.decode(stored)), shown(nodeToRow(node)));
      if (difference) this.#deps.fault(`nodes ${id}`, difference);
      this.#deps.count('nodes folded');
    }
    for (const [name, cluster] of this.#state.clusters) {
      const stored = await this.#deps.reader.get('clusters', [name]);
      const difference = differenceOf(stored && tables.clusters.decode(stored), clusterToRow(cluster));
      if (difference) this.#deps.fault(`clusters ${name}`, difference);
      this.#deps.count('clusters folded');
    }
  }

  async #cluster(event: ClusterEvent): Promise<void> {
    const isKnown = this.#state.clusters.has(event.cluster);
    const begins =
      event.type === 'cluster.added' && (await this.#deps.reader.get('clusters', [event.cluster]));
    if (isKnown || begins) this.#state.apply(event, event.seq, Date.parse(event.at));
  }

  /** F1. */
  async #node(event: NodeEvent): Promise<void> {
    const isKnown = this.#state.nodes.has(event.node_id);
    if (!isKnown) {
      const begins = event.type === 'node.joined' && event.incarnation === 1;
      // One that was forgotten takes no memory.
      if (!begins || !(await this.#deps.reader.get('nodes', [event.node_id]))) return;
    }
    const [seq, at] = [event.seq, Date.parse(event.at)];
    const unseen = { boot_id: '', desired_status: 'started', last_seen_at: at } as const;
    this.#state.apply({ ...unseen, ...event }, seq, at);
  }

  async #command(event: CommandEvent): Promise<void> {
    const { seq, command_id: id } = event;
    const at = Date.parse(event.at);
    if (event.type === 'command.issued') {
      const stored = await this.#deps.reader.get('commands', [id]);
      if (!stored) return;
      const row = tables.commands.decode(stored);
      this.#issued.set(id, row);
      this.#state.apply(withParts(event, row), seq, at);
      for (const { node_id, execution_id, acked_at, error } of row.parts) {
        if (acked_at === undefined && !error) continue;
        const part = { command_id: id, node_id, ...(execution_id !== undefined && { execution_id }) };
        this.#state.apply(
          { type: 'command.answered', ...part, ...(error && { error }) },
          seq,
          acked_at ?? at,
        );
      }
    } else if (this.#issued.has(id)) {
      const command = this.#state.commands.get(id);
      this.#state.apply(event, seq, at);
      if (!this.#state.commands.has(id)) this.#compare(id, command);
    }
  }

  #compare(id: string, command = this.#state.commands.get(id)): void {
    const row = this.#issued.get(id)!;
    this.#issued.delete(id);
    this.#deps.count('commands folded');
    const folded = command && tables.commands.decode(encodeRow(commandToRow(command)));
    const difference = differenceOf(row, folded);
    if (difference) this.#deps.fault(`commands ${id}`, difference);
  }
}

function withParts(
  event: Extract<FactEvent, { type: 'command.issued' }>,
  row: CommandRow,
): FactOf<'command.issued'> {
  const parts = row.parts.map(({ node_id, execution_id }) => ({
    node_id,
    ...(execution_id !== undefined && { execution_id }),
  }));
  return { ...event, by: 'user', grace_ms: 0, parts };
}

/** F3. What events say of a node. */
function shown({ node_id, module, instance, incarnation, liveness }: NodeRow): unknown {
  return { node_id, module, instance, incarnation, liveness };
}

function isOfNode(event: FactEvent): event is NodeEvent {
  return event.type.startsWith('node.');
}

function isOfCommand(event: FactEvent): event is CommandEvent {
  return event.type.startsWith('command.');
}

function isOfCluster(event: FactEvent): event is ClusterEvent {
  return event.type.startsWith('cluster.');
}
