/**
 * What the orchestrator holds in memory: the graphs, the nodes, the unfinished tasks with their executions, the commands under way.
 *
 * 1. Only `decide` changes it, one batch at a time; every change that must outlive the process is in the batch's journal.
 * 2. A finished task is not here: its row in the store is all there is.
 */

import { Allowance } from '../../base/allowance.js';
import { Deadlines } from '../../base/deadlines.js';
import { RateLimiter } from '../../base/rate-limiter.js';
import type { Route } from '../../bus/bus.js';
import type { ModuleSpec } from '../../model/graph.js';
import type { DesiredStatus, Liveness, NodeStatus } from '../../model/node.js';
import type { Load, ReportedError, TypeSchema } from '../../model/protocol.js';
import type { CompiledGraph, CompiledModule, Execution, Task } from '../../model/task.js';
import { EvaluationBroker } from '../../scheduling/broker.js';
import type { Candidate } from '../../scheduling/placement.js';
import { WaitingRoom } from '../../scheduling/waiting-room.js';
import type { TypeRegistry, TypesJson } from '../../wire/types.js';
import type { Command } from './commands.js';
import { Counters, LastDone, Recent } from './counters.js';
import type { Problem } from './problem.js';

/** To one peer. Enough for an honest node that has to catch up, too few to be worth provoking. */
const REFUSALS_PER_SECOND = 50;

/** A thousand nodes that are started at once are in at once; a flood of made-up ones fills no disk. */
const NEWCOMERS = { perSecond: 50, burst: 1000 } as const;
/** Of one connection, on which an honest process says hello for itself: one that floods leaves room for the others. */
const NEWCOMERS_PER_ROUTE = 3;
/** Of one instance: a supervisor that starts it again at once is slowed down. */
const NEWCOMERS_PER_INSTANCE = 2;

/** Those of the batch in hand have to be among them. */
const REPLACED_BOOTS_HELD = 10_000;

/** Of a node whose module no graph has any more. */
const DEFAULT_LIVENESS = { unresponsiveAfterMs: 3000, deadAfterMs: 10_000 } as const;

/** Of one node. A start is three of them. */
const STATUS_EVENTS_PER_SECOND = 20;
/** A handler that logs a few megabytes in one go is not cut; one that logs without end fills a disk slowly. */
const NODE_LOG_BYTES = { perSecond: 1024 * 1024, burst: 16 * 1024 * 1024 } as const;
/** Of all nodes together: about what a disk that also has other work writes. */
const LOG_BYTES = { perSecond: 16 * 1024 * 1024, burst: 64 * 1024 * 1024 } as const;

/** A stored graph version, ready for use. */
export interface LoadedGraph {
  readonly compiled: CompiledGraph;
  readonly types: TypeRegistry;
  readonly typesJson: TypesJson;
  readonly yaml: string;
  /** Unix milliseconds. */
  readonly createdAt: number;
}

/** The types of a module in one graph version. */
export interface ModuleTypes {
  readonly outputType: string;
  /** A serialised `google.protobuf.FileDescriptorSet`; empty where there are no protobuf types. */
  readonly descriptors: Uint8Array;
  /** Stands for both. */
  readonly key: string;
}

