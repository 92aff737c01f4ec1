/** Join tokens, and the keys of nodes and subscribers. */
import { z } from 'zod';
import { ALL_PROJECTS } from '../../../src/model/access.js';
import type { Coordinator, KeyAdministration } from '../../../src/orchestrator/port.js';
import { answers } from '../answers/shape.js';
import { deedOf } from '../audit.js';
import { HttpError } from '../errors.js';
import type { App } from '../http.js';
import { postHeaders } from '../requests.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const YEAR_MS = 366 * DAY_MS;

const key = z.string().length(40).describe('A public key as Z85');
const keyView = z.strictObject({
  key,
  modules: z.array(z.string()),
  instance: z.string().nullable().describe('The only instance that it may register; `null`: any'),
  subscribe: z.boolean().describe('Whether it may subscribe to events'),
  enrolled_at: z.string(),
  revoked_at: z.string().nullable(),
});
const serverKeyView = z.strictObject({
  public_key: key,
  created_at: z.string(),
  expires_at: z.string().nullable().describe('`null`: the one in use'),
});
const joinBody = z.strictObject({
  module: z
    .string()
    .regex(/^([a-z][a-z0-9_]{0,62}|tutti\.agent)$/, 'Use a module name such as `ml_model`, or `tutti.agent`')
    .describe('`tutti.agent`: the agent of the cluster that is its instance'),
  instance: z.string().min(1).max(255).exactOptional().describe('The only instance that may use it'),
  uses: z
    .number()
    .int()
    .min(1)
    .max(100_000)
    .exactOptional()
    .describe('The number of keys that it can enrol. Default 1'),
  expires_in_ms: z.number().int().min(1000).max(YEAR_MS).exactOptional().describe('Default one hour'),
});
const joinView = z.strictObject({
  join_id: z.string(),
  token: z.string().describe('Shown once'),
  module: z.string(),
  instance: z.string().nullable(),
  uses: z.number(),
  expires_at: z.string(),
});
const rotateBody = z.strictObject({
  for_ms: z
    .number()
    .int()
    .min(0)
    .max(YEAR_MS)
    .exactOptional()
    .describe('How long the key before stays valid. Default 30 days'),
});

/** Nothing where connections of nodes are not encrypted. */
type Keys = KeyAdministration | undefined;
type Audit = Pick<Coordinator, 'noteDone'>;

export function nodeKeyRoutes(app: App, audit: Audit, keys: Keys): void {
  listKeys(app, keys);
  makeJoinToken(app, audit, keys);
  enrolSubscriber(app, audit, keys);
  revokeKey(app, audit, keys);
  rotateServerKey(app, audit, keys);
}

function listKeys(app: App, keys: Keys): void {
  app.get(
    '/v1/node-keys',
    {
      config: { action: 'read' },
      schema: {
        summary: 'The keys of nodes and subscribers, and those of the orchestrator',
        response: answers({
          200: z.strictObject({
            items: z.array(keyView),
            next_cursor: z.null(),
            server_keys: z.array(serverKeyView),
          }),
        }),
      },
    },
    () => ({
      items: administrationOf(keys).list(),
      next_cursor: null,
      server_keys: administrationOf(keys).serverKeys(),
    }),
  );
}

function makeJoinToken(app: App, audit: Audit, keys: Keys): void {
  app.post(
    '/v1/node-keys/joins',
    {
      config: { action: 'manage_keys' },
      schema: {
        summary: 'Create a join token with which nodes enrol their keys',
        headers: postHeaders,
        body: joinBody,
        response: answers({ 201: joinView }),
      },
    },
    async (request, reply) => {
      const { module, instance = null, uses = 1, expires_in_ms: expiresInMs = HOUR_MS } = request.body;
      const join = await administrationOf(keys).enroll({ module, instance, uses, expiresInMs });
      const target = { join_id: join.join_id, module, ...(instance !== null && { instance }), uses };
      await audit.noteDone(deedOf(request, 'make_join', target));
      return reply.code(201).send(join);
    },
  );
}

function enrolSubscriber(app: App, audit: Audit, keys: Keys): void {
  app.post(
    '/v1/node-keys/subscribers',
    {
      config: { action: 'manage_keys' },
      schema: {
        summary: 'Enrol a key for the events socket',
        headers: postHeaders,
        body: z.strictObject({ key }),
        response: answers({ 201: keyView }),
      },
    },
    async (request, reply) => {
      if (request.caller.project !== ALL_PROJECTS)
        throw new HttpError(403, 'all_projects_needed', 'The events socket shows the work of all projects.', {
          hint: "Ask an administrator for a token that is bound to no project (tutti access grant --project '*').",
        });
      const row = await administrationOf(keys).add(request.body.key, { subscribe: true });
      if (!row) throw new HttpError(409, 'key_revoked', 'This key was revoked, which is permanent.');
      await audit.noteDone(deedOf(request, 'add_subscriber', { key: row.key }));
      return reply.code(201).send(row);
    },
  );
}

function revokeKey(app: App, audit: Audit, keys: Keys): void {
  app.post(
    '/v1/node-keys/revoke',
    {
      config: { action: 'manage_keys' },
      schema: {
        summary: 'Revoke a key immediately and permanently',
        headers: postHeaders,
        body: z.strictObject({ key }),
        response: answers({ 200: keyView }),
      },
    },
    async (request) => {
      const row = await administrationOf(keys).revoke(request.body.key);
      if (!row) throw new HttpError(404, 'not_found', 'This key is not enrolled.');
      await audit.noteDone(deedOf(request, 'revoke_key', { key: row.key }));
      return row;
    },
  );
}

function rotateServerKey(app: App, audit: Audit, keys: Keys): void {
  app.post(
    '/v1/server-keys',
    {
      config: { action: 'manage_keys' },
      schema: {
        summary: 'Replace the key of the orchestrator; the old key stays valid for a while',
        headers: postHeaders,
        body: rotateBody,
        response: answers({ 201: serverKeyView }),
      },
    },
    async (request, reply) => {
      const { for_ms: forMs = 30 * DAY_MS } = request.body;
      const { secret_key: _, ...row } = await administrationOf(keys).rotate(forMs);
      await audit.noteDone(deedOf(request, 'rotate_server_key', { key: row.public_key }));
      return reply.code(201).send(row);
    },
  );
}

/** Throws 409. */
function administrationOf(keys: Keys): KeyAdministration {
  if (keys) return keys;
  throw new HttpError(
    409,
    'curve_off',
    'Connections of nodes are not encrypted here, so there are no keys.',
    { hint: 'Start the orchestrator with --curve on.' },
  );
}
