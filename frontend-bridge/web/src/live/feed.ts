/**
 * Keeps the cached views current from `/v1/stream`.
 *
 * 1. One subscription for the whole page. It begins at the oldest cursor that a cached view reflects and goes on, over
 *    reconnects, exactly where it stopped.
 * 2. An answer that arrives late is caught up from the event log, or fetched again when the log no longer reaches back.
 * 3. A gap or another store makes every view be fetched again, and is told to the person.
 */
import type { Query, QueryClient } from '@tanstack/react-query';
import type { EventJson } from '../../../../src/contract/event.js';
import { LIVE } from '../api/queries.js';
import {
  type Connection,
  type ConnectionEvent,
  INITIAL_CONNECTION,
  nextConnection,
  STALE_AFTER_MS,
} from '../state/connection.js';
import { appendToLog, type EventLog, emptyLog, eventsAfter } from '../state/event-log.js';
import { advance } from '../state/reducer.js';
import type { Snapshot } from '../state/views.js';
import { readFrame, type ServerFrame } from './frames.js';

/** Events come into the views at most so often: a page that is drawn for each of 200 events a second draws nothing else. */
const TAKE_PAUSE_MS = 40;
/** An incomplete view is fetched again at most so often. */
const REFETCH_PAUSE_MS = 400;

/** Something that a person should know about the stream; `id` tells repeats apart. */
export interface Notice {
  readonly id: number;
  readonly kind: 'gap' | 'store';
  readonly text: string;
}

export interface FeedState {
  readonly connection: Connection;
  readonly epoch: number | null;
  readonly cursor: number | null;
  readonly notice: Notice | null;
}

/** One connection. Once closed it is no longer listened to. */
export interface Wire {
  send(text: string): void;
  close(): void;
}

export interface WireEnds {
  readonly onMessage: (data: unknown) => void;
  /** It was lost, or never came about. */
  readonly onClose: () => void;
}

export interface FeedDeps {
  readonly cache: QueryClient;
  readonly dial: (ends: WireEnds) => Wire;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** 0–1. */
  readonly random: () => number;
  /** Runs once after `ms`, unless it is called off by what this returns. */
  readonly later: (ms: number, run: () => void) => () => void;
  /** Calls when dialling may succeed again (the network is back, the page is looked at). Returns the unsubscribe. */
  readonly onWake: (listener: () => void) => () => void;
}

export class LiveFeed {
  readonly #deps: FeedDeps;
  readonly #cache: QueryClient;
  readonly #listeners = new Set<() => void>();
  #state: FeedState = { connection: INITIAL_CONNECTION, epoch: null, cursor: null, notice: null };
  #log: EventLog | undefined;
  #storeId: string | undefined;
  #wire: Wire | undefined;
  #cancelTimer: (() => void) | undefined;
  #cancelRefetch: (() => void) | undefined;
  /** Heard and not taken yet. */
  #heard: { readonly events: EventJson[]; cursor: number } = { events: [], cursor: 0 };
  #takenAt: number = Number.NEGATIVE_INFINITY;
  #cancelTake: (() => void) | undefined;
  #unsubscribe: (() => void)[] | undefined;

  constructor(deps: FeedDeps) {
    this.#deps = deps;
    this.#cache = deps.cache;
  }