export class FleetNode implements Candidate {
  readonly nodeId: string;
  readonly module: string;
  readonly instance: string;
  bootId: string;
  incarnation: number;
  version = '';
  capacity = 1;
  labels: Readonly<Record<string, string>> = {};
  /** The output type that its author declares; empty: whatever the graph does. */
  declaredOutput = '';
  /** The types that its author wrote it against. */
  schemas: readonly TypeSchema[] = [];
  typesByAssignment = false;
  /** By their keys, those that its last welcome told. */
  toldTypes: ReadonlySet<string> = new Set();
  /** Why it gets no work of a graph version; empty where it does. */
  readonly misfits: Map<CompiledGraph, string> = new Map();
  status: NodeStatus = 'INACTIVE';
  error: ReportedError | undefined;
  desired: DesiredStatus;
  liveness: Liveness = 'alive';
  /** Whether it answers assignments; see `deaf.ts`. `on trial`: it may, and has not accepted one since it did not. */
  hearing: 'good' | 'told to reset' | 'on trial' | 'left out' = 'good';
  /** By the loop's monotonic clock: since when it is not known to have been away. */
  aliveSinceMs = 0;
  /** For lines of logs. */
  readonly logBytes: Allowance = new Allowance(NODE_LOG_BYTES);
  /** As its last heartbeat said; nothing where it does not say. */
  load: Load | undefined;
  /** The connection of its last valid frame; nothing until it has registered in this epoch. */
  route: Route | undefined;
  /** Its process has ended, or its host: the connection is gone, and nothing came over another one. */
  connectionEnded = false;
  /** Until then another process does not get this instance while one is here; by the loop's monotonic clock. */
  contestedUntilMs: number = Number.NEGATIVE_INFINITY;
  /** A process was kept out. `sinceAt`: Unix milliseconds. */
  conflict: { readonly sinceAt: number; readonly message: string } | undefined;
  /** By the loop's monotonic clock. */
  lastSeenMs = 0;
  /** Unix milliseconds. */
  lastSeenAt: number;
  lastUsed = 0;
  /** Placed on it and not ended. */
  readonly executions: Set<Execution> = new Set();
  /** Ended without it, or while its handler goes on: each takes up a slot until a heartbeat no longer names it. */
  readonly stopping: Set<string> = new Set();
  /** Ended with it, and perhaps not yet known to it: named by a heartbeat, they are acknowledged again. */
  readonly settled: Map<string, { readonly lease: string; readonly seq: number; readonly sinceMs: number }> =
    new Map();

  constructor(init: {
    nodeId: string;
    module: string;
    instance: string;
    bootId: string;
    incarnation: number;
    desired: DesiredStatus;
    lastSeenAt: number;
  }) {
    this.nodeId = init.nodeId;
    this.module = init.module;
    this.instance = init.instance;
    this.bootId = init.bootId;
    this.incarnation = init.incarnation;
    this.desired = init.desired;
    this.lastSeenAt = init.lastSeenAt;
  }

  get taken(): number {
    return this.executions.size + this.stopping.size;
  }

  /** Whether it may get new work, a free slot provided. */
  get isPlaceable(): boolean {
    return (
      this.route !== undefined &&
      this.liveness === 'alive' &&
      this.desired === 'started' &&
      (this.hearing === 'good' || this.hearing === 'on trial') &&
      (this.status === 'IDLE' || this.status === 'RUNNING')
    );
  }
}

/** A configuration request that a node has not answered yet. */
export interface ConfigTransaction {
  readonly transactionId: string;
  readonly nodeId: string;
  readonly configuration: string;
  /** Requests that wait for it. */
  readonly requests: number[];
  readonly dedupe: { readonly key: string; readonly hash: string } | undefined;
}

/** A problem or a blob (by its SHA-256) that retention is taking out of the store. */
export interface Forgetting {
  readonly kind: 'problem' | 'blob';
  readonly name: string;
}

/** A moment that something was to happen at. */
export type Timer =
  | { readonly kind: 'attempt over'; readonly execution: Execution }
  /** `sinceMs`: when it was first sent over the node's connection. */
  | {
      readonly kind: 'assign again';
      readonly execution: Execution;
      readonly pauseMs: number;
      readonly sinceMs: number;
    }
  | { readonly kind: 'grace over'; readonly execution: Execution }
  /** Its outputs are complete; lines of its log that were sent before may still come. */
  | { readonly kind: 'lines over'; readonly execution: Execution }
  /** `isHeard`: what had arrived when the node was first found silent has been read since. */
  | { readonly kind: 'judge'; readonly nodeId: string; readonly isHeard: boolean }
  | { readonly kind: 'command again'; readonly commandId: string }
  | { readonly kind: 'configuration over'; readonly transactionId: string };

