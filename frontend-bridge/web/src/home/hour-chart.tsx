import type { ReactNode } from 'react';
import { Moment } from '../display/time.js';
import type { Hour, Minute } from './hour.js';

/** The drawing's own units; it is stretched to its frame. */
const WIDTH = 600;
const HEIGHT = 96;
const GAP = 2;

/** What ended in each minute, by its outcome. */
export function ThroughputChart({ hour }: { hour: Hour }): ReactNode {
  const { minutes, mostEnded, ended, failed } = hour;
  const step = WIDTH / minutes.length;
  const scale = HEIGHT / Math.max(1, mostEnded);
  return (
    <Chart
      title="Ended"
      note={`${ended} in the last hour${failed > 0 ? `, ${failed} of them failed` : ''}`}
      words={`Tasks ended in each minute of the last hour: ${ended} in all, ${failed} failed, at most ${mostEnded} in a minute`}
      most={mostEnded}
      minutes={minutes}
    >
      {minutes.map((minute, index) => (
        <g key={minute.at}>
          {stack(minute).map(({ name, from, count }) => (
            <rect
              key={name}
              className={`hour-${name}`}
              x={index * step + GAP / 2}
              width={step - GAP}
              y={HEIGHT - (from + count) * scale}
              height={count * scale}
            />
          ))}
        </g>
      ))}
    </Chart>
  );
}

/** How many tasks were not over at the end of each minute. */
export function QueueChart({ hour }: { hour: Hour }): ReactNode {
  const { minutes, mostOpen } = hour;
  const step = WIDTH / minutes.length;
  const scale = HEIGHT / Math.max(1, mostOpen);
  const points = minutes.map(({ open }, index) => `${(index + 0.5) * step},${HEIGHT - open * scale}`);
  const now = minutes.at(-1)?.open ?? 0;
  return (
    <Chart
      title="At work or waiting"
      note={`${now} now, at most ${mostOpen} in the last hour`}
      words={`Tasks at work or waiting over the last hour: at most ${mostOpen}, now ${now}`}
      most={mostOpen}
      minutes={minutes}
    >
      <polygon
        className="hour-open"
        points={`${step / 2},${HEIGHT} ${points.join(' ')} ${WIDTH - step / 2},${HEIGHT}`}
      />
      <polyline className="hour-line" points={points.join(' ')} />
    </Chart>
  );
}

function Chart(props: {
  title: string;
  note: string;
  words: string;
  most: number;
  minutes: readonly Minute[];
  children: ReactNode;
}): ReactNode {
  const { title, note, words, most, minutes, children } = props;
  const [first, last] = [minutes[0], minutes.at(-1)];
  return (
    <figure className="hour">
      <figcaption>
        <h3>{title}</h3> <small className="figure">{note}</small>
      </figcaption>
      <div className="hour-frame">
        <small className="figure hour-most" aria-hidden="true">
          {most}
        </small>
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={words}>
          {children}
        </svg>
      </div>
      {first && last && (
        <p className="hour-axis figure">
          <Moment at={first.at} date={true} />
          <Moment at={last.at} date={true} />
        </p>
      )}
    </figure>
  );
}

function stack(minute: Minute): { name: string; from: number; count: number }[] {
  const parts = [
    { name: 'succeeded', count: minute.succeeded },
    { name: 'cancelled', count: minute.cancelled + minute.aborted },
    { name: 'failed', count: minute.failed },
  ];
  let from = 0;
  return parts.flatMap((part) => {
    const stacked = { ...part, from };
    from += part.count;
    return part.count > 0 ? [stacked] : [];
  });
}
