/**
 * Service steps (`serve`): modules that do no work. A service is applied or removed, and the module succeeds once that is so.
 *
 * S1. What was begun is not begun again: its wait says so, and until when it waits.
 */
import type { Wait } from './waiting.js';

export const SERVE_ACTIONS = ['apply', 'remove'] as const;
export type ServeAction = (typeof SERVE_ACTIONS)[number];

export interface ServeSpec {
  /** The component of the deployment that the service is. */
  readonly component: string;
  readonly service: string;
  /** `apply`: until all its replicas are up; `remove`: until nothing of it runs. */
  readonly action: ServeAction;
  /** Then it has failed. */
  readonly withinMs: number;
}

/** S1. `until`: RFC 3339, UTC. */
export function serviceWait(service: string, until: string, reason: string): Wait {
  return { waiting: { code: 'service', service, until }, reason };
}
