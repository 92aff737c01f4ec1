/** Grants of access: who else gets in, and as what. */
import { z } from 'zod';
import type { MeJson } from '../../../src/contract/me.js';
import { ALL_PROJECTS, MAX_GRANT_NAME, PROJECT_NAME, ROLES } from '../../../src/model/access.js';
import type { Coordinator } from '../../../src/orchestrator/port.js';
import type { Caller } from '../access.js';
import { answers } from '../answers/shape.js';
import { HttpError } from '../errors.js';
import type { App } from '../http.js';
import { Routes } from '../route.js';

const YEAR_MS = 366 * 24 * 3_600_000;

const grantShape = {
  access_id: z.string(),
  name: z.string(),
  role: z.enum(ROLES),
  project: z.string().describe('The project that it is bound to; `*`: none'),
  created_at: z.string(),
  expires_at: z.string().nullable().describe('`null`: never'),
};
const grantView = z.strictObject(grantShape);
const newGrantView = z.strictObject({ ...grantShape, token: z.string().describe('Shown once') });
export const meView: z.ZodType<MeJson> = z.strictObject({
  access_id: z.string().nullable().describe('`null`: by no grant'),
  name: z.string().nullable(),
  role: z.enum(ROLES),
  project: z.string().describe('The project that the caller is bound to; `*`: none'),
  expires_at: z.string().nullable(),
});

export function viewOf({ grant, name, role, project, sessionUntil }: Caller): MeJson {
  const expiresAt = sessionUntil ?? grant?.expiresAt;
  return {
    ...{ access_id: grant?.id ?? null, name, role, project },
    expires_at: expiresAt === undefined ? null : new Date(expiresAt).toISOString(),
  };
}

const grantBody = z.strictObject({
  name: z
    .string()
    .min(1)
    .max(MAX_GRANT_NAME)
    .regex(/^[^\p{C}\s](?:[^\p{C}]*[^\p{C}\s])?$/u, 'Use a name without control characters and outer spaces')
    .describe('The name of the person or program that gets the token'),
  role: z.enum(ROLES),
  project: z
    .union([z.string().regex(PROJECT_NAME, 'Use a name such as `steel-2`'), z.literal(ALL_PROJECTS)])
    .exactOptional()
    .describe('The project that it is bound to; `*`: none. Default `default`'),
  expires_in_ms: z
    .number()
    .int()
    .min(1000)
    .max(YEAR_MS)
    .exactOptional()
    .describe('By default, it does not expire'),
});

export function accessRoutes(app: App, coordinator: Coordinator, isGuarded: boolean): void {
  const routes = new Routes(app, coordinator);

  app.get(
    '/v1/me',
    {
      config: { action: 'read' },
      schema: { summary: 'The name, role and project of the caller', response: answers({ 200: meView }) },
    },
    ({ caller }) => viewOf(caller),
  );

  routes.perform(
    'POST',
    '/v1/access',
    {
      action: 'manage_access',
      summary: 'Grant access: create a token with a role',
      body: grantBody,
      answers: { 201: newGrantView },
    },
    ({ body: { name, role, project, expires_in_ms: expiresInMs } }) => {
      if (!isGuarded)
        throw new HttpError(
          409,
          'no_token',
          'This orchestrator needs no token, so access cannot be granted.',
          {
            hint: 'Start the orchestrator with --token-file FILE (TUTTI_TOKEN_FILE).',
          },
        );
      const bound = project === undefined ? {} : { project };
      const grant = { name, role, ...bound, ...(expiresInMs !== undefined && { expiresInMs }) };
      return { kind: 'grant_access', grant };
    },
  );

  routes.list(
    '/v1/access',
    { action: 'manage_access', summary: 'List access grants, oldest first', item: grantView },
    (queries, { query }) => queries.grants(query),
  );

  routes.perform(
    'DELETE',
    '/v1/access/:access_id',
    {
      action: 'manage_access',
      summary: 'Revoke a grant: its token becomes invalid, and its open streams end',
      params: z.object({ access_id: z.string() }),
      answers: { 200: grantView },
    },
    ({ params }) => ({ kind: 'revoke_access', id: params.access_id }),
  );
}
