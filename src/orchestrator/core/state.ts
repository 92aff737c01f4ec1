/**
 * The orchestrator's state in memory: the graphs, the nodes, the unfinished tasks with their executions, the commands under way.
 *
 * 1. What survives a restart (`DurableState`) is changed by facts only; the rest belongs to this process (`ProcessState`).
 * 2. Only `decide` changes it, one batch at a time, and only through `undo`: a step that fails leaves nothing behind.
 * 3. A finished task is not here: its row in the store is all there is.
 */

import { Allowance } from '../../base/allowance.js';
import { RateLimiter } from '../../base/rate-limiter.js';
import { Undo } from '../../base/undo.js';
import type { Route } from '../../bus/bus.js';
import type { Grant } from '../../model/access.js';
import type { Campaign } from '../../model/campaign.js';
import type { Cluster } from '../../model/cluster.js';
import type { Command } from '../../model/command.js';
import type { KeyEntry } from '../../model/connection-key.js';
import type { Deployment } from '../../model/deployment.js';
import type { DurableState } from '../../model/durable.js';
import { isPlayedByNodes, type ModuleSpec } from '../../model/graph.js';
import type { DesiredStatus, Liveness, NodeStatus } from '../../model/node.js';
import type { NodeRecord } from '../../model/node-record.js';
import type { BlobRef } from '../../model/payload.js';
import type { Problem } from '../../model/problem.js';
import type { Load, ReportedError, TypeSchema } from '../../model/protocol.js';
import type { Resources } from '../../model/run.js';
import type { Secret } from '../../model/secret.js';
import type { Replica, Service } from '../../model/service.js';
import type { CompiledGraph, CompiledModule, Execution, Task } from '../../model/task.js';
import type { Webhook } from '../../model/webhook.js';
import { type Evaluable, EvaluationBroker } from '../../scheduling/broker.js';
import type { CampaignQuestion } from '../../scheduling/campaign-scheduler.js';
import type { Candidate } from '../../scheduling/placement.js';
import { SlotQueue } from '../../scheduling/slot-queue.js';
import type { TypeRegistry, TypesJson } from '../../wire/types.js';
import { Counters, LastDone, Recent } from './counters.js';
import { Timers } from './timer.js';

/** To one peer. Enough for an honest node that has to catch up, too few to be worth provoking. */
const REFUSALS_PER_SECOND = 50;

/** A thousand nodes that are started at once are in at once; a flood of made-up ones fills no disk. */
const REGISTRATIONS = { perSecond: 50, burst: 1000 } as const;
/** Of one connection, on which an honest process says hello for itself: one that floods leaves room for the others. */
const NEWCOMERS_PER_ROUTE = 3;
/** Of one instance: a supervisor that starts it again at once is slowed down. */
const NEWCOMERS_PER_INSTANCE = 2;

/** Those of the batch in hand have to be among them. */
const REPLACED_BOOTS_HELD = 10_000;

/** A choice among equals is at stake, no more. */
const PROBLEM_PLACES_HELD = 10_000;
const BLOB_PLACES_HELD = 50_000;

/** Of a node whose module is no longer in a graph. */
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
  /** By path beside the graph file, those that its run modules name. @default none */
  readonly files?: Readonly<Record<string, BlobRef>>;
}

/** The types of a module in one graph version. */
export interface ModuleTypes {
  /** Empty where it has named outputs. */
  readonly outputType: string;
  /** A serialised `google.protobuf.FileDescriptorSet`; empty where there are no protobuf types. */
  readonly descriptors: Uint8Array;
  /** Stands for both. */
  readonly key: string;
}

