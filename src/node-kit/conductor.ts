/**
 * An orchestrator with nothing but the wire: it speaks the node protocol over real sockets, keeps a record of everything that is
 * said, and does only what it is told. `run`, `dev` and `conform` conduct nodes with it.
 *
 * 1. A node reaches it through relays whose ports stay the same, so that connections can be cut and the conductor "restarted".
 * 2. What a node says is kept until somebody takes it; a wait ends with the message or with `Unmet`.
 */
import { randomUUID } from 'node:crypto';
import type { OrchestratorBus, Route } from '../bus/bus.js';
import { createZeromqOrchestratorBus } from '../bus/zeromq-orchestrator.js';
import {
  type NodeMessage,
  type OrchestratorMessage,
  type Output,
  PROTOCOL_VERSION,
  type Welcome,
} from '../model/protocol.js';
import { decodeOutputs, decodeToOrchestrator, encodeToNode } from '../wire/codec.js';
import { type BlobShelf, openBlobShelf } from './blob-shelf.js';
import { openRelay, type Relay } from './relay.js';

/** One thing that was said, by whom, when. */
export interface Said {
  readonly atMs: number;
  readonly by: 'node' | 'conductor';
  readonly what: NodeMessage | OrchestratorMessage | PublishedOutput | string;
}

/** An output as it came over the outputs plane. */
export interface PublishedOutput extends Output {
  readonly kind: 'output';
  readonly topic: string;
}

export type Heard = (NodeMessage | PublishedOutput) & Heading;
type HeardKind = Heard['kind'];
export type HeardOf<K extends HeardKind> = Extract<Heard, { kind: K }>;

/** The frame that a message came in. */
export interface Heading {
  readonly frame: {
    readonly nodeId: string;
    readonly incarnation: number;
    /** The connection, of a control frame; empty for outputs. */
    readonly route: Route;
  };
}

/** An expected message did not arrive, or a forbidden one did. */
export class Unmet extends Error {
  override readonly name = 'Unmet';
}

export interface ConductorOptions {
  readonly welcome?: Partial<Welcome>;
}

interface Waiter {
  readonly matches: (heard: Heard) => boolean;
  readonly settle: (heard: Heard) => void;
  readonly giveUp: (why: string) => void;
}

/** Small, so that large outputs need not be large. */
const INLINE_MAX_BYTES = 16 * 1024;
const MAX_FRAME_BYTES = 4 * 1024 * 1024;
const HEARTBEAT_INTERVAL_MS = 250;
const DEAD_AFTER_MS = 5_000;
const OUTPUT_WINDOW = 64;
/** A record that is printed is read by a person; the oldest goes first. */
const MAX_RECORD = 2_000;

export class Conductor {
  readonly #options: ConductorOptions;
  readonly #relays: { readonly control: Relay; readonly outputs: Relay };
  readonly shelf: BlobShelf;
  readonly nodeId: string = randomUUID();
  readonly storeId: string = randomUUID();
  #bus: OrchestratorBus | undefined;
  #route: Route | undefined;
  #startedAt = performance.now();
  #record: Said[] = [];
  #unread: Heard[] = [];
  #waiters = new Set<Waiter>();
  epoch = 1;
  incarnation = 1;

  private constructor(
    options: ConductorOptions,
    relays: { readonly control: Relay; readonly outputs: Relay },
    shelf: BlobShelf,
  ) {
    this.#options = options;
    this.#relays = relays;
    this.shelf = shelf;
  }

  static async open(options: ConductorOptions = {}): Promise<Conductor> {
    const [control, outputs, shelf] = await Promise.all([openRelay(), openRelay(), openBlobShelf()]);
    const conductor = new Conductor(options, { control, outputs }, shelf);
    await conductor.up();
    return conductor;
  }

  /** Where a node finds it: `TUTTI_CONTROL`. */
  get control(): string {
    return `tcp://127.0.0.1:${this.#relays.control.port}`;
  }

  get record(): readonly Said[] {
    return this.#record;
  }

  get nowMs(): number {
    return performance.now() - this.#startedAt;
  }

  /** Takes connections, after `open` or after `down`. */
  async up(): Promise<void> {
    const any = 'tcp://127.0.0.1:0';
    const bus = createZeromqOrchestratorBus({
      ...{ control: any, outputs: any, events: any },
      maxFrameBytes: MAX_FRAME_BYTES,
      admitsAll: true,
    });
    this.#bus = bus;
    const endpoints = await bus.start({
      onControl: (route, frame) => this.#onControl(route, frame),
      onOutputs: (topic, frame) => this.#onOutputs(topic, frame),
      onMalformed: (socket) => this.#note(`a message on the ${socket} socket has a wrong number of frames`),
      onCut: () => {},
      onUnreachable: () => {},
      onDisconnect: () => {},
    });
    this.#relays.control.lead(Number(new URL(endpoints.control).port));
    this.#relays.outputs.lead(Number(new URL(endpoints.outputs).port));
  }

  /** Ends every connection and takes no more, as a process that was killed. */
  async down(): Promise<void> {
    this.#relays.control.lead(undefined);
    this.#relays.outputs.lead(undefined);
    this.#route = undefined;
    const bus = this.#bus;
    this.#bus = undefined;
    await bus?.stop();
    this.#note('(the conductor is gone)');
  }

  /** Ends the node's connections as soon as it has published so many bytes more. */
  cutOutputsAfter(bytes: number): void {
    this.#relays.outputs.cutAfter(bytes);
  }

  cut(): void {
    this.#relays.control.cut();
    this.#relays.outputs.cut();
  }

