import type { CSSProperties, ReactNode } from 'react';
import { Chip } from '../display/chip.js';
import type { Tone } from '../display/tone.js';

export interface CardProps {
  readonly name: string;
  readonly tone: Tone;
  /** In a word. */
  readonly state: string;
  /** 0–1; `null`: not known. */
  readonly progress: number | null;
  readonly time: ReactNode;
  readonly note: ReactNode;
  readonly picture?: ReactNode;
  readonly selected: boolean;
  readonly onSelect: () => void;
}

/** A part of a graph: a button that opens it, with its state, and a bar as long as it is busy. */
export function Card(props: CardProps): ReactNode {
  const { name, tone, state, progress, time, note, picture, selected, onSelect } = props;
  const busy = tone.tone === 'busy';
  return (
    <button type="button" className={`card tone-${tone.tone}`} aria-pressed={selected} onClick={onSelect}>
      <span className="card-name">{name}</span>
      <span className="card-state">
        <Chip tone={tone}>{state}</Chip>
        {busy && progress !== null && <span className="figure">{Math.round(progress * 100)} %</span>}
        <span className="figure card-time">{time}</span>
      </span>
      <span className="card-foot">
        <span className="card-note">{note}</span>
        {picture}
      </span>
      {busy && (
        <span
          className={progress === null ? 'bar bar-unknown' : 'bar'}
          style={{ '--done': progress ?? 0 } as CSSProperties}
        />
      )}
    </button>
  );
}
