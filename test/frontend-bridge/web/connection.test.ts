import { describe, expect, it } from 'vitest';
import {
  BACKOFF_FIRST_MS,
  BACKOFF_MAX_MS,
  backoffMs,
  type Connection,
  INITIAL_CONNECTION,
  nextConnection,
} from '../../../frontend-bridge/web/src/state/connection.js';

const lose = (connection: Connection, at = 0): Connection =>
  nextConnection(connection, { type: 'lost', at, jitter: 1 });
const dial = (connection: Connection): Connection => nextConnection(connection, { type: 'dial' });

describe('the connection', () => {
  it('is live only once it is subscribed', () => {
    expect(nextConnection(INITIAL_CONNECTION, { type: 'heard', at: 1 }).phase).toBe('connecting');
    expect(nextConnection(INITIAL_CONNECTION, { type: 'subscribed', at: 1 })).toEqual({
      phase: 'live',
      heardAt: 1,
    });
  });

  it('remembers when it last heard while it is stale', () => {
    const live = nextConnection(INITIAL_CONNECTION, { type: 'subscribed', at: 1 });
    const heard = nextConnection(live, { type: 'heard', at: 7 });
    expect(dial(lose(heard, 20))).toMatchObject({ phase: 'connecting', heardAt: 7 });
  });

  it('waits twice as long after each failure in a row, up to a bound', () => {
    let connection = INITIAL_CONNECTION;
    const waits: number[] = [];
    for (let failure = 0; failure < 10; failure++) {
      connection = lose(connection);
      waits.push(connection.phase === 'waiting' ? connection.retryAt : 0);
      connection = dial(connection);
    }
    expect(waits.slice(0, 3)).toEqual([BACKOFF_FIRST_MS, BACKOFF_FIRST_MS * 2, BACKOFF_FIRST_MS * 4]);
    expect(waits.at(-1)).toBe(BACKOFF_MAX_MS);
  });

  it('starts the waits over after it was live', () => {
    const failed = dial(lose(dial(lose(INITIAL_CONNECTION))));
    const live = nextConnection(failed, { type: 'subscribed', at: 0 });
    expect(lose(live)).toMatchObject({ failures: 1, retryAt: BACKOFF_FIRST_MS });
  });

  it('spreads the waits between half and all of a step', () => {
    expect(backoffMs(1, 0)).toBe(BACKOFF_FIRST_MS / 2);
    expect(backoffMs(1, 1)).toBe(BACKOFF_FIRST_MS);
  });
});
