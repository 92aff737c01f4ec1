import { certificateFault } from '../base/certificates.js';
import { type Fault, TuttiError, type TuttiErrorOptions } from '../base/errors.js';

export interface ClientErrorOptions extends TuttiErrorOptions {
  /** Of the HTTP answer; nothing where there was none. */
  readonly status?: number;
}

/**
 * A refusal of the orchestrator, a connection failure, or the failure of an awaited task: the only error of the
 * client. `docs/errors.md` lists the codes; `details` has every fault of an input at its path.
 */
export class ClientError extends TuttiError {
  override readonly name: string = 'ClientError';
  readonly status: number | undefined;

  constructor(code: string, message: string, options: ClientErrorOptions = {}) {
    super(code, message, options);
    this.status = options.status;
  }
}

/** The error of an answer that is none of success. */
export async function refusalOf(response: Response): Promise<ClientError> {
  const { status, url } = response;
  const body = (await response.json().catch(() => undefined)) as
    | { error?: Readonly<Record<string, unknown>> }
    | undefined;
  const { code, message, hint, details } = body?.error ?? {};
  return new ClientError(
    typeof code === 'string' ? code : 'bad_answer',
    typeof message === 'string' ? message : `${url} answered with ${status}.`,
    {
      status,
      ...(typeof hint === 'string' && { hint }),
      ...(Array.isArray(details) && { details: details as Fault[] }),
    },
  );
}

export function unreachable(url: string, cause?: unknown): ClientError {
  const { cause: inner, name } = (cause ?? {}) as { cause?: { code?: unknown }; name?: unknown };
  const told = inner?.code ?? name;
  const why = typeof told === 'string' ? ` (${told})` : '';
  return new ClientError('unreachable', `No orchestrator answers at ${url}${why}.`, {
    hint: certificateFault(inner ?? {})
      ? 'Its certificate is not trusted: name the file of its authority with NODE_EXTRA_CA_CERTS, and the address by a name of the certificate.'
      : 'Start one with `tutti up`, or name it with --url or TUTTI_URL.',
    cause,
  });
}
