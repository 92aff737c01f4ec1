/** A replay of facts: a durable state that holds only the part that its reader needs, folded as in the loop. */
import { Undo } from '../../../base/undo.js';
import type { Grant } from '../../../model/access.js';
import type { Campaign } from '../../../model/campaign.js';
import type { Cluster } from '../../../model/cluster.js';
import type { Command } from '../../../model/command.js';
import type { KeyEntry } from '../../../model/connection-key.js';
import type { Deployment } from '../../../model/deployment.js';
import type { Changes, DurableState } from '../../../model/durable.js';
import type { Fact } from '../../../model/facts.js';
import { apply } from '../../../model/fold.js';
import type { NodeRecord } from '../../../model/node-record.js';
import type { Problem } from '../../../model/problem.js';
import type { Secret } from '../../../model/secret.js';
import type { Replica, Service } from '../../../model/service.js';
import type { CompiledGraph, Execution, Task } from '../../../model/task.js';
import type { Webhook } from '../../../model/webhook.js';

export class FoldedState implements DurableState {
  readonly undo: Undo = new Undo();
  readonly problems: Map<string, Problem> = new Map();
  readonly tasks: Map<string, Task> = new Map();
  readonly executions: Map<string, Execution> = new Map();
  readonly nodes: Map<string, NodeRecord> = new Map();
  readonly clusters: Map<string, Cluster> = new Map();
  readonly secrets: Map<string, Secret> = new Map();
  readonly webhooks: Map<string, Webhook> = new Map();
  readonly grants: Map<string, Grant> = new Map();
  readonly keys: Map<string, KeyEntry> = new Map();
  readonly audited: number = 0;
  readonly commands: Map<string, Command> = new Map();
  readonly deployments: Map<string, Deployment> = new Map();
  readonly campaigns: Map<string, Campaign> = new Map();
  readonly services: Map<string, Service> = new Map();
  readonly replicas: Map<string, Replica> = new Map();
  readonly runs: Map<string, string> = new Map();
  readonly #graph: CompiledGraph | undefined;

  /** `graph`: the one that its tasks run on. */
  constructor(graph?: CompiledGraph) {
    this.#graph = graph;
  }

  /** `at`: Unix milliseconds. Throws where the fact does not fit what came before. */
  apply(fact: Fact, seq: number, at: number): void {
    apply(this, fact, { seq, at, nowMs: at, changed: unread() });
    this.undo.keep();
  }

  compiled(name: string, version: number): CompiledGraph | undefined {
    const key = this.#graph?.key;
    return key?.name === name && key.version === version ? this.#graph : undefined;
  }

  addNode(record: NodeRecord): void {
    this.nodes.set(record.nodeId, record);
  }

  removeNode({ nodeId }: NodeRecord): void {
    this.nodes.delete(nodeId);
  }
}

/** Which rows change is of no interest: all of them are compared. */
function unread(): Changes {
  return {
    problems: new Set(),
    tasks: new Set(),
    nodes: new Set(),
    commands: new Set(),
    items: [],
    ended: new Map(),
  };
}