  async close(): Promise<void> {
    for (const waiter of [...this.#waiters]) waiter.giveUp('the conductor has ended');
    await this.#bus?.stop();
    await Promise.all([this.#relays.control.close(), this.#relays.outputs.close(), this.shelf.close()]);
  }

  welcome(over: Partial<Welcome> = {}): Welcome {
    return {
      kind: 'welcome',
      nodeId: this.nodeId,
      incarnation: this.incarnation,
      heartbeatIntervalMs: HEARTBEAT_INTERVAL_MS,
      deadAfterMs: DEAD_AFTER_MS,
      outputsEndpoint: `tcp://*:${this.#relays.outputs.port}`,
      blobUrl: this.shelf.url,
      inlineMaxBytes: INLINE_MAX_BYTES,
      maxFrameBytes: MAX_FRAME_BYTES,
      outputWindow: OUTPUT_WINDOW,
      storeId: this.storeId,
      drop: [],
      outputType: 'json',
      descriptors: new Uint8Array(),
      ...this.#options.welcome,
      ...over,
    };
  }

  /** One frame to the node. */
  send(...messages: OrchestratorMessage[]): void {
    this.sendAs({}, ...messages);
  }

  /** One frame to the node, of another epoch or incarnation than its own. */
  sendAs(
    heading: { readonly epoch?: number; readonly incarnation?: number },
    ...messages: OrchestratorMessage[]
  ): void {
    const { epoch = this.epoch, incarnation = this.incarnation } = heading;
    for (const message of messages) this.#say('conductor', message);
    this.sendBytes(encodeToNode({ protocolVersion: PROTOCOL_VERSION, epoch, incarnation, messages }));
  }

  /** Whatever bytes as one frame. */
  sendBytes(bytes: Uint8Array, note?: string): void {
    if (note !== undefined) this.#say('conductor', note);
    if (this.#route !== undefined) this.#bus?.send(this.#route, bytes);
  }

  /** The next message of this kind that nobody has taken. `expected`: the sentence of the failure. */
  next<K extends HeardKind>(
    kind: K,
    withinMs: number,
    expected: string,
    matches: (heard: HeardOf<K>) => boolean = () => true,
  ): Promise<HeardOf<K>> {
    const isIt = (heard: Heard) => heard.kind === kind && matches(heard as HeardOf<K>);
    return this.any(isIt, withinMs, expected) as Promise<HeardOf<K>>;
  }

  any(matches: (heard: Heard) => boolean, withinMs: number, expected: string): Promise<Heard> {
    const index = this.#unread.findIndex(matches);
    if (index >= 0) return Promise.resolve(this.#unread.splice(index, 1)[0]!);
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        matches,
        settle: (heard) => {
          clearTimeout(timer);
          this.#waiters.delete(waiter);
          resolve(heard);
        },
        giveUp: (why) => {
          clearTimeout(timer);
          this.#waiters.delete(waiter);
          reject(new Unmet(`${expected}: ${why}`));
        },
      };
      const timer = setTimeout(() => waiter.giveUp(`it did not come within ${withinMs} ms`), withinMs);
      this.#waiters.add(waiter);
    });
  }

  /** Waits, and makes sure that nothing of the kind comes. */
  async never(matches: (heard: Heard) => boolean, forMs: number, wrong: string): Promise<void> {
    const came = await this.any(matches, forMs, '').catch(() => undefined);
    if (came !== undefined) throw new Unmet(wrong);
  }

  /** Forgets what came and was not taken. */
  forget(matches: (heard: Heard) => boolean = () => true): void {
    this.#unread = this.#unread.filter((heard) => !matches(heard));
  }

  /** Begins the record anew. */
  clearRecord(): void {
    this.#record = [];
    this.#startedAt = performance.now();
  }

  #onControl(route: Route, frame: Uint8Array): void {
    this.#route = route;
    const decoded = decodeToOrchestrator(frame);
    if (!decoded.ok) {
      this.#note(`(a frame that cannot be read: ${decoded.message})`);
      return;
    }
    for (const fault of decoded.faults) this.#note(`(a message that cannot be read: ${fault.message})`);
    const { nodeId, incarnation } = decoded.value;
    for (const message of decoded.value.messages) {
      this.#hear({ ...message, frame: { nodeId, incarnation, route } });
    }
  }

  #onOutputs(topic: string, frame: Uint8Array): void {
    const decoded = decodeOutputs(frame);
    if (!decoded.ok) {
      this.#note(`(outputs that cannot be read: ${decoded.message})`);
      return;
    }
    for (const fault of decoded.faults) this.#note(`(an output that cannot be read: ${fault.message})`);
    const heading = { nodeId: '', incarnation: 0, route: '' };
    for (const output of decoded.value.outputs) {
      this.#hear({ ...output, kind: 'output', topic, frame: heading });
    }
  }

  #hear(heard: Heard): void {
    const { frame: _, ...what } = heard;
    this.#say('node', what as NodeMessage | PublishedOutput);
    for (const waiter of this.#waiters) {
      if (!waiter.matches(heard)) continue;
      waiter.settle(heard);
      return;
    }
    this.#unread.push(heard);
    // Nobody waits for the heartbeats of an hour.
    if (this.#unread.length > MAX_RECORD) this.#unread.shift();
  }

  #note(text: string): void {
    this.#say('node', text);
  }

  #say(by: Said['by'], what: Said['what']): void {
    this.#record.push({ atMs: Math.round(this.nowMs), by, what });
    if (this.#record.length > MAX_RECORD) this.#record.shift();
  }
}
