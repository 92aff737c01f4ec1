/**
 * The shell around a session: its sockets, its timers, its handlers.
 *
 * 1. Events are taken one at a time and in order, also those that an effect brings about.
 * 2. What a turn of the loop has to say leaves at its end: one frame of each kind, control before outputs (more only where one
 *    would be too large).
 * 3. Nothing that comes in throws: a frame that cannot be read is noted and ignored.
 */
import type { Clock } from '../base/clock.js';
import { messageOf, TuttiError } from '../base/errors.js';
import type { NodeBus } from '../bus/bus.js';
import type { NodeStatus } from '../model/node.js';
import {
  type Assign,
  type KeptExecution,
  type LogLevel,
  type LogLine,
  PROTOCOL_VERSION,
  type ReportedError,
  type TypeSchema,
  type Welcome,
} from '../model/protocol.js';
import { AGENT_MODULE, type Resources } from '../model/run.js';
import { decodeToNode, encodeOutputs, encodeToOrchestrator } from '../wire/codec.js';
import { outputTopic } from '../wire/topics.js';
import { type TypeRegistry, typesFromDescriptors } from '../wire/types.js';
import { asDialled } from './addresses.js';
import type { BlobClient } from './blobs.js';
import { HTTP_PORT, isHttp, withAddress } from './dialled.js';
import { type AbortCode, bounded, reportedError } from './errors.js';
import type { ExecutionRunDeps, PayloadRules } from './execution-run.js';
import { inFrames, messageSize, outputSize } from './frames.js';
import type { Kept } from './kept.js';
import type { NodeLogger, NodeSettings } from './options.js';
import type { Effect, Hook, SessionEvent } from './session/events.js';
import { type ProcessLoad, Session } from './session.js';
import type { Timers } from './timers.js';

/** One execution on its way to its `returned` event. */
export interface Run {
  run(): Promise<void>;
  abort(code: AbortCode, reason: string, graceMs: number): void;
  /** A partial output has its place in the output window. */
  admitted(ticket: number): void;
}

/** The node's handling of an execution. */
export interface Player {
  play(assign: Assign, deps: ExecutionRunDeps): Run;
  /** With every welcome. */
  welcomed?(welcome: Welcome): void;
  /** The end of this execution is known to both sides. */
  released?(executionId: string): void;
  /** The tasks of these executions, which had ended, are removed. */
  forget?(executionIds: readonly string[]): void;
  /** The session has ended, perhaps before its work. */
  ended?(): Promise<void>;
}

export interface RuntimeDeps {
  readonly bus: NodeBus;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly blobs: BlobClient;
  readonly logger: NodeLogger;
  /** Random per process start, unless the node keeps its state. */
  readonly bootId: string;
  /** Where the node has a state folder. */
  readonly kept?: Pick<Kept, 'restored' | 'add' | 'remove'>;
  /** The types that the author wrote the node against. */
  readonly schemas?: readonly TypeSchema[];
  /** The resource use of the process, for the heartbeats. */
  readonly measure?: () => ProcessLoad;
}

/** So many have room in any frame. */
const KEPT_AT_ONCE = 400;
/** A peer that sends rubbish does not fill the log. */
const BAD_FRAME_NOTE_INTERVAL_MS = 10_000;

