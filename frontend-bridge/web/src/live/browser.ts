/** The feed in a browser: its socket, its timers, and when to wake up. */
import type { QueryClient } from '@tanstack/react-query';
import { apiUrl } from '../api/http.js';
import { meQuery } from '../api/queries.js';
import type { FeedDeps } from './feed.js';

export function browserFeedDeps(cache: QueryClient): FeedDeps {
  return {
    cache,
    dial: ({ onMessage, onClose }) => {
      const socket = new WebSocket(streamUrl());
      socket.onmessage = (message) => onMessage(message.data);
      socket.onclose = () => {
        onClose();
        // A browser does not tell why: perhaps the session has ended.
        void cache.invalidateQueries({ queryKey: meQuery().queryKey });
      };
      return socket;
    },
    now: () => Date.now(),
    random: () => Math.random(),
    later: (ms, run) => {
      const timer = window.setTimeout(run, ms);
      return () => window.clearTimeout(timer);
    },
    onWake: (listener) => {
      const onVisible = (): void => {
        if (document.visibilityState === 'visible') listener();
      };
      window.addEventListener('online', listener);
      document.addEventListener('visibilitychange', onVisible);
      return () => {
        window.removeEventListener('online', listener);
        document.removeEventListener('visibilitychange', onVisible);
      };
    },
  };
}

function streamUrl(): URL {
  const url = apiUrl('stream');
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url;
}
