import { measureElement, useVirtualizer, type Virtualizer } from '@tanstack/react-virtual';
import { type ReactNode, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';

/** What the first lines count as before they have been drawn, in pixels. */
const LINE_PX = 22;
/** Above and below the lines, in pixels (`log-scroller`). */
const BORDERS_PX = 2;
/** Nearer to the end than this is at the end. */
const END_PX = 40;

/** Lines drawn above and below those in sight: few, since a scrubber draws all of them anew many times a second. */
const OVERSCAN = 4;

export interface VirtualLinesProps {
  readonly label: string;
  readonly count: number;
  /** The same function as long as the lines are the same: another one makes the places of all of them be reckoned anew. */
  readonly keyOf: (index: number) => number;
  readonly lineOf: (index: number) => ReactNode;
  readonly classOf?: (index: number) => string | undefined;
  readonly className?: string;
  /** Whether the end stays in sight as lines are added. */
  readonly follows: boolean;
  /** The person has scrolled away from the end, or back to it. */
  readonly onFollow?: (follows: boolean) => void;
  /** A line that is to be in sight. */
  readonly show?: number | undefined;
}

/** Any number of lines; only those in sight are drawn. */
export function VirtualLines(props: VirtualLinesProps): ReactNode {
  const { label, count, keyOf, lineOf, classOf, className = '', follows, onFollow, show } = props;
  const scroller = useRef<HTMLElement>(null);
  const top = useRef(0);
  const [usual, setUsual] = useState<number>();
  const lines = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: useCallback(() => usual ?? LINE_PX, [usual]),
    getItemKey: keyOf,
    measureElement: usual === undefined ? measureElement : heightOf,
    overscan: OVERSCAN,
  });
  // The first lines that are drawn tell how high the others are going to be.
  useLayoutEffect(() => {
    if (usual !== undefined) return;
    const heights = [...lines.itemSizeCache.values()].sort((a, b) => a - b);
    setUsual(heights[Math.floor(heights.length / 2)]);
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: places were reckoned with another height.
  useLayoutEffect(() => {
    if (usual !== undefined) lines.measure();
  }, [usual]);
  const height = lines.getTotalSize();
  const drawn = lines.getVirtualItems();
  // The virtualizer would scroll by asking for the layout of the page several times a frame. What it asks for is known here.
  const scrollTo = (offset: number): void => {
    const box = scroller.current;
    if (box === null) return;
    box.scrollTop = offset;
    top.current = box.scrollTop;
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: each new line counts, and each that turns out to be higher.
  useEffect(() => {
    if (follows && count > 0) scrollTo(height);
  }, [count, height, follows]);
  const placed = useRef({ line: -1, top: 0 });
  // biome-ignore lint/correctness/useExhaustiveDependencies: another line is a reason to move, and so are lines that turn out to be higher.
  useEffect(() => {
    if (show === undefined || show < 0) return;
    const hasScrolledSince = placed.current.line === show && placed.current.top !== top.current;
    const line = lines.measurementsCache[show];
    if (hasScrolledSince || line === undefined) return;
    const view = (lines.scrollRect?.height ?? 0) - BORDERS_PX;
    if (line.start < top.current) scrollTo(line.start);
    else if (line.end > top.current + view) scrollTo(line.end - view);
    placed.current = { line: show, top: top.current };
  }, [show, height]);
  return (
    <section
      ref={scroller}
      className={`log log-scroller ${className}`}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled with the keyboard.
      tabIndex={0}
      aria-label={label}
      onScroll={({ currentTarget: box }) => {
        // Lines that turn out to be higher leave the end behind too: only who goes up has left it.
        if (isAtEnd(box)) onFollow?.(true);
        else if (box.scrollTop < top.current) onFollow?.(false);
        top.current = box.scrollTop;
      }}
    >
      <ol style={{ height, paddingBlockStart: drawn[0]?.start }}>
        {drawn.map(({ index, key }) => (
          <li
            key={key}
            ref={lines.measureElement}
            data-index={index}
            aria-setsize={count}
            aria-posinset={index + 1}
            className={classOf?.(index)}
          >
            {lineOf(index)}
          </li>
        ))}
      </ol>
    </section>
  );
}

/** A new line counts as one of the usual height until it has been laid out: asking for its height at once would lay out the whole page. */
function heightOf(
  line: Element,
  entry: ResizeObserverEntry | undefined,
  lines: Virtualizer<HTMLElement, Element>,
): number {
  const key = lines.options.getItemKey(lines.indexFromElement(line));
  return entry || lines.itemSizeCache.has(key)
    ? measureElement(line, entry, lines)
    : lines.options.estimateSize(0);
}

function isAtEnd(box: HTMLElement | null): boolean {
  return box !== null && box.scrollHeight - box.scrollTop - box.clientHeight < END_PX;
}
