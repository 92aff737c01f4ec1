/**
 * The node's side of the protocol: what happened goes in, what to do comes out. No I/O, no clock, no random.
 *
 * 1. Until it is registered, a node says hello and nothing else: at once, then after 250 ms, 500 ms … 2 s. Whatever comes in
 *    between that is neither a welcome nor a refusal is ignored.
 * 2. A frame of another incarnation is ignored but for its welcome and its refusals; a refusal of what an older incarnation
 *    said is ignored.
 * 3. A command is done once; its repeats are answered with the same acknowledgement.
 * 4. A final refusal ends the session with its code. Nothing else that a peer sends does.
 * 5. Log lines leave after the beginning of the execution that they are about and before its end, and only while the connection
 *    has room for them.
 * 6. Of several addresses it stays with the one that has welcomed it (`session/dialling.ts`).
 * 7. A refusal leads at most to one more hello per 250 ms: two peers cannot drive each other mad.
 */
import { isDeepStrictEqual } from 'node:util';
import { TuttiError } from '../base/errors.js';
import type { NodeStatus } from '../model/node.js';
import {
  type Assign,
  type ExecutionReport,
  type Hello,
  type Load,
  type LogLevel,
  type LogLine,
  type NodeMessage,
  type Output,
  PROTOCOL_VERSION,
  REFUSALS,
  type Refused,
  type ToNode,
  type ToOrchestrator,
  type Welcome,
} from '../model/protocol.js';
import { AGENT_MODULE } from '../model/run.js';
import { Commands } from './session/commands.js';
import { Dialling } from './session/dialling.js';
import type { Effect, SessionEvent } from './session/events.js';
import { Executions } from './session/executions.js';
import { Lifecycle } from './session/lifecycle.js';
import { LogBacklog } from './session/log-backlog.js';
import { StatusReports } from './session/status-reports.js';

/** A restarted orchestrator is back within a second or two: what it costs to ask four times a second is nothing. */
export const HELLO_FIRST_MS = 250;
export const HELLO_MAX_MS = 2_000;
/** As many as surely have room in the 64 KiB of a hello; the heartbeat that follows the welcome names all. */
const HELD_IN_HELLO = 400;
/** Hellos without an answer before a person is told. */
const HELLOS_BEFORE_NOTE = 5;
/** Log lines that leave in one turn, so that other messages do not wait long behind them. */
const LOG_BYTES_PER_TURN = 262_144;

/** The data about a node in every hello. */
export type Identity = Pick<
  Hello,
  | 'module'
  | 'instance'
  | 'bootId'
  | 'version'
  | 'capacity'
  | 'labels'
  | 'outputType'
  | 'token'
  | 'schemas'
  | 'typesByAssignment'
  | 'resources'
>;

/** The resource use of the node's process. */
export type ProcessLoad = Pick<Load, 'cpu' | 'memoryBytes'>;

/** The frames of one turn: at most one of each kind. */
export interface Outgoing {
  readonly control: ToOrchestrator | undefined;
  readonly outputs: readonly Output[];
}

type Link =
  | { readonly kind: 'closed' }
  | {
      readonly kind: 'joining';
      readonly dueAt: number;
      readonly backoffMs: number;
      readonly hellos: number;
    }
  | { readonly kind: 'joined'; readonly heartbeatAt: number }
  /** `goodbye`: it has not been sent yet, and is all that still may be. */
  | { readonly kind: 'ended'; readonly goodbye: boolean };

type Registration = Pick<
  Welcome,
  'nodeId' | 'incarnation' | 'storeId' | 'heartbeatIntervalMs' | 'outputWindow'
> & { readonly epoch: number };

export class Session {
  #identity: Identity;
  #restored: readonly Assign[];
  readonly #executions: Executions;
  readonly #lifecycle: Lifecycle;
  readonly #reports = new StatusReports();
  readonly #commands: Commands;
  readonly #dialling: Dialling;
  #link: Link = { kind: 'closed' };
  /** The last answer that no graph has the module, or that the agent's cluster is not known: what the author was told. */
  #awaited: string | undefined;
  #registration: Registration | undefined;
  #messages: NodeMessage[] = [];
  readonly #logs = new LogBacklog();
  #say: 'hello' | 'heartbeat' | undefined;
  #helloSentAt = Number.NEGATIVE_INFINITY;
  #hasLeft = false;
  /** The executions that the newest hello named as begun. */
  #namedAsBegun: ReadonlySet<string> = new Set();
  #effects: Effect[] = [];

