/**
 * Performs a committed journal: frames to nodes, events to subscribers and viewers, answers to callers.
 *
 * 1. One frame for each peer and turn, in the order welcome, acks, commands, assignments; more only where one would be too large.
 * 2. An assignment whose inputs or secrets cannot be read is not sent: it is repeated until it is accepted, and says so each time.
 * 3. Nothing here waits for the loop, which waits for it.
 */

import type { Logger } from '../../base/logger.js';
import type { OrchestratorBus, Route } from '../../bus/bus.js';
import { type EncodedEvent, type Subject, taskIdOf } from '../../model/facts.js';
import type { BlobRef, PayloadRef } from '../../model/payload.js';
import {
  type Assign,
  type InputValue,
  type OrchestratorMessage,
  type OutputAck,
  PROTOCOL_VERSION,
} from '../../model/protocol.js';
import type { AssignedRun } from '../../model/run.js';
import { formatTaskId } from '../../model/task-id.js';
import { taskHasEnded } from '../../model/task-state.js';
import type { Reader } from '../../store/store.js';
import { encodeEvent, encodeToNode } from '../../wire/codec.js';
import { nodeTopic, problemTopic, taskTopic } from '../../wire/topics.js';
import type { ReplicaNode } from '../access/replica-tokens.js';
import type { Vault } from '../access/vault.js';
import type { AssignOrder, Journal, RefusedPeer, Reply, Sending } from '../core/journal.js';
import type { Settings } from '../core/turn.js';
import type { PayloadCache } from './payload-cache.js';

/** With what the nodes of replicas register, where connections are encrypted. A run is a task. */
export interface ReplicaKeys {
  /** A token by which this node, and no other, enrols its key for this run. */
  join(node: ReplicaNode): Promise<string>;
  /** The tokens and keys of other runs are gone from now on. */
  endRuns(isOpen: (run: string) => boolean): Promise<void>;
}

export interface PerformDeps {
  readonly bus: Pick<OrchestratorBus, 'send' | 'admit' | 'end' | 'publish' | 'isWanted'>;
  readonly store: Pick<Reader, 'get'>;
  readonly cache: PayloadCache;
  readonly settings: Settings;
  readonly vault: Pick<Vault, 'open'>;
  /** @default connections are not encrypted */
  readonly joining?: {
    readonly join: ReplicaKeys['join'];
    /** The token that the assignment of this execution was held back for is there. */
    readonly onJoin: (executionId: string) => void;
  };
  /** The token of a replica's node, where connections are not encrypted and a token is needed. */
  readonly replicaToken: (node: ReplicaNode) => string;
  readonly logger: Logger;
  readonly onCommitted: (events: readonly EncodedEvent[]) => void;
  /** Events before this `seq` are gone. */
  readonly onTrimmed: (oldest: number) => void;
  readonly onReply: (reply: Reply, cursor: number) => void;
  readonly onRefused: (refused: RefusedPeer) => void;
}

/** Assignments that are not accepted yet are few. */
const JOINS_HELD = 1000;
/** In the working folder of its run: each run of a replica has a key of its own. */
const KEYS_FOLDER = '.tutti-keys';

/** The order of messages in a frame. */
const ORDER: Readonly<Record<OrchestratorMessage['kind'], number>> = {
  welcome: 0,
  refused: 1,
  output_acks: 1,
  node_command: 2,
  task_command: 2,
  config_request: 2,
  forget: 2,
  heartbeat_reply: 2,
  assign: 3,
};

export class Performer {
  readonly #deps: PerformDeps;
  /** By execution: an assignment that is sent again has the same token. Nothing where it is not stored yet. */
  readonly #joins = new Map<string, string | undefined>();

  constructor(deps: PerformDeps) {
    this.#deps = deps;
  }

  async perform(journal: Journal): Promise<void> {
    for (const { ref, bytes } of journal.payloads) this.#deps.cache.put(ref, bytes);
    for (const route of journal.admitted) this.#deps.bus.admit(route);
    for (const sending of journal.sendings) {
      const messages = this.#resolveNow(sending.messages) ?? (await this.#resolve(sending.messages));
      this.#send(sending, messages);
    }
    for (const route of journal.closed) this.#deps.bus.end(route);
    for (const task of journal.tasks) if (taskHasEnded(task.state)) this.#deps.cache.forget(task.id);
    if (journal.events.length > 0) {
      this.#deps.onCommitted(journal.events);
      this.#publish(journal.events);
      this.#warn(journal.events);
    }
    if (journal.trimmedTo !== undefined) this.#deps.onTrimmed(journal.trimmedTo);
    for (const reply of journal.replies) this.#deps.onReply(reply, journal.cursor);
    for (const refused of journal.refusals) this.#deps.onRefused(refused);
  }

