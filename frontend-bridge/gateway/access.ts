/**
 * Who may talk to the gateway.
 *
 * 1. A browser's page of another site may not: an `Origin` that is neither the gateway's own nor a configured one is refused, `null`
 *    too, on WebSocket upgrades too. No `Origin` means no browser, or the gateway's own page reading.
 * 2. Nor may one through a name that was made to point here (DNS rebinding): bound to loopback, the `Host` must be an
 *    address, `localhost` or a configured name.
 * 3. With a token configured, it or that of a grant is needed, or a session that was made with one: as `Authorization: Bearer`, or, since
 *    neither a browser's WebSocket nor its links can send headers, a session as the cookie of our page. It is compared in constant time, and
 *    refused in an address, which histories and logs keep. The configured one has the role `admin`. Without a configured token, everybody has.
 * 4. Each route says what is done by it (`config.action`), and the table of `model/access.ts` says which role may do that.
 * 5. A browser sends the cookie whichever page makes it ask. With a cookie, nothing is changed and no WebSocket opened unless the request says that
 *    it comes from a page of ours; and nothing is read where it says that it comes from another one.
 * 6. An address that shows wrong tokens a few times in a second is refused for the rest of it. A token so long that nobody guesses it
 *    counts all the same: somebody who fails then cannot keep others at the same address out.
 * 7. The token of a node opens the routes that say so (`config.isForNodes`), and no other: it has no role, and nobody signs in with it. One that has
 *    ended does not count as a guess: honest nodes show one after each start of the orchestrator, and nobody guesses it.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../src/base/clock.js';
import { RateLimiter } from '../../src/base/rate-limiter.js';
import { sha256Of } from '../../src/base/sha256.js';
import {
  type Action,
  ALL_PROJECTS,
  DEFAULT_PROJECT,
  type Grant,
  NODE_TOKEN_PREFIX,
  type PublicPage,
  type Role,
  roleNeeded,
} from '../../src/model/access.js';
import type { Coordinator, Grants, NodeHolder } from '../../src/orchestrator/port.js';
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
  readonly grants: Pick<Grants, 'holderOf' | 'withHash'>;
  readonly sessions: Pick<Coordinator['sessions'], 'seal' | 'read'>;
  readonly nodeBlobs: Pick<Coordinator['nodeBlobs'], 'holderOf'>;
  readonly clock: Clock;
}

/** Who asks. */
export interface Caller {
  readonly role: Role;
  /** The one that they are bound to; `ALL_PROJECTS`: none. */
  readonly project: string;
  /** Of a grant; `token`: the configured one; nothing where nobody needs a token, or none was shown. */
  readonly name: string | null;
  readonly grant?: Grant;
  /** A node, with the token of its registration. */
  readonly node?: NodeHolder;
  /** SHA-256 of the token that was shown or that the session was made with, in hexadecimal. */
  readonly tokenHash?: string;
  /** When the session expires: Unix milliseconds. @default none was used */
  readonly sessionUntil?: number;
  readonly hasShownToken: boolean;
}

export interface Access {
  /** Throws 403. Answers a preflight of a configured origin; the reply is then sent. */
  checkSite(request: FastifyRequest, reply: FastifyReply): void;
  /** Throws 401 and 429. */
  identify(request: FastifyRequest, reply: FastifyReply): Caller;
  /** Whose the token is that somebody signs in with. Throws 401, 409 and 429. */
  signIn(token: string, request: FastifyRequest, reply: FastifyReply): Caller;
  /** A token of the same rights, which lasts no longer than that of the caller. Throws 409. */
  openSession(caller: Caller, forMs: number): { readonly token: string; readonly expiresAt: number };
  /** Throws 403. `isForNodes`: nodes may do it with their own tokens. */
  authorize(caller: Caller, action: Action, isForNodes: boolean): void;
}

/** An honest client with the wrong token fails once, and says so. */
const FAILURES_PER_SECOND = 5;
/** 128 bits and more, however they are written. */
const UNGUESSABLE_CHARACTERS = 32;

