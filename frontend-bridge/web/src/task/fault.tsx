import type { ReactNode } from 'react';
import type { ErrorJson } from '../../../../src/contract/answer.js';

/** An error with its message, and its place and causes folded away. `children`: the subject of the error. */
export function Fault({ error, children }: { error: ErrorJson; children?: ReactNode }): ReactNode {
  return (
    <div className="fault" role="alert">
      <p>
        {children} <code>{error.code}</code>
      </p>
      <p>{error.message}</p>
      <Stack stack={error.stack} />
    </div>
  );
}

/** Where an error was thrown and what caused it, folded away at first. */
export function Stack({ stack }: { stack: string | undefined }): ReactNode {
  if (!stack) return null;
  return (
    <details className="stack">
      <summary>Where and why</summary>
      <pre>{stack}</pre>
    </details>
  );
}
