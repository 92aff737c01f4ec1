/**
 * Receives every event from the first on and writes it down with the time of its receipt. A lost connection is dialled again from the
 * last cursor; what comes twice, out of order or not at all is a fault. Where a backup was restored, it is told that nothing of before is
 * there under the old name; the copies of these tests are complete, so it goes on from its cursor under the new one.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { Journal, type WatchedEvent } from './journal.js';

const RECONNECT_MS = 100;
/** A stream that says nothing at all for longer, not even a tick, is dialled anew. */
const SILENT_MS = 15_000;

export class Watcher {
  readonly faults: string[] = [];
  reconnects = 0;
  /** Gaps over everything, since the store is another one. */
  restores = 0;
  cursor = 0;
  #storeId: string | undefined;
  /** Of a store that it does not know yet: nothing counts until it has subscribed anew. */
  #otherStore: string | undefined;
  #socket: WebSocket | undefined;
  /** On this connection. Before, a tick says how far the stream is, not the viewer. */
  #subscribed = false;
  #closed = false;
  readonly #listeners: ((event: WatchedEvent) => void)[] = [];

  constructor(http: string, folder: string) {
    void this.#run(http, new Journal(folder, 'watcher'));
  }

  onEvent(listener: (event: WatchedEvent) => void): void {
    this.#listeners.push(listener);
  }

  close(): void {
    this.#closed = true;
    this.#socket?.terminate();
  }

  async #run(http: string, journal: Journal): Promise<void> {
    while (!this.#closed) {
      await this.#connection(http, journal);
      this.reconnects += 1;
      await delay(RECONNECT_MS);
    }
  }

  #connection(http: string, journal: Journal): Promise<void> {
    const socket = new WebSocket(`${http.replace('http', 'ws')}/v1/stream`, { handshakeTimeout: 5000 });
    this.#socket = socket;
    this.#subscribed = false;
    const silence = setTimeout(() => socket.terminate(), SILENT_MS);
    socket.on('error', () => {});
    socket.on('message', (data) => {
      silence.refresh();
      this.#take(JSON.parse(String(data)) as Record<string, unknown>, socket, journal);
    });
    return new Promise((resolve) =>
      socket.once('close', () => {
        clearTimeout(silence);
        resolve();
      }),
    );
  }

  #take(frame: Record<string, unknown>, socket: WebSocket, journal: Journal): void {
    switch (frame.type) {
      case 'hello':
        this.#storeId ??= frame.store_id as string;
        this.#otherStore = frame.store_id === this.#storeId ? undefined : (frame.store_id as string);
        socket.send(JSON.stringify({ type: 'subscribe', cursor: this.cursor, store_id: this.#storeId }));
        return;
      case 'gap':
        if (this.#otherStore === undefined || frame.from !== 1 || (frame.to as number) < this.cursor)
          this.faults.push(`the stream said ${JSON.stringify(frame)} to a viewer at ${this.cursor}`);
        this.restores += 1;
        this.#storeId = this.#otherStore;
        socket.send(JSON.stringify({ type: 'subscribe', cursor: this.cursor, store_id: this.#storeId }));
        return;
      case 'events': {
        if (this.#otherStore !== undefined) return;
        const events = frame.events as WatchedEvent[];
        for (const { seq } of events) {
          if (seq !== this.cursor + 1) this.faults.push(`the viewer got event ${seq} after ${this.cursor}`);
          this.cursor = seq;
        }
        journal.write(...events.map((event) => ({ event })));
        for (const event of events) for (const listener of this.#listeners) listener(event);
        return;
      }
      case 'subscribed':
      case 'tick':
        if (this.#otherStore !== undefined && frame.cursor !== this.cursor) return;
        if (frame.type === 'subscribed') {
          this.#otherStore = undefined;
          this.#subscribed = true;
        }
        if (this.#subscribed && frame.cursor !== this.cursor)
          this.faults.push(`${frame.type} says ${String(frame.cursor)} to a viewer at ${this.cursor}`);
        return;
      default:
        this.faults.push(`the stream said ${JSON.stringify(frame).slice(0, 300)}`);
    }
  }
}
