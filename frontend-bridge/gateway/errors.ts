/**
 * Every error that leaves by HTTP or WebSocket, in the one shape, with its status.
 *
 * 1. What the framework refuses (syntax, size, media type, schema) has the same shape as what the orchestrator refuses.
 * 2. A fault of our own says nothing about our insides: 500 `internal`, the rest is in the log.
 */
import { type Fault, messageOf, TuttiError, type TuttiErrorOptions } from '../../src/base/errors.js';
import { unavailableBy } from '../../src/base/io-errors.js';
import { MAX_GRAPH_BYTES } from '../../src/model/graph.js';
import type { Refusal, RefusalKind } from '../../src/orchestrator/port.js';
import { faultsOf, isSchemaFailure } from './faults.js';

export interface ErrorBody {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly hint?: string;
    readonly details?: readonly Fault[];
  };
}

export interface HttpErrorOptions extends TuttiErrorOptions {
  /** Seconds, for the `Retry-After` header. */
  readonly retryAfter?: number;
}

/** An error with its HTTP status. */
export class HttpError extends TuttiError {
  override readonly name: string = 'HttpError';
  readonly status: number;
  readonly retryAfter: number | undefined;

  constructor(status: number, code: string, message: string, options: HttpErrorOptions = {}) {
    super(code, message, options);
    this.status = status;
    this.retryAfter = options.retryAfter;
  }
}

const STATUS: Readonly<Record<RefusalKind, number>> = {
  malformed: 400,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  outdated: 412,
  too_large: 413,
  invalid: 422,
  too_many: 429,
  internal: 500,
  unavailable: 503,
  timeout: 504,
};

/** Where the orchestrator named no time after which to try again: seconds. */
const RETRY_AFTER_S = 1;

export function refusalError(refusal: Refusal): HttpError {
  const again = refusal.kind === 'too_many' || refusal.kind === 'unavailable';
  return new HttpError(STATUS[refusal.kind], refusal.code, refusal.message, {
    ...(refusal.hint !== undefined && { hint: refusal.hint }),
    ...(refusal.details !== undefined && { details: refusal.details }),
    ...(again && { retryAfter: refusal.retryAfter ?? RETRY_AFTER_S }),
  });
}

export function errorBody(error: TuttiError): ErrorBody {
  return {
    error: {
      code: error.code,
      message: error.message,
      ...(error.hint !== undefined && { hint: error.hint }),
      ...(error.details.length > 0 && { details: error.details }),
    },
  };
}

/** Of a request: the parts that a schema may have refused, and what its route takes. */
export interface ErrorSources extends Readonly<Record<string, unknown>> {
  /** Bytes of a body. */
  readonly bodyLimit?: number;
  /** What a body holds is a secret. @default false */
  readonly hidesBody?: boolean;
}

/** The answer to a caller for a thrown value. */
export function toHttpError(thrown: unknown, sources: ErrorSources): HttpError {
  if (thrown instanceof HttpError) {
    const isQuoting = sources.hidesBody === true && thrown.code === 'malformed_json';
    return isQuoting ? new HttpError(400, thrown.code, 'The body is not JSON.') : thrown;
  }
  if (isSchemaFailure(thrown))
    return schemaError(thrown.validationContext, faultsOf(thrown, sources, sources.hidesBody));
  const unavailable = unavailableBy(thrown);
  if (unavailable) {
    const { code, message, retryAfter } = unavailable;
    return new HttpError(503, code, `${message}.`, { retryAfter, cause: thrown });
  }
  const { code, statusCode } = (thrown ?? {}) as { code?: unknown; statusCode?: unknown };
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new HttpError(413, 'too_large', `The body has more than ${sources.bodyLimit} bytes.`, {
        hint:
          sources.bodyLimit === MAX_GRAPH_BYTES
            ? 'A graph has at most this many: let its modules share settings (<<: *defaults), or split it.'
            : 'Raise --max-body (TUTTI_MAX_BODY) of the orchestrator, or keep the content elsewhere and give its address in the input.',
      });
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new HttpError(415, 'unsupported_media_type', 'This route does not accept that Content-Type.', {
        hint: 'Send application/json; a graph as application/yaml, text/yaml or text/plain.',
      });
    case 'store_damaged':
      return new HttpError(500, 'store_damaged', messageOf(thrown), {
        hint: 'The disk has changed it: `tutti check` lists all damage; restore a backup.',
        cause: thrown,
      });
    default:
      return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500
        ? new HttpError(statusCode, 'bad_request', (thrown as Error).message)
        : new HttpError(500, 'internal', 'The orchestrator failed to handle this request; its log says why.');
  }
}

function schemaError(part: string, details: readonly Fault[]): HttpError {
  const list = details.map((fault) => `${fault.path || 'body'}: ${fault.message}`).join('; ');
  switch (part) {
    case 'params':
      return new HttpError(404, 'not_found', `There is nothing at this address: ${list}`, { details });
    case 'querystring':
      return new HttpError(400, 'invalid_query', `The query has faults: ${list}`, { details });
    case 'headers':
      return new HttpError(400, 'invalid_header', `The headers have faults: ${list}`, { details });
    default:
      return new HttpError(422, 'invalid_body', `The body has faults: ${list}`, { details });
  }
}