  /**
   * @param restored what an earlier process of this boot held when it ended
   * @param hasAddresses whether there are other addresses than the one that is dialled first
   */
  constructor(identity: Identity, restored: readonly Assign[] = [], hasAddresses = false) {
    this.#identity = identity;
    this.#dialling = new Dialling(hasAddresses);
    this.#restored = restored;
    const effect = (each: Effect) => this.#effects.push(each);
    const say = (message: NodeMessage) => this.#tell(message);
    const isAgent = identity.module === AGENT_MODULE;
    this.#executions = new Executions({ say, effect }, !isAgent);
    this.#lifecycle = new Lifecycle(
      {
        status: (status, error) => {
          if (this.#link.kind === 'joined') this.#reports.changed(status, error);
        },
        effect,
        ended: () => {
          this.#hasLeft = true;
        },
      },
      this.#executions,
      // How much an agent gets is the orchestrator's to say: its cluster is stored there.
      isAgent ? undefined : identity.capacity,
    );
    this.#commands = new Commands({ say, effect }, this.#executions, this.#lifecycle);
  }

  get status(): NodeStatus {
    return this.#lifecycle.status;
  }

  /** As given by the last welcome; empty before the first. */
  get nodeId(): string {
    return this.#registration?.nodeId ?? '';
  }

