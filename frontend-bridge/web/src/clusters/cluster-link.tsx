import type { ReactNode } from 'react';
import { SelectionLink } from '../selection-link.js';

/** The cluster on which something is, if it is on one. */
export function ClusterLink({ cluster }: { cluster: string | null }): ReactNode {
  if (cluster === null) return <span className="none">not placed yet</span>;
  return (
    <SelectionLink className="link" to={{ page: 'clusters', name: cluster }} current={false}>
      {cluster}
    </SelectionLink>
  );
}
