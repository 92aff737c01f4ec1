import { useVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, useEffect, useRef } from 'react';
import { Moment } from '../states/time.js';
import { Foreign } from '../states/title.js';
import type { LogEntry } from './history.js';

/** A line's height before it has been drawn, in pixels. */
const LINE_PX = 21;
/** Nearer to the end than this is at the end: new lines are followed. */
const END_PX = 40;

/** Log lines, newest last. As long as the end is in sight, it stays in sight. */
export function LogList({ entries }: { entries: readonly LogEntry[] }): ReactNode {
  const scroller = useRef<HTMLElement>(null);
  const isAtEnd = useRef(true);
  const lines = useVirtualizer({
    count: entries.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE_PX,
    getItemKey: (index) => entries[index]?.seq ?? index,
    overscan: 12,
  });
  const count = entries.length;
  // biome-ignore lint/correctness/useExhaustiveDependencies: each new line counts.
  useEffect(() => {
    const box = scroller.current;
    if (box && isAtEnd.current) box.scrollTop = box.scrollHeight;
  }, [count]);
  return (
    <section
      ref={scroller}
      className="log log-scroller"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled with the keyboard.
      tabIndex={0}
      aria-label="Log lines"
      onScroll={({ currentTarget: box }) => {
        isAtEnd.current = box.scrollHeight - box.scrollTop - box.clientHeight < END_PX;
      }}
    >
      <ol style={{ height: lines.getTotalSize() }}>
        {lines.getVirtualItems().map(({ index, key, start }) => {
          const entry = entries[index];
          return entry === undefined ? null : (
            <li
              key={key}
              ref={lines.measureElement}
              data-index={index}
              aria-setsize={count}
              aria-posinset={index + 1}
              className={`level-${entry.level}`}
              style={{ transform: `translateY(${start}px)` }}
            >
              <LogLine entry={entry} />
            </li>
          );
        })}
      </ol>
    </section>
  );
}

function LogLine({ entry }: { entry: LogEntry }): ReactNode {
  return (
    <>
      <Moment at={entry.at} />
      {entry.level !== 'info' && <b>{entry.level}</b>} <Foreign text={entry.message} />
      {Object.entries(entry.fields).map(([name, value]) => (
        <span key={name} className="log-field">
          <Foreign text={`${name}=${String(value)}`} />
        </span>
      ))}
    </>
  );
}
