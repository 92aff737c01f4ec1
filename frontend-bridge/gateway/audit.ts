/** What goes into the audit, as HTTP knows it: who asks, from where, and what was refused by the gateway itself. */
import type { FastifyRequest } from 'fastify';
import type { Asker, Deed } from '../../src/model/audit.js';
import type { HttpError } from './errors.js';

/** Rights that were not there. What the orchestrator refuses is noted by itself. */
const REFUSALS_OF_RIGHTS: ReadonlySet<string> = new Set(['too_many_attempts', 'token_in_url']);

/** `accessId` and `by`: nothing where nobody needs a token, or none was shown. */
export function askerOf({
  caller,
  ip,
}: Pick<FastifyRequest, 'ip'> & Partial<Pick<FastifyRequest, 'caller'>>): Asker {
  const by = caller?.name ?? undefined;
  return {
    address: ip,
    ...(by !== undefined && { by }),
    ...(caller?.grant && { accessId: caller.grant.id }),
  };
}

/** What was tried, where somebody was refused for want of rights. */
export function refusedDeed(request: FastifyRequest, { status, code }: HttpError): Deed | undefined {
  if (status !== 401 && status !== 403 && !REFUSALS_OF_RIGHTS.has(code)) return undefined;
  const { method, routeOptions } = request;
  const { action, isOpen } = routeOptions.config;
  return {
    ...askerOf(request),
    action: action ?? (isOpen ? 'sign_in' : 'read'),
    operation: `${method} ${routeOptions.url ?? ''}`,
  };
}

/** Something was done that is about what all share. */
export function deedOf(
  request: FastifyRequest,
  operation: string,
  target: Readonly<Record<string, string | number>> = {},
): Deed {
  const { action } = request.routeOptions.config;
  return { ...askerOf(request), action: action ?? 'sign_in', operation, target };
}
