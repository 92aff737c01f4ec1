import type { ReactNode } from 'react';
import type { Glyph, Tone } from './tone.js';

/** A state in a word, with its sign. */
export function Chip({ tone, children }: { tone: Tone; children: ReactNode }): ReactNode {
  return (
    <span className={`chip tone-${tone.tone}`}>
      <Sign glyph={tone.glyph} />
      {children}
    </span>
  );
}

/** The sign alone; its meaning stands beside it in words. */
export function Sign({ glyph }: { glyph: Glyph }): ReactNode {
  return (
    <svg className={`sign sign-${glyph}`} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      {SHAPES[glyph]}
    </svg>
  );
}

const RING = (
  <ellipse cx="8" cy="8" rx="5.6" ry="4.5" transform="rotate(-20 8 8)" fill="none" strokeWidth="1.6" />
);

const SHAPES: Readonly<Record<Glyph, ReactNode>> = {
  hollow: RING,
  quarter: (
    <>
      {RING}
      <circle cx="8" cy="8" r="1.7" stroke="none" />
    </>
  ),
  half: (
    <>
      {RING}
      <path d="M2.8 9.9A5.6 4.5 -20 0 0 13.2 6.1Z" stroke="none" />
    </>
  ),
  full: <ellipse cx="8" cy="8" rx="6.2" ry="5" transform="rotate(-20 8 8)" stroke="none" />,
  cross: <path d="M4 4l8 8M12 4l-8 8" fill="none" strokeWidth="2" strokeLinecap="round" />,
  square: <rect x="3.6" y="3.6" width="8.8" height="8.8" rx="1.6" stroke="none" />,
  pause: <path d="M5.6 3.6v8.8M10.4 3.6v8.8" fill="none" strokeWidth="2.4" strokeLinecap="round" />,
  dash: <path d="M3.6 8h8.8" fill="none" strokeWidth="2" strokeLinecap="round" />,
  return: (
    <path
      d="M6.4 3.4L3.2 6.6l3.2 3.2M3.6 6.6h6a3 3 0 0 1 0 6H7"
      fill="none"
      strokeWidth="1.7"
      strokeLinecap="round"
      strokeLinejoin="round"
    />
  ),
  repeat: (
    <>
      <path d="M13 2.8v10.4" fill="none" strokeWidth="2.4" />
      <path d="M9.4 2.8v10.4" fill="none" strokeWidth="1.2" />
      <circle cx="5" cy="5.8" r="1.5" stroke="none" />
      <circle cx="5" cy="10.2" r="1.5" stroke="none" />
    </>
  ),
  broken: (
    <path d="M3 3l3.4 4.2L4.8 9 13 13M13 3L9.4 7.4" fill="none" strokeWidth="1.8" strokeLinecap="round" />
  ),
};