export class Runtime {
  readonly #settings: NodeSettings;
  readonly #player: Player;
  readonly #deps: RuntimeDeps;
  readonly #session: Session;
  readonly #runs = new Map<string, Run>();
  /** Ends what goes on beside the handlers: uploads that were asked for again. */
  readonly #lifetime = new AbortController();
  readonly #started = settleable<void>();
  readonly #stopped = settleable<void>();
  #rules: PayloadRules = {
    types: typesFromDescriptors(new Uint8Array()),
    outputType: 'json',
    inlineMaxBytes: 0,
  };
  #descriptors: Uint8Array = new Uint8Array();
  /** Of the graph version whose types came with an assignment last. */
  #version: { readonly descriptors: Uint8Array; readonly types: TypeRegistry } | undefined;
  #maxFrameBytes = Number.POSITIVE_INFINITY;
  /** Runs that wait for the next welcome's types. */
  #awaitingRules: (() => void)[] = [];
  #events: SessionEvent[] = [];
  #isStepping = false;
  #failure: TuttiError | undefined;
  /** The place of the dialled one among the addresses. */
  #dialled = 0;
  #flushScheduled = false;
  /** By frame, the log lines in it: where the frame is dropped, that is told. */
  readonly #logsIn = new WeakMap<Uint8Array, readonly LogLine[]>();
  #wake: { readonly at: number; readonly cancel: () => void } | undefined;
  #badFrames = { count: 0, notedAt: Number.NEGATIVE_INFINITY };

  constructor(settings: NodeSettings, player: Player, deps: RuntimeDeps) {
    const { module, instance, version, capacity, labels, outputType } = settings;
    // The token is for those who have no key: a connection with one needs it for blobs only.
    const token = settings.join || settings.token;
    this.#settings = settings;
    this.#player = player;
    this.#deps = deps;
    this.#session = new Session(
      {
        ...{ module, instance, version, capacity, labels, outputType, token },
        bootId: deps.bootId,
        ...(deps.schemas?.length && { schemas: deps.schemas }),
        typesByAssignment: true,
      },
      deps.kept?.restored,
      settings.controls.length > 1,
    );
  }

  get nodeId(): string {
    return this.#session.nodeId;
  }

  get status(): NodeStatus {
    return this.#session.status;
  }

  /** Settles when the node has ended; rejects with the final refusal, if that was why. */
  get stopped(): Promise<void> {
    return this.#stopped.promise;
  }

  /** Settles with the first welcome; rejects with a final refusal before it. */
  async start(): Promise<void> {
    await this.#deps.bus.start({
      onControl: (frame) => this.#receive(frame),
      onLine: (isUp) => this.#emit({ kind: 'line', isUp }),
      onRoom: () => {
        if (this.#session.hasLogs) this.#scheduleFlush();
      },
      onDropped: (frame) => {
        const lines = this.#logsIn.get(frame);
        if (lines) this.#emit({ kind: 'logs_lost', lines });
      },
    });
    this.#emit({ kind: 'open' });
    await this.#started.promise;
  }

  /** Gives the work back, says goodbye, and ends; with a state folder it ends at once and keeps its work. Idempotent. */
  stop(reason: string): Promise<void> {
    if (!this.#deps.kept) return this.#shutDown(reason);
    this.#emit({ kind: 'leave' });
    return this.#stopped.promise;
  }

  /** An agent's cluster cannot be asked, or can be again. */
  trouble(error: ReportedError | undefined): void {
    this.#emit({ kind: 'trouble', ...(error && { error }) });
  }

  /** The total resources of an agent's cluster. */
  has(resources: Resources): void {
    this.#emit({ kind: 'resources', resources });
  }

  /** Of an agent: executions that have ended, whose working folders it keeps. */
  kept(executions: readonly KeptExecution[]): void {
    for (let at = 0; at < executions.length; at += KEPT_AT_ONCE)
      this.#emit({ kind: 'kept', executions: executions.slice(at, at + KEPT_AT_ONCE) });
  }

  /** As `stop`, but `stopped` rejects: the process cannot continue. */
  fail(why: string): Promise<void> {
    this.#failure ??= new TuttiError('uncaught_error', why);
    if (this.#settings.module === AGENT_MODULE) return this.stop(why);
    return this.#shutDown(why, { code: 'process_ended', message: bounded(why), retryable: true });
  }

  /** For a process that exits now, perhaps within a handler that an event has just started: what is there to say leaves. */
  flushAtExit(): void {
    this.#stepAll();
    this.#flush();
  }

  #shutDown(reason: string, error?: ReportedError): Promise<void> {
    const { shutdownGraceMs: graceMs, flushMs } = this.#settings;
    this.#emit({ kind: 'shutdown', reason, graceMs, flushMs, ...(error && { error }) });
    return this.#stopped.promise;
  }

  #receive(frame: Uint8Array): void {
    const decoded = decodeToNode(frame);
    if (!decoded.ok) {
      this.#noteBadFrame(isHttp(frame) ? HTTP_PORT : `ignored an unreadable message: ${decoded.message}`);
      return;
    }
    for (const { message } of decoded.faults) this.#noteBadFrame(`ignored an unreadable message: ${message}`);
    this.#emit({ kind: 'frame', frame: decoded.value });
  }

  #noteBadFrame(message: string): void {
    this.#badFrames.count += 1;
    const now = this.#deps.clock.monotonicMs();
    if (now < this.#badFrames.notedAt + BAD_FRAME_NOTE_INTERVAL_MS) return;
    this.#note('warn', message, { count: this.#badFrames.count });
    this.#badFrames = { count: 0, notedAt: now };
  }

  /** Every message about the orchestrator says which address is dialled. */
  #note(level: LogLevel, message: string, fields: Readonly<Record<string, unknown>>): void {
    const control = this.#control;
    this.#deps.logger[level]({ control, ...fields }, `${control}: ${message}`);
  }

  #emit(event: SessionEvent): void {
    this.#events.push(event);
    if (this.#isStepping) return;
    this.#isStepping = true;
    try {
      this.#stepAll();
    } finally {
      this.#isStepping = false;
    }
    this.#scheduleFlush();
    this.#scheduleWake();
  }

  #stepAll(): void {
    for (let next = this.#events.shift(); next; next = this.#events.shift()) {
      for (const effect of this.#session.step(next, this.#deps.clock.monotonicMs())) this.#perform(effect);
    }
  }

  #perform(effect: Effect): void {
    switch (effect.kind) {
      case 'welcomed':
        this.#welcomed(effect.welcome);
        return;
      case 'run': {
        const { executionId } = effect.assign;
        if (!effect.isResumed) this.#deps.kept?.add(effect.assign);
        const run = this.#player.play(effect.assign, {
          isResumed: effect.isResumed,
          rules: () => this.#rulesFor(effect.assign),
          newerRules: () =>
            new Promise((resolve) => {
              this.#awaitingRules.push(resolve);
              this.#emit({ kind: 'types_missing' });
            }),
          blobs: this.#deps.blobs,
          clock: this.#deps.clock,
          control: this.#control,
          captureOutput: this.#settings.captureOutput,
          logger: this.#deps.logger,
          emit: (event) => this.#emit(event),
        });
        this.#runs.set(executionId, run);
        void run.run().then(() => this.#runs.delete(executionId));
        return;
      }
      case 'released':
        this.#deps.kept?.remove(effect.executionId);
        this.#player.released?.(effect.executionId);
        return;
      case 'forget':
        this.#player.forget?.(effect.executionIds);
        return;
      case 'heartbeat_reply':
        this.#deps.blobs.setToken(effect.blobToken);
        return;
      case 'redial':
        this.#redial();
        return;
      case 'abort':
        this.#runs.get(effect.executionId)?.abort(effect.code, effect.reason, effect.graceMs);
        return;
      case 'admitted':
        this.#runs.get(effect.executionId)?.admitted(effect.ticket);
        return;
      case 'upload':
        void this.#upload(effect);
        return;
      case 'hook':
        void this.#runHook(effect.hook);
        return;
      case 'configure':
        void this.#configure(effect.transactionId, effect.configuration);
        return;
      case 'note':
        this.#note(effect.level, effect.message, effect.fields);
        return;
      case 'end':
        void this.#end(effect.error && withAddress(effect.error, this.#control));
        return;
      default:
        effect satisfies never;
    }
  }

  get #control(): string {
    return this.#settings.controls[this.#dialled]!;
  }

  #redial(): void {
    this.#dialled = (this.#dialled + 1) % this.#settings.controls.length;
    try {
      this.#deps.bus.dial(this.#dialled);
    } catch (error) {
      this.#note('error', messageOf(error), { code: (error as { code?: unknown }).code });
    }
  }

  /** Of the newest welcome, and of the assignment where its graph version means something else. */
  #rulesFor({ outputType, descriptors }: Assign): PayloadRules {
    const rules = this.#rules;
    const type = this.#settings.outputType || outputType || rules.outputType;
    if (!descriptors) return { ...rules, outputType: type };
    if (!this.#version || Buffer.compare(this.#version.descriptors, descriptors) !== 0)
      this.#version = { descriptors, types: typesFromDescriptors(descriptors) };
    return { ...rules, types: this.#version.types, outputType: type };
  }

  #welcomed(welcome: Welcome): void {
    const { outputType } = this.#settings;
    const control = this.#control;
    this.#maxFrameBytes = welcome.maxFrameBytes > 0 ? welcome.maxFrameBytes : Number.POSITIVE_INFINITY;
    this.#deps.blobs.setBase(asDialled(welcome.blobUrl, control));
    this.#deps.blobs.setToken(welcome.blobToken ?? '');
    try {
      if (Buffer.compare(welcome.descriptors, this.#descriptors) !== 0) {
        this.#rules = { ...this.#rules, types: typesFromDescriptors(welcome.descriptors) };
        this.#descriptors = welcome.descriptors;
      }
      this.#deps.bus.connectOutputs(asDialled(welcome.outputsEndpoint, control));
    } catch (error) {
      this.#note('error', `welcome: ${messageOf(error)}`, { code: (error as { code?: unknown }).code });
    }
    this.#rules = {
      types: this.#rules.types,
      outputType: outputType || welcome.outputType || 'json',
      inlineMaxBytes: welcome.inlineMaxBytes,
    };
    this.#player.welcomed?.(welcome);
    for (const resolve of this.#awaitingRules.splice(0)) resolve();
    this.#started.resolve();
  }

  async #upload({ executionId, seq, blob, bytes }: Effect & { kind: 'upload' }): Promise<void> {
    try {
      await this.#deps.blobs.put(blob, bytes, this.#lifetime.signal);
      this.#emit({ kind: 'uploaded', executionId, seq });
    } catch (error) {
      this.#emit({ kind: 'upload_failed', executionId, seq, error: reportedError(error, 'blob_refused') });
    }
  }

  async #runHook(hook: Hook): Promise<void> {
    try {
      await (hook === 'start' ? this.#settings.onStart : this.#settings.onStop)?.();
      this.#emit({ kind: 'hook_done', hook });
    } catch (error) {
      const name = hook === 'start' ? 'onStart' : 'onStop';
      const told = reportedError(error, 'hook_failed');
      const message = `${name}: ${told.message}`;
      this.#deps.logger.error({ hook: name, stack: told.stack }, message);
      this.#emit({
        kind: 'hook_done',
        hook,
        error: { ...told, code: 'hook_failed', message, retryable: true },
      });
    }
  }

  async #configure(transactionId: string, configuration: string): Promise<void> {
    try {
      if (!this.#settings.onConfigure) {
        throw new TuttiError('not_configurable', 'this node does not accept a configuration');
      }
      const holds = (await this.#settings.onConfigure(configuration)) ?? configuration;
      this.#emit({ kind: 'configured', transactionId, configuration: holds });
    } catch (thrown) {
      const error = reportedError(thrown, 'configuration_refused');
      this.#emit({ kind: 'configured', transactionId, configuration, error });
    }
  }

  async #end(error: TuttiError | undefined): Promise<void> {
    this.#wake?.cancel();
    this.#wake = undefined;
    this.#lifetime.abort(error ?? new TuttiError('node_stopped', 'the node has ended'));
    this.#flush();
    await this.#deps.bus.stop();
    await this.#player.ended?.();
    const reason = error ?? new TuttiError('node_stopped', 'the node was stopped before it was registered');
    this.#started.reject(reason);
    const failure = error ?? this.#failure;
    if (failure) this.#stopped.reject(failure);
    else this.#stopped.resolve();
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    this.#deps.timers.atEndOfTurn(() => {
      this.#flushScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    const { bus, measure } = this.#deps;
    const { control, outputs } = this.#session.take(measure, bus.hasRoom);
    // Half of what is allowed: the sizes are estimates.
    const maxBytes = this.#maxFrameBytes / 2;
    if (control) {
      for (const messages of inFrames(control.messages, messageSize, maxBytes)) {
        // Who says hello says all that counts: what was said before a connection was lost is stale.
        const isHello = messages[0]?.kind === 'hello';
        const frame = encodeToOrchestrator({ ...control, messages });
        const logs = messages.filter((message) => message.kind === 'log');
        if (logs.length > 0) this.#logsIn.set(frame, logs);
        bus.send(frame, isHello);
      }
    }
    for (const batch of inFrames(outputs, outputSize, maxBytes)) {
      const frame = encodeOutputs({ protocolVersion: PROTOCOL_VERSION, outputs: batch });
      bus.publish(outputTopic(this.#settings.module), frame);
    }
    if (this.#session.hasLogs && bus.hasRoom) this.#scheduleFlush();
  }

  #scheduleWake(): void {
    const at = this.#session.wakeAt;
    if (at === Number.POSITIVE_INFINITY || (this.#wake && this.#wake.at <= at)) return;
    this.#wake?.cancel();
    const inMs = Math.max(0, Math.ceil(at - this.#deps.clock.monotonicMs()));
    const cancel = this.#deps.timers.after(inMs, () => {
      this.#wake = undefined;
      this.#emit({ kind: 'tick' });
    });
    this.#wake = { at, cancel };
  }
}

interface Settleable<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
}

/** A promise that may reject while nobody awaits it; a later `await` still throws. */
function settleable<T>(): Settleable<T> {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((res, rej) => {
    resolve = res;
    reject = rej;
  });
  promise.catch(() => {});
  return { promise, resolve, reject };
}
