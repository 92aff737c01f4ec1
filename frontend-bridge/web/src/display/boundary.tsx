import type { ReactNode } from 'react';
import { ErrorBoundary, type FallbackProps } from 'react-error-boundary';

export interface BoundaryProps {
  /** Another value: another view, which is drawn although the one before could not be. */
  readonly view: string;
  readonly children: ReactNode;
}

/**
 * Keeps a view that cannot be drawn to itself: without it, React would take down the whole page. The usual cause is an upgrade while the
 * page was open, after which the files of views that had not been opened yet are gone from the server.
 */
export function Boundary({ view, children }: BoundaryProps): ReactNode {
  return (
    <ErrorBoundary FallbackComponent={Fallback} resetKeys={[view]}>
      {children}
    </ErrorBoundary>
  );
}

/** A file that could not be loaded once is not asked for again by the browser, so only a reload helps. */
function Fallback({ error }: FallbackProps): ReactNode {
  return (
    <div className="fault" role="alert">
      <h1>This view could not be shown</h1>
      <p>{error instanceof Error ? error.message : String(error)}</p>
      <p>If Tutti was upgraded while this page was open, reload the page.</p>
      <button type="button" className="button" onClick={() => window.location.reload()}>
        Reload the page
      </button>
    </div>
  );
}
