/** Secrets: set and removed here, and never shown. */
import { z } from 'zod';
import { MAX_SECRET_BYTES, SECRET_NAME } from '../../../src/model/secret.js';
import type { Coordinator } from '../../../src/orchestrator/port.js';
import { secretView } from '../answers/cluster.js';
import type { App } from '../http.js';
import { Routes } from '../route.js';

const name = z
  .string()
  .regex(SECRET_NAME, 'Use letters, digits, dots, dashes and underscores, at most 63, such as `api-key`');
const value = z
  .string('Give a text')
  .refine((text) => !text.includes('\0'), 'No variable can have a NUL character')
  .refine(
    (text) => Buffer.byteLength(text) <= MAX_SECRET_BYTES,
    `At most ${MAX_SECRET_BYTES} bytes of UTF-8 fit`,
  );

export function secretRoutes(app: App, coordinator: Coordinator): void {
  const routes = new Routes(app, coordinator);

  routes.list(
    '/v1/secrets',
    { summary: 'Secrets by name, without their values', item: secretView },
    (queries, { query }) => queries.secrets(query),
  );

  routes.perform(
    'PUT',
    '/v1/secrets/:name',
    {
      action: 'manage_secret',
      hidesBody: true,
      summary: 'Set a secret, or replace its value',
      params: z.object({ name }),
      body: z.strictObject({ value }),
      answers: { 200: secretView, 201: secretView },
    },
    ({ params, body }) => ({ kind: 'set_secret', name: params.name, value: body.value }),
  );

  routes.perform(
    'DELETE',
    '/v1/secrets/:name',
    {
      action: 'manage_secret',
      summary: 'Remove a secret; run modules that use it wait until it is set again',
      params: z.object({ name: z.string() }),
      answers: { 200: z.object({ name: z.string() }) },
    },
    ({ params }) => ({ kind: 'remove_secret', name: params.name }),
  );
}
