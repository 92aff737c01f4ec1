import { type ReactNode, useId } from 'react';
import { CopyButton, CopyLine } from '../copying/copy-button.js';

export interface FirstFileProps {
  readonly title: string;
  /** What the file describes, and what it is called. */
  readonly children: ReactNode;
  /** The file. */
  readonly example: string;
  /** What the command does. */
  readonly says: string;
  readonly command: string;
}

/** On a page that is empty: the file and the command by which a person has the first of what it lists. */
export function FirstFile({ title, children, example, says, command }: FirstFileProps): ReactNode {
  const id = useId();
  return (
    <section className="card-section" aria-labelledby={id}>
      <header className="section-head">
        <h2 id={id}>{title}</h2>
        <span className="tool-end">
          <CopyButton text={example} what="the file">
            Copy
          </CopyButton>
        </span>
      </header>
      <p>{children}</p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled with the keyboard. */}
      <pre className="yaml" tabIndex={0}>
        {example}
      </pre>
      <p>{says}</p>
      <CopyLine text={command} what="the command line" />
    </section>
  );
}