  /** The common case: every input is at hand. Nothing when one has to be read from the store. */
  #resolveNow(messages: Sending['messages']): OrchestratorMessage[] | undefined {
    const resolved: OrchestratorMessage[] = [];
    for (const message of messages) {
      if (message.kind !== 'assign order') {
        resolved.push(message);
        continue;
      }
      if (!this.#isEnrolled(message)) continue;
      const values: InputValue[] = [];
      for (const { ref } of message.inputs) {
        const value = this.#valueAtHand(ref);
        if (!value) return undefined;
        values.push(value);
      }
      this.#pushAssign(resolved, message, values);
    }
    return resolved;
  }

  async #resolve(messages: Sending['messages']): Promise<OrchestratorMessage[]> {
    const resolved: OrchestratorMessage[] = [];
    for (const message of messages) {
      if (message.kind !== 'assign order') {
        resolved.push(message);
        continue;
      }
      if (!this.#isEnrolled(message)) continue;
      const values: InputValue[] = [];
      for (const { ref } of message.inputs) {
        const value = this.#valueAtHand(ref) ?? (await this.#read(ref));
        if (value) values.push(value);
        else
          this.#deps.logger.error(
            { ref, execution_id: message.executionId },
            'an input of an assignment is not in the store',
          );
      }
      if (values.length === message.inputs.length) this.#pushAssign(resolved, message, values);
    }
    return resolved;
  }

  #valueAtHand(ref: PayloadRef): InputValue | undefined {
    if (ref.blob) return { kind: 'blob', blob: ref.blob, url: this.#urlOf(ref.blob) };
    const bytes = this.#deps.cache.get(ref);
    return bytes && { kind: 'inline', bytes };
  }

  async #read(ref: PayloadRef): Promise<InputValue | undefined> {
    const bytes = await this.#deps.store.get('payloads', [
      ref.problemId,
      ref.iterationId,
      ref.owner,
      ref.seq,
    ]);
    if (!bytes) return undefined;
    this.#deps.cache.put(ref, bytes);
    return { kind: 'inline', bytes };
  }

  #pushAssign(resolved: OrchestratorMessage[], order: AssignOrder, values: readonly InputValue[]): void {
    const run = order.run && this.#toRun(order.run, order);
    if (!order.run || run) resolved.push(this.#toAssign(order, values, run));
  }

  /** Nothing where a secret is not there. */
  #toRun(
    run: NonNullable<AssignOrder['run']>,
    { executionId, node, taskId }: Pick<AssignOrder, 'executionId' | 'node' | 'taskId'>,
  ): AssignedRun | undefined {
    const secrets: Record<string, string> = {};
    for (const [variable, secret] of Object.entries(run.secrets)) {
      const value = secret && this.#deps.vault.open(secret);
      if (value === undefined) {
        const about = { execution_id: executionId, variable, secret: secret?.name };
        this.#deps.logger.error(about, 'a secret of an assignment is not there');
        return undefined;
      }
      secrets[variable] = value;
    }
    if (node) Object.assign(secrets, this.#credentials(executionId, { ...node, run: formatTaskId(taskId) }));
    const env = node ? { ...run.env, ...this.#envOf(node) } : run.env;
    return {
      ...run,
      env,
      secrets,
      files: run.files.map((file) => ({ ...file, url: this.#urlOf(file.blob) })),
    };
  }

  /**
   * Whether a replica that is a node has its token, where it needs one. It is made at the first time, and stored by the loop, which waits for what is
   * performed: so the assignment is held back, and said again when the token is there.
   */
  #isEnrolled({ node, executionId, taskId }: AssignOrder): boolean {
    const { joining, logger } = this.#deps;
    if (!node || !joining || this.#joins.get(executionId) !== undefined) return true;
    if (this.#joins.has(executionId)) return false;
    this.#joins.set(executionId, undefined);
    if (this.#joins.size > JOINS_HELD) this.#joins.delete(this.#joins.keys().next().value!);
    joining.join({ ...node, run: formatTaskId(taskId) }).then(
      (token) => {
        this.#joins.set(executionId, token);
        joining.onJoin(executionId);
      },
      (cause: unknown) => {
        // The assignment comes again.
        this.#joins.delete(executionId);
        logger.error({ err: cause, execution_id: executionId }, 'a token for a replica could not be stored');
      },
    );
    return false;
  }

  #envOf({ module, instance }: NonNullable<AssignOrder['node']>): Record<string, string> {
    return {
      TUTTI_CONTROL: this.#deps.settings.controlEndpoint,
      ...{ TUTTI_MODULE: module, TUTTI_INSTANCE: instance },
      ...(this.#deps.joining && { TUTTI_KEYS: KEYS_FOLDER }),
    };
  }

  /** Masked in what the replica writes, like secrets. */
  #credentials(executionId: string, node: ReplicaNode): Record<string, string> {
    const join = this.#joins.get(executionId);
    if (join !== undefined) return { TUTTI_JOIN: join };
    return this.#deps.settings.token === undefined ? {} : { TUTTI_TOKEN: this.#deps.replicaToken(node) };
  }

  #toAssign(order: AssignOrder, values: readonly InputValue[], run: AssignedRun | undefined): Assign {
    const { executionId, lease, taskId, module, attempt, timeoutMs } = order;
    const inputs = order.inputs.map(({ name, type, previous }, index) => ({
      name,
      type,
      previous,
      value: values[index]!,
    }));
    // Field by field: an object that begins with a spread takes V8 some microseconds to make.
    return {
      kind: 'assign',
      executionId,
      lease,
      taskId,
      module,
      attempt,
      timeoutMs,
      inputs,
      ...(order.outputType !== undefined && { outputType: order.outputType }),
      ...(order.outputs && { outputs: order.outputs }),
      ...(order.descriptors && { descriptors: order.descriptors }),
      ...(order.traceparent !== undefined && { traceparent: order.traceparent }),
      ...(order.pass !== undefined && { pass: order.pass }),
      ...(order.item !== undefined && { item: order.item }),
      ...(run && { run }),
    };
  }

  #urlOf({ sha256 }: BlobRef): string {
    return `${this.#deps.settings.blobUrl}/${sha256}`;
  }

  #send(sending: Sending, messages: OrchestratorMessage[]): void {
    const batch = mergeAcks(messages).sort((a, b) => ORDER[a.kind] - ORDER[b.kind]);
    for (const part of split(batch, this.#deps.settings.maxFrameBytes / 2)) {
      this.#sendFrame(sending.route, sending.incarnation, part);
    }
  }

  #sendFrame(route: Route, incarnation: number, messages: readonly OrchestratorMessage[]): void {
    const { epoch } = this.#deps.settings;
    this.#deps.bus.send(
      route,
      encodeToNode({ protocolVersion: PROTOCOL_VERSION, epoch, incarnation, messages }),
    );
  }

  /** A condition that an operator should look into. */
  #warn(events: readonly EncodedEvent[]): void {
    for (const { fact } of events) {
      if (fact.type !== 'node.conflict') continue;
      const { module, instance, code, message } = fact;
      this.#deps.logger.warn({ instance, code, message, module }, 'node.conflict');
    }
  }

  #publish(events: readonly EncodedEvent[]): void {
    const { bus } = this.#deps;
    for (const event of events) {
      const subject: Subject = event.fact;
      const topics = [problemOrTaskTopic(subject), subject.node_id && nodeTopic(subject.node_id)];
      for (const topic of topics) {
        // A sent frame belongs to the bus, so each topic gets its own.
        if (topic && bus.isWanted(topic)) bus.publish(topic, encodeEvent(event));
      }
    }
  }
}

