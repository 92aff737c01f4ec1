/**
 * Refusals of the facade: always JSON, `{"error": text, "code": code}`, with a status below 500, or 503 where trying again may help.
 * The front ends look at the body only.
 */
import { unavailableBy } from '../../src/base/io-errors.js';
import type { Refusal, RefusalKind } from '../../src/orchestrator/port.js';

export class Refused extends Error {
  override readonly name: string = 'Refused';
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
    this.code = code;
  }
}

const STATUS: Readonly<Record<RefusalKind, number>> = {
  malformed: 400,
  invalid: 400,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  outdated: 409,
  too_large: 413,
  too_many: 429,
  internal: 503,
  unavailable: 503,
  timeout: 504,
};

export function refusedBy({ kind, code, message, hint }: Refusal): Refused {
  return new Refused(STATUS[kind], code, hint === undefined ? message : `${message} (${hint})`);
}

export function bad(code: string, message: string): Refused {
  return new Refused(400, code, message);
}

/** The answer to a front end for a thrown value. */
export function asRefused(thrown: unknown): Refused {
  if (thrown instanceof Refused) return thrown;
  const unavailable = unavailableBy(thrown);
  if (unavailable) return new Refused(503, unavailable.code, unavailable.message, { cause: thrown });
  const { code, statusCode, message } = (thrown ?? {}) as Record<string, unknown>;
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new Refused(413, 'too_large', 'The body is too large.');
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500)
    return new Refused(statusCode, 'bad_request', String(message));
  return new Refused(503, 'internal', 'The request failed; the log of the orchestrator says why.', {
    cause: thrown,
  });
}

export function errorBody({ message, code }: Refused): Record<string, unknown> {
  return { error: message, code };
}
