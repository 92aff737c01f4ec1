import { readFileSync } from 'node:fs';
import { createMemoryNetwork, type Delivery, type MemoryNodeBus } from '../../src/bus/memory.js';
import type { BlobRef } from '../../src/model/payload.js';
import type { Welcome } from '../../src/model/protocol.js';
import type { UncaughtListener } from '../../src/sdk/author-code.js';
import { type BlobClient, blobOf } from '../../src/sdk/blobs.js';
import type { Handler, RunningNode } from '../../src/sdk/index.js';
import { type Host, startNode } from '../../src/sdk/node.js';
import { type NodeLogger, type NodeOptions, readOptions } from '../../src/sdk/options.js';
import { FakeOrchestrator, settled } from './fake-orchestrator.js';
import { ManualTime } from './manual-time.js';

// biome-ignore lint/suspicious/noExplicitAny: what a handler of no particular graph gets and gives.
export type AnyHandler = Handler<any, any, any>;

/** Blobs in memory, which can be told to refuse. */
export class MemoryBlobs implements BlobClient {
  readonly kept = new Map<string, Uint8Array>();
  readonly urls: string[] = [];
  puts = 0;
  base = '';
  token = '';
  refusal: Error | undefined;

  async get(blob: BlobRef, url: string): Promise<Uint8Array> {
    this.urls.push(url);
    return this.kept.get(blob.sha256)!;
  }

  async put(blob: BlobRef, bytes: Uint8Array): Promise<void> {
    this.puts += 1;
    if (this.refusal) throw this.refusal;
    this.kept.set(blob.sha256, bytes);
  }

  async putFile(blob: BlobRef, path: string): Promise<void> {
    await this.put(blob, readFileSync(path));
  }

  setBase(url: string): void {
    this.base = url;
  }

  setToken(token: string): void {
    this.token = token;
  }

  keep(bytes: Uint8Array): BlobRef {
    const blob = blobOf(bytes);
    this.kept.set(blob.sha256, bytes);
    return blob;
  }
}

export class FakeHost implements Host {
  readonly exits: number[] = [];
  #listener: ((signal: string) => void) | undefined;

  async signalsWatched(): Promise<void> {}

  onTerminate(listener: (signal: string) => void): () => void {
    this.#listener = listener;
    return () => {
      this.#listener = undefined;
    };
  }

  uncaught: UncaughtListener | undefined;

  onUncaught(listener: UncaughtListener): () => void {
    this.uncaught = listener;
    return () => {
      this.uncaught = undefined;
    };
  }

  exit(code: number): void {
    this.exits.push(code);
  }

  get isListening(): boolean {
    return this.#listener !== undefined;
  }

  signal(name: string): void {
    this.#listener?.(name);
  }
}

export interface LogLine {
  readonly level: string;
  readonly fields: object;
  readonly message: string;
}

/** A node on a memory network, with a fake orchestrator as its peer and time in the test's hands. */
export class Ground {
  readonly time = new ManualTime();
  readonly blobs = new MemoryBlobs();
  readonly host = new FakeHost();
  readonly lines: LogLine[] = [];
  /** Decides what becomes of each frame; by default it arrives. */
  deliver: (delivery: Delivery) => void = (delivery) => delivery.deliver();
  readonly network = createMemoryNetwork({
    schedule: (delivery) => queueMicrotask(() => this.deliver(delivery)),
  });
  readonly nodeBus: MemoryNodeBus = this.network.nodeBus('node');
  orchestrator: FakeOrchestrator = new FakeOrchestrator(this.network.orchestratorBus());

  readonly logger: NodeLogger = {
    debug: (fields, message) => this.lines.push({ level: 'debug', fields, message }),
    info: (fields, message) => this.lines.push({ level: 'info', fields, message }),
    warn: (fields, message) => this.lines.push({ level: 'warn', fields, message }),
    error: (fields, message) => this.lines.push({ level: 'error', fields, message }),
  };

  /** The node of `ml_model`, on its way: it settles with the first welcome. */
  start(handler: AnyHandler, options: NodeOptions = {}): Promise<RunningNode> {
    const settings = readOptions('ml_model', { instance: 'ml-1', exitOnTerminate: false, ...options }, {});
    const { nodeBus: bus, time, blobs, logger, host } = this;
    const deps = {
      bus,
      clock: time,
      timers: time,
      blobs,
      logger,
      bootId: '0197a000-0000-7000-8000-0000000000b0',
    };
    return startNode(settings, handler, deps, host);
  }

  /** As `start`, welcomed and IDLE. */
  async idle(
    handler: AnyHandler,
    options: NodeOptions = {},
    over: Partial<Welcome> = {},
  ): Promise<RunningNode> {
    await this.orchestrator.start();
    const starting = this.start(handler, options);
    await this.orchestrator.welcomeNode(over);
    const node = await starting;
    await settled();
    return node;
  }

  /** The orchestrator dies, and another takes its place. */
  async restartOrchestrator(): Promise<void> {
    (this.orchestrator.bus as ReturnType<typeof this.network.orchestratorBus>).kill();
    const { epoch } = this.orchestrator;
    this.orchestrator = new FakeOrchestrator(this.network.orchestratorBus());
    this.orchestrator.epoch = epoch + 1;
    await this.orchestrator.start();
  }
}
