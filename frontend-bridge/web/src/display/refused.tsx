import type { ReactNode } from 'react';
import type { FaultJson } from '../../../../src/contract/answer.js';
import { ApiError } from '../api/http.js';

export interface RefusedProps {
  readonly error: Error;
  /** Whether a fault is said elsewhere, beside its field. @default none is */
  readonly isPlaced?: (fault: FaultJson) => boolean;
}

/** Why something was not done, as where somebody else was faster (`busy`), with each fault that has no field of its own. */
export function Refused({ error, isPlaced }: RefusedProps): ReactNode {
  const { hint = undefined, details = [] } = error instanceof ApiError ? error : {};
  const others = isPlaced ? details.filter((fault) => !isPlaced(fault)) : details;
  const isSaidAbove = details.length > 0 && others.length === 0;
  // One fault by itself is what the message says.
  const listed = details.length > 1 ? others : [];
  return (
    <div className="fault" role="alert">
      <p>
        {isSaidAbove ? 'Not accepted: see the fields above.' : error.message}
        {hint !== undefined && `: ${hint}`}
      </p>
      {listed.length > 0 && (
        <ul>
          {listed.map(({ path, message }) => (
            <li key={`${path} ${message}`}>
              {path !== '' && <code>{path}</code>} {message}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
