/**
 * The executions of this node, and those whose end is not acknowledged yet.
 *
 * 1. An execution is held from its assignment until it is known to be ended (acked so, refused, or dropped) and its handler has
 *    come back, or has been told to end for `GIVE_UP_MS`: a promise that never settles does not take a slot for good. `held()` and `running()` name all that are held.
 * 2. A handler is started once for an execution, however often it is assigned.
 * 3. The way an execution ends is decided once: what its handler says after that changes nothing. Only a stop may still
 *    replace an end that is not known to be committed.
 * 4. After a stop, outputs are no longer sent: the report counts those that are known to be committed.
 */
import type {
  Assign,
  ExecutionReport,
  HeldExecution,
  Output,
  OutputAck,
  ReportedError,
} from '../../model/protocol.js';
import { type AbortCode, bounded } from '../errors.js';
import type { Effect, Produced, Result } from './events.js';
import { type Held, heldState, received, report } from './execution.js';
import { OutputWindow, RESEND_FIRST_MS, RESEND_MAX_MS } from './output-window.js';
import { Remembered } from './remembered.js';

/** People read progress; the orchestrator passes on ten a second of an execution. */
export const PROGRESS_INTERVAL_MS = 100;
/** A handler may wait forever for an event that never comes; a handler that still works ends well within this time. */
export const GIVE_UP_MS = 30_000;
/** Ended executions that are recognised when a late copy of their assignment arrives. */
const REMEMBERED_ENDS = 4096;

/** For what nobody has set a time: an attempt that timed out, an execution that is no longer wanted. */
const GRACE_MS = 5_000;

export interface ExecutionsOutlet {
  /** Lost while the node is not registered: what matters is repeated. */
  say(message: ExecutionReport): void;
  effect(effect: Effect): void;
}

/** How and why executions are to end. */
export interface Interruption {
  readonly state: 'CANCELLED' | 'PREEMPTED';
  readonly code: AbortCode;
  readonly reason: string;
  /** When the report goes even if the handler has not come back. */
  readonly graceAt: number;
  /** The node's process fails, perhaps by these executions; the orchestrator counts that as a death. */
  readonly error?: ReportedError;
}

export class Executions {
  readonly #outlet: ExecutionsOutlet;
  readonly #givesUp: boolean;
  readonly #held = new Map<string, Held>();
  readonly #ended = new Remembered<true>(REMEMBERED_ENDS);
  readonly #window = new OutputWindow();
  readonly #toResume: Assign[] = [];
  #dueAt = Number.POSITIVE_INFINITY;
  #busy = 0;
  #open = false;

  /** `givesUp`: whether a handler that does not come back frees its slot. A command's does come back, when its cluster can be asked. */
  constructor(outlet: ExecutionsOutlet, givesUp: boolean) {
    this.#outlet = outlet;
    this.#givesUp = givesUp;
  }

  /** Slots taken. */
  get busy(): number {
    return this.#busy;
  }

  /** Whether nothing is left to be acknowledged. */
  get settled(): boolean {
    for (const held of this.#held.values()) if (held.phase.kind !== 'forgotten') return false;
    return true;
  }

  get dueAt(): number {
    return Math.min(this.#dueAt, this.#window.dueAt);
  }

  held(): HeldExecution[] {
    return [...this.#held.values()].map((held) => ({
      executionId: held.executionId,
      lease: held.lease,
      state: heldState(held),
    }));
  }

