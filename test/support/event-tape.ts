/**
 * All events of an orchestrator from the first on, by its WebSocket. A lost connection is dialled again from the last cursor, over
 * restarts too, and what comes twice, out of order or not at all is an error: promise 4 is checked by every test that uses this.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';

export interface TapedEvent {
  readonly seq: number;
  readonly at: string;
  readonly type: string;
  readonly problem_id?: string;
  readonly iteration_id?: number;
  readonly module?: string;
  readonly execution_id?: string;
  readonly attempt?: number;
  readonly node_id?: string;
  readonly [field: string]: unknown;
}

export type Match = (event: TapedEvent) => boolean;

const WAIT_MS = 60_000;
const RECONNECT_MS = 50;

export class EventTape {
  readonly events: TapedEvent[] = [];
  /** How often the stream had to be taken up again. */
  reconnects = 0;
  /** How each task ended, by its task_id. */
  readonly #ends = new Map<string, string>();
  readonly #waiting = new Set<() => void>();
  #socket: WebSocket | undefined;
  #storeId: string | undefined;
  #fault: Error | undefined;
  #closed = false;
  #subscribed = false;
  #cursor = 0;

  /** @param url asked for each connection: an orchestrator may come back elsewhere */
  constructor(url: () => string) {
    void this.#run(url);
  }

  /** The newest event that is known of. */
  get cursor(): number {
    return this.#cursor;
  }

  /** The first event that matches, already there or to come. */
  async first(what: string, match: Match): Promise<TapedEvent> {
    return (await this.some(what, 1, match))[0]!;
  }

  /** Resolves when so many events match; gives them. */
  some(what: string, count: number, match: Match): Promise<TapedEvent[]> {
    const found: TapedEvent[] = [];
    let seen = 0;
    return this.#until(`${count} × ${what}`, () => {
      for (; seen < this.events.length && found.length < count; seen += 1) {
        const event = this.events[seen]!;
        if (match(event)) found.push(event);
      }
      return found.length === count ? found : undefined;
    });
  }

  /** Resolves when all these tasks (their task_ids) have ended; gives how, in their order. */
  ended(...tasks: readonly string[]): Promise<string[]> {
    const left = new Set(tasks);
    return this.#until(`the end of ${tasks.length} tasks`, () => {
      for (const task of left) if (this.#ends.has(task)) left.delete(task);
      return left.size > 0 ? undefined : tasks.map((task) => this.#ends.get(task)!);
    });
  }

  of(task: string): TapedEvent[] {
    return this.events.filter((event) => taskOf(event) === task);
  }

  close(): void {
    this.#closed = true;
    this.#socket?.terminate();
  }

  /** Looks now and whenever events have come, until `find` finds something. */
  #until<T>(what: string, find: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        clearTimeout(timeout);
        this.#waiting.delete(look);
        act();
      };
      const look = () => {
        const found = find();
        const fault = this.#fault;
        if (fault) settle(() => reject(fault));
        else if (found !== undefined) settle(() => resolve(found));
      };
      const timeout = setTimeout(() => {
        const last = this.events.slice(-30).map((event) => JSON.stringify(event).slice(0, 300));
        settle(() => reject(new Error(`${what} did not come; the last events:\n${last.join('\n')}`)));
      }, WAIT_MS);
      this.#waiting.add(look);
      look();
    });
  }

  async #run(url: () => string): Promise<void> {
    while (!this.#closed) {
      await this.#connection(url());
      if (this.#closed) return;
      this.reconnects += 1;
      await delay(RECONNECT_MS);
    }
  }

  #connection(http: string): Promise<void> {
    const socket = new WebSocket(`${http.replace('http', 'ws')}/v1/stream`, { handshakeTimeout: 5_000 });
    this.#socket = socket;
    socket.on('error', () => {});
    socket.on('message', (data) => this.#take(JSON.parse(String(data)) as Record<string, unknown>, socket));
    return new Promise((resolve) => socket.once('close', () => resolve()));
  }

  #take(frame: Record<string, unknown>, socket: WebSocket): void {
    switch (frame.type) {
      case 'hello':
        this.#storeId ??= frame.store_id as string;
        this.#subscribed = false;
        socket.send(JSON.stringify({ type: 'subscribe', cursor: this.#cursor, store_id: this.#storeId }));
        return;
      case 'events':
        for (const event of frame.events as TapedEvent[]) {
          if (event.seq !== this.#cursor + 1) this.#fail(`event ${event.seq} came after ${this.#cursor}`);
          this.#cursor = event.seq;
          this.events.push(event);
          if (ENDS.includes(event.type)) this.#ends.set(taskOf(event), event.type.slice('iteration.'.length));
        }
        break;
      case 'subscribed':
        this.#subscribed = true;
        this.#expectCursor(frame);
        return;
      case 'tick':
        // Before the subscription it only says how far the orchestrator is.
        if (this.#subscribed) this.#expectCursor(frame);
        return;
      default:
        this.#fail(`the stream said ${JSON.stringify(frame)}`);
    }
    for (const look of this.#waiting) look();
  }

  #expectCursor({ type, cursor }: Record<string, unknown>): void {
    if (cursor !== this.#cursor) this.#fail(`${String(type)} says ${String(cursor)} at ${this.#cursor}`);
  }

  #fail(message: string): void {
    this.#fault ??= new Error(message);
    for (const look of this.#waiting) look();
  }
}

const ENDS = ['iteration.succeeded', 'iteration.failed', 'iteration.cancelled', 'iteration.aborted'];

/** The task_id of an event; empty for one that belongs to none. */
export function taskOf(event: TapedEvent): string {
  return event.iteration_id === undefined ? '' : `${event.problem_id}/${event.iteration_id}`;
}
