import type { ReactNode } from 'react';
import { Link, useSearch } from 'wouter';
import { type Selection, withSelection } from './state/selection.js';

export interface SelectionLinkProps {
  readonly to: Partial<Selection>;
  readonly current: boolean;
  readonly className: string;
  /** Its name where what it shows is not enough. */
  readonly label?: string;
  readonly children: ReactNode;
}

/** A link that selects, and leaves the list of problems as it is: opened in a new tab, it shows the same there. */
export function SelectionLink({ to, current, className, label, children }: SelectionLinkProps): ReactNode {
  const search = useSearch();
  return (
    <Link
      href={`?${withSelection(search, to)}`}
      className={className}
      aria-label={label}
      aria-current={current ? 'true' : undefined}
    >
      {children}
    </Link>
  );
}
