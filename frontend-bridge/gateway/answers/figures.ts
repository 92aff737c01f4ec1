import { z } from 'zod';
import type { ActivityJson } from '../../../src/contract/figures.js';
import type { Documented } from './documented.js';
import { time } from './fields.js';
import { named } from './shape.js';

export const activity: Documented<ActivityJson> = named(
  'Activity',
  z.object({
    since: time.describe('The start of the complete counts: less than an hour ago after very many events'),
    minutes: z.array(
      z.object({
        at: time.describe('Its beginning'),
        submitted: z.number().int(),
        succeeded: z.number().int(),
        failed: z.number().int(),
        cancelled: z.number().int(),
        aborted: z.number().int(),
      }),
    ),
  }),
);
