/** Webhooks: where events are posted to. */
import { z } from 'zod';
import { WebhookSchema } from '../../../src/config/webhook-schema.js';
import type { Coordinator } from '../../../src/orchestrator/port.js';
import { type App, asked, perform, sendFound } from '../http.js';
import { pageQuery, postHeaders } from '../requests.js';
import * as shape from '../schemas.js';

const params = z.object({ name: z.string() });

export function webhookRoutes(app: App, coordinator: Coordinator): void {
  app.post(
    '/v1/webhooks',
    {
      config: { action: 'manage_webhook', hidesBody: true },
      schema: {
        summary: 'Add a webhook: events from now on are posted to an address, in order',
        headers: postHeaders,
        body: WebhookSchema,
        response: shape.answers({ 201: shape.webhookView }),
      },
    },
    ({ body, headers }, reply) =>
      perform(coordinator, { kind: 'add_webhook', webhook: body }, reply, headers),
  );

  app.get(
    '/v1/webhooks',
    {
      config: { action: 'read' },
      schema: {
        summary: 'Webhooks, by their names, with how far they are and how the last attempt ended',
        querystring: pageQuery,
        response: shape.answers({ 200: shape.pageOf(shape.webhookView) }),
      },
    },
    async (request, reply) => sendFound(reply, await asked(coordinator, reply).webhooks(request.query)),
  );

  app.delete(
    '/v1/webhooks/:name',
    {
      config: { action: 'manage_webhook' },
      schema: {
        summary: 'Remove a webhook: what it has not delivered is no longer delivered',
        params,
        response: shape.answers({ 200: z.object({ name: z.string() }) }),
      },
    },
    (request, reply) => perform(coordinator, { kind: 'remove_webhook', name: request.params.name }, reply),
  );

  app.post(
    '/v1/webhooks/:name/test',
    {
      config: { action: 'manage_webhook' },
      schema: {
        summary: 'Post one event of type webhook.test, and say how that went',
        headers: postHeaders,
        params,
        body: z.strictObject({}).nullish(),
        response: shape.answers({ 200: shape.webhookTested }),
      },
    },
    (request, reply) =>
      perform(coordinator, { kind: 'test_webhook', name: request.params.name }, reply, request.headers),
  );
}