/** State of a node that only this process has, and no record. */
export interface NodeAtWork {
  /** The output type that its author declares; empty: whatever the graph does. */
  readonly declaredOutput: string;
  /** The types that its author wrote it against. */
  readonly schemas: readonly TypeSchema[];
  readonly typesByAssignment: boolean;
  /** Of an agent: what its cluster has, as it says itself. */
  readonly resources: Resources | undefined;
  /** By their keys, those that its last welcome told. */
  readonly toldTypes: ReadonlySet<string>;
  /** Why it gets no work of a graph version; empty where it does. A cache. */
  readonly misfits: Map<CompiledGraph, string>;
  /** Whether it answers assignments; see `deaf.ts`. `on probation`: it may, and has not accepted one since it did not. */
  readonly responsiveness: 'good' | 'told to reset' | 'on probation' | 'left out';
  /** By the loop's monotonic clock: since when it is not known to have been away. */
  readonly aliveSinceMs: number;
  /** For lines of logs. */
  readonly logBytes: Allowance;
  /** As its last heartbeat said; nothing where it does not say. */
  readonly load: Load | undefined;
  /** The connection of its last valid frame; nothing until it has registered in this epoch. */
  readonly route: Route | undefined;
  /** The key that it registered with, where connections are encrypted. Its outputs come from the same one. */
  readonly key: string | undefined;
  /** With which it gets and puts blobs, the newest first. */
  readonly blobTokens: readonly BlobToken[];
  /** Its process has ended, or its host: the connection is gone, and nothing came over another one. */
  readonly connectionEnded: boolean;
  /** Until then another process does not get this instance while one is here; by the loop's monotonic clock. */
  readonly contestedUntilMs: number;
  /** A process was kept out. `sinceAt`: Unix milliseconds. */
  readonly conflict: { readonly sinceAt: number; readonly message: string } | undefined;
  /** When a frame of it came last, by the loop's monotonic clock. */
  readonly heardMs: number;
  /** The same in Unix milliseconds. */
  readonly heardAt: number;
  readonly lastUsed: number;
  /** Ended without it, or while its handler goes on: each takes up a slot until a heartbeat no longer names it. */
  readonly stopping: ReadonlySet<string>;
  /** Ended with it, and perhaps not yet known to it: named by a heartbeat, they are acknowledged again. */
  readonly settled: ReadonlyMap<
    string,
    { readonly lease: string; readonly seq: number; readonly sinceMs: number }
  >;
}

/** See `blob-tokens.ts`. */
export interface BlobToken {
  readonly token: string;
  /** By the loop's monotonic clock. */
  readonly untilMs: number;
}

export class FleetNode implements NodeRecord, NodeAtWork, Candidate {
  readonly nodeId: string;
  readonly module: string;
  readonly instance: string;
  readonly bootId: string;
  readonly incarnation: number;
  readonly version: string;
  readonly capacity: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly status: NodeStatus;
  readonly error: ReportedError | undefined;
  readonly desired: DesiredStatus;
  readonly liveness: Liveness;
  readonly lastSeenAt: number;
  readonly executions: ReadonlySet<Execution>;

  readonly declaredOutput: NodeAtWork['declaredOutput'] = '';
  readonly schemas: NodeAtWork['schemas'] = [];
  readonly typesByAssignment: boolean = false;
  readonly resources: NodeAtWork['resources'] = undefined;
  readonly toldTypes: NodeAtWork['toldTypes'] = new Set();
  readonly misfits: NodeAtWork['misfits'] = new Map();
  readonly responsiveness: NodeAtWork['responsiveness'] = 'good';
  readonly aliveSinceMs: number = 0;
  readonly logBytes: Allowance;
  readonly load: NodeAtWork['load'] = undefined;
  readonly route: NodeAtWork['route'] = undefined;
  readonly key: NodeAtWork['key'] = undefined;
  readonly blobTokens: NodeAtWork['blobTokens'] = [];
  readonly connectionEnded: boolean = false;
  readonly contestedUntilMs: number = Number.NEGATIVE_INFINITY;
  readonly conflict: NodeAtWork['conflict'] = undefined;
  readonly heardMs: number = 0;
  readonly heardAt: number;
  readonly lastUsed: number = 0;
  readonly stopping: NodeAtWork['stopping'] = new Set();
  readonly settled: NodeAtWork['settled'] = new Map();

