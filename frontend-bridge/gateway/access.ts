/**
 * Who may talk to the gateway.
 *
 * 1. A browser's page of another site may not: an `Origin` that is neither the gateway's own nor a configured one is refused, `null`
 *    too, on WebSocket upgrades too. No `Origin` means no browser, or the gateway's own page reading.
 * 2. Nor may one through a name that was made to point here (DNS rebinding): bound to loopback, the `Host` must be an
 *    address, `localhost` or a configured name.
 * 3. With a token configured, it is needed: as `Authorization: Bearer`, or, since neither a browser's WebSocket nor its links can send
 *    headers, as `?token=` on a GET. It is compared in constant time, and taken out of the query before anything else sees it.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { HttpError } from './errors.js';

export interface AccessOptions {
  readonly token: string | undefined;
  /** Such as `https://tutti.example.org`. */
  readonly origins: readonly string[];
  /** Names, without ports, under which it is reached on loopback. */
  readonly hosts: readonly string[];
  readonly loopback: boolean;
}

export interface Access {
  /** Throws 403. Answers a preflight of a configured origin; the reply is then sent. */
  checkSite(request: FastifyRequest, reply: FastifyReply): void;
  /** Throws 401. */
  checkToken(request: FastifyRequest, reply: FastifyReply): void;
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host);
}

export function createAccess(options: AccessOptions): Access {
  const origins = new Set(options.origins.map((origin) => new URL(origin).origin));
  const names = new Set([...options.hosts, ...options.origins.map((origin) => new URL(origin).hostname)]);
  const expected = options.token === undefined ? undefined : digest(options.token);

  return {
    checkSite(request, reply) {
      const { origin, host } = request.headers;
      // Of several, everybody on the way may have taken another one.
      if (hostsOf(request.raw.rawHeaders) > 1)
        throw new HttpError(400, 'bad_request', 'The request has more than one Host header.');
      if (host === undefined && request.raw.httpVersion === '1.1')
        throw new HttpError(400, 'bad_request', 'The request has no Host header.');
      if (options.loopback && host !== undefined && !isTrustedHost(host, names)) {
        throw new HttpError(403, 'forbidden_host', `This orchestrator is not known as ${host}.`, {
          hint: 'Use its address or localhost, or add the name to the configured origins.',
        });
      }
      if (origin === undefined || origin === `http://${host}`) return;
      if (!origins.has(origin)) {
        throw new HttpError(403, 'forbidden_origin', `Pages of ${origin} may not use this orchestrator.`, {
          hint: 'Add it to the configured origins to allow it.',
        });
      }
      reply.header('access-control-allow-origin', origin).header('vary', 'origin');
      reply.header('access-control-expose-headers', 'tutti-cursor, tutti-type, retry-after');
      if (request.method !== 'OPTIONS') return;
      reply.header('access-control-allow-methods', 'GET, HEAD, POST, PUT, PATCH, DELETE');
      reply.header(
        'access-control-allow-headers',
        'authorization, content-type, accept, idempotency-key, if-match, range',
      );
      reply.header('access-control-max-age', '600').code(204).send();
    },
    checkToken(request, reply) {
      const given = givenToken(request);
      if (expected === undefined || (given !== undefined && timingSafeEqual(digest(given), expected))) return;
      reply.header('www-authenticate', 'Bearer realm="tutti"');
      throw new HttpError(
        401,
        'unauthorized',
        given === undefined ? 'A token is needed.' : 'The token is wrong.',
        {
          hint: 'Send the configured token as `Authorization: Bearer <token>`; the CLI takes --token or TUTTI_TOKEN.',
        },
      );
    },
  };
}

function givenToken(request: FastifyRequest): string | undefined {
  const bearer = /^bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1];
  const query = request.query as { token?: unknown };
  const inQuery = request.method === 'GET' || request.method === 'HEAD' ? query.token : undefined;
  delete query.token;
  return bearer ?? (typeof inQuery === 'string' ? inQuery : undefined);
}

/** Names and values by turns. */
function hostsOf(rawHeaders: readonly string[]): number {
  return rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host').length;
}

function isTrustedHost(host: string, names: ReadonlySet<string>): boolean {
  const name = host
    .replace(/:\d*$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
  return isIP(name) !== 0 || name === 'localhost' || names.has(name);
}

/** Equal lengths, whatever was given: what `timingSafeEqual` needs. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
