import { type MouseEvent, type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import type { GraphJson } from '../../../../src/contract/graph.js';
import type { ItemCountsJson } from '../../../../src/contract/iteration.js';
import type { ObservedState } from '../../../../src/model/execution.js';
import { formatDuration } from '../display/time.js';
import { countsInWords, formatCount } from '../items/counts.js';
import {
  criticalPath,
  type Row,
  type Scale,
  type Span,
  type SpanKind,
  type Timeline,
} from './timeline-model.js';
import { useTimeWindow } from './use-time-window.js';

/** While the task runs, its end is now; drawn so often. */
const REDRAW_MS = 250;
/** A row shows no more spans than its screen has places for. */
const PLACES = 1500;

const WORDS: Readonly<Record<SpanKind, string>> = {
  blocked: 'waiting for inputs',
  queued: 'queued',
  backoff: 'waiting to try again',
  asked: 'waiting for a person',
  placing: 'being placed',
  running: 'running',
};

/** Every colour of the rows, in the order in which a module goes through them. */
const LEGEND: readonly (readonly [kind: SpanKind, outcome: ObservedState | undefined, words: string])[] = [
  ['blocked', undefined, WORDS.blocked],
  ['queued', undefined, WORDS.queued],
  ['placing', undefined, WORDS.placing],
  ['running', undefined, WORDS.running],
  ['running', 'succeeded', 'succeeded'],
  ['running', 'failed', 'failed or lost'],
  ['running', 'cancelled', 'stopped or handed back'],
  ['backoff', undefined, WORDS.backoff],
  ['asked', undefined, WORDS.asked],
];

export interface TimelineViewProps {
  readonly timeline: Timeline;
  readonly graph: GraphJson;
  /** Where the whole ends, in Unix milliseconds; without one: now. */
  readonly end: number | undefined;
  /** The moment that is shown, where it is not now. */
  readonly hand: number | undefined;
  readonly selected: string | undefined;
  readonly onSelect: (module: string) => void;
  readonly onTime: (time: number) => void;
}

/** A task's modules over time: what each waited for, how long it was queued, every attempt. */
export function TimelineView(props: TimelineViewProps): ReactNode {
  const { timeline, graph, hand, selected, onSelect, onTime } = props;
  const now = useNow(props.end === undefined);
  const end = Math.max(props.end ?? now, timeline.start + 1);
  const rows = useRef<HTMLOListElement>(null);
  const [scale, zoom] = useTimeWindow(rows, timeline.start, end);
  const critical = useMemo(() => criticalPath(timeline, graph), [timeline, graph]);
  const until = hand ?? end;
  const seek = (click: MouseEvent<HTMLElement>): void => {
    const { left, width } = click.currentTarget.getBoundingClientRect();
    onTime(scale.start + ((click.clientX - left) / width) * scale.length);
  };
  return (
    <div className="timeline">
      <ol className="timeline-rows" ref={rows}>
        {timeline.rows.map((row) => (
          <li key={row.module} className="timeline-row">
            <button
              type="button"
              className={critical.includes(row.module) ? 'timeline-name timeline-critical' : 'timeline-name'}
              aria-pressed={row.module === selected}
              aria-label={`${row.module}: ${describeRow(row, until)}`}
              onClick={() => onSelect(row.module)}
            >
              {row.module}
            </button>
            {/* biome-ignore lint/a11y/noStaticElementInteractions: the slider above goes to any event with the keyboard. */}
            {/* biome-ignore lint/a11y/useKeyWithClickEvents: see above. */}
            <div className="timeline-track" onClick={seek}>
              {row.reusedFrom !== undefined && (
                <small className="timeline-reused" aria-hidden="true">
                  reused from {row.reusedFrom}
                </small>
              )}
              {drawn(row, scale, until).map((span) => (
                <span
                  key={`${span.from} ${span.kind}`}
                  className={`span span-${span.kind}${span.outcome ? ` span-${span.outcome}` : ''}${
                    span.kind === 'running' && critical.includes(row.module) ? ' span-critical' : ''
                  }`}
                  style={place(span.from, Math.min(span.to ?? until, until), scale)}
                  title={describeSpan(span, until) + itemsOf(row, span)}
                >
                  {span.kind === 'running' && labelOf(row, span)}
                </span>
              ))}
              {hand !== undefined && <span className="timeline-hand" style={{ left: at(hand, scale) }} />}
            </div>
          </li>
        ))}
      </ol>
      <div className="timeline-axis figure" aria-hidden="true">
        <div className="timeline-ticks">
          {ticksOf(scale, timeline.start).map((tick) => (
            <span key={tick} style={{ left: at(timeline.start + tick, scale) }}>
              {tick === 0 ? '0' : formatTick(tick)}
            </span>
          ))}
        </div>
      </div>
      <div className="timeline-foot">
        <fieldset className="zoom">
          <legend className="unseen">Zoom of the timeline</legend>
          <button type="button" className="small" onClick={() => zoom.by(2)} aria-label="Zoom in">
            +
          </button>
          <button
            type="button"
            className="small"
            disabled={!zoom.isZoomed}
            onClick={() => zoom.by(0.5)}
            aria-label="Zoom out"
          >
            −
          </button>
          <button type="button" className="small" disabled={!zoom.isZoomed} onClick={zoom.whole}>
            Whole
          </button>
        </fieldset>
        <ul className="timeline-legend">
          {LEGEND.map(([kind, outcome, words]) => (
            <li key={words}>
              <span
                className={`span-sample span span-${kind}${outcome ? ` span-${outcome}` : ''}`}
                aria-hidden="true"
              />{' '}
              {words}
            </li>
          ))}
          <li>
            <span className="span-sample span span-running span-succeeded span-critical" aria-hidden="true" />{' '}
            critical path
          </li>
        </ul>
      </div>
      {critical.length > 1 && (
        <p className="timeline-path">
          <b>Critical path</b> {critical.join(' → ')}
        </p>
      )}
    </div>
  );
}

function at(time: number, scale: Scale): string {
  return `${((time - scale.start) / scale.length) * 100}%`;
}

/** What lasted no time, too, takes a few pixels, which never lie beyond the end. */
function place(from: number, to: number, scale: Scale): { left: string; width: string } {
  const width = (Math.max(0, to - from) / scale.length) * 100;
  return { left: `min(${at(from, scale)}, 100% - var(--least))`, width: `max(var(--least), ${width}%)` };
}

function ticksOf(scale: Scale, start: number): number[] {
  const offset = scale.start - start;
  const step = ticks(scale.length)[1] ?? scale.length;
  const first = Math.ceil(offset / step - 1e-9) * step;
  return ticks(scale.length)
    .map((tick) => first + tick)
    .filter((tick) => tick <= offset + scale.length);
}

/** Of spans that fall on the same place, the first. */
function drawn(row: Row, scale: Scale, until: number): readonly Span[] {
  const [first, last] = [scale.start, scale.start + scale.length];
  const begun = row.spans.filter((span) => span.from <= Math.min(until, last) && (span.to ?? until) >= first);
  if (begun.length <= PLACES) return begun;
  let taken = Number.NEGATIVE_INFINITY;
  return begun.filter((span) => {
    const spot = Math.floor(((span.from - scale.start) / scale.length) * PLACES);
    const isWide = (span.to ?? until) - span.from > scale.length / PLACES;
    if (spot === taken && !isWide) return false;
    taken = spot;
    return true;
  });
}

/** How far a map is; of another module, which pass or attempt it is, from the second on. */
function labelOf({ items, spans }: Row, span: Span): ReactNode {
  if (items)
    return span === spans.findLast(({ kind }) => kind === 'running') ? <ItemLabel items={items} /> : null;
  const count = span.pass ?? span.attempt ?? 1;
  return count > 1 ? count : null;
}

function ItemLabel({ items }: { items: ItemCountsJson }): ReactNode {
  return (
    <span className="span-items">
      {formatCount(items.done)}/{formatCount(items.total)}
    </span>
  );
}

function itemsOf({ items }: Row, { kind }: Span): string {
  return items && kind === 'running' ? `: ${countsInWords(items)}` : '';
}

function describeSpan(span: Span, until: number): string {
  const attempt = (span.attempt ?? 1) > 1 ? `, attempt ${span.attempt}` : '';
  const pass = span.pass !== undefined ? `, pass ${span.pass}` : '';
  const outcome = span.outcome ? `, ${span.outcome}` : '';
  return `${WORDS[span.kind]} ${formatDuration((span.to ?? until) - span.from)}${pass}${attempt}${outcome}`;
}

/** `queued 12 ms, running 3.1 s, failed, waiting to try again 500 ms …`, at most the last few. */
function describeRow(row: Row, until: number): string {
  if (row.reusedFrom !== undefined) return `reused from ${row.reusedFrom}`;
  if (row.spans.length === 0) return 'nothing yet';
  return row.spans
    .filter((span) => span.from <= until)
    .slice(-6)
    .map((span) => describeSpan(span, until))
    .join('; ')
    .concat(row.items ? `; ${countsInWords(row.items)}` : '');
}

/** Four to nine round steps over `length` milliseconds. */
export function ticks(length: number): number[] {
  const rough = length / 6;
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1)));
  const round = length < 120_000 ? [1, 2, 5, 10].map((step) => step * power) : MINUTE_STEPS;
  const step = round.find((one) => one >= rough) ?? rough;
  const count = Math.floor(length / step + 1e-9);
  return Array.from({ length: count + 1 }, (_, index) => index * step);
}

const MINUTE_STEPS: readonly number[] = [
  ...[0.5, 1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10_080, 43_200].map(
    (minutes) => minutes * 60_000,
  ),
];

function formatTick(ms: number): string {
  if (ms < 1000) return `${ms} ms`;
  if (ms < 120_000) return `${Number((ms / 1000).toFixed(1))} s`;
  if (ms < 7_200_000) return `${Number((ms / 60_000).toFixed(1))} min`;
  if (ms < 172_800_000) return `${Number((ms / 3_600_000).toFixed(1))} h`;
  return `${Number((ms / 86_400_000).toFixed(1))} d`;
}

/** The time; while `isCounting`, it goes on. */
function useNow(isCounting: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!isCounting) return;
    const timer = window.setInterval(() => setNow(Date.now()), REDRAW_MS);
    return () => window.clearInterval(timer);
  }, [isCounting]);
  return now;
}
