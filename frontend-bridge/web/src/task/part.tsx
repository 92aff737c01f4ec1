import { type ReactNode, useDeferredValue } from 'react';
import { useInSight } from './use-in-sight.js';

/** Of a panel. While it is out of sight, it follows when there is time: a scrubber draws the panel anew many times a second. */
export function Part(props: { title: string; note: string; children: ReactNode }): ReactNode {
  const { title, note, children } = props;
  const [frame, isInSight] = useInSight();
  const later = useDeferredValue(children);
  return (
    <section ref={frame} className="part" aria-label={title}>
      <h3>
        {title} <small>{note}</small>
      </h3>
      {isInSight ? children : later}
    </section>
  );
}
