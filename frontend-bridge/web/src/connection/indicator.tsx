import { type ReactNode, useSyncExternalStore } from 'react';
import { Sign } from '../display/chip.js';
import { Elapsed, Moment } from '../display/time.js';
import type { Tone } from '../display/tone.js';
import type { LiveFeed } from '../live/feed.js';
import type { Connection } from '../state/connection.js';

/** Whether what is shown is live, and since when it is not. */
export function ConnectionIndicator({ feed }: { feed: LiveFeed }): ReactNode {
  const { connection, epoch, cursor } = useSyncExternalStore(feed.subscribe, feed.getState);
  const { tone, word } = describe(connection);
  const heardAt = connection.phase === 'live' ? null : connection.heardAt;
  return (
    <div className={`connection tone-${tone.tone}`}>
      <span className="connection-word" role="status">
        <Sign glyph={tone.glyph} /> {word}
      </span>
      {connection.phase === 'live' && cursor !== null && (
        <span
          className="figure connection-note"
          title={`Reflects every event up to ${cursor}; epoch ${epoch}`}
        >
          event {cursor}
        </span>
      )}
      {heardAt !== null && (
        <span className="figure connection-note">
          last heard <Elapsed since={new Date(heardAt).toISOString()} until={null} /> ago
        </span>
      )}
      {connection.phase === 'waiting' && (
        <button type="button" className="quiet" onClick={() => feed.retryNow()}>
          Connect now
        </button>
      )}
    </div>
  );
}

function describe(connection: Connection): { tone: Tone; word: string } {
  switch (connection.phase) {
    case 'live':
      return { tone: { tone: 'good', glyph: 'full' }, word: 'live' };
    case 'connecting':
    case 'waiting':
      return connection.heardAt === null
        ? {
            tone: { tone: 'quiet', glyph: 'hollow' },
            word: connection.failures === 0 ? 'connecting' : 'not reachable',
          }
        : { tone: { tone: 'held', glyph: 'pause' }, word: 'stale' };
    default:
      return connection satisfies never;
  }
}

/** What is shown and is not live; and a gap or another store, until the person has taken note. */
export function NoticeBar({ feed }: { feed: LiveFeed }): ReactNode {
  const { notice, connection, cursor } = useSyncExternalStore(feed.subscribe, feed.getState);
  const isStale = connection.phase !== 'live' && connection.heardAt !== null;
  return (
    <div role="status" className="notices">
      {isStale && (
        <p className="notice">
          <b>Not live</b> This page shows the state as of{' '}
          <Moment at={new Date(connection.heardAt).toISOString()} />, event {cursor}. It continues as soon as
          the orchestrator answers.
        </p>
      )}
      {notice && (
        <p className="notice">
          <b>{notice.kind === 'gap' ? 'Gap' : 'Another store'}</b> {notice.text}
          <button type="button" className="quiet" onClick={() => feed.dismissNotice()}>
            Dismiss
          </button>
        </p>
      )}
    </div>
  );
}