function problemOrTaskTopic(subject: Subject): string | undefined {
  const taskId = taskIdOf(subject);
  if (taskId) return taskTopic(taskId);
  return subject.problem_id === undefined ? undefined : problemTopic(subject.problem_id);
}

function mergeAcks(messages: OrchestratorMessage[]): OrchestratorMessage[] {
  const acks: OutputAck[] = [];
  const others: OrchestratorMessage[] = [];
  for (const message of messages) {
    if (message.kind === 'output_acks') acks.push(...message.acks);
    else others.push(message);
  }
  if (acks.length > 0) others.push({ kind: 'output_acks', acks });
  return others;
}

/** Frames of about `maxBytes` of payload at most; at least one, since an empty one is a probe. */
function split(messages: readonly OrchestratorMessage[], maxBytes: number): OrchestratorMessage[][] {
  const frames: OrchestratorMessage[][] = [[]];
  let bytes = 0;
  for (const message of messages) {
    const size = message.kind === 'assign' ? payloadBytes(message) : 0;
    if (bytes + size > maxBytes && frames.at(-1)!.length > 0) {
      frames.push([]);
      bytes = 0;
    }
    frames.at(-1)!.push(message);
    bytes += size;
  }
  return frames;
}

function payloadBytes(assign: Assign): number {
  let bytes = assign.descriptors?.byteLength ?? 0;
  for (const { value } of assign.inputs) bytes += value.kind === 'inline' ? value.bytes.byteLength : 0;
  return bytes;
}
