import type { ReactNode } from 'react';
import { Link } from 'wouter';

export interface SelectionLinkProps {
  /** The search part, as `formatSelection` gives it. */
  readonly to: string;
  readonly current: boolean;
  readonly className: string;
  readonly children: ReactNode;
}

/** A link that selects: opened in a new tab, it shows the same there. */
export function SelectionLink({ to, current, className, children }: SelectionLinkProps): ReactNode {
  return (
    <Link href={`?${to}`} className={className} aria-current={current ? 'true' : undefined}>
      {children}
    </Link>
  );
}
