/** A webhook as people declare it, over HTTP and in the configuration file. No message repeats an address or a secret. */
import { z } from 'zod';
import { didYouMean } from '../../base/nearest.js';
import { EVENT_TYPES } from '../../model/facts.js';
import {
  MAX_URL_CHARACTERS,
  MAX_WEBHOOK_SECRET,
  MIN_WEBHOOK_SECRET,
  WEBHOOK_NAME,
} from '../../model/webhook.js';
import { strict } from '../strict.js';

const NAME = 'give a name of lower-case letters, digits, - and _, beginning with a letter, at most 63 long';
const URL_RULE = `give an http or https address without a user, at most ${MAX_URL_CHARACTERS} characters long`;
const FILTER = 'give a list of types of events, like [iteration.failed]';
const PROBLEM = 'give a filter, like tags has "urgent"';
const SECRET = `give a text of ${MIN_WEBHOOK_SECRET} to ${MAX_WEBHOOK_SECRET} characters`;

export interface DeclaredWebhook {
  readonly name: string;
  readonly url: string;
  readonly filter?: string[];
  readonly problem?: string;
  readonly secret?: string;
}

function isAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return ['http:', 'https:'].includes(protocol) && username === '' && password === '';
}

const types = z
  .array(z.string({ error: FILTER }), { error: FILTER })
  .min(1, { error: `${FILTER}; without it, all are delivered` })
  .max(EVENT_TYPES.length, { error: FILTER })
  .superRefine((given, context) => {
    for (const [index, type] of given.entries()) {
      if ((EVENT_TYPES as readonly string[]).includes(type)) continue;
      const shown = JSON.stringify(type.slice(0, 80));
      const message = `there is no event ${shown}${didYouMean(type.slice(0, 80), EVENT_TYPES)}`;
      context.addIssue({ code: 'custom', path: [index], message, params: { code: 'unknown_event_type' } });
    }
  });

export const WebhookSchema: z.ZodType<DeclaredWebhook> = strict(
  {
    name: z.string({ error: NAME }).regex(WEBHOOK_NAME, { error: NAME }),
    url: z
      .string({ error: URL_RULE })
      .max(MAX_URL_CHARACTERS, { error: URL_RULE })
      .refine(isAddress, { error: URL_RULE })
      .describe('The address that events are posted to; later only its origin is shown'),
    filter: types.exactOptional().describe('Event types (default: all)'),
    problem: z
      .string({ error: PROBLEM })
      .min(1, { error: PROBLEM })
      .exactOptional()
      .describe('A filter as in `GET /v1/problems`: only events of matching problems'),
    secret: z
      .string({ error: SECRET })
      .min(MIN_WEBHOOK_SECRET, { error: SECRET })
      .max(MAX_WEBHOOK_SECRET, { error: SECRET })
      .exactOptional()
      .describe('The key that signs deliveries; never shown'),
  },
  'give an object with at least name and url',
);
