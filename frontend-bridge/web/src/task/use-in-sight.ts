import { type RefCallback, useCallback, useState } from 'react';

/** Whether any of an element is in sight; until it is known, it is not. */
export function useInSight(): [RefCallback<HTMLElement>, boolean] {
  const [isInSight, setInSight] = useState(false);
  const frame = useCallback((element: HTMLElement | null) => {
    if (element === null) return undefined;
    const seen = new IntersectionObserver(([entry]) => setInSight(entry?.isIntersecting ?? false));
    seen.observe(element);
    return () => seen.disconnect();
  }, []);
  return [frame, isInSight];
}
