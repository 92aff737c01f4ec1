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

/** Making a format costs far more than writing a date with it, and lists have many dates. */
const formats = {
  time: new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: 'numeric', second: 'numeric' }),
  minutes: new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' }),
  precise: new Intl.DateTimeFormat(undefined, {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
  }),
  day: new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' }),
  full: new Intl.DateTimeFormat(undefined, {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'short',
  }),
};

function write(moment: Date, format: keyof typeof formats): string {
  return Number.isNaN(moment.getTime()) ? String(moment) : formats[format].format(moment);
}

function inWords(moment: Date, date: NonNullable<MomentProps['date']>): string {
  switch (date) {
    case 'full':
      return write(moment, 'full');
    case 'always':
      return `${formatDay(moment)}, ${write(moment, 'time')}`;
    case true:
      return isToday(moment) ? write(moment, 'minutes') : formatDay(moment);
    case false:
      return withDay(moment, write(moment, 'time'));
    default:
      return date satisfies never;
  }
}

/** To the millisecond, with the day where it is not today. */
export function PreciseMoment({ at }: { at: string }): ReactNode {
  const moment = new Date(at);
  const time = write(moment, 'precise');
  return (
    <time dateTime={at} title={titleOf(at)}>
      {withDay(moment, time)}
    </time>
  );
}

function titleOf(at: string): string {
  return `${write(new Date(at), 'full')} (${at.replace('T', ' ').replace('Z', '')} UTC)`;
}

function withDay(moment: Date, time: string): string {
  return isToday(moment) ? time : `${formatDay(moment)} ${time}`;
}

function formatDay(moment: Date): string {
  return write(moment, 'day');
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
