/** Secrets: set and removed here, and never shown. */
import { z } from 'zod';
import { MAX_SECRET_BYTES, SECRET_NAME } from '../../../src/model/secret.js';
import type { Coordinator } from '../../../src/orchestrator/port.js';
import { type App, asked, perform, sendFound } from '../http.js';
import { pageQuery } from '../requests.js';
import * as shape from '../schemas.js';

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
  app.get(
    '/v1/secrets',
    {
      config: { action: 'read' },
      schema: {
        summary: 'Secrets, by their names, without their values',
        querystring: pageQuery,
        response: shape.answers({ 200: shape.pageOf(shape.secretView) }),
      },
    },
    async (request, reply) => sendFound(reply, await asked(coordinator, reply).secrets(request.query)),
  );

  app.put(
    '/v1/secrets/:name',
    {
      config: { action: 'manage_secret', hidesBody: true },
      schema: {
        summary: 'Set a secret, or replace its value',
        params: z.object({ name }),
        body: z.strictObject({ value }),
        response: shape.answers({ 200: shape.secretView, 201: shape.secretView }),
      },
    },
    ({ params, body }, reply) =>
      perform(coordinator, { kind: 'set_secret', name: params.name, value: body.value }, reply),
  );

  app.delete(
    '/v1/secrets/:name',
    {
      config: { action: 'manage_secret' },
      schema: {
        summary: 'Remove a secret: run modules that name it wait until it is set again',
        params: z.object({ name: z.string() }),
        response: shape.answers({ 200: z.object({ name: z.string() }) }),
      },
    },
    ({ params }, reply) => perform(coordinator, { kind: 'remove_secret', name: params.name }, reply),
  );
}
