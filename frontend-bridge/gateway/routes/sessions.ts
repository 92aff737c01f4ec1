/** Sessions: signing in and out of the page, and tokens that last for hours. */
import { z } from 'zod';
import type { Coordinator } from '../../../src/orchestrator/port.js';
import { type Access, SESSION_COOKIE } from '../access.js';
import { answers } from '../answers/shape.js';
import { askerOf } from '../audit.js';
import type { App } from '../http.js';
import { meView, viewOf } from './access.js';

const SIGN_IN = { action: 'sign_in' } as const;
const HOUR_MS = 3_600_000;
/** A working day. */
const DEFAULT_SESSION_MS = 12 * HOUR_MS;
const LONGEST_SESSION_MS = 30 * 24 * HOUR_MS;

const sessionBody = z.strictObject({
  expires_in_ms: z
    .number()
    .int()
    .min(1000)
    .max(LONGEST_SESSION_MS)
    .exactOptional()
    .describe('Default: 12 hours. It lasts no longer than the token that it is made with'),
});
const sessionView = z.strictObject({ token: z.string().describe('Shown once'), expires_at: z.string() });

export function sessionRoutes(app: App, coordinator: Pick<Coordinator, 'noteDone'>, access: Access): void {
  app.post(
    '/v1/login',
    {
      config: { isOpen: true, hidesBody: true },
      schema: {
        summary: 'Sign in: start a session of 12 hours with a cookie',
        body: z.strictObject({ token: z.string().min(1).max(4096) }),
        response: answers({ 200: meView }),
      },
    },
    async (request, reply) => {
      const caller = access.signIn(request.body.token, request, reply);
      const { token, expiresAt } = access.openSession(caller, DEFAULT_SESSION_MS);
      await coordinator.noteDone({ ...askerOf({ caller, ip: request.ip }), ...SIGN_IN, operation: 'login' });
      reply.setCookie(SESSION_COOKIE, token, {
        ...{ path: '/', httpOnly: true, sameSite: 'strict', expires: new Date(expiresAt) },
        // Behind a proxy with TLS, only the page's origin tells.
        secure: request.protocol === 'https' || request.headers.origin?.startsWith('https:') === true,
      });
      return viewOf({ ...caller, sessionUntil: expiresAt });
    },
  );

  app.post(
    '/v1/logout',
    {
      config: { isOpen: true },
      schema: {
        summary: 'Sign out: delete the cookie',
        response: answers({ 200: z.strictObject({}) }),
      },
    },
    (_request, reply) => {
      reply.clearCookie(SESSION_COOKIE, { path: '/' });
      return {};
    },
  );

  app.post(
    '/v1/sessions',
    {
      config: { action: 'read' },
      schema: {
        summary:
          'Make a token of the same rights that lasts for hours, and is revoked with the one that it is made with',
        body: sessionBody,
        response: answers({ 201: sessionView }),
      },
    },
    async (request, reply) => {
      const { expires_in_ms: forMs = DEFAULT_SESSION_MS } = request.body;
      const { token, expiresAt } = access.openSession(request.caller, forMs);
      await coordinator.noteDone({ ...askerOf(request), ...SIGN_IN, operation: 'session' });
      reply.code(201);
      return { token, expires_at: new Date(expiresAt).toISOString() };
    },
  );
}
