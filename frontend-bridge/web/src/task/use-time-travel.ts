/**
 * Which moment of a task is shown, and playing on from it.
 *
 * 1. The address says the moment (`at`); while it moves quickly (dragged, played) the address follows when it rests.
 * 2. Playing keeps the events' own times, at the chosen speed.
 */
import { useCallback, useEffect, useRef, useState } from 'react';
import type { EventJson } from '../../../../src/contract/event.js';
import { countUntil, countWhile } from './halving.js';

export const SPEEDS = [1, 10, 100] as const;
export type Speed = (typeof SPEEDS)[number];

/** How many of `events` had happened at a time in Unix milliseconds. */
export function countAtTime(events: readonly EventJson[], time: number): number {
  return countWhile(events, ({ at }) => Date.parse(at) <= time);
}

/** The address follows after such a rest. */
const REST_MS = 250;

export interface TimeTravel {
  /** How many of the events had happened; nothing: it is shown as it is now. */
  readonly count: number | undefined;
  readonly isPlaying: boolean;
  readonly speed: Speed;
  /** Shows the task after so many events. */
  readonly goTo: (count: number) => void;
  readonly goToTime: (time: number) => void;
  readonly goToNow: () => void;
  readonly setSpeed: (speed: Speed) => void;
  readonly play: () => void;
  readonly pause: () => void;
}

export function useTimeTravel(
  events: readonly EventJson[],
  at: number | undefined,
  onRest: (at: number | undefined) => void,
): TimeTravel {
  const [moving, setMoving] = useState<number>();
  const [isPlaying, setIsPlaying] = useState(false);
  const [speed, setSpeed] = useState<Speed>(1);
  const rest = useRef<number>(undefined);
  const latest = useRef({ events, onRest });
  latest.current = { events, onRest };
  // The address has come to where the hand was.
  if (moving !== undefined && moving === at) setMoving(undefined);
  const seq = moving ?? at;
  const count = seq === undefined ? undefined : Math.max(1, countUntil(events, seq));

  const goTo = useCallback((next: number) => {
    const { events: known } = latest.current;
    const seqThere = known[Math.min(Math.max(1, next), known.length) - 1]?.seq;
    if (seqThere === undefined) return;
    setMoving(seqThere);
    window.clearTimeout(rest.current);
    rest.current = window.setTimeout(() => latest.current.onRest(seqThere), REST_MS);
  }, []);
  const goToAndRest = useCallback(
    (next: number) => {
      setIsPlaying(false);
      goTo(next);
    },
    [goTo],
  );
  const goToNow = useCallback(() => {
    window.clearTimeout(rest.current);
    setIsPlaying(false);
    setMoving(undefined);
    latest.current.onRest(undefined);
  }, []);
  useEffect(() => () => window.clearTimeout(rest.current), []);

  const here = useRef(count);
  here.current = count;
  useEffect(() => {
    if (!isPlaying) return;
    const { events: known } = latest.current;
    const begin = performance.now();
    const from = Date.parse(known[(here.current ?? 1) - 1]?.at ?? '');
    let frame = window.requestAnimationFrame(function step(now) {
      const reached = countAtTime(latest.current.events, from + (now - begin) * speed);
      if (reached !== here.current) goTo(reached);
      if (reached >= latest.current.events.length) setIsPlaying(false);
      else frame = window.requestAnimationFrame(step);
    });
    return () => window.cancelAnimationFrame(frame);
  }, [isPlaying, speed, goTo]);

  return {
    count,
    isPlaying,
    speed,
    setSpeed,
    goTo: goToAndRest,
    goToTime: (time) => {
      setIsPlaying(false);
      goTo(countAtTime(events, time));
    },
    goToNow,
    play: () => {
      // At the end there is nothing to play: it begins again.
      if (count === undefined || count >= events.length) {
        here.current = 1;
        goTo(1);
      }
      setIsPlaying(true);
    },
    pause: () => setIsPlaying(false),
  };
}
