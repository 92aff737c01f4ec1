import { z } from 'zod';
import { id } from './fields.js';
import { named } from './shape.js';

export const commandIssued: z.ZodType = named('CommandIssued', z.looseObject({ command_id: id }));

export const commandView: z.ZodType = named(
  'Command',
  z.looseObject({
    command_id: id,
    target: z.unknown(),
    state: z.enum(['pending', 'acked', 'refused', 'expired']),
    parts: z.array(z.looseObject({ node_id: id })),
  }),
);

export const configured: z.ZodType = named(
  'Configured',
  z.looseObject({ success: z.boolean(), configuration: z.string() }),
);
