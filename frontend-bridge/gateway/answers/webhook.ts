import { z } from 'zod';
import type { WebhookJson, WebhookTestedJson } from '../../../src/contract/webhook.js';
import type { Documented } from './documented.js';
import { time } from './fields.js';
import { named } from './shape.js';

export const webhookView: Documented<WebhookJson> = named(
  'Webhook',
  z.looseObject({
    name: z.string(),
    project: z.string().describe('The project whose events it gets; `*`: all projects'),
    url: z.string().describe('Its origin: the rest of the address may be a secret'),
    filter: z.array(z.string()).nullable().describe('Types of events; null: all'),
    problem: z.string().nullable().describe('A filter: only events of matching problems are delivered'),
    signed: z.boolean(),
    created_at: time,
    cursor: z.number().int().describe('The last event that no longer needs a delivery'),
    lag: z.number().int().optional().describe('Committed events behind the cursor'),
    last_status: z.string().nullable().describe('An HTTP status, or the reason why there is none'),
    last_at: time.nullable(),
    failures: z.number().int().describe('Failed attempts since the last delivery'),
    missed: z.number().int().describe('Events that were removed before they were delivered'),
  }),
);

export const webhookTested: Documented<WebhookTestedJson> = named(
  'WebhookTested',
  z.object({ name: z.string(), delivered: z.boolean(), status: z.string() }),
);
