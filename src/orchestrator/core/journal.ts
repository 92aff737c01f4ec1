/**
 * The result of one batch: facts and rows to commit, then messages to send and requests to answer.
 *
 * 1. Nothing in here has happened yet: it is performed only once the commit has succeeded.
 * 2. What a step adds is undone with the step.
 * 3. A row that changes several times in a batch is written once, as it is at the batch's end.
 */

import type { Undo } from '../../base/undo.js';
import type { Route } from '../../bus/bus.js';
import type { Command } from '../../model/command.js';
import type { Changes } from '../../model/durable.js';
import { type EncodedEvent, type Fact, isPublic, LAZY } from '../../model/facts.js';
import type { NodeRecord } from '../../model/node-record.js';
import type { PayloadRef } from '../../model/payload.js';
import type { Problem } from '../../model/problem.js';
import type { OrchestratorMessage, OutputSpec } from '../../model/protocol.js';
import type { AssignedRun, RunFile } from '../../model/run.js';
import type { Secret } from '../../model/secret.js';
import type { Task } from '../../model/task.js';
import type { TaskId } from '../../model/task-id.js';
import type { Key, Table, Write } from '../../store/store.js';
import type { Answer, View } from '../port.js';
import type { IdempotencyRow } from '../tables/records.js';
import { encodeRow } from '../tables/row.js';
import { eventJson } from './event-json.js';
import { pagesOf } from './event-pages.js';
import type { FleetNode } from './state.js';

/** An assignment whose inputs are still to be fetched. */
export interface AssignOrder {
  readonly kind: 'assign order';
  readonly executionId: string;
  readonly lease: string;
  readonly taskId: TaskId;
  readonly module: string;
  readonly attempt: number;
  readonly timeoutMs: number;
  readonly inputs: readonly {
    readonly name: string;
    readonly type: string;
    readonly ref: PayloadRef;
    readonly previous: boolean;
  }[];
  readonly outputType?: string;
  /** Of a module with named outputs. */
  readonly outputs?: readonly OutputSpec[];
  readonly descriptors?: Uint8Array;
  readonly traceparent?: string;
  /** Of a module in a loop. */
  readonly pass?: number;
  /** Of a module with `map`. */
  readonly item?: number;
  /** Of a replica of a service that is a node: who it is to say that it is. */
  readonly node?: { readonly module: string; readonly instance: string };
  /** Of a run module. */
  readonly run?: Omit<AssignedRun, 'files' | 'secrets'> & {
    readonly files: readonly Omit<RunFile, 'url'>[];
    /** By variable; nothing for one that was removed since. */
    readonly secrets: Readonly<Record<string, Secret | undefined>>;
  };
}

export interface Sending {
  readonly route: Route;
  readonly incarnation: number;
  readonly messages: readonly (OrchestratorMessage | AssignOrder)[];
}

export type Reply =
  | { readonly kind: 'answer'; readonly request: number; readonly answer: Answer }
  | { readonly kind: 'view'; readonly request: number; readonly value: readonly View[] };

/** A payload of this batch: kept at hand, since the assignment that it unlocks is mostly of the same batch. */
export interface FreshPayload {
  readonly ref: PayloadRef;
  readonly bytes: Uint8Array;
}

/** The refusals of a peer in this batch: the first of each code, and their number. */
export interface RefusedPeer {
  readonly via: 'control' | 'outputs';
  /** Of the control socket its route, of the outputs socket its address. */
  readonly peer: string;
  readonly code: string;
  readonly message: string;
  readonly times: number;
}

/** Facts without a waiting caller: they may be committed together with later ones. */
const UNHURRIED: ReadonlySet<Fact['type']> = new Set<Fact['type']>([
  'execution.accepted',
  'execution.confirmed',
  'execution.running',
  'execution.progress',
  'execution.log',
  'execution.command',
  'module.boot_died',
  ...LAZY,
]);

/** Of events: further steps go into another commit. One step adds a few dozen MiB at most, by the limits of a frame. */
const BATCH_CHARACTERS = 8 * 1024 * 1024;

/** A fact in the order in which facts happened; a private one has the `seq` of the last public one before it. */
export interface RecordedFact {
  readonly fact: Fact;
  readonly seq: number;
  /** Unix milliseconds. */
  readonly at: number;
}

export class Journal implements Changes {
  readonly #undo: Undo;
  #wallMs: number;
  /** The same as text. */
  #at: string;
  readonly #before: number;
  /** Of the events, those of undone steps included: it only ends a batch. */
  #characters = 0;
  /** Also where the step of such a fact has been undone: then the batch ends sooner. */
  #isUrgent = false;
  readonly #events: readonly EncodedEvent[] = [];
  readonly #writes: Write[] = [];
  /** By incarnation and route: a frame is of one incarnation. */
  readonly #sendings: ReadonlyMap<string, Sending> = new Map();
  readonly #refused: ReadonlyMap<string, RefusedPeer> = new Map();
  readonly facts: readonly RecordedFact[] = [];
  readonly problems: ReadonlySet<Problem> = new Set();
  readonly tasks: ReadonlySet<Task> = new Set();
  readonly nodes: ReadonlySet<NodeRecord> = new Set();
  readonly commands: ReadonlySet<Command> = new Set();
  readonly items: Changes['items'] = [];
  readonly ended: Changes['ended'] = new Map();
  readonly replies: readonly Reply[] = [];
  readonly payloads: readonly FreshPayload[] = [];
  /** Connections whose peers have shown who they are. */
  readonly admitted: readonly Route[] = [];
  /** Connections that end after the last frames to their peers. */
  readonly closed: readonly Route[] = [];
  /** The oldest event that is left, where this batch removes any. */
  readonly trimmedTo: number | undefined = undefined;
  /** Answers of this batch that carry an idempotency key. */
  readonly answered: ReadonlyMap<string, IdempotencyRow> = new Map();

