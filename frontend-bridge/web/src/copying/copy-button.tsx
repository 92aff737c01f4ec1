import { type ReactNode, useEffect, useState } from 'react';
import { copyText } from './clipboard.js';

/** How long it says that it has copied. */
const SAID_MS = 1600;

export interface CopyButtonProps {
  /** What is copied; a function where it takes time to write, in a list of thousands. */
  readonly text: string | (() => string);
  /** What it is, for people: `the id`. */
  readonly what: string;
  /** @default the sign alone */
  readonly children?: ReactNode;
}

/** Copies a text, and says that it has. */
export function CopyButton({ text, what, children }: CopyButtonProps): ReactNode {
  const [outcome, setOutcome] = useState<string>();
  useEffect(() => {
    if (outcome === undefined) return;
    const timer = window.setTimeout(() => setOutcome(undefined), SAID_MS);
    return () => window.clearTimeout(timer);
  }, [outcome]);
  return (
    <button
      type="button"
      className="copy"
      title={`Copy ${what}`}
      aria-label={`Copy ${what}`}
      onClick={() =>
        void copyText(typeof text === 'string' ? text : text()).then(
          () => setOutcome('Copied'),
          (thrown: Error) => setOutcome(thrown.message),
        )
      }
    >
      <svg viewBox="0 0 16 16" aria-hidden="true" focusable="false">
        {outcome === 'Copied' ? (
          <path d="M3 8.5l3.2 3.2L13 4.8" fill="none" stroke="currentColor" strokeWidth="1.8" />
        ) : (
          <path
            d="M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z"
            fill="none"
            stroke="currentColor"
            strokeWidth="1.4"
            strokeLinejoin="round"
          />
        )}
      </svg>
      {children}
      <span role="status" className="unseen">
        {outcome}
      </span>
    </button>
  );
}

/** A line to copy, such as a command: shown as it is. */
export function CopyLine({ text, what }: { text: string; what: string }): ReactNode {
  return (
    <span className="copy-line">
      <code>{text}</code>
      <CopyButton text={text} what={what} />
    </span>
  );
}