export class State {
  readonly graphs: Map<string, LoadedGraph[]> = new Map();
  readonly moduleTypes: WeakMap<LoadedGraph, Map<string, ModuleTypes>> = new WeakMap();
  readonly problems: Map<string, Problem> = new Map();
  readonly tasks: Map<string, Task> = new Map();
  readonly executions: Map<string, Execution> = new Map();
  readonly nodes: Map<string, FleetNode> = new Map();
  readonly nodesByInstance: Map<string, FleetNode> = new Map();
  readonly nodesByModule: Map<string, Set<FleetNode>> = new Map();
  readonly nodesByRoute: Map<Route, FleetNode> = new Map();
  /** Boots that a newer one of the same instance has replaced: the latest of them, the store has all. */
  readonly replacedBoots: Recent = new Recent(REPLACED_BOOTS_HELD);
  readonly commands: Map<string, Command> = new Map();
  readonly configurations: Map<string, ConfigTransaction> = new Map();
  readonly broker: EvaluationBroker<Task> = new EvaluationBroker<Task>();
  readonly waitingRoom: WaitingRoom<Task> = new WaitingRoom<Task>();
  readonly timers: Deadlines<Timer> = new Deadlines<Timer>();
  /** Modules that have got a free slot since waiting executions were last woken. */
  readonly freed: Set<string> = new Set();
  /** What retention is taking out of the store, by name: nobody may refer to it anew. */
  readonly forgetting: Set<string> = new Set();
  readonly counters: Counters = new Counters();
  readonly refusals: RateLimiter = new RateLimiter(REFUSALS_PER_SECOND);
  /** New instances and new boots: each leaves something in the store for days. */
  readonly newcomers: Allowance = new Allowance(NEWCOMERS);
  readonly newcomersOfInstance: RateLimiter = new RateLimiter(NEWCOMERS_PER_INSTANCE);
  readonly newcomersOfRoute: RateLimiter = new RateLimiter(NEWCOMERS_PER_ROUTE);
  readonly statusEvents: RateLimiter = new RateLimiter(STATUS_EVENTS_PER_SECOND);
  /** For lines of the logs of all nodes. */
  readonly logBytes: Allowance = new Allowance(LOG_BYTES);
  readonly progressShown: LastDone = new LastDone();
  /** The newest `seq` given out. */
  cursor = 0;
  assignments = 0;
  /** Unix milliseconds; the latest `queuedAt` of all. */
  queuedAt = 0;

  graph(name: string, version?: number): LoadedGraph | undefined {
    const versions = this.graphs.get(name);
    return version === undefined ? versions?.at(-1) : versions?.[version - 1];
  }

  addGraph(graph: LoadedGraph): void {
    const { name, version } = graph.compiled.key;
    const versions = this.graphs.get(name) ?? [];
    versions[version - 1] = graph;
    this.graphs.set(name, versions);
  }

  /** What the newest version of some graph says about a module. */
  moduleSpec(module: string): CompiledModule | undefined {
    for (const versions of this.graphs.values()) {
      const compiled = versions.at(-1)?.compiled;
      const position = compiled?.index.get(module);
      if (compiled && position !== undefined) return compiled.modules[position];
    }
    return undefined;
  }

  livenessOf(node: FleetNode): ModuleSpec['liveness'] {
    return this.moduleSpec(node.module)?.spec.liveness ?? DEFAULT_LIVENESS;
  }

  addNode(node: FleetNode): void {
    this.nodes.set(node.nodeId, node);
    this.nodesByInstance.set(instanceKey(node.module, node.instance), node);
    const peers = this.nodesByModule.get(node.module) ?? new Set();
    peers.add(node);
    this.nodesByModule.set(node.module, peers);
  }

  removeNode(node: FleetNode): void {
    this.setRoute(node, undefined);
    this.nodes.delete(node.nodeId);
    this.nodesByInstance.delete(instanceKey(node.module, node.instance));
    const peers = this.nodesByModule.get(node.module);
    peers?.delete(node);
    if (peers?.size === 0) this.nodesByModule.delete(node.module);
    this.timers.clear(`judge ${node.nodeId}`);
  }

  setRoute(node: FleetNode, route: Route | undefined): void {
    if (node.route === route) return;
    if (node.route !== undefined) this.nodesByRoute.delete(node.route);
    node.route = route;
    node.connectionEnded = false;
    if (route !== undefined) this.nodesByRoute.set(route, node);
  }
}

export function instanceKey(module: string, instance: string): string {
  return `${module}\n${instance}`;
}
