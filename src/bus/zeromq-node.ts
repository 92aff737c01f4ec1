/**
 * A node's two sockets: DEALER for control (`control-line.ts`), PUB for outputs. Both only dial out, to one of the addresses of the node.
 *
 * Outputs are handed to a connection that is up (`immediate`) or to nobody.
 */
import { curveKeyPair, Dealer, Publisher } from 'zeromq';
import { TuttiError } from '../base/errors.js';
import type { NodeBus, NodeBusHandlers } from './bus.js';
import { ControlLine } from './control-line.js';
import {
  badEndpoint,
  HEARTBEATS,
  isIpv6,
  LINGER_MS,
  lossy,
  type Open,
  QUEUE_FRAMES,
  watched,
} from './zeromq-sockets.js';

export interface NodeAddress {
  /** An orchestrator's control endpoint: `tcp://127.0.0.1:7400`. */
  readonly control: string;
  /** CURVE, with keys as Z85. @default NULL: everything is in the clear */
  readonly curve?: NodeCurve;
}

export interface ZeromqNodeOptions {
  /** In the order in which they are tried. */
  readonly addresses: readonly [NodeAddress, ...NodeAddress[]];
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
  #handlers: NodeBusHandlers | undefined;
  #address: NodeAddress;
  #line: ControlLine | undefined;
  #publisher: Open<Publisher> | undefined;
  #connectedOutputs: string | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: ZeromqNodeOptions) {
    this.#options = options;
    this.#address = options.addresses[0];
    this.#linger = options.lingerMs ?? LINGER_MS;
    this.#queueFrames = options.queueFrames ?? QUEUE_FRAMES;
  }

  async start(handlers: NodeBusHandlers): Promise<void> {
    if (this.#handlers || this.#stopping) throw new TuttiError('bus_started', 'this bus was started before');
    this.#handlers = handlers;
    this.#line = this.#dial(handlers);
  }

  dial(at: number): void {
    if (!this.#handlers || this.#stopping) return;
    this.#line?.abandon();
    void this.#publisher?.close();
    this.#publisher = undefined;
    this.#connectedOutputs = undefined;
    this.#address = this.#options.addresses[at]!;
    this.#line = this.#dial(this.#handlers);
  }

  send(frame: Uint8Array, supersedes = false): void {
    if (!this.#stopping) this.#line?.send(frame, supersedes);
  }

  get hasRoom(): boolean {
    return this.#line?.hasRoom === true;
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

  #dial(handlers: NodeBusHandlers): ControlLine {
    const { control } = this.#address;
    const { maxFrameBytes = UNLIMITED, pendingFrames = PENDING_FRAMES } = this.#options;
    const socket = new Dealer({
      ...this.#common(control),
      sendHighWaterMark: pendingFrames,
      receiveHighWaterMark: this.#queueFrames,
      maxMessageSize: maxFrameBytes,
    });
    try {
      socket.connect(control);
    } catch (error) {
      socket.close();
      throw badEndpoint('control', control, error);
    }
    return new ControlLine(
      socket,
      { lingerMs: this.#linger, queueFrames: this.#queueFrames, pendingFrames },
      handlers,
    );
  }

  /** The common part of both sockets. */
  #common(endpoint: string) {
    const { reconnectIntervalMs = 100, reconnectMaxIntervalMs = 2_000 } = this.#options;
    const { curve } = this.#address;
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

  async #close(): Promise<void> {
    await Promise.all([this.#line?.close(), this.#publisher?.close()]);
  }
}
