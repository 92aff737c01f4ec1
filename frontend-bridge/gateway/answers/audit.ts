import { z } from 'zod';
import type { AuditEntryJson } from '../../../src/contract/audit.js';
import { AUDIT_RESULTS } from '../../../src/model/audit.js';
import type { Documented } from './documented.js';
import { named } from './shape.js';

export const auditEntry: Documented<AuditEntryJson> = named(
  'AuditEntry',
  z.strictObject({
    audit_id: z.number().int().describe('A number from 1, without gaps'),
    at: z.string(),
    last_at: z.string().describe('The time of the last of several equal refusals'),
    times: z.number().int().describe('Equal refusals share an entry'),
    by: z
      .string()
      .nullable()
      .describe('`null`: Tutti runs without a token, or the caller presented no valid one'),
    access_id: z.string().nullable(),
    address: z.string().nullable(),
    project: z.string().nullable().describe('The project of the work; `null` for shared objects'),
    action: z.string(),
    operation: z.string(),
    target: z.record(z.string(), z.union([z.string(), z.number()])),
    result: z.enum(AUDIT_RESULTS),
    code: z.string().nullable().describe('The code of the refusal'),
    message: z.string().nullable(),
  }),
);
