import { type RefCallback, useCallback, useState } from 'react';
import type { Score } from './layout.js';

/** The part of the window's height that a graph may take; the stylesheet has the same. */
const HEIGHT_PART = 0.46;
/** Steps in which a frame's size counts: a scrollbar turns no graph over. */
const STEP_PX = 40;
/** Pixels of the narrowest frame that a score is shown in. */
const NARROWEST_PX = 250;

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The room that a graph has: as wide as its frame, as high as the window allows. */
export function useFrame(): [RefCallback<HTMLElement>, Size] {
  const [size, setSize] = useState<Size>({ width: 720, height: 400 });
  const frame = useCallback((element: HTMLElement | null) => {
    if (element === null) return undefined;
    const look = (): void => {
      const round = (length: number): number => Math.max(STEP_PX, Math.floor(length / STEP_PX) * STEP_PX);
      const [width, height] = [round(element.clientWidth), round(window.innerHeight * HEIGHT_PART)];
      setSize((now) => (now.width === width && now.height === height ? now : { width, height }));
    };
    look();
    const watched = new ResizeObserver(look);
    watched.observe(element);
    return () => watched.disconnect();
  }, []);
  return [frame, size];
}

/** The zoom at which the whole score is in the frame, however many modules it has. */
export function wholeZoom({ frame }: Score): number {
  return Math.min(0.3, NARROWEST_PX / Math.max(frame.width, frame.height));
}