  /** When the next `tick` has something to do, on the clock of `now`. May be too early, never too late. */
  get wakeAt(): number {
    const link = this.#link;
    if (link.kind === 'ended' || link.kind === 'closed') return Number.POSITIVE_INFINITY;
    const linkAt = link.kind === 'joining' ? link.dueAt : link.heartbeatAt;
    return Math.min(linkAt, this.#executions.dueAt, this.#lifecycle.dueAt, this.#dialling.dueAt);
  }

  /** @param now monotonic milliseconds; never less than before. */
  step(event: SessionEvent, now: number): readonly Effect[] {
    this.#effects = [];
    if (this.#isEnded()) return this.#effects;
    this.#handle(event, now);
    this.#lifecycle.settle(now);
    if (this.#hasLeft && !this.#isEnded()) {
      this.#link = { kind: 'ended', goodbye: this.#link.kind === 'joined' };
      this.#effects.push({ kind: 'end' });
    }
    return this.#effects;
  }

  /** Whether log lines wait that could leave if the connection had room for them. */
  get hasLogs(): boolean {
    return this.#link.kind === 'joined' && !this.#logs.isEmpty;
  }

  /**
   * Everything there is to send, once, but for log lines that the connection has no room for, and the ends behind them.
   *
   * @param measure what the process costs; asked when a heartbeat is due
   */
  take(measure?: () => ProcessLoad, hasRoom = true): Outgoing {
    const logs = this.#takeLogs(hasRoom);
    const outputs = this.#executions.takeOutputs(
      ({ executionId, last }) => last && this.#logs.holds(executionId),
    );
    const messages = withoutImplied(this.#takeMessages(measure, logs), outputs);
    return {
      control:
        messages.length === 0
          ? undefined
          : {
              protocolVersion: PROTOCOL_VERSION,
              nodeId: this.nodeId,
              incarnation: this.#registration?.incarnation ?? 0,
              messages,
            },
      outputs,
    };
  }

  #takeLogs(hasRoom: boolean): LogLine[] {
    switch (this.#link.kind) {
      case 'joined':
        return hasRoom ? this.#logs.take(LOG_BYTES_PER_TURN) : [];
      case 'ended':
        return this.#link.goodbye ? this.#logs.take(Number.POSITIVE_INFINITY) : [];
      default:
        return [];
    }
  }

  #takeMessages(measure: (() => ProcessLoad) | undefined, logs: readonly LogLine[]): NodeMessage[] {
    const say = this.#say;
    this.#say = undefined;
    const link = this.#link;
    switch (link.kind) {
      case 'closed':
        return [];
      case 'joining':
        return say === 'hello' ? [this.#hello()] : [];
      case 'joined':
        return say === 'heartbeat'
          ? [...this.#takeSaid(logs), this.#heartbeat(measure)]
          : this.#takeSaid(logs);
      case 'ended':
        this.#link = { kind: 'ended', goodbye: false };
        return link.goodbye ? [...this.#takeSaid(logs), { kind: 'goodbye' }] : [];
      default:
        return link satisfies never;
    }
  }

  #takeSaid(logs: readonly LogLine[]): NodeMessage[] {
    const [first, later] = partition(this.#messages, isBeginning);
    const [held, rest] = partition(
      later,
      (message) => isEnd(message) && this.#logs.holds(message.executionId),
    );
    this.#messages = held;
    return [...first, ...logs, ...rest, ...this.#reports.take()];
  }

  #handle(event: SessionEvent, now: number): void {
    switch (event.kind) {
      case 'open':
        if (this.#link.kind === 'closed') this.#open(now);
        return;
      case 'frame':
        this.#frame(event.frame, now);
        return;
      case 'line':
        this.#dialling.line(event.isUp, now);
        return;
      case 'tick':
        this.#tick(now);
        return;
      case 'types_missing':
        this.#rejoin(now);
        return;
      case 'begun':
        this.#executions.begun(event.executionId);
        return;
      case 'progress':
        this.#executions.progress(event.executionId, event.fraction, event.message, now);
        return;
      case 'log':
        this.#log(event);
        return;
      case 'kept':
        this.#tell(event);
        return;
      case 'crashed':
        this.#executions.crashed(event.executionId, event.error, now);
        return;
      case 'logs_lost':
        for (const { executionId, lease, at } of event.lines) this.#logs.drop(executionId, lease, at, 1);
        return;
      case 'publish':
        this.#executions.publish(event.executionId, event.produced, event.ticket, now);
        return;
      case 'returned':
        this.#executions.returned(event.executionId, event.result, now);
        return;
      case 'uploaded':
        this.#executions.uploaded(event.executionId, event.seq, now);
        return;
      case 'upload_failed':
        this.#executions.outputRefused(event.executionId, event.seq, event.error, now);
        return;
      case 'hook_done':
        this.#lifecycle.hookDone(event.hook, event.error, now);
        return;
      case 'configured':
        this.#commands.configured(event.transactionId, event.configuration, event.error);
        return;
      case 'trouble':
        this.#lifecycle.trouble(event.error);
        return;
      case 'resources':
        if (isDeepStrictEqual(this.#identity.resources, event.resources)) return;
        this.#identity = { ...this.#identity, resources: event.resources };
        this.#rejoin(now);
        return;
      case 'leave':
        this.#link = { kind: 'ended', goodbye: false };
        this.#effects.push({ kind: 'end' });
        return;
      case 'shutdown': {
        const graceAt = now + event.graceMs;
        this.#lifecycle.terminate(event.reason, graceAt, graceAt + event.flushMs, now, event.error);
        return;
      }
      default:
        event satisfies never;
    }
  }

  #frame(frame: ToNode, now: number): void {
    this.#dialling.answered();
    for (const message of frame.messages) {
      if (message.kind === 'welcome') {
        this.#welcomed(message, frame.epoch, now);
      } else if (message.kind === 'refused') {
        this.#refused(message, frame.incarnation, now);
      } else if (
        this.#link.kind === 'joined' &&
        frame.incarnation === this.#registration?.incarnation &&
        frame.epoch >= this.#registration.epoch
      ) {
        switch (message.kind) {
          case 'assign':
            this.#assign(message, now);
            break;
          case 'output_acks':
            for (const ack of message.acks) this.#executions.acked(ack, now);
            break;
          case 'node_command':
            if (this.#commands.node(message, now)) {
              this.#reports.force(this.status, this.#lifecycle.error);
            }
            break;
          case 'task_command':
            this.#commands.task(message, now);
            break;
          case 'forget':
          case 'heartbeat_reply':
            this.#effects.push(message);
            break;
          case 'config_request':
            this.#commands.configure(message);
            break;
          default:
            message satisfies never;
        }
      }
      // The next message of the frame meets the node as this one has left it.
      this.#lifecycle.settle(now);
    }
  }

  #tick(now: number): void {
    if (now >= this.#dialling.dueAt) this.#redial(now);
    const link = this.#link;
    if (link.kind === 'joining' && now >= link.dueAt) {
      this.#sayHello(Math.min(link.backoffMs * 2, HELLO_MAX_MS), link.hellos + 1, now);
    } else if (link.kind === 'joined' && now >= link.heartbeatAt) {
      this.#say = 'heartbeat';
      this.#beatAfter(now);
    }
    this.#executions.tick(now);
  }

  #beatAfter(now: number): void {
    this.#link = { kind: 'joined', heartbeatAt: now + (this.#registration?.heartbeatIntervalMs ?? 0) };
  }

  #redial(now: number): void {
    const link = this.#link;
    if (link.kind === 'joined')
      this.#note('warn', 'the connection is lost for too long: the node tries its other addresses', {});
    this.#dialling.dialled(now);
    this.#effects.push({ kind: 'redial' });
    this.#messages = [];
    this.#say = undefined;
    this.#executions.closed();
    const dueAt = Math.max(now, this.#helloSentAt + HELLO_FIRST_MS);
    const hellos = link.kind === 'joining' ? link.hellos : 0;
    this.#link = { kind: 'joining', dueAt, backoffMs: HELLO_FIRST_MS / 2, hellos };
  }

  #open(now: number): void {
    this.#dialling.dialled(now);
    for (const assign of this.#restored) this.#executions.restore(assign, now);
    this.#restored = [];
    this.#join(now);
  }

  #rejoin(now: number): void {
    if (this.#link.kind === 'joined') this.#join(now);
  }

  #join(now: number): void {
    this.#messages = [];
    this.#say = undefined;
    this.#executions.closed();
    const earliest = this.#helloSentAt + HELLO_FIRST_MS;
    if (earliest <= now) this.#sayHello(HELLO_FIRST_MS, 1, now);
    else this.#link = { kind: 'joining', dueAt: earliest, backoffMs: HELLO_FIRST_MS / 2, hellos: 0 };
  }

  #sayHello(backoffMs: number, hellos: number, now: number): void {
    this.#say = 'hello';
    this.#helloSentAt = now;
    this.#link = { kind: 'joining', dueAt: now + backoffMs, backoffMs, hellos };
    if (hellos === HELLOS_BEFORE_NOTE && this.#awaited === undefined) {
      const hint = 'check that this is the control address and that the orchestrator is running';
      this.#note('warn', 'no orchestrator has answered yet; the node keeps trying', { hellos, hint });
    }
  }

  #hello(): Hello {
    this.#reports.told(this.status);
    const all = this.#executions.held();
    const held = all.slice(0, HELD_IN_HELLO);
    const isCut = held.length < all.length;
    this.#namedAsBegun = new Set(
      held.flatMap(({ executionId, state }) => (state === 'ACCEPTED' ? [] : [executionId])),
    );
    return {
      ...{ kind: 'hello', ...this.#identity, status: this.status, held },
      ...(isCut && { heldInAll: all.length }),
    };
  }

  #heartbeat(measure: (() => ProcessLoad) | undefined): NodeMessage {
    return {
      kind: 'heartbeat',
      status: this.status,
      running: this.#executions.running(),
      ...(measure && { load: { ...measure(), executing: this.#executions.busy } }),
    };
  }

  #welcomed(welcome: Welcome, epoch: number, now: number): void {
    const before = this.#registration;
    const sameStore = before?.storeId === welcome.storeId;
    if (before && sameStore && before.nodeId === welcome.nodeId && welcome.incarnation < before.incarnation) {
      return;
    }
    // From an orchestrator that leads no longer.
    if (before && sameStore && epoch < before.epoch) return;
    const { nodeId, incarnation, storeId, heartbeatIntervalMs, outputWindow } = welcome;
    // The answer to a hello that was said twice: nothing was lost since the first one.
    const isRepeat =
      this.#link.kind === 'joined' &&
      sameStore &&
      before?.incarnation === incarnation &&
      before.epoch === epoch;
    this.#registration = { nodeId, incarnation, storeId, heartbeatIntervalMs, outputWindow, epoch };
    this.#dialling.welcomed(welcome.deadAfterMs);
    if (before && !sameStore) this.#executions.forgetEnds();
    this.#awaited = undefined;
    this.#beatAfter(now);
    this.#effects.push({ kind: 'welcomed', welcome });
    this.#executions.resume();
    for (const executionId of welcome.drop) {
      this.#executions.abandon(executionId, 'the orchestrator no longer wants it', now);
    }
    if (isRepeat) return;
    this.#executions.opened(outputWindow, now);
    this.#executions.sayBegun(this.#namedAsBegun);
    if (this.#executions.running().length > HELD_IN_HELLO) this.#say = 'heartbeat';
    this.#reports.changed(this.status, this.#lifecycle.error);
    if (this.#lifecycle.error) this.#reports.force(this.status, this.#lifecycle.error);
    this.#note('info', before ? 'registered again' : 'registered', {
      node_id: nodeId,
      incarnation,
      epoch,
      dropped: welcome.drop.length,
    });
  }

  #refused(refused: Refused, frameIncarnation: number, now: number): void {
    const { code, message, hint, executionId, seq } = refused;
    const answered = refused.incarnation ?? frameIncarnation;
    if (this.#registration && answered > 0 && answered < this.#registration.incarnation) return;
    const remedy = Object.hasOwn(REFUSALS, code) ? REFUSALS[code as keyof typeof REFUSALS] : undefined;
    if (remedy === 'final') {
      this.#effects.push({
        kind: 'end',
        error: new TuttiError(code, message, hint === undefined ? {} : { hint }),
      });
      for (const each of this.#executions.running()) this.#executions.abandon(each, message, now);
      this.#link = { kind: 'ended', goodbye: false };
      return;
    }
    if (code === 'say_hello' || code === 'stale_incarnation') {
      this.#note('info', 'the orchestrator asks for a registration', { code, message });
      this.#rejoin(now);
      return;
    }
    if (code === 'unknown_module' || code === 'unknown_cluster') {
      this.#await(code, message, hint);
      return;
    }
    this.#note('warn', `refused: ${message}`, {
      code,
      hint,
      execution_id: executionId,
      seq,
      command_id: refused.commandId,
      transaction_id: refused.transactionId,
    });
    if (executionId === undefined || !this.#executions.isHeld(executionId)) return;
    if (code === 'blob_missing') {
      this.#executions.blobMissing(executionId, seq);
    } else if (code === 'unknown_execution' || code === 'stale_execution') {
      this.#executions.abandon(executionId, message, now);
    } else if (remedy === 'forget' && seq !== undefined) {
      this.#executions.outputRefused(executionId, seq, { code, message, retryable: false }, now);
    }
  }