const WRONG_TOKEN = 'The token is wrong, has expired or was revoked.';

const ANYBODY: Caller = { role: 'admin', project: ALL_PROJECTS, name: null, hasShownToken: false };
/** Of someone who has shown no token, only what is open to all of them. */
const PASSER_BY: Caller = { role: 'viewer', project: DEFAULT_PROJECT, name: null, hasShownToken: false };
const OWNER = { role: 'admin', project: ALL_PROJECTS, name: 'token', hasShownToken: true } as const;

export const SESSION_COOKIE = 'tutti_session';

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host);
}

export function createAccess(options: AccessOptions): Access {
  const origins = new Set(options.origins.map((origin) => new URL(origin).origin));
  const names = new Set([...options.hosts, ...options.origins.map((origin) => new URL(origin).hostname)]);
  const expected = options.token === undefined ? undefined : digest(options.token);
  const failures = new RateLimiter(FAILURES_PER_SECOND);
  const ownHash = options.token === undefined ? undefined : sha256Of(options.token);

  /** Throws 429. Nothing where it is nobody's. */
  function holderOf(given: string, ip: string): Caller | undefined {
    const session = holderOfSession(given);
    if (session !== undefined || expected === undefined || ownHash === undefined) return session;
    const now = options.clock.monotonicMs();
    if (timingSafeEqual(digest(given), expected)) {
      if (given.length < UNGUESSABLE_CHARACTERS && failures.isReached(ip, now)) throw tooMany();
      return { ...OWNER, tokenHash: ownHash };
    }
    const grant = options.grants.holderOf(given);
    if (grant) return holderOfGrant(grant);
    if (!failures.admits(ip, now)) throw tooMany();
    return undefined;
  }

  function holderOfSession(given: string): Caller | undefined {
    const session = options.sessions.read(given);
    if (session === undefined) return undefined;
    const { hash, expiresAt: sessionUntil } = session;
    if (hash === ownHash) return { ...OWNER, tokenHash: hash, sessionUntil };
    const grant = options.grants.withHash(hash);
    return grant && { ...holderOfGrant(grant), sessionUntil };
  }

  function holderOfNode(given: string): Caller | undefined {
    const node = options.nodeBlobs.holderOf(given);
    return node && { ...PASSER_BY, name: `node ${node.name}`, node, hasShownToken: true };
  }

  return {
    checkSite: (request, reply) => checkSite({ loopback: options.loopback, origins, names }, request, reply),
    identify(request, reply) {
      if (options.token === undefined) return ANYBODY;
      const bearer = bearerOf(request);
      if (bearer !== undefined) {
        const isOfNode = bearer.startsWith(NODE_TOKEN_PREFIX);
        const holder = isOfNode ? holderOfNode(bearer) : holderOf(bearer, request.ip);
        if (holder) return holder;
        throw unauthorized(reply, WRONG_TOKEN);
      }
      const cookie = request.cookies[SESSION_COOKIE];
      if (cookie !== undefined) {
        demandOwnPage(request);
        const holder = holderOfSession(cookie);
        if (holder) return holder;
        reply.clearCookie(SESSION_COOKIE, { path: '/' });
        throw unauthorized(
          reply,
          'You are no longer signed in: the session has ended, or its token was revoked.',
        );
      }
      const { page } = request.routeOptions.config;
      if (page !== undefined && options.publicPages.includes(page)) return PASSER_BY;
      throw unauthorized(reply, 'A token is needed.');
    },
    signIn(token, request, reply) {
      if (options.token === undefined) throw noToken();
      const holder = holderOf(token, request.ip);
      if (holder) return holder;
      throw unauthorized(reply, WRONG_TOKEN);
    },
    openSession({ tokenHash: hash, grant, sessionUntil }, forMs) {
      if (hash === undefined) throw noToken();
      const latest = Math.min(
        grant?.expiresAt ?? Number.POSITIVE_INFINITY,
        sessionUntil ?? Number.POSITIVE_INFINITY,
      );
      const expiresAt = Math.min(options.clock.wallMs() + forMs, latest);
      return { token: options.sessions.seal({ hash, expiresAt }), expiresAt };
    },
    authorize({ role, name, node }, action, isForNodes) {
      if (node && isForNodes) return;
      if (node) throw blobsOnly();
      const needed = roleNeeded(role, action, `the token of ${name}`);
      if (needed) throw new HttpError(403, needed.code, needed.message, { hint: needed.hint });
    },
  };
}