  constructor(record: NodeRecord, undo: Undo) {
    this.nodeId = record.nodeId;
    this.module = record.module;
    this.instance = record.instance;
    this.bootId = record.bootId;
    this.incarnation = record.incarnation;
    this.version = record.version;
    this.capacity = record.capacity;
    this.labels = record.labels;
    this.status = record.status;
    this.error = record.error;
    this.desired = record.desired;
    this.liveness = record.liveness;
    this.lastSeenAt = record.lastSeenAt;
    this.executions = record.executions;
    this.logBytes = new Allowance(NODE_LOG_BYTES, undo);
    this.heardAt = record.lastSeenAt;
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
      (this.responsiveness === 'good' || this.responsiveness === 'on probation') &&
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
  readonly requests: readonly number[];
  readonly dedupe: { readonly key: string; readonly hash: string } | undefined;
}

/** What is looked up before the next batch: what a module with `cache` may take, the list of one with `map`, the results of its items. */
export interface LookUp {
  readonly task: Task;
  readonly position: number;
  /** Of a module with `map`. */
  readonly item?: number | undefined;
}

/** What is read for a campaign before the next batch. */
export interface CampaignLookUp {
  readonly campaignId: string;
  readonly question: CampaignQuestion;
}

/** `key`: its name. All are of one rank, by age. */
export type ServiceToEvaluate = Evaluable;
/** `key`: its id. All are of one rank, by age. */
export type CampaignToEvaluate = Evaluable;

/** State of this process: it is rebuilt from the durable state and the messages of peers. */
export interface ProcessState {
  readonly moduleTypes: WeakMap<LoadedGraph, Map<string, ModuleTypes>>;
  readonly nodesByInstance: ReadonlyMap<string, FleetNode>;
  readonly nodesByModule: ReadonlyMap<string, ReadonlySet<FleetNode>>;
  readonly nodesByRoute: ReadonlyMap<Route, FleetNode>;
  /** Boots that a newer one of the same instance has replaced: the latest of them, the store has all. */
  readonly replacedBoots: Recent;
  /** Commands of the orchestrator itself. */
  readonly ownCommands: ReadonlyMap<string, Command>;
  readonly configurations: ReadonlyMap<string, ConfigTransaction>;
  readonly broker: EvaluationBroker<Task>;
  /** Services that are to be compared with what is observed of them. */
  readonly serviceBroker: EvaluationBroker<ServiceToEvaluate>;
  /** Campaigns that may have something to do. */
  readonly campaignBroker: EvaluationBroker<CampaignToEvaluate>;
  /** By `campaignLookUpKey`. */
  readonly campaignLookUps: ReadonlyMap<string, CampaignLookUp>;
  /** Campaigns that wait for nodes. */
  readonly awaiting: ReadonlySet<string>;
  readonly slotQueue: SlotQueue<Task>;
  readonly timers: Timers;
  /** Modules that have got a free slot since waiting executions were last woken. */
  readonly freed: ReadonlySet<string>;
  /** By `lookUpKey`. */
  readonly lookUps: ReadonlyMap<string, LookUp>;
  /** Problems with an iteration that is gone in part: nobody may refer to it anew. */
  readonly beingRemoved: ReadonlySet<string>;
  /** By slot class of run modules, why clusters are ruled out, load apart, as those who wait last said. */
  readonly standings: ReadonlyMap<string, string>;
  /** Where problems have been worked on lately; see `fleet.ts`. */
  readonly problemPlaces: Recent;
  /** Blobs that agents have fetched lately; see `fleet.ts`. */
  readonly blobPlaces: Recent;
  readonly counters: Counters;
  readonly refusals: RateLimiter;
  /** New instances and new boots: each leaves something in the store for days. */
  readonly registrations: Allowance;
  readonly newcomersOfInstance: RateLimiter;
  readonly newcomersOfRoute: RateLimiter;
  readonly statusEvents: RateLimiter;
  /** For lines of the logs of all nodes. */
  readonly logBytes: Allowance;
  readonly progressShown: LastDone;
  readonly assignments: number;
  /** Of services and campaigns, so far. */
  readonly evaluations: number;
  isCareful: boolean;
}

export class State implements DurableState, ProcessState {
  readonly undo: Undo = new Undo();

