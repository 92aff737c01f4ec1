import { type ReactNode, useSyncExternalStore } from 'react';

export interface MomentProps {
  /** RFC 3339. */
  readonly at: string;
  /**
   * `false`: the time, with the day where it is not today. `true`: the time today, else the day alone. `always`: day and time. `full`:
   * both, with the year and the time zone. @default false
   */
  readonly date?: boolean | 'always' | 'full';
}

/** A moment in the viewer's zone; on hover with its day and zone, and in UTC. */
export function Moment({ at, date = false }: MomentProps): ReactNode {
  return (
    <time dateTime={at} title={titleOf(at)}>
      {inWords(new Date(at), date)}
    </time>
  );
}

function inWords(moment: Date, date: NonNullable<MomentProps['date']>): string {
  switch (date) {
    case 'full':
      return moment.toLocaleString(undefined, FULL);
    case 'always':
      return `${formatDay(moment)}, ${moment.toLocaleTimeString()}`;
    case true:
      return isToday(moment)
        ? moment.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' })
        : formatDay(moment);
    case false:
      return withDay(moment, moment.toLocaleTimeString());
    default:
      return date satisfies never;
  }
}

const FULL: Intl.DateTimeFormatOptions = {
  weekday: 'short',
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short',
};

/** To the millisecond, with the day where it is not today. */
export function PreciseMoment({ at }: { at: string }): ReactNode {
  const moment = new Date(at);
  const time = moment.toLocaleTimeString(undefined, {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
  });
  return (
    <time dateTime={at} title={titleOf(at)}>
      {withDay(moment, time)}
    </time>
  );
}

function titleOf(at: string): string {
  return `${new Date(at).toLocaleString(undefined, FULL)} (${at.replace('T', ' ').replace('Z', '')} UTC)`;
}

function withDay(moment: Date, time: string): string {
  return isToday(moment) ? time : `${formatDay(moment)} ${time}`;
}

function formatDay(moment: Date): string {
  return moment.toLocaleDateString(undefined, { day: 'numeric', month: 'short' });
}

function isToday(moment: Date): boolean {
  return moment.toDateString() === new Date().toDateString();
}

/** A duration in milliseconds with a unit that fits: `840 ms`, `12.3 s`, `4 min 05 s`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${String(seconds % 60).padStart(2, '0')} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/** From `since` to `until`; while `until` is open it counts on, once a second. */
export function Elapsed({ since, until }: { since: string; until: string | null }): ReactNode {
  const start = Date.parse(since);
  return until === null ? <Counting start={start} /> : formatDuration(Date.parse(until) - start);
}

function Counting({ start }: { start: number }): ReactNode {
  const second = useSyncExternalStore(onSecond, () => Math.floor(Date.now() / 1000));
  const seconds = Math.max(0, Math.round(second - start / 1000));
  return seconds < 60 ? `${seconds} s` : formatDuration(seconds * 1000);
}

function onSecond(listener: () => void): () => void {
  const timer = window.setInterval(listener, 1000);
  return () => window.clearInterval(timer);
}
