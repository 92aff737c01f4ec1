/**
 * A node's connection for control to one address: a DEALER, and the frames that wait for it.
 *
 * C1. Frames that libzmq does not take yet wait in a queue of the node's own, which drops its oldest. One loop owns the DEALER's sending, so
 *     sends never overlap.
 * C2. Without a connection only few frames are kept, and by this queue only (libzmq gets a frame when there is a connection to take it): after
 *     a long outage the orchestrator is not flooded with what is stale.
 */
import type { Dealer } from 'zeromq';
import type { NodeBusHandlers } from './bus.js';
import { atMost, type Open, readAll, watched } from './zeromq-sockets.js';

export interface ControlLineOptions {
  readonly lingerMs: number;
  /** C1. */
  readonly queueFrames: number;
  /** C2. */
  readonly pendingFrames: number;
}

export class ControlLine {
  readonly #options: ControlLineOptions;
  readonly #handlers: NodeBusHandlers;
  readonly #dealer: Open<Dealer>;
  #isConnected = false;
  #hasClosed = false;
  /** Wakes the sending when there is a connection. */
  #wake: (() => void) | undefined;
  #pending: Uint8Array[] = [];
  #sending: Promise<void> | undefined;

  /** The socket is connected already. */
  constructor(socket: Dealer, options: ControlLineOptions, handlers: NodeBusHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.#dealer = watched(socket, {
      onConnect: () => {
        this.#isConnected = true;
        this.#wake?.();
        handlers.onLine?.(true);
        if (this.#pending.length === 0) handlers.onRoom?.();
      },
      onDisconnect: () => {
        this.#isConnected = false;
        handlers.onLine?.(false);
      },
    });
    void readAll(socket, (parts) =>
      parts.length === 1 && !this.#hasClosed ? handlers.onControl(parts[0]!) : undefined,
    );
  }

  get hasRoom(): boolean {
    return this.#isConnected && this.#pending.length === 0;
  }

  /** C1, C2. */
  send(frame: Uint8Array, supersedes: boolean): void {
    const { queueFrames, pendingFrames } = this.#options;
    const pending = this.#pending;
    const limit = this.#isConnected ? queueFrames : pendingFrames;
    const over = Math.max(0, pending.length + 1 - limit);
    const dropped = pending.splice(0, supersedes && !this.#isConnected ? pending.length : over);
    pending.push(frame);
    this.#sending ??= this.#drain(this.#dealer.socket);
    for (const each of dropped) this.#handlers.onDropped?.(each);
  }

  /** What was sent is handed to the network first, for at most the linger. */
  async close(): Promise<void> {
    if (this.#sending) await atMost(this.#options.lingerMs, this.#sending);
    this.#pending = [];
    await this.#dealer.close();
  }

  /** Leaves it at once; what waits is dropped. */
  abandon(): void {
    this.#hasClosed = true;
    const dropped = this.#pending.splice(0);
    this.#wake?.();
    void this.#dealer.close();
    for (const each of dropped) this.#handlers.onDropped?.(each);
  }

  /** C1. A send waits until there is a connection that takes it. */
  async #drain(socket: Dealer): Promise<void> {
    try {
      while (this.#pending.length > 0) {
        if (!this.#isConnected) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
        const frame = this.#pending.shift();
        if (frame !== undefined) await socket.send(frame);
        if (this.#pending.length === 0 && !this.#hasClosed) this.#handlers.onRoom?.();
      }
    } catch (error) {
      if (!socket.closed) throw error;
    }
    this.#sending = undefined;
  }
}