  /** `undo`: what a step adds goes with the step. */
  constructor(cursor: number, wallMs: number, undo: Undo) {
    this.#undo = undo;
    this.#wallMs = wallMs;
    this.#at = new Date(wallMs).toISOString();
    this.#before = cursor;
  }

  /** The time of the facts from now on: Unix milliseconds. */
  set wallMs(wallMs: number) {
    if (wallMs === this.#wallMs) return;
    this.#wallMs = wallMs;
    this.#at = new Date(wallMs).toISOString();
  }

  /** The newest `seq` before this batch's facts. */
  get before(): number {
    return this.#before;
  }

  /** The newest `seq`, this batch's facts included. */
  get cursor(): number {
    return this.#before + this.#events.length;
  }

  /** Whether somebody or something waits for the commit: only what nodes report by the way does not. */
  get isUrgent(): boolean {
    return this.#isUrgent || this.payloads.length > 0 || this.#sendings.size > 0 || this.replies.length > 0;
  }

  /** Whether its events are so large that it takes no further steps. */
  get isFull(): boolean {
    return this.#characters >= BATCH_CHARACTERS;
  }

  /** Whether there is anything to commit. */
  get isEmpty(): boolean {
    return this.payloads.length === 0 && this.facts.every(({ fact }) => LAZY.has(fact.type));
  }

  /** Notes that a fact has happened. Returns its `seq`; of a private one, that of the last public one. */
  record(fact: Fact): number {
    let seq = this.cursor;
    if (isPublic(fact)) {
      seq += 1;
      // One that cannot be encoded takes no number, or the numbers would have a gap.
      const json = eventJson(seq, this.#at, fact);
      this.#characters += json.length;
      this.#undo.append(this.#events, { seq, at: this.#wallMs, fact, json });
    }
    if (!this.#isUrgent) this.#isUrgent = !UNHURRIED.has(fact.type);
    this.#undo.append(this.facts, { fact, seq, at: this.#wallMs });
    return seq;
  }

  /** Something waits for the commit. */
  hurry(): void {
    this.#isUrgent = true;
  }

  put(table: Table, key: Key, value: Uint8Array): void {
    this.#undo.append(this.#writes, { op: 'put', table, key, value });
  }

  putRow(table: Table, key: Key, row: unknown): void {
    this.put(table, key, encodeRow(row));
  }

  delete(table: Table, key: Key): void {
    this.#undo.append(this.#writes, { op: 'delete', table, key });
  }

  payload(ref: PayloadRef, bytes: Uint8Array): void {
    this.#undo.append(this.payloads, { ref, bytes });
  }

  admit(route: Route): void {
    this.#undo.append(this.admitted, route);
  }

  /** The connection ends after the last frames to its peer. */
  close(route: Route): void {
    this.#undo.append(this.closed, route);
  }

  /** Events before this `seq` are gone. */
  trim(oldest: number): void {
    this.#undo.set(this as Journal, 'trimmedTo', oldest);
  }

  remember(key: string, row: IdempotencyRow): void {
    this.#undo.put(this.answered, key, row);
  }

  /** To a registered node; what is said to one without a connection is lost, and repeated when it is back. */
  tell(node: FleetNode, message: OrchestratorMessage | AssignOrder): void {
    if (node.route !== undefined) this.tellRoute(node.route, node.incarnation, message);
  }

  tellRoute(route: Route, incarnation: number, message: OrchestratorMessage | AssignOrder): void {
    const key = `${incarnation} ${route}`;
    const sending = this.#sendings.get(key);
    if (sending) this.#undo.append(sending.messages, message);
    else this.#undo.put(this.#sendings, key, { route, incarnation, messages: [message] });
  }

  /** For the log: whether or not the peer is told. */
  refused(via: RefusedPeer['via'], peer: string, code: string, message: string): void {
    const key = `${code} ${via} ${peer}`;
    const refused = this.#refused.get(key);
    if (refused) this.#undo.set(refused, 'times', refused.times + 1);
    else this.#undo.put(this.#refused, key, { via, peer, code, message, times: 1 });
  }

  answer(request: number, answer: Answer): void {
    this.reply({ kind: 'answer', request, answer });
  }

  reply(reply: Reply): void {
    this.#undo.append(this.replies, reply);
  }

  get events(): readonly EncodedEvent[] {
    return this.#events;
  }

  get writes(): readonly Write[] {
    return this.#writes;
  }

  get refusals(): Iterable<RefusedPeer> {
    return this.#refused.values();
  }

  get sendings(): readonly Sending[] {
    return [...this.#sendings.values()];
  }

  /** Adds the pages of the batch's events. */
  writeEvents(): void {
    if (this.#events.length === 0) return;
    for (const { page, tasks } of pagesOf(this.#events)) {
      this.put('events', [page.seq], page.bytes);
      for (const { id, seq, bytes } of tasks)
        this.put('task_events', [id.problemId, id.iterationId, seq], bytes);
    }
    this.putRow('meta', ['cursor'], this.cursor);
  }

  /** Nothing of it is written. */
  withoutWrites(): void {
    this.#writes.length = 0;
  }
}
