/** Webhooks: where events are posted to. */
import { z } from 'zod';
import { WebhookSchema } from '../../../src/config/forms/webhook-schema.js';
import type { Coordinator } from '../../../src/orchestrator/port.js';
import { webhookTested, webhookView } from '../answers/webhook.js';
import type { App } from '../http.js';
import { Routes } from '../route.js';

const params = z.object({ name: z.string() });

export function webhookRoutes(app: App, coordinator: Coordinator): void {
  const routes = new Routes(app, coordinator);

  routes.perform(
    'POST',
    '/v1/webhooks',
    {
      action: 'manage_webhook',
      hidesBody: true,
      summary: 'Add a webhook: all future events are posted to an address, in order',
      body: WebhookSchema,
      answers: { 201: webhookView },
    },
    ({ body }) => ({ kind: 'add_webhook', webhook: body }),
  );

  routes.list(
    '/v1/webhooks',
    {
      summary: 'Webhooks by name, with their progress and the result of the last attempt',
      item: webhookView,
    },
    (queries, { query }) => queries.webhooks(query),
  );

  routes.perform(
    'DELETE',
    '/v1/webhooks/:name',
    {
      action: 'manage_webhook',
      summary: 'Remove a webhook; pending events are not delivered',
      params,
      answers: { 200: z.object({ name: z.string() }) },
    },
    ({ params: { name } }) => ({ kind: 'remove_webhook', name }),
  );

  routes.perform(
    'POST',
    '/v1/webhooks/:name/test',
    {
      action: 'manage_webhook',
      summary: 'Post one event of type webhook.test, and return the result',
      params,
      body: z.strictObject({}).nullish(),
      answers: { 200: webhookTested },
    },
    ({ params: { name } }) => ({ kind: 'test_webhook', name }),
  );
}
