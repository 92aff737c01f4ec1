/**
 * Whether what the page shows is live. Pure: time comes in with what happened.
 *
 * 1. `live` only between a `subscribed` and the moment that the server falls silent for `STALE_AFTER_MS`.
 * 2. Every failure in a row doubles the wait, up to `BACKOFF_MAX_MS`; a connection that became live starts over.
 */

/** The server ticks at least every 5 s; twice that and a breath is silence. */
export const STALE_AFTER_MS = 12_000;
export const BACKOFF_FIRST_MS = 250;
export const BACKOFF_MAX_MS = 15_000;

export type Connection =
  | { readonly phase: 'connecting'; readonly failures: number; readonly heardAt: number | null }
  | { readonly phase: 'live'; readonly heardAt: number }
  | {
      readonly phase: 'waiting';
      readonly failures: number;
      readonly heardAt: number | null;
      readonly retryAt: number;
    };

export type ConnectionEvent =
  | { readonly type: 'dial' }
  | { readonly type: 'subscribed'; readonly at: number }
  | { readonly type: 'heard'; readonly at: number }
  /** `jitter` in 0–1 spreads viewers that lost the same server. */
  | { readonly type: 'lost'; readonly at: number; readonly jitter: number };

export const INITIAL_CONNECTION: Connection = { phase: 'connecting', failures: 0, heardAt: null };

export function nextConnection(connection: Connection, event: ConnectionEvent): Connection {
  switch (event.type) {
    case 'dial': {
      const failures = connection.phase === 'live' ? 0 : connection.failures;
      return { phase: 'connecting', failures, heardAt: connection.heardAt };
    }
    case 'subscribed':
      return { phase: 'live', heardAt: event.at };
    case 'heard':
      return connection.phase === 'live' ? { phase: 'live', heardAt: event.at } : connection;
    case 'lost': {
      const failures = connection.phase === 'live' ? 1 : connection.failures + 1;
      const retryAt = event.at + backoffMs(failures, event.jitter);
      return { phase: 'waiting', failures, heardAt: connection.heardAt, retryAt };
    }
    default:
      return event satisfies never;
  }
}

/** The wait before the next try: between half and all of the doubled step. */
export function backoffMs(failures: number, jitter: number): number {
  const step = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** (failures - 1));
  return step / 2 + (step / 2) * jitter;
}