  readonly graphs: ReadonlyMap<string, readonly LoadedGraph[]> = new Map();
  readonly problems: ReadonlyMap<string, Problem> = new Map();
  readonly tasks: ReadonlyMap<string, Task> = new Map();
  readonly executions: ReadonlyMap<string, Execution> = new Map();
  readonly nodes: ReadonlyMap<string, FleetNode> = new Map();
  readonly clusters: ReadonlyMap<string, Cluster> = new Map();
  readonly secrets: ReadonlyMap<string, Secret> = new Map();
  readonly webhooks: ReadonlyMap<string, Webhook> = new Map();
  readonly grants: ReadonlyMap<string, Grant> = new Map();
  readonly keys: ReadonlyMap<string, KeyEntry> = new Map();
  readonly commands: ReadonlyMap<string, Command> = new Map();
  readonly deployments: ReadonlyMap<string, Deployment> = new Map();
  readonly campaigns: ReadonlyMap<string, Campaign> = new Map();
  readonly services: ReadonlyMap<string, Service> = new Map();
  readonly replicas: ReadonlyMap<string, Replica> = new Map();
  readonly runs: ReadonlyMap<string, string> = new Map();
  readonly audited: number = 0;
  /** The newest `seq` given out. */
  readonly cursor: number = 0;
  /** Unix milliseconds; the latest `queuedAt` of all. */
  readonly queuedAt: number = 0;

  readonly moduleTypes: WeakMap<LoadedGraph, Map<string, ModuleTypes>> = new WeakMap();
  readonly nodesByInstance: ReadonlyMap<string, FleetNode> = new Map();
  readonly nodesByModule: ReadonlyMap<string, ReadonlySet<FleetNode>> = new Map();
  readonly nodesByRoute: ReadonlyMap<Route, FleetNode> = new Map();
  readonly replacedBoots: Recent = new Recent(REPLACED_BOOTS_HELD, this.undo);
  readonly ownCommands: ReadonlyMap<string, Command> = new Map();
  readonly configurations: ReadonlyMap<string, ConfigTransaction> = new Map();
  readonly broker: EvaluationBroker<Task> = new EvaluationBroker<Task>(this.undo);
  readonly serviceBroker: EvaluationBroker<ServiceToEvaluate> = new EvaluationBroker<ServiceToEvaluate>(
    this.undo,
  );
  readonly campaignBroker: EvaluationBroker<CampaignToEvaluate> = new EvaluationBroker<CampaignToEvaluate>(
    this.undo,
  );
  readonly campaignLookUps: ReadonlyMap<string, CampaignLookUp> = new Map();
  readonly awaiting: ReadonlySet<string> = new Set();
  readonly slotQueue: SlotQueue<Task> = new SlotQueue<Task>(this.undo);
  readonly timers: Timers = new Timers(this.undo);
  readonly freed: ReadonlySet<string> = new Set();
  readonly lookUps: ReadonlyMap<string, LookUp> = new Map();
  readonly beingRemoved: ReadonlySet<string> = new Set();
  readonly standings: ReadonlyMap<string, string> = new Map();
  readonly problemPlaces: Recent = new Recent(PROBLEM_PLACES_HELD, this.undo);
  readonly blobPlaces: Recent = new Recent(BLOB_PLACES_HELD, this.undo);
  readonly counters: Counters = new Counters(this.undo);
  readonly refusals: RateLimiter = new RateLimiter(REFUSALS_PER_SECOND, this.undo);
  readonly registrations: Allowance = new Allowance(REGISTRATIONS, this.undo);
  readonly newcomersOfInstance: RateLimiter = new RateLimiter(NEWCOMERS_PER_INSTANCE, this.undo);
  readonly newcomersOfRoute: RateLimiter = new RateLimiter(NEWCOMERS_PER_ROUTE, this.undo);
  readonly statusEvents: RateLimiter = new RateLimiter(STATUS_EVENTS_PER_SECOND, this.undo);
  readonly logBytes: Allowance = new Allowance(LOG_BYTES, this.undo);
  readonly progressShown: LastDone = new LastDone(this.undo);
  readonly assignments: number = 0;
  readonly evaluations: number = 0;
  /** A batch had a row that could not be encoded: for a while, each step proves that its rows can be. */
  isCareful = false;