interface Sites {
  readonly loopback: boolean;
  readonly origins: ReadonlySet<string>;
  readonly names: ReadonlySet<string>;
}

/** Whether the page or the program may use the gateway at all (1, 2). */
function checkSite({ loopback, origins, names }: Sites, request: FastifyRequest, reply: FastifyReply): void {
  const { origin, host } = request.headers;
  // Of several, everybody on the way may have taken another one.
  if (hostsOf(request.raw.rawHeaders) > 1)
    throw new HttpError(400, 'bad_request', 'The request has more than one Host header.');
  if (host === undefined && request.raw.httpVersion === '1.1')
    throw new HttpError(400, 'bad_request', 'The request has no Host header.');
  if (loopback && host !== undefined && !isTrustedHost(host, names)) {
    throw new HttpError(403, 'forbidden_host', `This orchestrator is not known as ${host}.`, {
      hint: 'Use its address or localhost, or add the name to the configured origins.',
    });
  }
  if (origin === undefined || origin === `${request.protocol}://${host}`) return;
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
}

function unauthorized(reply: FastifyReply, message: string): HttpError {
  reply.header('www-authenticate', 'Bearer realm="tutti"');
  return new HttpError(401, 'unauthorized', message, {
    hint: 'Send the configured token or that of a grant as `Authorization: Bearer <token>`; the CLI takes --token or TUTTI_TOKEN.',
  });
}

function tooMany(): HttpError {
  const message = `This address has sent more than ${FAILURES_PER_SECOND} wrong tokens in a second.`;
  return new HttpError(429, 'too_many_attempts', message, { retryAfter: 1 });
}

function blobsOnly(): HttpError {
  return new HttpError(403, 'blobs_only', 'The token of a node is only for its blobs.', {
    hint: 'For anything else, use a token of `tutti access grant`.',
  });
}

function noToken(): HttpError {
  return new HttpError(409, 'no_token', 'This orchestrator needs no token, so there is no sign-in.');
}

function holderOfGrant(grant: Grant): Caller {
  const { role, project, name, hash: tokenHash } = grant;
  return { role, project, name, grant, tokenHash, hasShownToken: true };
}

function bearerOf({ headers }: FastifyRequest): string | undefined {
  return /^bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1];
}

/** Throws 400. */
export function refuseTokenInUrl({ query }: FastifyRequest): void {
  if ((query as { token?: unknown }).token === undefined) return;
  throw new HttpError(
    400,
    'token_in_url',
    'A token in the address is not accepted: histories and logs would store it.',
    {
      hint: 'Send it as `Authorization: Bearer <token>`, or sign in on the page. Replace this token if others may have read the address.',
    },
  );
}

/** Throws 403. An `Origin`, where there is one, has been checked. */
function demandOwnPage({ method, headers }: FastifyRequest): void {
  const { origin, 'sec-fetch-site': site } = headers;
  if (origin !== undefined || site === 'same-origin') return;
  const changesNothing = (method === 'GET' || method === 'HEAD') && headers.upgrade === undefined;
  if (changesNothing && (site === undefined || site === 'none')) return;
  throw new HttpError(
    403,
    'forbidden_origin',
    'A session cookie is accepted only from pages of this orchestrator.',
    {
      hint: 'Programs send `Authorization: Bearer <token>`.',
    },
  );
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