  /** The hello is repeated as it is anyway; its author is told once, and again when the answer is another one. */
  #await(code: 'unknown_module' | 'unknown_cluster', message: string, hint: string | undefined): void {
    const answer = `${message} ${hint ?? ''}`;
    if (this.#awaited === answer) return;
    this.#awaited = answer;
    const what = code === 'unknown_module' ? 'a graph' : 'the cluster';
    this.#note('warn', `waits for ${what} to be stored: ${message}`, { code, hint });
  }

  #assign(assign: Assign, now: number): void {
    const { module } = this.#identity;
    const refusal =
      assign.module === module || (module === AGENT_MODULE && assign.run !== undefined)
        ? this.#lifecycle.refusal()
        : {
            code: 'wrong_module',
            message: `this node plays ${this.#identity.module}, not ${assign.module}`,
            retryable: true,
          };
    this.#executions.assign(assign, refusal, now);
  }

  #log(event: SessionEvent & { kind: 'log' }): void {
    const { executionId } = event;
    const lease = this.#executions.logs(executionId);
    if (lease !== undefined) this.#logs.add({ ...event, lease });
  }

  #tell(message: NodeMessage): void {
    if (this.#link.kind !== 'joined') return;
    // An end that still waits behind its log lines is said once.
    const { executionId } = isEnd(message) ? message : {};
    if (executionId !== undefined && this.#logs.holds(executionId)) {
      this.#messages = this.#messages.filter((each) => !isEnd(each) || each.executionId !== executionId);
    }
    this.#messages.push(message);
  }

  #isEnded(): boolean {
    return this.#link.kind === 'ended';
  }

  #note(level: LogLevel, message: string, fields: Readonly<Record<string, unknown>>): void {
    this.#effects.push({ kind: 'note', level, message, fields });
  }
}

