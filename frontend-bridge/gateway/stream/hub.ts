/**
 * All viewers of the stream. Tells each what is due to it, as `viewer.ts` decides.
 *
 * 1. A commit is encoded once for all unfiltered viewers of a project, and once for each problem that somebody watches; they share the buffer.
 * 2. A viewer whose socket holds more than `bufferBytes` gets no live frames. When the socket has drained it catches up by pages
 *    from the past, one at a time: a viewer costs at most `bufferBytes` and one batch or page.
 * 3. At most `READS_AT_ONCE` pages are read at a time, in turn, however many viewers catch up.
 * 4. Nothing here waits for a viewer. One that asks and asks without reading the answers is cut off.
 */
import type { Clock } from '../../../src/base/clock.js';
import { maySee } from '../../../src/model/access.js';
import type { EventStream, StreamEvent } from '../../../src/orchestrator/port.js';
import { type Allowance, createAllowance } from './allowance.js';
import { groupByProblem } from './by-problem.js';
import { encodeEvents, encodeFrame, errorFrame, parseClientMessage, type ServerFrame } from './frames.js';
import { FIRST_PAGE, nextPageSize } from './page-size.js';
import * as viewer from './viewer.js';

/** A viewer's socket, as the hub needs it. */
export interface ViewerSocket {
  /** Queue a text frame; `sent` is called when it has left, or never will. The frame may be shared: it is never changed. */
  send(frame: Buffer, sent: () => void): void;
  /** Bytes that are queued. */
  buffered(): number;
  close(code: number, reason: string): void;
}

export interface HubDeps {
  readonly events: EventStream;
  readonly epoch: number;
  readonly storeId: string;
  readonly clock: Clock;
  /** A page could not be read; its viewer tries again at the next tick. */
  readonly onReadFailure: (failure: unknown) => void;
  /** A viewer was told that what it said is at fault. */
  readonly onRefused: (peer: string, code: string, message: string) => void;
}

export interface HubOptions {
  /** Bytes in a socket above which a viewer is slow. */
  readonly bufferBytes: number;
  /** Messages a second that a viewer may send, and as many tens of them at once. */
  readonly messagesPerSecond: number;
}

export interface HubStats {
  readonly viewers: number;
  /** Those that are catching up. */
  readonly behind: number;
}

/** What the owner of a socket tells the hub about it. */
export interface Attachment {
  message(text: string): void;
  /** Count a message that needs no answer of the hub (a ping, say). False: it was one too many, the socket is being closed. */
  admit(): boolean;
  closed(): void;
}

interface Viewer {
  readonly peer: string;
  /** The project that it is bound to; `ALL_PROJECTS`: none. */
  readonly bound: string;
  readonly socket: ViewerSocket;
  readonly allowance: Allowance;
  readonly onSent: () => void;
  phase: viewer.Phase;
  reading: boolean;
  pageSize: number;
  /** Messages that came while the socket was full: their answers would pile up. */
  unheard: number;
}

const READS_AT_ONCE = 4;
/** So many messages a viewer may send without reading what it is sent. */
const MAX_UNHEARD = 100;
/** Codes of RFC 6455. */
const GOING_AWAY = 1001;
export const POLICY_VIOLATION = 1008;

export class Hub {
  readonly #deps: HubDeps;
  readonly #options: HubOptions;
  readonly #viewers = new Set<Viewer>();
  /** The live ones, by what they want: those that want all of it by the project that they are bound to. */
  readonly #unfiltered = new Map<string, Set<Viewer>>();
  readonly #byProblem = new Map<string, Set<Viewer>>();
  readonly #toRead = new Set<Viewer>();
  #reads = 0;
  #announced = 0;
  #unsubscribe: (() => void) | undefined;

