/**
 * Who may talk to the gateway.
 *
 * 1. A browser's page of another site may not: an `Origin` that is neither the gateway's own nor a configured one is refused, `null`
 *    too, on WebSocket upgrades too. No `Origin` means no browser, or the gateway's own page reading.
 * 2. Nor may one through a name that was made to point here (DNS rebinding): bound to loopback, the `Host` must be an
 *    address, `localhost` or a configured name.
 * 3. With a token configured, it or that of a grant is needed: as `Authorization: Bearer`, or, since neither a browser's WebSocket nor
 *    its links can send headers, as `?token=` on a GET. It is compared in constant time, and taken out of the query before anything else
 *    sees it. The configured one has the role `admin`. Without a configured token, everybody has.
 * 4. Each route says what is done by it (`config.action`), and the table of `model/access.ts` says which role may do that.
 * 5. An address that shows wrong tokens a few times in a second is refused for the rest of it. A token so long that nobody guesses it
 *    counts all the same: somebody who fails then cannot keep others at the same address out.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../src/base/clock.js';
import { RateLimiter } from '../../src/base/rate-limiter.js';
import {
  type Action,
  type Grant,
  LEAST_ROLE,
  mayDo,
  type PublicPage,
  type Role,
} from '../../src/model/access.js';
import type { Grants } from '../../src/orchestrator/port.js';
import { HttpError } from './errors.js';

export interface AccessOptions {
  readonly token: string | undefined;
  /** Such as `https://tutti.example.org`. */
  readonly origins: readonly string[];
  /** Names, without ports, under which it is reached on loopback. */
  readonly hosts: readonly string[];
  readonly loopback: boolean;
  /** What callers without a token may read. */
  readonly publicPages: readonly PublicPage[];
  readonly grants: Pick<Grants, 'holderOf'>;
  readonly clock: Pick<Clock, 'monotonicMs'>;
}

/** Who asks. */
export interface Caller {
  readonly role: Role;
  /** Of a grant; `token`: the configured one; nothing where nobody needs a token, or none was shown. */
  readonly name: string | null;
  readonly grant?: Grant;
  readonly hasShownToken: boolean;
}

export interface Access {
  /** Throws 403. Answers a preflight of a configured origin; the reply is then sent. */
  checkSite(request: FastifyRequest, reply: FastifyReply): void;
  /** Throws 401 and 429. */
  identify(request: FastifyRequest, reply: FastifyReply): Caller;
  /** Throws 403. */
  authorize(caller: Caller, action: Action): void;
}

/** An honest client with the wrong token fails once, and says so. */
const FAILURES_PER_SECOND = 5;
/** 128 bits and more, however they are written. */
const UNGUESSABLE_CHARACTERS = 32;

const ANYBODY: Caller = { role: 'admin', name: null, hasShownToken: false };
const PASSER_BY: Caller = { role: 'viewer', name: null, hasShownToken: false };
const OWNER: Caller = { role: 'admin', name: 'token', hasShownToken: true };

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host);
}

export function createAccess(options: AccessOptions): Access {
  const origins = new Set(options.origins.map((origin) => new URL(origin).origin));
  const names = new Set([...options.hosts, ...options.origins.map((origin) => new URL(origin).hostname)]);
  const expected = options.token === undefined ? undefined : digest(options.token);
  const failures = new RateLimiter(FAILURES_PER_SECOND);

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
    identify(request, reply) {
      const given = givenToken(request);
      if (options.token === undefined || expected === undefined) return ANYBODY;
      const { page } = request.routeOptions.config;
      if (given === undefined) {
        if (page !== undefined && options.publicPages.includes(page)) return PASSER_BY;
        throw unauthorized(reply, 'A token is needed.');
      }
      const now = options.clock.monotonicMs();
      if (timingSafeEqual(digest(given), expected)) {
        if (given.length < UNGUESSABLE_CHARACTERS && failures.isReached(request.ip, now)) throw tooMany();
        return OWNER;
      }
      const grant = options.grants.holderOf(given);
      if (grant) return { role: grant.role, name: grant.name, grant, hasShownToken: true };
      if (!failures.admits(request.ip, now)) throw tooMany();
      throw unauthorized(reply, 'The token is wrong, has expired or was revoked.');
    },
    authorize({ role, name }, action) {
      if (mayDo(role, action)) return;
      const needed = LEAST_ROLE[action];
      const message = `This needs the role ${needed}; the token of ${name} has the role ${role}.`;
      throw new HttpError(403, `${needed}_needed`, message, {
        hint: `Ask an administrator for a token with the role ${needed} (tutti access grant).`,
      });
    },
  };
}

function unauthorized(reply: FastifyReply, message: string): HttpError {
  reply.header('www-authenticate', 'Bearer realm="tutti"');
  return new HttpError(401, 'unauthorized', message, {
    hint: 'Send the configured token or that of a grant as `Authorization: Bearer <token>`; the CLI takes --token or TUTTI_TOKEN.',
  });
}

function tooMany(): HttpError {
  const message = `This address has shown more than ${FAILURES_PER_SECOND} wrong tokens in a second.`;
  return new HttpError(429, 'too_many_attempts', message, { retryAfter: 1 });
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
