/**
 * The node's own life: its status, the commands that change it, and its hooks.
 *
 * 1. Hooks run one at a time: `onStart` on the way to IDLE, `onStop` on the way out of it, each once per start.
 * 2. `STOP` drains: nothing new is taken, what runs goes on, then `onStop`, then INACTIVE. `START` takes it back.
 * 3. `RESET` gives all work back (PREEMPTED), waits for the handlers for the grace that was given, and starts again.
 * 4. A hook that throws leads to ERROR, out of which only `RESET` and the end of the process lead.
 * 5. An agent whose cluster cannot be asked shows ERROR while that lasts; what runs goes on.
 * 6. An end goes: give the work back, `onStop`, wait until everything is acknowledged or the time is up. Nothing undoes it.
 */
import { type NodeCmd, type NodeStatus, nodeAccepts } from '../../model/node.js';
import type { ReportedError } from '../../model/protocol.js';
import type { Effect, Hook } from './events.js';
import type { Executions } from './executions.js';

/** For what a command's `grace_ms` does not cover: acknowledgements that are under way. */
export const FLUSH_MS = 5_000;

type Stage =
  | { readonly kind: 'inactive' }
  | { readonly kind: 'starting' }
  | { readonly kind: 'started' }
  | { readonly kind: 'stopping'; readonly shown: NodeStatus }
  | { readonly kind: 'resetting'; readonly graceAt: number }
  | { readonly kind: 'error'; readonly error: ReportedError }
  | { readonly kind: 'terminating'; readonly graceAt: number; readonly flushAt: number };

export interface LifecycleOutlet {
  /** The status has changed. */
  status(status: NodeStatus, error: ReportedError | undefined): void;
  effect(effect: Effect): void;
  /** The node has ended: everything is acknowledged, or the time is up. */
  ended(): void;
}

export class Lifecycle {
  readonly #outlet: LifecycleOutlet;
  readonly #executions: Executions;
  readonly #capacity: number | undefined;
  #trouble: ReportedError | undefined;
  #stage: Stage = { kind: 'inactive' };
  #want: 'started' | 'stopped' | undefined;
  #hook: Hook | undefined;
  /** Whether `onStart` has succeeded and `onStop` has not run since. */
  #initialised = false;
  #shown: NodeStatus = 'INACTIVE';
  #dueAt = Number.POSITIVE_INFINITY;

  /** `capacity`: absent for an agent, which takes what it is given, also before it is ready: its work can wait there. */
  constructor(outlet: LifecycleOutlet, executions: Executions, capacity: number | undefined) {
    this.#outlet = outlet;
    this.#executions = executions;
    this.#capacity = capacity;
  }

  get status(): NodeStatus {
    return this.#shown;
  }