  constructor(deps: HubDeps, options: HubOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  start(): void {
    this.#announced = this.#deps.events.cursor();
    this.#unsubscribe = this.#deps.events.onCommitted((events) => this.#announce(events));
  }

  /** Idempotent. The sockets are asked to close. */
  stop(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    this.#toRead.clear();
    for (const one of this.#viewers) one.socket.close(GOING_AWAY, 'the orchestrator stops');
  }

  /** `peer`: its address, for the log. It gets the events of the project that it is bound to, and those of none. */
  attach(socket: ViewerSocket, peer: string, bound: string): Attachment {
    const { messagesPerSecond } = this.#options;
    const one: Viewer = {
      peer,
      bound,
      socket,
      allowance: createAllowance(messagesPerSecond, messagesPerSecond * 10),
      onSent: () => this.#catchUp(one),
      phase: { kind: 'silent' },
      reading: false,
      pageSize: FIRST_PAGE,
      unheard: 0,
    };
    this.#viewers.add(one);
    const { epoch, storeId, events } = this.#deps;
    this.#say(one, { type: 'hello', cursor: events.cursor(), epoch, store_id: storeId });
    return {
      message: (text) => this.#hear(one, text),
      admit: () => this.#admit(one),
      closed: () => this.#forget(one),
    };
  }

  /** To be called when nobody has been told anything for a while: says who is up to date, and tries again what failed. */
  tick(): void {
    const common = encodeFrame({ type: 'tick', cursor: this.#announced });
    for (const one of this.#viewers) {
      if (one.socket.buffered() > this.#options.bufferBytes) continue;
      const cursor = viewer.cursorOf(one.phase, this.#announced);
      one.socket.send(
        cursor === this.#announced ? common : encodeFrame({ type: 'tick', cursor }),
        one.onSent,
      );
      this.#catchUp(one);
    }
  }

  stats(): HubStats {
    let behind = 0;
    for (const one of this.#viewers) if (one.phase.kind === 'behind') behind += 1;
    return { viewers: this.#viewers.size, behind };
  }

  #announce(batch: readonly StreamEvent[]): void {
    const before = this.#announced;
    const last = batch[batch.length - 1];
    if (last === undefined) return;
    this.#announced = last.seq;
    for (const [bound, watchers] of this.#unfiltered) {
      const shown = batch.filter(({ project }) => maySee(bound, project));
      this.#push(watchers, batch, shown, before);
    }
    if (this.#byProblem.size === 0) return;
    for (const [problemId, events] of groupByProblem(batch)) {
      const watchers = this.#byProblem.get(problemId);
      if (watchers === undefined) continue;
      const mayWatch = [...watchers].filter(({ bound }) => maySee(bound, events[0]?.project));
      this.#push(mayWatch, batch, events, before);
    }
  }

  #push(
    watchers: Iterable<Viewer>,
    batch: readonly StreamEvent[],
    wanted: readonly StreamEvent[],
    before: number,
  ): void {
    const frame = wanted.length > 0 ? encodeEvents(wanted) : undefined;
    for (const one of watchers) {
      const phase = one.phase as viewer.Live;
      if (one.socket.buffered() > this.#options.bufferBytes) {
        this.#enter(one, viewer.fallBehind(phase, before));
      } else if (phase.from < batch[0]!.seq) {
        if (frame) one.socket.send(frame, one.onSent);
      } else {
        const rest = viewer.remainder(phase, batch, one.bound);
        if (rest.length > 0) one.socket.send(encodeEvents(rest), one.onSent);
      }
    }
  }

  #hear(one: Viewer, text: string): void {
    if (!this.#viewers.has(one) || !this.#admit(one)) return;
    const parsed = parseClientMessage(text);
    if (!parsed.ok) {
      this.#say(one, parsed.frame);
    } else if (parsed.message.type === 'subscribe') {
      this.#apply(one, viewer.subscribe(one.phase, parsed.message, this.#horizon()));
    } else {
      this.#enter(one, { kind: 'silent' });
    }
  }

  #admit(one: Viewer): boolean {
    one.unheard = one.socket.buffered() > this.#options.bufferBytes ? one.unheard + 1 : 0;
    if (one.unheard <= MAX_UNHEARD && one.allowance.take(this.#deps.clock.monotonicMs())) return true;
    const limit = this.#options.messagesPerSecond;
    this.#say(
      one,
      errorFrame('too_many', `A viewer may send ${limit} messages a second and has to read its frames.`),
    );
    this.#forget(one);
    one.socket.close(POLICY_VIOLATION, 'too many messages');
    return false;
  }

  #apply(one: Viewer, step: viewer.Step): number {
    this.#enter(one, step.phase);
    let bytes = 0;
    for (const due of step.due) {
      if ('frame' in due) this.#noteRefused(one, due.frame);
      const frame = 'frame' in due ? encodeFrame(due.frame) : encodeEvents(due.events);
      bytes += frame.length;
      one.socket.send(frame, one.onSent);
    }
    this.#catchUp(one);
    return bytes;
  }

  /** Puts a viewer in its phase and in the index by which commits find it. */
  #enter(one: Viewer, phase: viewer.Phase): void {
    this.#unindex(one);
    one.phase = phase;
    if (phase.kind !== 'live') return;
    if (phase.problemId === undefined) {
      const watchers = this.#unfiltered.get(one.bound) ?? new Set();
      this.#unfiltered.set(one.bound, watchers.add(one));
    } else {
      const watchers = this.#byProblem.get(phase.problemId) ?? new Set();
      this.#byProblem.set(phase.problemId, watchers.add(one));
    }
  }

  #unindex(one: Viewer): void {
    if (one.phase.kind !== 'live') return;
    const { problemId } = one.phase;
    if (problemId === undefined) {
      const watchers = this.#unfiltered.get(one.bound);
      watchers?.delete(one);
      if (watchers?.size === 0) this.#unfiltered.delete(one.bound);
    } else {
      const watchers = this.#byProblem.get(problemId);
      watchers?.delete(one);
      if (watchers?.size === 0) this.#byProblem.delete(problemId);
    }
  }

  /** Queues the next page for a viewer that is behind and has room for one. */
  #catchUp(one: Viewer): void {
    if (one.phase.kind !== 'behind' || one.reading || !this.#viewers.has(one)) return;
    if (one.socket.buffered() > this.#options.bufferBytes / 4) return;
    this.#toRead.add(one);
    this.#readNext();
  }

  #readNext(): void {
    while (this.#reads < READS_AT_ONCE) {
      const [one] = this.#toRead;
      if (one === undefined) return;
      this.#toRead.delete(one);
      if (one.phase.kind !== 'behind') continue;
      this.#reads += 1;
      one.reading = true;
      void this.#read(one, one.phase).finally(() => {
        this.#reads -= 1;
        this.#readNext();
      });
    }
  }

  async #read(one: Viewer, phase: viewer.Behind): Promise<void> {
    try {
      const page = await this.#deps.events.read(phase.position, one.pageSize);
      one.reading = false;
      if (!this.#viewers.has(one)) return;
      if (one.phase !== phase) return this.#catchUp(one);
      const step = viewer.take(phase, page, this.#horizon(), one.bound);
      if (step.phase.kind === 'behind' && step.phase.position === phase.position) return;
      one.pageSize = nextPageSize(one.pageSize, this.#apply(one, step));
    } catch (failure) {
      one.reading = false;
      this.#deps.onReadFailure(failure);
    }
  }

  #horizon(): viewer.Horizon {
    const { events, storeId } = this.#deps;
    return { storeId, oldest: events.oldest(), newest: events.cursor(), announced: this.#announced };
  }

  #say(one: Viewer, frame: ServerFrame): void {
    this.#noteRefused(one, frame);
    one.socket.send(encodeFrame(frame), one.onSent);
  }

  #noteRefused({ peer }: Viewer, frame: ServerFrame): void {
    if (frame.type === 'error') this.#deps.onRefused(peer, frame.error.code, frame.error.message);
  }

  #forget(one: Viewer): void {
    this.#unindex(one);
    this.#viewers.delete(one);
    this.#toRead.delete(one);
  }
}
