/** A refusal of a request or of a question, in the one form that all have. */
import type { Fault } from '../base/errors.js';
import type { Refusal, RefusalKind } from './port.js';

export function refusal(
  kind: RefusalKind,
  code: string,
  message: string,
  more: { readonly hint?: string; readonly details?: readonly Fault[]; readonly retryAfter?: number } = {},
): Refusal {
  return { ok: false, kind, code, message, ...more };
}
