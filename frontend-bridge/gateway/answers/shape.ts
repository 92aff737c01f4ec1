/** What all shapes of answers have in common. Answers may have more fields than are named. */

import { z } from 'zod';

/** The schemas that have a name in OpenAPI. */
export const namedSchemas: z.core.$ZodRegistry<{ id: string }> = z.registry<{ id: string }>();

export function named<S extends z.ZodType>(id: string, schema: S): S {
  namedSchemas.add(schema, { id });
  return schema;
}

export const errorAnswer: z.ZodType = named(
  'Error',
  z.object({
    error: z.object({
      code: z.string().describe('Stable, snake_case'),
      message: z.string(),
      hint: z.string().optional().describe('A suggested remedy'),
      details: z
        .array(z.object({ path: z.string(), code: z.string(), message: z.string() }))
        .optional()
        .describe('All faults of the input, each with its path'),
    }),
  }),
);

/** Whatever has no fixed shape: statistics, a difference, a decoded output. */
export const anything: z.ZodType = z.unknown();

/** Bytes; as a body they go by as a stream, which no schema looks into. */
export const bytes: z.ZodType = z.unknown().meta({ type: 'string', format: 'binary' });

export const plainText: z.ZodType = z.string();

export function pageOf(item: z.ZodType): z.ZodType {
  return z.object({
    items: z.array(item),
    next_cursor: z.string().nullable(),
    query: queryReport.optional(),
  });
}

/** How a page was found, where a filter, an order or fields were asked for. */
const queryReport: z.ZodType = named(
  'QueryReport',
  z.looseObject({
    indexed: z.boolean().describe('Whether an index was used; otherwise every iteration was read'),
    index: z.string().optional().describe('The field whose index was used'),
    scanned: z.number().int().describe('The number of iterations read'),
    complete: z.boolean().describe('False if the time ran out: continue with next_cursor'),
    elapsed_ms: z.number(),
    hint: z.string().optional(),
  }),
);

/** The answers of a route; every route may also answer with an error of the common shape. */
export function answers(successes: Readonly<Record<number, unknown>>): Record<string, unknown> {
  return { ...successes, default: errorAnswer };
}

/** An answer in one of several media types. */
export function content(description: string, types: Readonly<Record<string, z.ZodType>>): unknown {
  const entries = Object.entries(types).map(([type, schema]) => [type, { schema }]);
  return { description, content: Object.fromEntries(entries) };
}
