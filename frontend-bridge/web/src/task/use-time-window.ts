import { type RefObject, useEffect, useRef, useState } from 'react';
import type { Scale } from './timeline-model.js';

/** No window is shorter than this. */
const SHORTEST_MS = 5;
/** A turn of the wheel by a notch (100 pixels) zooms by so much. */
const NOTCH = 1.25;

export interface TimeZoom {
  readonly isZoomed: boolean;
  /** Shows `1 / factor` of what is shown, around its middle. */
  readonly by: (factor: number) => void;
  readonly whole: () => void;
}

/**
 * The part of a task's time that is shown. With Ctrl or ⌘ the wheel zooms around the pointer, as it does elsewhere; sideways, it moves a
 * zoomed window along.
 */
export function useTimeWindow(
  rows: RefObject<HTMLElement | null>,
  start: number,
  end: number,
): [Scale, TimeZoom] {
  const [shown, setShown] = useState<Scale>();
  const scale = shown ?? { start, length: end - start };
  const latest = useRef({ scale, start, end });
  latest.current = { scale, start, end };

  const change = (around: number, factor: number): void => {
    const { scale: now, start: first, end: last } = latest.current;
    const length = Math.max(SHORTEST_MS, now.length / factor);
    if (length >= last - first) setShown(undefined);
    else setShown(within(around - ((around - now.start) / now.length) * length, length, first, last));
  };
  const changed = useRef(change);
  changed.current = change;
  useEffect(() => {
    const list = rows.current;
    if (list === null) return;
    const turn = (wheel: WheelEvent): void => {
      const track = list.querySelector('.timeline-track')?.getBoundingClientRect();
      if (track === undefined) return;
      const { scale: now, start: first, end: last } = latest.current;
      if (wheel.ctrlKey || wheel.metaKey) {
        wheel.preventDefault();
        const around = now.start + ((wheel.clientX - track.left) / track.width) * now.length;
        changed.current(around, NOTCH ** (-wheel.deltaY / 100));
        return;
      }
      const aside = wheel.shiftKey ? wheel.deltaY : wheel.deltaX;
      if (aside === 0 || now.length >= last - first) return;
      wheel.preventDefault();
      setShown(within(now.start + (aside / track.width) * now.length, now.length, first, last));
    };
    list.addEventListener('wheel', turn, { passive: false });
    return () => list.removeEventListener('wheel', turn);
  }, [rows]);

  return [
    scale,
    {
      isZoomed: shown !== undefined,
      by: (factor) => change(scale.start + scale.length / 2, factor),
      whole: () => setShown(undefined),
    },
  ];
}

function within(start: number, length: number, first: number, last: number): Scale {
  return { start: Math.max(first, Math.min(start, last - length)), length };
}
