/**
 * The event stream as programs and commands follow it.
 *
 * 1. A lost connection is dialled again, from the last cursor; what is delivered is in order and without repeats.
 * 2. A stretch that is gone, or another store than the one that was begun with, is a `gap`: who shows a state fetches it again.
 * 3. One whose epoch is older than the newest that was seen no longer leads: it is left.
 * 4. After `GIVE_UP_MS` without a connection it fails as unreachable.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import { ClientError, unreachable } from './errors.js';

/** Where the events come from. */
export interface StreamSource {
  readonly url: string;
  /** A new connection. */
  connect(): WebSocket;
  /** A frame from its text. @default `JSON.parse` */
  read?(text: string): unknown;
}

type Frame = Readonly<Record<string, unknown>>;

export interface StreamedEvent {
  readonly seq: number;
  readonly at: string;
  readonly type: string;
  readonly problem_id?: string;
  readonly iteration_id?: number;
  readonly [field: string]: unknown;
}

export type Followed =
  | { readonly kind: 'events'; readonly events: readonly StreamedEvent[] }
  | { readonly kind: 'gap'; readonly from: number; readonly to: number };

export interface FollowOptions {
  /** @default from now */
  readonly cursor?: number;
  /** @default all problems */
  readonly problemId?: string;
  readonly signal: AbortSignal;
}

const GIVE_UP_MS = 30_000;
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 2_000;
/** Ticks come at least every five seconds. */
const SILENCE_MS = 15_000;
/** For the other side's part of the closing handshake. */
const CLOSE_GRACE_MS = 500;

interface Place {
  isSubscribed: boolean;
  cursor: number | undefined;
  storeId: string | undefined;
  epoch: number;
}

/** Ends when the signal is aborted. */
export async function* follow(source: StreamSource, options: FollowOptions): AsyncGenerator<Followed> {
  const { signal } = options;
  const place: Place = { isSubscribed: false, cursor: options.cursor, storeId: undefined, epoch: 0 };
  let retryMs = FIRST_RETRY_MS;
  let lostAt = performance.now();
  while (!signal.aborted) {
    try {
      for await (const frame of frames(source, place, options)) {
        lostAt = performance.now();
        retryMs = FIRST_RETRY_MS;
        const followed = take(frame, place);
        if (followed !== undefined) yield followed;
      }
    } catch (thrown) {
      if (signal.aborted) return;
      if (thrown instanceof ClientError) throw thrown;
      if (performance.now() - lostAt > GIVE_UP_MS) throw unreachable(source.url, thrown);
    }
    await delay(retryMs, undefined, { signal }).catch(() => {});
    retryMs = Math.min(LONGEST_RETRY_MS, retryMs * 2);
  }
}

function take(frame: Frame, place: Place): Followed | undefined {
  switch (frame.type) {
    case 'events':
      place.cursor = frame.cursor as number;
      return { kind: 'events', events: frame.events as StreamedEvent[] };
    case 'gap': {
      const { from, to } = frame as { from: number; to: number };
      place.cursor = to;
      return { kind: 'gap', from, to };
    }
    case 'subscribed': {
      const begin = frame.cursor as number;
      place.isSubscribed = true;
      const another = place.cursor !== undefined && begin < place.cursor;
      place.cursor = begin;
      return another ? { kind: 'gap', from: 1, to: begin } : undefined;
    }
    case 'tick':
      // Before the subscription a tick is about all events, not about ours.
      if (place.isSubscribed) place.cursor = frame.cursor as number;
      return undefined;
    case 'error': {
      const { code, message } = frame.error as { code: string; message: string };
      throw new ClientError(code, message);
    }
    default:
      return undefined;
  }
}

/** The frames of one connection, the subscription made; ends when it closes, throws when it breaks or falls silent. */
async function* frames(
  source: StreamSource,
  place: Place,
  { problemId, signal }: FollowOptions,
): AsyncGenerator<Frame> {
  const socket = source.connect();
  const read = source.read ?? JSON.parse;
  const queue: Frame[] = [];
  let wake = (): void => {};
  let closed = false;
  let failure: unknown;
  const end = (): void => {
    closed = true;
    wake();
  };
  const hang = (): void => socket.terminate();
  let silence = setTimeout(hang, SILENCE_MS);
  socket.on('message', (data) => {
    clearTimeout(silence);
    silence = setTimeout(hang, SILENCE_MS);
    queue.push(read(String(data)) as Frame);
    wake();
  });
  socket.on('unexpected-response', (_request, response) => {
    const { statusCode } = response;
    const refused = statusCode === 401 || statusCode === 403;
    failure = refused
      ? new ClientError('unauthorized', `The event stream was refused with ${statusCode}.`, {
          status: statusCode,
          hint: 'Give the token with --token or TUTTI_TOKEN.',
        })
      : new Error(`the event stream was refused with ${statusCode}`);
    socket.terminate();
    end();
  });
  socket.on('error', (error) => {
    failure ??= error;
  });
  socket.on('close', end);
  signal.addEventListener('abort', hang);
  try {
    for (;;) {
      const frame = queue.shift();
      if (frame !== undefined) {
        if (frame.type === 'hello') {
          if (!isNewest(frame, place)) {
            socket.terminate();
            throw new Error(`an orchestrator of epoch ${frame.epoch} answers, and ${place.epoch} has begun`);
          }
          socket.send(JSON.stringify(subscription(frame, place, problemId)));
        }
        yield frame;
      } else if (closed) {
        if (failure !== undefined) throw failure;
        return;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    clearTimeout(silence);
    signal.removeEventListener('abort', hang);
    if (!closed) {
      socket.close();
      const cut = setTimeout(hang, CLOSE_GRACE_MS);
      await new Promise<void>((resolve) => socket.once('close', () => resolve()));
      clearTimeout(cut);
    }
  }
}

/** Whether no newer orchestrator of its store has said hello before; from then on, none older does. */
function isNewest({ epoch, store_id }: Frame, place: Place): boolean {
  if (store_id === place.storeId && (epoch as number) < place.epoch) return false;
  place.epoch = epoch as number;
  return true;
}

/** From the last place, in the store where that place is; the first subscription takes the store as it is. */
function subscription(hello: Frame, place: Place, problemId: string | undefined): Frame {
  place.isSubscribed = false;
  place.storeId ??= hello.store_id as string;
  const message = {
    type: 'subscribe',
    store_id: place.storeId,
    ...(place.cursor !== undefined && { cursor: place.cursor }),
    ...(problemId !== undefined && { problem_id: problemId }),
  };
  place.storeId = hello.store_id as string;
  return message;
}