  graph(name: string, version?: number): LoadedGraph | undefined {
    const versions = this.graphs.get(name);
    return version === undefined ? versions?.at(-1) : versions?.[version - 1];
  }

  addGraph(graph: LoadedGraph): void {
    const { name, version } = graph.compiled.key;
    const versions = [...(this.graphs.get(name) ?? [])];
    versions[version - 1] = graph;
    this.undo.put(this.graphs, name, versions);
  }

  compiled(name: string, version: number): CompiledGraph | undefined {
    return this.graph(name, version)?.compiled;
  }

  /** The definition of a node's module in the newest version of a graph. */
  moduleSpec(module: string): CompiledModule | undefined {
    for (const versions of this.graphs.values()) {
      const compiled = versions.at(-1)?.compiled;
      const position = compiled?.index.get(module);
      const found = position === undefined ? undefined : compiled?.modules[position];
      if (found && isPlayedByNodes(found.spec)) return found;
    }
    return undefined;
  }

  livenessOf(node: FleetNode): ModuleSpec['liveness'] {
    return this.moduleSpec(node.module)?.spec.liveness ?? DEFAULT_LIVENESS;
  }

  addNode(record: NodeRecord): FleetNode {
    const node = new FleetNode(record, this.undo);
    this.undo.put(this.nodes, node.nodeId, node);
    this.undo.put(this.nodesByInstance, instanceKey(node.module, node.instance), node);
    let peers = this.nodesByModule.get(node.module);
    if (!peers) {
      peers = new Set();
      this.undo.put(this.nodesByModule, node.module, peers);
    }
    this.undo.add(peers, node);
    return node;
  }

  removeNode({ nodeId, module, instance }: NodeRecord): void {
    const node = this.nodes.get(nodeId);
    if (!node) return;
    this.setRoute(node, undefined);
    this.undo.remove(this.nodes, nodeId);
    this.undo.remove(this.nodesByInstance, instanceKey(module, instance));
    const peers = this.nodesByModule.get(module);
    if (peers) this.undo.drop(peers, node);
    if (peers?.size === 0) this.undo.remove(this.nodesByModule, module);
    this.timers.clear({ kind: 'judge', nodeId });
  }

  setRoute(node: FleetNode, route: Route | undefined): void {
    if (node.route === route) return;
    if (node.route !== undefined) this.undo.remove(this.nodesByRoute, node.route);
    this.undo.set(node, 'route', route);
    this.undo.set(node, 'connectionEnded', false);
    if (route !== undefined) this.undo.put(this.nodesByRoute, route, node);
  }

  /** Something about the service may be another than it is to be. */
  evaluate(service: string): void {
    this.serviceBroker.enqueue(this.#evaluation(service));
  }

  /** The campaign may have something to do. */
  evaluateCampaign(campaignId: string): void {
    this.campaignBroker.enqueue(this.#evaluation(campaignId));
  }

  #evaluation(key: string): Evaluable {
    this.undo.set(this, 'evaluations', this.evaluations + 1);
    return { key, priority: 50, queuedAt: this.evaluations, queueSeq: this.evaluations };
  }

  /** A node may be ready, or in error. */
  wakeAwaiting(): void {
    for (const campaignId of this.awaiting) this.evaluateCampaign(campaignId);
  }

  /** A slot of the module has become free, or may have. */
  free(module: string): void {
    this.undo.add(this.freed, module);
    this.wakeAwaiting();
  }

  /** Commands under way, those of the orchestrator included. */
  *allCommands(): Generator<Command> {
    yield* this.commands.values();
    yield* this.ownCommands.values();
  }
}

/** `item`: of a module with `map` that is at work on its items. */
export function lookUpKey({ key, runs }: Task, position: number, item?: number): string {
  const of = `${key} ${position} ${runs[position]?.pass ?? 1}`;
  return item === undefined ? of : `${of} ${item}`;
}

export function campaignLookUpKey(campaignId: string, question: CampaignQuestion): string {
  const { kind } = question;
  return `${campaignId} ${kind} ${kind === 'judge' ? question.iterationId : question.number}`;
}

export function instanceKey(module: string, instance: string): string {
  return `${module}\n${instance}`;
}