  running(): string[] {
    return [...this.#held.keys()];
  }

  isHeld(executionId: string): boolean {
    return this.#held.has(executionId);
  }

  hasEnded(executionId: string): boolean {
    return this.#ended.has(executionId);
  }

  /** `refusal`: why the node does not accept new work now. */
  assign(assign: Assign, refusal: ReportedError | undefined, now: number): void {
    const known = this.#held.get(assign.executionId);
    if (known?.phase.kind === 'forgotten') {
      const error = { code: 'no_free_slot', message: 'its handler has not returned yet', retryable: true };
      this.#outlet.say(report(assign, 'REJECTED', { message: error.message, error }));
    } else if (known) {
      this.#outlet.say(report(known, 'ACCEPTED'));
    } else if (this.#ended.has(assign.executionId)) {
      // A late copy: the orchestrator has committed the end.
    } else if (refusal) {
      this.#outlet.say(report(assign, 'REJECTED', { message: refusal.message, error: refusal }));
    } else {
      const held = received(assign, now);
      this.#held.set(assign.executionId, held);
      this.#busy += 1;
      if (held.phase.kind === 'running') this.#wake(held.phase.deadlineAt);
      this.#outlet.say(report(assign, 'ACCEPTED'));
      this.#outlet.effect({ kind: 'run', assign, isResumed: false });
    }
  }

  /** One that an earlier process of this boot held; `resume` calls its handler anew. */
  restore(assign: Assign, now: number): void {
    const held = received(assign, now);
    this.#held.set(assign.executionId, held);
    this.#busy += 1;
    if (held.phase.kind === 'running') this.#wake(held.phase.deadlineAt);
    this.#toResume.push(assign);
  }

  /** The types are there. */
  resume(): void {
    for (const assign of this.#toResume.splice(0))
      this.#outlet.effect({ kind: 'run', assign, isResumed: true });
  }

  begun(executionId: string): void {
    const held = this.#held.get(executionId);
    if (held?.phase.kind !== 'running' || held.phase.begun) return;
    held.phase = { kind: 'running', begun: true, deadlineAt: held.phase.deadlineAt };
    this.#outlet.say(report(held, 'RUNNING'));
  }

  progress(executionId: string, fraction: number, message: string, now: number): void {
    const held = this.#held.get(executionId);
    if (held?.phase.kind !== 'running') return;
    held.progress = { fraction, message };
    this.#sayProgress(held, now);
  }

  /** That others have begun than those that a hello named as begun is said again: their first word may have been lost with the connection before. */
  sayBegun(named: ReadonlySet<string>): void {
    for (const held of this.#held.values())
      if (held.phase.kind === 'running' && held.phase.begun && !named.has(held.executionId))
        this.#outlet.say(report(held, 'RUNNING'));
  }

  /** Counts a line of this execution's log. Returns the lease that it carries, if something may still be said of the execution. */
  logs(executionId: string): string | undefined {
    const held = this.#held.get(executionId);
    if (!held || held.phase.kind === 'forgotten') return undefined;
    held.logged += 1;
    return held.lease;
  }

  publish(executionId: string, produced: Produced, ticket: number, now: number): void {
    const held = this.#held.get(executionId);
    if (held?.phase.kind === 'running') this.#add(held, produced, ticket, false, now);
  }

  /** It fails although its handler has not come back; the slot stays taken until that. */
  crashed(executionId: string, error: ReportedError, now: number): void {
    const held = this.#held.get(executionId);
    if (held?.phase.kind !== 'running') return;
    this.#fail(held, error, held.published, now);
    this.#abort(held, 'abandoned', error.message, now);
  }

  returned(executionId: string, result: Result, now: number): void {
    const held = this.#held.get(executionId);
    if (!held?.busy) return;
    held.busy = false;
    this.#busy -= 1;
    switch (held.phase.kind) {
      case 'running':
        if (result.ok) {
          held.progress = undefined;
          held.phase = { kind: 'succeeded' };
          this.#add(held, result.produced, undefined, true, now);
        } else {
          this.#fail(held, result.error, held.published, now);
        }
        return;
      case 'aborting':
        this.#reportAbort(held, now);
        return;
      case 'forgotten':
        this.#release(held);
        return;
      case 'succeeded':
      case 'reported':
        return;
      default:
        held.phase satisfies never;
    }
  }

  /** A task command. */
  interrupt(executionId: string, interruption: Interruption, now: number): void {
    const held = this.#held.get(executionId);
    if (!held) return;
    const { state, reason, graceAt, error } = interruption;
    switch (held.phase.kind) {
      case 'running':
        this.#window.drop(executionId);
        held.progress = undefined;
        held.phase = { kind: 'aborting', state, reason, graceAt, error };
        this.#abort(held, interruption.code, reason, now, Math.max(0, graceAt - now));
        if (graceAt <= now) this.#reportAbort(held, now);
        else this.#wake(graceAt);
        return;
      case 'aborting':
        held.phase = {
          kind: 'aborting',
          // Who stops a task does not want it anywhere else either.
          state: held.phase.state === 'CANCELLED' ? 'CANCELLED' : state,
          reason,
          graceAt: Math.min(held.phase.graceAt, graceAt),
          error: error ?? held.phase.error,
        };
        if (graceAt <= now) this.#reportAbort(held, now);
        else this.#wake(graceAt);
        return;
      case 'succeeded':
        this.#window.drop(executionId);
        this.#report(held, report(held, state, { lastSeq: held.acked, message: reason }), now);
        return;
      case 'reported':
        this.#window.drop(executionId);
        this.#report(
          held,
          state === 'CANCELLED'
            ? report(held, state, { lastSeq: held.acked, message: reason })
            : { ...held.phase.report, lastSeq: held.acked },
          now,
        );
        return;
      case 'forgotten':
        return;
      default:
        held.phase satisfies never;
    }
  }

  /** Every handler that runs is told to end; results that are on their way are left alone. */
  interruptAll(interruption: Interruption, now: number): void {
    for (const held of [...this.#held.values()]) {
      if (held.phase.kind === 'running' || held.phase.kind === 'aborting') {
        this.interrupt(held.executionId, interruption, now);
      }
    }
  }

  acked(ack: OutputAck, now: number): void {
    const held = this.#held.get(ack.executionId);
    if (!held) return;
    held.acked = Math.max(held.acked, Math.min(ack.seq, held.published));
    this.#window.ack(ack.executionId, ack.seq);
    if (ack.ended) this.#forget(held, 'the execution has ended', now);
    this.#admit(now);
  }

  /** The orchestrator no longer wants this execution. */
  abandon(executionId: string, why: string, now: number): void {
    const held = this.#held.get(executionId);
    if (!held) return;
    this.#forget(held, why, now);
    this.#admit(now);
  }

  /** One output was refused for what it is: the execution can no longer succeed. */
  outputRefused(executionId: string, seq: number, error: ReportedError, now: number): void {
    const held = this.#held.get(executionId);
    if (!held || seq <= held.acked || seq > held.published) return;
    this.#window.drop(executionId, seq);
    if (held.phase.kind === 'running') {
      this.#fail(held, error, seq - 1, now);
      this.#abort(held, 'abandoned', error.message, now);
    } else if (held.phase.kind === 'succeeded') {
      this.#fail(held, error, seq - 1, now);
    } else if (held.phase.kind === 'reported') {
      const { report: final } = held.phase;
      this.#report(held, { ...final, lastSeq: Math.min(final.lastSeq, seq - 1) }, now);
    }
    this.#admit(now);
  }

  /** The orchestrator has not got the blob of an output (or of any of them). */
  blobMissing(executionId: string, seq: number | undefined): void {
    const held = this.#held.get(executionId);
    if (!held) return;
    const first = seq ?? held.acked + 1;
    for (let each = first; each <= (seq ?? held.published); each += 1) {
      const suspended = this.#window.suspend(executionId, each);
      if (suspended?.output.payload.kind !== 'blob') continue;
      const { blob } = suspended.output.payload;
      this.#outlet.effect({ kind: 'upload', executionId, seq: each, blob, bytes: suspended.source });
    }
  }

  uploaded(executionId: string, seq: number, now: number): void {
    this.#window.resume(executionId, seq, now);
  }

  /** A new welcome: everything that is not acknowledged goes again. */
  opened(outputWindow: number, now: number): void {
    this.#open = true;
    this.#window.open(outputWindow, now);
    this.#admit(now);
    for (const held of this.#held.values()) {
      if (held.phase.kind === 'reported') this.#report(held, held.phase.report, now);
      else if (held.progress) this.#wake(now);
    }
  }

  closed(): void {
    this.#open = false;
    this.#window.close();
  }

  /** Another store may assign again what this one has ended. */
  forgetEnds(): void {
    this.#ended.clear();
  }

  tick(now: number): void {
    this.#window.resend(now);
    if (now < this.#dueAt) return;
    this.#dueAt = Number.POSITIVE_INFINITY;
    for (const held of this.#held.values()) this.#tickOne(held, now);
  }

  /** `isHeld`: whether a message must not leave yet. */
  takeOutputs(isHeld: (output: Output) => boolean): readonly Output[] {
    return this.#window.take(isHeld);
  }

  #tickOne(held: Held, now: number): void {
    const { phase } = held;
    if (held.busy) {
      if (held.giveUpAt <= now) this.#giveUp(held);
      else this.#wake(held.giveUpAt);
    }
    switch (phase.kind) {
      case 'running':
        if (phase.deadlineAt <= now) {
          const message = 'the attempt took longer than its timeout';
          this.#fail(held, { code: 'timeout', message, retryable: true }, held.published, now);
          this.#abort(held, 'timeout', message, now);
        } else {
          this.#wake(phase.deadlineAt);
          if (held.progress) this.#sayProgress(held, now);
        }
        return;
      case 'aborting':
        if (phase.graceAt <= now) this.#reportAbort(held, now);
        else this.#wake(phase.graceAt);
        return;
      case 'reported':
        if (phase.dueAt > now) {
          this.#wake(phase.dueAt);
        } else {
          this.#report(held, phase.report, now, Math.min(phase.backoffMs * 2, RESEND_MAX_MS));
        }
        return;
      case 'succeeded':
      case 'forgotten':
        return;
      default:
        phase satisfies never;
    }
  }

  #giveUp(held: Held): void {
    held.busy = false;
    this.#busy -= 1;
    if (held.phase.kind === 'forgotten') this.#release(held);
    this.#outlet.effect({
      kind: 'note',
      level: 'warn',
      message: `a handler has not returned ${GIVE_UP_MS / 1_000} s after it was told to stop; its slot is free again`,
      fields: { execution_id: held.executionId },
    });
  }

  #add(held: Held, produced: Produced, ticket: number | undefined, last: boolean, now: number): void {
    held.published += 1;
    this.#window.add({
      output: {
        executionId: held.executionId,
        lease: held.lease,
        seq: held.published,
        last,
        ...(last && held.logged > 0 && { logLines: held.logged }),
        ...(produced.name !== undefined && { name: produced.name }),
        type: produced.type,
        payload: produced.payload,
      },
      source: produced.source,
      ticket,
    });
    this.#admit(now);
  }

  #admit(now: number): void {
    for (const { output, ticket } of this.#window.admit(now)) {
      if (ticket !== undefined) {
        this.#outlet.effect({ kind: 'admitted', executionId: output.executionId, ticket });
      }
    }
  }

  #sayProgress(held: Held, now: number): void {
    if (!held.progress || !this.#open) return;
    if (now - held.progressSentAt < PROGRESS_INTERVAL_MS) {
      this.#wake(held.progressSentAt + PROGRESS_INTERVAL_MS);
      return;
    }
    const { fraction, message } = held.progress;
    held.progress = undefined;
    held.progressSentAt = now;
    this.#outlet.say(report(held, 'PROGRESS', { progress: fraction, message }));
  }

  #fail(held: Held, error: ReportedError, lastSeq: number, now: number): void {
    held.progress = undefined;
    this.#report(held, report(held, 'FAILED', { lastSeq, message: error.message, error }), now);
  }

  #reportAbort(held: Held, now: number): void {
    if (held.phase.kind !== 'aborting') return;
    const { state, reason, error } = held.phase;
    const final = { lastSeq: held.acked, message: bounded(reason), ...(error && { error }) };
    this.#report(held, report(held, state, final), now);
  }

  #report(held: Held, final: ExecutionReport, now: number, backoffMs: number = RESEND_FIRST_MS): void {
    held.phase = { kind: 'reported', report: final, dueAt: now + backoffMs, backoffMs };
    this.#wake(now + backoffMs);
    this.#outlet.say(final);
  }

  #abort(held: Held, code: AbortCode, reason: string, now: number, graceMs: number = GRACE_MS): void {
    if (this.#givesUp) {
      held.giveUpAt = now + GIVE_UP_MS;
      this.#wake(held.giveUpAt);
    }
    this.#outlet.effect({ kind: 'abort', executionId: held.executionId, code, reason, graceMs });
  }

  #forget(held: Held, why: string, now: number): void {
    this.#window.drop(held.executionId);
    this.#ended.set(held.executionId, true);
    held.progress = undefined;
    if (!held.busy) {
      this.#release(held);
    } else if (held.phase.kind !== 'forgotten') {
      if (held.phase.kind === 'running') this.#abort(held, 'abandoned', why, now);
      held.phase = { kind: 'forgotten' };
    }
  }

  #release({ executionId }: Held): void {
    this.#held.delete(executionId);
    this.#outlet.effect({ kind: 'released', executionId });
  }

  #wake(at: number): void {
    this.#dueAt = Math.min(this.#dueAt, at);
  }
}
