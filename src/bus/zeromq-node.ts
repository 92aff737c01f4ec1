/**
 * A node's two sockets: DEALER for control, PUB for outputs. Both only dial out.
 *
 * 1. Control frames that libzmq does not take yet wait in a queue of the node's own, which drops its oldest. One loop owns the
 *    DEALER's sending, so sends never overlap.
 * 2. Without a connection only few frames are kept, and by this queue only (libzmq gets a frame when there is a connection to take
 *    it): after a long outage the orchestrator is not flooded with what is stale.
 * 3. Outputs are handed to a connection that is up (`immediate`) or to nobody.
 */
import { curveKeyPair, Dealer, Publisher } from 'zeromq';
import { TuttiError } from '../base/errors.js';
import type { NodeBus, NodeBusHandlers } from './bus.js';
import {
  atMost,
  badEndpoint,
  HEARTBEATS,
  isIpv6,
  LINGER_MS,
  lossy,
  type Open,
  QUEUE_FRAMES,
  readAll,
  watched,
} from './zeromq-sockets.js';

export interface ZeromqNodeOptions {
  /** The orchestrator's control endpoint: `tcp://127.0.0.1:7400`. */
  readonly control: string;
  /** How long frames that were sent may still take after `stop`. @default 500 */
  readonly lingerMs?: number;
  /** A larger frame ends the connection. @default no limit: the orchestrator is trusted */
  readonly maxFrameBytes?: number;
  /** The first wait before connecting again; it doubles each time. @default 100 */
  readonly reconnectIntervalMs?: number;
  /** @default 2000 */
  readonly reconnectMaxIntervalMs?: number;
  /** Frames that are kept without a connection; the oldest are dropped. @default 64 */
  readonly pendingFrames?: number;
  /** CURVE, with keys as Z85. @default NULL: everything is in the clear */
  readonly curve?: NodeCurve;
  /** Frames that wait in each direction of a connection; beyond it the oldest are dropped. @default 1000 */
  readonly queueFrames?: number;
}

export interface NodeCurve {
  /** The orchestrator's, by which it is recognised. */
  readonly serverKey: string;
  readonly publicKey: string;
  readonly secretKey: string;
}

/** A new pair for a node, as Z85. */
export function newKeyPair(): Pick<NodeCurve, 'publicKey' | 'secretKey'> {
  return curveKeyPair();
}

/** About as much as a busy node says during one reconnect; all of it is repeated anyway. */
const PENDING_FRAMES = 64;

/** A host that does not answer at all is tried again after this, not after the minutes of the system's own limit. */
const CONNECT_TIMEOUT_MS = 5_000;

const UNLIMITED = -1;

export function createZeromqNodeBus(options: ZeromqNodeOptions): NodeBus {
  return new ZeromqNodeBus(options);
}

class ZeromqNodeBus implements NodeBus {
  readonly #options: ZeromqNodeOptions;
  readonly #linger: number;
  readonly #queueFrames: number;
  readonly #pendingFrames: number;
  #handlers: NodeBusHandlers | undefined;
  #connected = false;
  /** Wakes the sending when there is a connection. */
  #wake: (() => void) | undefined;
  #pending: Uint8Array[] = [];
  #sending: Promise<void> | undefined;
  #dealer: Open<Dealer> | undefined;
  #publisher: Open<Publisher> | undefined;
  #connectedOutputs: string | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: ZeromqNodeOptions) {
    this.#options = options;
    this.#linger = options.lingerMs ?? LINGER_MS;
    this.#queueFrames = options.queueFrames ?? QUEUE_FRAMES;
    this.#pendingFrames = options.pendingFrames ?? PENDING_FRAMES;
  }

  async start(handlers: NodeBusHandlers): Promise<void> {
    if (this.#dealer || this.#stopping) throw new TuttiError('bus_started', 'this bus was started before');
    this.#handlers = handlers;
    const { control, maxFrameBytes = UNLIMITED } = this.#options;
    const socket = new Dealer({
      ...this.#common(control),
      sendHighWaterMark: this.#pendingFrames,
      receiveHighWaterMark: this.#queueFrames,
      maxMessageSize: maxFrameBytes,
    });
    this.#dealer = watched(socket, {
      onConnect: () => {
        this.#connected = true;
        this.#wake?.();
        if (this.#pending.length === 0) handlers.onRoom?.();
      },
      onDisconnect: () => {
        this.#connected = false;
      },
    });
    try {
      socket.connect(control);
    } catch (error) {
      this.#stopping = this.#dealer.close();
      await this.#stopping;
      throw badEndpoint('control', control, error);
    }
    void readAll(socket, (parts) => (parts.length === 1 ? handlers.onControl(parts[0]!) : undefined));
  }

  send(frame: Uint8Array, supersedes = false): void {
    if (!this.#dealer || this.#stopping) return;
    const pending = this.#pending;
    const limit = this.#connected ? this.#queueFrames : this.#pendingFrames;
    const over = Math.max(0, pending.length + 1 - limit);
    const dropped = pending.splice(0, supersedes && !this.#connected ? pending.length : over);
    pending.push(frame);
    this.#sending ??= this.#drain(this.#dealer.socket);
    for (const each of dropped) this.#handlers?.onDropped?.(each);
  }

  get hasRoom(): boolean {
    return this.#connected && this.#pending.length === 0;
  }

  connectOutputs(endpoint: string): void {
    if (this.#stopping || endpoint === this.#connectedOutputs) return;
    const socket = new Publisher({
      ...this.#common(endpoint),
      immediate: true,
      sendTimeout: 0,
      sendHighWaterMark: this.#queueFrames,
    });
    try {
      socket.connect(endpoint);
    } catch (error) {
      socket.close();
      throw badEndpoint('outputs_endpoint', endpoint, error);
    }
    void this.#publisher?.close();
    this.#publisher = watched(socket);
    this.#connectedOutputs = endpoint;
  }

  publish(topic: string, frame: Uint8Array): void {
    if (this.#publisher && !this.#stopping) lossy(this.#publisher.socket.send([topic, frame]));
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#close();
    return this.#stopping;
  }

  /** The common part of both sockets. */
  #common(endpoint: string) {
    const { reconnectIntervalMs = 100, reconnectMaxIntervalMs = 2_000, curve } = this.#options;
    return {
      ...HEARTBEATS,
      ipv6: isIpv6(endpoint),
      linger: this.#linger,
      connectTimeout: CONNECT_TIMEOUT_MS,
      reconnectInterval: reconnectIntervalMs,
      reconnectMaxInterval: reconnectMaxIntervalMs,
      ...(curve && {
        curveServerKey: curve.serverKey,
        curvePublicKey: curve.publicKey,
        curveSecretKey: curve.secretKey,
      }),
    };
  }

  /** Sends what is pending, one frame at a time; a send waits until there is a connection that takes it. */
  async #drain(socket: Dealer): Promise<void> {
    try {
      while (this.#pending.length > 0) {
        if (!this.#connected) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
        const frame = this.#pending.shift();
        if (frame !== undefined) await socket.send(frame);
        if (this.#pending.length === 0) this.#handlers?.onRoom?.();
      }
    } catch (error) {
      if (!socket.closed) throw error;
    }
    this.#sending = undefined;
  }

  async #close(): Promise<void> {
    if (this.#sending) await atMost(this.#linger, this.#sending);
    this.#pending = [];
    await Promise.all([this.#dealer?.close(), this.#publisher?.close()]);
  }
}
