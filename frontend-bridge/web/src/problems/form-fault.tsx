import type { ReactNode } from 'react';
import type { FormFaults } from './input-faults.js';

/** What is wrong with a form as a whole; announced when it appears. */
export function FormFault({ faults }: { faults: FormFaults }): ReactNode {
  const placed = faults.input.length + faults.graph.length + faults.title.length;
  const text = faults.form ?? (placed > 0 ? 'Not accepted: see the fields above.' : undefined);
  return (
    <div role="alert">
      {text !== undefined && (
        <p className="fault">
          {text} {faults.hint}
        </p>
      )}
    </div>
  );
}
