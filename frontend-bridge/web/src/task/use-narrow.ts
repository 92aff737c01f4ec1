import { useSyncExternalStore } from 'react';

const NARROW = '(max-width: 720px)';

/** Whether a graph is shown as a list, for want of width. */
export function useNarrow(): boolean {
  return useSyncExternalStore(
    (listener) => {
      const query = window.matchMedia(NARROW);
      query.addEventListener('change', listener);
      return () => query.removeEventListener('change', listener);
    },
    () => window.matchMedia(NARROW).matches,
  );
}
