/**
 * What one batch leads to: facts and rows to commit, then messages to send and requests to answer.
 *
 * 1. Nothing in here has happened yet: it is performed only once the commit has succeeded.
 * 2. A row that changes several times in a batch is written once, as it is at the batch's end.
 */

import type { Route } from '../../bus/bus.js';
import type { EncodedEvent, EventType, PublicFact } from '../../model/facts.js';
import type { PayloadRef } from '../../model/payload.js';
import type { OrchestratorMessage } from '../../model/protocol.js';
import type { Task } from '../../model/task.js';
import type { TaskId } from '../../model/task-id.js';
import type { Key, Table, Write } from '../../store/store.js';
import type { Answer, View } from '../port.js';
import { encodeRow, type IdempotencyRow } from '../records.js';
import type { Command } from './commands.js';
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
  readonly descriptors?: Uint8Array;
}

export interface Sending {
  readonly route: Route;
  readonly incarnation: number;
  readonly messages: (OrchestratorMessage | AssignOrder)[];
}

export type Reply =
  | { readonly kind: 'answer'; readonly request: number; readonly answer: Answer }
  | { readonly kind: 'view'; readonly request: number; readonly value: readonly View[] };

/** A payload of this batch: kept at hand, since the assignment that it unlocks is mostly of the same batch. */
export interface FreshPayload {
  readonly ref: PayloadRef;
  readonly bytes: Uint8Array;
}

/** What a peer was refused in this batch: the first of its code, and how many there were. */
export interface RefusedPeer {
  readonly via: 'control' | 'outputs';
  /** Of the control socket its route, of the outputs socket its address. */
  readonly peer: string;
  readonly code: string;
  readonly message: string;
  times: number;
}

/** Events without a waiting caller: they may be committed together with later ones. */
const UNHURRIED: ReadonlySet<EventType> = new Set([
  'execution.accepted',
  'execution.running',
  'execution.progress',
  'execution.log',
]);

/** Of events: further steps go into another commit. One step adds a few dozen MiB at most, by the limits of a frame. */
const BATCH_CHARACTERS = 8 * 1024 * 1024;

export class Journal {
  #wallMs: number;
  /** The same as text. */
  #at: string;
  #isUrgent = false;
  readonly #events: EncodedEvent[] = [];
  readonly #writes: Write[] = [];
  /** By incarnation and route: a frame is of one incarnation. */
  readonly #sendings = new Map<string, Sending>();
  readonly #refused = new Map<string, RefusedPeer>();
  readonly tasks: Set<Task> = new Set();
  readonly nodes: Set<FleetNode> = new Set();
  readonly commands: Set<Command> = new Set();
  readonly replies: Reply[] = [];
  readonly payloads: FreshPayload[] = [];
  /** Connections whose peers have shown who they are. */
  readonly admitted: Route[] = [];
  /** Connections that end after the last frames to their peers. */
  readonly ended: Route[] = [];
  /** Answers of this batch that carry an idempotency key. */
  readonly answered: Map<string, IdempotencyRow> = new Map();
  #cursor: number;
  /** Of the events. */
  #characters = 0;

  constructor(cursor: number, wallMs: number) {
    this.#cursor = cursor;
    this.#wallMs = wallMs;
    this.#at = new Date(wallMs).toISOString();
  }

  /** The time of the facts from now on: Unix milliseconds. */
  set wallMs(wallMs: number) {
    if (wallMs === this.#wallMs) return;
    this.#wallMs = wallMs;
    this.#at = new Date(wallMs).toISOString();
  }

  /** The newest `seq`, this batch's facts included. */
  get cursor(): number {
    return this.#cursor;
  }

  /** Whether somebody or something waits for the commit: only what nodes report by the way does not. */
  get isUrgent(): boolean {
    return this.#isUrgent || this.#writes.length > 0 || this.#sendings.size > 0 || this.replies.length > 0;
  }

  /** Whether its events are so large that it takes no further steps. */
  get isFull(): boolean {
    return this.#characters >= BATCH_CHARACTERS;
  }

  /** Whether there is anything to commit. */
  get isEmpty(): boolean {
    return (
      this.#writes.length + this.tasks.size + this.nodes.size + this.commands.size + this.#events.length === 0
    );
  }

  /** Records a fact and returns its `seq`. */
  fact(fact: PublicFact): number {
    const seq = this.#cursor + 1;
    // One that cannot be encoded takes no number, or the numbers would have a gap.
    const json = eventJson(seq, this.#at, fact);
    this.#cursor = seq;
    this.#characters += json.length;
    if (!UNHURRIED.has(fact.type)) this.#isUrgent = true;
    this.#events.push({ seq, at: this.#wallMs, fact, json });
    return seq;
  }

  put(table: Table, key: Key, value: Uint8Array): void {
    this.#writes.push({ op: 'put', table, key, value });
  }

  putRow(table: Table, key: Key, row: unknown): void {
    this.put(table, key, encodeRow(row));
  }

  delete(table: Table, key: Key): void {
    this.#writes.push({ op: 'delete', table, key });
  }

  payload(ref: PayloadRef, bytes: Uint8Array): void {
    this.put('payloads', [ref.problemId, ref.iterationId, ref.owner, ref.seq], bytes);
    this.payloads.push({ ref, bytes });
  }

  /** To a registered node; what is said to one without a connection is lost, and repeated when it is back. */
  tell(node: FleetNode, message: OrchestratorMessage | AssignOrder): void {
    if (node.route !== undefined) this.tellRoute(node.route, node.incarnation, message);
  }

  tellRoute(route: Route, incarnation: number, message: OrchestratorMessage | AssignOrder): void {
    const key = `${incarnation} ${route}`;
    const sending = this.#sendings.get(key);
    if (sending) sending.messages.push(message);
    else this.#sendings.set(key, { route, incarnation, messages: [message] });
  }

  /** For the log: whether or not the peer is told. */
  refused(via: RefusedPeer['via'], peer: string, code: string, message: string): void {
    const key = `${code} ${via} ${peer}`;
    const refused = this.#refused.get(key);
    if (refused) refused.times += 1;
    else this.#refused.set(key, { via, peer, code, message, times: 1 });
  }

  answer(request: number, answer: Answer): void {
    this.replies.push({ kind: 'answer', request, answer });
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
    this.putRow('meta', ['cursor'], this.#cursor);
  }

  /** The commit will differ from the batch's decisions: callers are told so, and no frame that depends on it is sent. */
  fail(answer: Answer): void {
    this.#sendings.clear();
    for (const [index, reply] of this.replies.entries()) {
      if (reply.kind === 'answer') this.replies[index] = { ...reply, answer };
    }
  }
}
