/**
 * The outputs that a node has published and that are not known to be committed.
 *
 * 1. At most `limit` outputs are on their way; the others queue, in the order in which they were added.
 * 2. An output that is on its way is sent again, after 1 s, 2 s, 4 s … 30 s, until it is acknowledged or dropped.
 * 3. Nothing leaves while the window is closed (the node is not registered). Opening it sends everything again.
 */
import type { Output } from '../../model/protocol.js';

/** The first repeat: well above a commit's latency, well below a person's patience. */
export const RESEND_FIRST_MS = 1_000;
/** The longest wait between two repeats. */
export const RESEND_MAX_MS = 30_000;

export interface QueuedOutput {
  readonly output: Output;
  readonly source: Uint8Array | undefined;
  readonly ticket: number | undefined;
}

interface SentOutput {
  readonly output: Output;
  readonly source: Uint8Array | undefined;
  /** `Infinity` while its blob is uploaded again. */
  dueAt: number;
  backoffMs: number;
}

export class OutputWindow {
  #limit = 0;
  #open = false;
  #queue: QueuedOutput[] = [];
  readonly #sent = new Map<string, SentOutput[]>();
  #inFlight = 0;
  #outgoing: Output[] = [];
  #dueAt = Number.POSITIVE_INFINITY;

  /** When `resend` has something to do; may be too early, never too late. */
  get dueAt(): number {
    return this.#open ? this.#dueAt : Number.POSITIVE_INFINITY;
  }

  /** Everything un-acknowledged goes again, as if for the first time (3). */
  open(limit: number, now: number): void {
    this.#open = true;
    this.#limit = limit;
    for (const list of this.#sent.values()) {
      for (const sent of list) {
        if (sent.dueAt !== Number.POSITIVE_INFINITY) this.#send(sent, RESEND_FIRST_MS, now);
      }
    }
  }

  close(): void {
    this.#open = false;
    this.#outgoing = [];
  }

  add(queued: QueuedOutput): void {
    this.#queue.push(queued);
  }

  /** Sends what has a place (1), and names it. */
  admit(now: number): readonly QueuedOutput[] {
    if (!this.#open || this.#queue.length === 0 || this.#inFlight >= this.#limit) return [];
    const admitted = this.#queue.splice(0, this.#limit - this.#inFlight);
    for (const { output, source } of admitted) {
      const sent: SentOutput = { output, source, dueAt: 0, backoffMs: RESEND_FIRST_MS };
      const list = this.#sent.get(output.executionId);
      if (list) list.push(sent);
      else this.#sent.set(output.executionId, [sent]);
      this.#inFlight += 1;
      this.#send(sent, RESEND_FIRST_MS, now);
    }
    return admitted;
  }

  /** Sends again what is due (2). */
  resend(now: number): void {
    if (now < this.dueAt) return;
    this.#dueAt = Number.POSITIVE_INFINITY;
    for (const list of this.#sent.values()) {
      for (const sent of list) {
        if (sent.dueAt <= now) this.#send(sent, Math.min(sent.backoffMs * 2, RESEND_MAX_MS), now);
        else this.#dueAt = Math.min(this.#dueAt, sent.dueAt);
      }
    }
  }

  /** Everything of this execution up to `seq` is committed. */
  ack(executionId: string, seq: number): void {
    this.#keep(executionId, (output) => output.seq > seq);
  }

  /** Forgets this execution's outputs from `fromSeq` on, also those that wait to leave in this turn. */
  drop(executionId: string, fromSeq = 1): void {
    this.#keep(executionId, (output) => output.seq < fromSeq);
    const others = (output: Output) => output.executionId !== executionId || output.seq < fromSeq;
    if (this.#queue.length > 0) this.#queue = this.#queue.filter(({ output }) => others(output));
    if (this.#outgoing.length > 0) this.#outgoing = this.#outgoing.filter(others);
  }

  /** Keeps an output back while its blob is uploaded; answers with it, or with nothing when it is not on its way by blob. */
  suspend(
    executionId: string,
    seq: number,
  ): { readonly output: Output; readonly source: Uint8Array } | undefined {
    const sent = this.#find(executionId, seq);
    if (sent?.source === undefined || sent.dueAt === Number.POSITIVE_INFINITY) return undefined;
    sent.dueAt = Number.POSITIVE_INFINITY;
    return { output: sent.output, source: sent.source };
  }

  /** Its blob is there: it goes again. */
  resume(executionId: string, seq: number, now: number): void {
    const sent = this.#find(executionId, seq);
    if (sent) this.#send(sent, RESEND_FIRST_MS, now);
  }

  /** The messages that leave in this turn; `isHeld`: whether one must not leave yet. */
  take(isHeld: (output: Output) => boolean): Output[] {
    const outgoing = this.#outgoing;
    this.#outgoing = outgoing.filter(isHeld);
    return this.#outgoing.length === 0 ? outgoing : outgoing.filter((output) => !isHeld(output));
  }

  #find(executionId: string, seq: number): SentOutput | undefined {
    return this.#sent.get(executionId)?.find(({ output }) => output.seq === seq);
  }

  #keep(executionId: string, keep: (output: Output) => boolean): void {
    const list = this.#sent.get(executionId);
    if (!list) return;
    const kept = list.filter(({ output }) => keep(output));
    this.#inFlight -= list.length - kept.length;
    if (kept.length > 0) this.#sent.set(executionId, kept);
    else this.#sent.delete(executionId);
  }

  #send(sent: SentOutput, backoffMs: number, now: number): void {
    sent.backoffMs = backoffMs;
    sent.dueAt = now + backoffMs;
    this.#dueAt = Math.min(this.#dueAt, sent.dueAt);
    if (this.#open && !this.#outgoing.includes(sent.output)) this.#outgoing.push(sent.output);
  }
}