  get error(): ReportedError | undefined {
    if (this.#stage.kind === 'error') return this.#stage.error;
    return this.#stage.kind === 'started' ? this.#trouble : undefined;
  }

  get isTerminating(): boolean {
    return this.#stage.kind === 'terminating';
  }

  get dueAt(): number {
    return this.#dueAt;
  }

  /** Why an assignment cannot be taken now. */
  refusal(): ReportedError | undefined {
    const refuse = (code: string, message: string) => ({ code, message, retryable: true });
    if (this.#stage.kind === 'terminating' || this.#want === 'stopped') {
      return refuse('node_stopped', 'the node does not accept new work: it is stopping or stopped');
    }
    if (this.#capacity === undefined) return undefined;
    if (this.#stage.kind !== 'started') {
      return refuse('not_started', `the node is ${this.#shown}`);
    }
    if (this.#executions.busy >= this.#capacity) {
      return refuse('no_free_slot', `all ${this.#capacity} slots are taken`);
    }
    return undefined;
  }

  /** Answers with the reason when the command makes no sense in this status. */
  command(cmd: NodeCmd, reason: string, graceMs: number, now: number): ReportedError | undefined {
    if (!nodeAccepts(this.#ownStatus(), cmd)) {
      return {
        code: 'not_in_this_state',
        message: `${cmd} is not possible in ${this.#shown}`,
        retryable: false,
      };
    }
    switch (cmd) {
      case 'START':
        this.#want = 'started';
        break;
      case 'STOP':
        this.#want = 'stopped';
        break;
      case 'RESET':
        this.#reset(reason, now + graceMs, now);
        break;
      case 'TERMINATE':
        this.terminate(reason || 'the node is terminated', now + graceMs, now + graceMs + FLUSH_MS, now);
        break;
      default:
        cmd satisfies never;
    }
    this.settle(now);
    return undefined;
  }

  /** 5. */
  trouble(error: ReportedError | undefined): void {
    const hasChanged = this.#trouble?.message !== error?.message;
    this.#trouble = error;
    this.#show();
    if (error && hasChanged && this.#shown === 'ERROR') this.#outlet.status('ERROR', error);
  }

  /** Ends the node (6). A second call may only bring the end nearer. `error`: the process fails. */
  terminate(reason: string, graceAt: number, flushAt: number, now: number, error?: ReportedError): void {
    const before = this.#stage.kind === 'terminating' ? this.#stage : undefined;
    this.#stage = {
      kind: 'terminating',
      graceAt: Math.min(graceAt, before?.graceAt ?? graceAt),
      flushAt: Math.min(flushAt, before?.flushAt ?? flushAt),
    };
    this.#dueAt = Math.min(this.#dueAt, this.#stage.graceAt, this.#stage.flushAt);
    const interruption = { state: 'PREEMPTED', code: 'node_stopping', reason, graceAt } as const;
    this.#executions.interruptAll(error ? { ...interruption, error } : interruption, now);
  }

  hookDone(hook: Hook, error: ReportedError | undefined, now: number): void {
    this.#hook = undefined;
    this.#initialised = hook === 'start' && !error;
    const { kind } = this.#stage;
    if (kind === 'starting' || kind === 'stopping') {
      if (error) this.#stage = { kind: 'error', error };
      else if (hook === 'start') this.#stage = { kind: 'started' };
      else if (this.#want === 'started') this.#run('start');
      else this.#stage = { kind: 'inactive' };
    }
    this.settle(now);
  }

  /** Compares what is wanted with what is, and takes the next step. To be called after every event, and at `dueAt`. */
  settle(now: number): void {
    const stage = this.#stage;
    switch (stage.kind) {
      case 'inactive':
        if (this.#want === 'started') this.#run('start');
        break;
      case 'started':
        if (this.#want === 'stopped' && this.#executions.busy === 0) this.#run('stop', 'IDLE');
        break;
      case 'resetting':
        if (this.#executions.busy === 0 || now >= stage.graceAt) {
          this.#dueAt = Number.POSITIVE_INFINITY;
          if (this.#initialised) this.#run('stop', 'INITIALIZING');
          else this.#run('start');
        } else {
          this.#dueAt = stage.graceAt;
        }
        break;
      case 'terminating':
        this.#settleEnd(stage, now);
        break;
      case 'starting':
      case 'stopping':
      case 'error':
        break;
      default:
        stage satisfies never;
    }
    this.#show();
  }

  #settleEnd(stage: Stage & { kind: 'terminating' }, now: number): void {
    const timeIsUp = now >= stage.flushAt;
    if (!timeIsUp && this.#executions.busy > 0 && now < stage.graceAt) {
      this.#dueAt = stage.graceAt;
      return;
    }
    this.#dueAt = stage.flushAt;
    if (!timeIsUp && this.#hook === undefined && this.#initialised) {
      this.#startHook('stop');
    }
    if (timeIsUp || (this.#hook === undefined && this.#executions.settled)) {
      this.#dueAt = Number.POSITIVE_INFINITY;
      this.#show();
      this.#outlet.ended();
    }
  }

  #reset(reason: string, graceAt: number, now: number): void {
    this.#want = 'started';
    // A hook that runs cannot be called back; it leads to a fresh start by itself.
    if (this.#stage.kind === 'starting') return;
    if (this.#stage.kind === 'stopping') {
      this.#stage = { kind: 'stopping', shown: 'INITIALIZING' };
      return;
    }
    this.#stage = { kind: 'resetting', graceAt };
    this.#executions.interruptAll(
      { state: 'PREEMPTED', code: 'node_reset', reason: reason || 'the node is reset', graceAt },
      now,
    );
  }

  #run(hook: Hook, shown: NodeStatus = 'IDLE'): void {
    this.#stage = hook === 'start' ? { kind: 'starting' } : { kind: 'stopping', shown };
    this.#startHook(hook);
  }

  #startHook(hook: Hook): void {
    this.#hook = hook;
    this.#outlet.effect({ kind: 'hook', hook });
  }

  #show(): void {
    const status = this.#status();
    if (status === this.#shown) return;
    this.#shown = status;
    this.#outlet.status(status, this.error);
  }

  #status(): NodeStatus {
    return this.#trouble && this.#stage.kind === 'started' ? 'ERROR' : this.#ownStatus();
  }

  #ownStatus(): NodeStatus {
    const stage = this.#stage;
    switch (stage.kind) {
      case 'inactive':
        return 'INACTIVE';
      case 'starting':
      case 'resetting':
        return 'INITIALIZING';
      case 'started':
        return this.#executions.busy > 0 ? 'RUNNING' : 'IDLE';
      case 'stopping':
        return stage.shown;
      case 'error':
        return 'ERROR';
      case 'terminating':
        return 'TERMINATING';
      default:
        return stage satisfies never;
    }
  }
}