/** The first word about an execution. */
function isBeginning(message: NodeMessage): boolean {
  return message.kind === 'execution_report' && (message.state === 'ACCEPTED' || message.state === 'RUNNING');
}

function isEnd(message: NodeMessage): message is ExecutionReport {
  return (
    message.kind === 'execution_report' &&
    (message.state === 'FAILED' || message.state === 'CANCELLED' || message.state === 'PREEMPTED')
  );
}

/** An output says that its execution runs: where the first one leaves in the same turn, and nothing was said in between, it says so alone. */
function withoutImplied(messages: NodeMessage[], outputs: readonly Output[]): NodeMessage[] {
  const begun = new Set<string>();
  for (const { executionId, seq } of outputs) if (seq === 1) begun.add(executionId);
  if (begun.size === 0) return messages;
  for (const message of messages) {
    const saysMore = message.kind === 'log' || (message.kind === 'execution_report' && !isBeginning(message));
    if (saysMore) begun.delete(message.executionId);
  }
  return messages.filter(
    (message) =>
      message.kind !== 'execution_report' || message.state !== 'RUNNING' || !begun.has(message.executionId),
  );
}

function partition<T>(items: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] {
  const first: T[] = [];
  const rest: T[] = [];
  for (const item of items) (isFirst(item) ? first : rest).push(item);
  return [first, rest];
}
