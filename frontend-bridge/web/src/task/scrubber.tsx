import type { ReactNode } from 'react';
import type { EventJson } from '../../../../src/contract/event.js';
import { describeEvent } from '../display/event-words.js';
import { PreciseMoment } from '../display/time.js';
import { SPEEDS, type TimeTravel } from './use-time-travel.js';

/** The hand over a task's events: any of them, and playing on from there. */
export function Scrubber(props: {
  events: readonly EventJson[];
  travel: TimeTravel;
  isCut: boolean;
}): ReactNode {
  const { events, travel, isCut } = props;
  const { count, isPlaying, speed } = travel;
  const shown = count ?? events.length;
  const event = events[shown - 1];
  if (event === undefined) return null;
  return (
    <div className="scrubber">
      <div className="scrubber-hand">
        <button
          type="button"
          className="small"
          onClick={isPlaying ? travel.pause : travel.play}
          aria-label={isPlaying ? 'Pause' : 'Play the events'}
        >
          {isPlaying ? <PauseSign /> : <PlaySign />}
        </button>
        <fieldset className="speeds">
          <legend className="unseen">Speed</legend>
          {SPEEDS.map((one) => (
            <label key={one} className={one === speed ? 'speed speed-chosen' : 'speed'}>
              <input
                type="radio"
                name="speed"
                className="unseen"
                checked={one === speed}
                onChange={() => travel.setSpeed(one)}
              />
              {one}×
            </label>
          ))}
        </fieldset>
        <input
          type="range"
          className="scrubber-range"
          aria-label="Event"
          aria-valuetext={`Event ${shown} of ${events.length}: ${describeEvent(event, true)}`}
          min={1}
          max={events.length}
          value={shown}
          onChange={(change) => travel.goTo(Number(change.target.value))}
        />
        <button type="button" className="small" disabled={count === undefined} onClick={travel.goToNow}>
          Now
        </button>
      </div>
      <p className="scrubber-event">
        <span className="figure">
          {shown} of {events.length} events
        </span>
        <PreciseMoment at={event.at} />
        <span className="scrubber-what">{describeEvent(event, true)}</span>
      </p>
      {isCut && <p className="none">There are more events than this page can hold: these are the oldest.</p>}
    </div>
  );
}

function PlaySign(): ReactNode {
  return (
    <svg viewBox="0 0 16 16" className="hand-sign" aria-hidden="true" focusable="false">
      <path d="M4 2.5l9 5.5-9 5.5z" fill="currentColor" />
    </svg>
  );
}

function PauseSign(): ReactNode {
  return (
    <svg viewBox="0 0 16 16" className="hand-sign" aria-hidden="true" focusable="false">
      <path d="M4 2.5h3v11H4zM9 2.5h3v11H9z" fill="currentColor" />
    </svg>
  );
}