  /** Dials until `stop`. */
  start(): void {
    if (this.#unsubscribe) return;
    this.#unsubscribe = [
      this.#deps.onWake(() => this.retryNow()),
      this.#cache.getQueryCache().subscribe((change) => {
        if (change.type === 'updated' && change.action.type === 'success') this.#catchUp(change.query);
      }),
    ];
    this.#dial();
  }

  stop(): void {
    for (const unsubscribe of this.#unsubscribe ?? []) unsubscribe();
    this.#unsubscribe = undefined;
    this.#cancelTimer?.();
    this.#cancelRefetch?.();
    this.#cancelRefetch = undefined;
    this.#cancelTake?.();
    this.#cancelTake = undefined;
    this.#hangUp();
  }

  /** Dials at once when it is waiting to. */
  retryNow(): void {
    if (this.#unsubscribe && this.#state.connection.phase === 'waiting') this.#dial();
  }

  dismissNotice(): void {
    this.#set({ notice: null });
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly getState = (): FeedState => this.#state;

  #dial(): void {
    this.#hangUp();
    this.#step({ type: 'dial' });
    const wire = this.#deps.dial({
      onMessage: (data) => {
        const frame = this.#wire === wire ? readFrame(data) : undefined;
        if (frame) this.#hear(frame);
      },
      onClose: () => {
        if (this.#wire === wire) this.#lose();
      },
    });
    this.#wire = wire;
    this.#expectFrame();
  }

  #hangUp(): void {
    // The next connection goes on after what was heard.
    if (this.#wire) this.#takeHeard();
    const wire = this.#wire;
    this.#wire = undefined;
    wire?.close();
  }

  #lose(): void {
    this.#hangUp();
    const at = this.#deps.now();
    this.#step({ type: 'lost', at, jitter: this.#deps.random() });
    const { connection } = this.#state;
    if (connection.phase === 'waiting') this.#setTimer(connection.retryAt - at, () => this.#dial());
  }

  /** Silence for too long is a lost connection, also where TCP has not noticed. */
  #expectFrame(): void {
    this.#setTimer(STALE_AFTER_MS, () => this.#lose());
  }

  #setTimer(ms: number, run: () => void): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#deps.later(ms, run);
  }

  #hear(frame: ServerFrame): void {
    this.#expectFrame();
    this.#step({ type: 'heard', at: this.#deps.now() });
    switch (frame.type) {
      case 'hello':
        this.#greet(frame);
        break;
      case 'subscribed':
        this.#step({ type: 'subscribed', at: this.#deps.now() });
        break;
      case 'events':
        this.#takeSoon(frame.events, frame.cursor);
        break;
      case 'tick':
        this.#takeSoon([], frame.cursor);
        break;
      case 'gap':
        this.#takeHeard();
        this.#skip(frame.from, frame.to);
        break;
      case 'error':
        if (frame.error.code === 'bad_cursor') {
          this.#startOver(
            'The orchestrator does not know the position of this page. Everything shown was read again.',
          );
        }
        this.#lose();
        break;
      default:
        frame satisfies never;
    }
  }

  #greet(hello: Extract<ServerFrame, { type: 'hello' }>): void {
    const known = this.#storeId;
    this.#storeId = hello.store_id;
    if (known !== undefined && known !== hello.store_id) {
      this.#startOver('The orchestrator has opened another store. Everything shown was read again.');
    }
    this.#log ??= emptyLog(this.#oldestCursor(hello.cursor));
    this.#set({ epoch: hello.epoch, cursor: this.#log.to });
    this.#wire?.send(JSON.stringify({ type: 'subscribe', cursor: this.#log.to, store_id: hello.store_id }));
  }

  /** Where to begin: what is cached already must not miss an event. */
  #oldestCursor(newest: number): number {
    const cursors = this.#liveQueries().flatMap((query) => query.state.data?.cursor ?? []);
    return Math.min(newest, ...cursors);
  }

  /** At once after a pause; else together with what comes until the pause is over. */
  #takeSoon(events: readonly EventJson[], cursor: number): void {
    this.#heard.events.push(...events);
    this.#heard.cursor = Math.max(this.#heard.cursor, cursor);
    if (this.#cancelTake) return;
    const pause = this.#takenAt + TAKE_PAUSE_MS - this.#deps.now();
    if (pause <= 0) this.#takeHeard();
    else this.#cancelTake = this.#deps.later(pause, () => this.#takeHeard());
  }

  #takeHeard(): void {
    this.#cancelTake?.();
    this.#cancelTake = undefined;
    const { events, cursor } = this.#heard;
    this.#heard = { events: [], cursor: 0 };
    this.#takenAt = this.#deps.now();
    if (cursor > 0) this.#take(events, cursor);
  }

  #take(events: readonly EventJson[], cursor: number): void {
    if (!this.#log || cursor <= this.#log.to) return;
    this.#log = appendToLog(this.#log, events, cursor);
    this.#set({ cursor });
    for (const query of this.#liveQueries()) this.#bringForward(query, events, cursor);
  }

  #catchUp(query: Query): void {
    if (query.queryKey[0] !== LIVE || !this.#log) return;
    const snapshot = query.state.data as Snapshot | undefined;
    if (!snapshot || snapshot.cursor >= this.#log.to) return;
    const missing = eventsAfter(this.#log, snapshot.cursor);
    if (missing) this.#bringForward(query as Query<Snapshot>, missing, this.#log.to);
    else void this.#cache.invalidateQueries({ queryKey: query.queryKey, exact: true });
  }

  #bringForward(query: Query<Snapshot>, events: readonly EventJson[], cursor: number): void {
    const snapshot = query.state.data;
    if (!snapshot) return;
    const next = advance(snapshot, events, cursor);
    if (next === snapshot) return;
    this.#cache.setQueryData(query.queryKey, next);
    if (next.incomplete) this.#refetchSoon();
  }

  #refetchSoon(): void {
    this.#cancelRefetch ??= this.#deps.later(REFETCH_PAUSE_MS, () => {
      this.#cancelRefetch = undefined;
      const incomplete = (query: Query): boolean =>
        (query.state.data as Snapshot | undefined)?.incomplete === true;
      void this.#cache.invalidateQueries(
        { queryKey: [LIVE], predicate: incomplete },
        { cancelRefetch: false },
      );
    });
  }

  /** Events are gone: what is shown stays until it has been read again. */
  #skip(from: number, to: number): void {
    this.#log = emptyLog(to);
    this.#set({ cursor: to });
    this.#tell('gap', `Events ${from} to ${to} are no longer kept. Everything shown was read again.`);
    for (const query of this.#liveQueries()) {
      const snapshot = query.state.data;
      if (snapshot) this.#cache.setQueryData(query.queryKey, { ...snapshot, incomplete: true });
    }
    void this.#cache.invalidateQueries({ queryKey: [LIVE] });
  }

  /** What is shown no longer holds. */
  #startOver(text: string): void {
    this.#heard = { events: [], cursor: 0 };
    this.#log = undefined;
    this.#tell('store', text);
    void this.#cache.resetQueries();
  }

  #tell(kind: Notice['kind'], text: string): void {
    this.#set({ notice: { kind, text, id: (this.#state.notice?.id ?? 0) + 1 } });
  }

  #liveQueries(): Query<Snapshot>[] {
    return this.#cache.getQueryCache().findAll({ queryKey: [LIVE] }) as unknown as Query<Snapshot>[];
  }

  #step(event: ConnectionEvent): void {
    const connection = nextConnection(this.#state.connection, event);
    if (connection !== this.#state.connection) this.#set({ connection });
  }

  #set(change: Partial<FeedState>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }
}
