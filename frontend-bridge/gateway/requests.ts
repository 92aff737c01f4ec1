/** The shapes of what clients send, shared between routes. Every field that is not named is a fault. */
import { z } from 'zod';
import {
  MAX_NOTES_BYTES,
  MAX_TAG_CHARACTERS,
  MAX_TAGS,
  MAX_TITLE_CHARACTERS,
  TAG_PATTERN,
} from '../../src/model/problem.js';
import type { TaskId } from '../../src/model/task-id.js';
import { keptTraceparent } from '../../src/model/trace-context.js';
import { HttpError } from './errors.js';

const iterationId: z.ZodCoercedNumber<unknown> = z.coerce.number().int().min(1).max(0xffffffff);

/** `/v1/problems/{problem_id}` */
export const problemParams: z.ZodObject<{ problem_id: z.ZodString }> = z.object({ problem_id: z.string() });

/** `/v1/problems/{problem_id}/iterations/{iteration_id}` */
export const taskParams: z.ZodObject<{ problem_id: z.ZodString; iteration_id: z.ZodCoercedNumber<unknown> }> =
  z.object({ problem_id: z.string(), iteration_id: iterationId });

export const TASK_PATH = '/v1/problems/:problem_id/iterations/:iteration_id';

export function taskOf(params: { readonly problem_id: string; readonly iteration_id: number }): TaskId {
  return { problemId: params.problem_id, iterationId: params.iteration_id };
}

/** `/v1/problems/{problem_id}/iterations/{iteration_id}/executions/{execution_id}` */
export const executionParams: z.ZodObject<(typeof taskParams)['shape'] & { execution_id: z.ZodString }> =
  taskParams.extend({ execution_id: z.string() });

export type PageShape = {
  limit: z.ZodExactOptional<z.ZodCoercedNumber<unknown>>;
  cursor: z.ZodExactOptional<z.ZodString>;
};
export const pageShape: PageShape = {
  limit: z.coerce.number().int().min(1).max(1000).exactOptional().describe('1–1000, default 50'),
  cursor: z.string().exactOptional().describe("An earlier page's `next_cursor`"),
};
export type SearchShape = Record<'filter' | 'order_by' | 'fields', z.ZodExactOptional<z.ZodString>>;
export const searchShape: SearchShape = {
  filter: z
    .string()
    .exactOptional()
    .describe(
      'Over stored fields, `input.FIELD` and outputs as `MODULE.FIELD` or `MODULE.OUTPUT.FIELD`: `carbon_footprint.carbon_footprint < 0.2 and ' +
        'state = "succeeded" or title ~ "steel"`. Comparisons `= != < <= > >=`, `~` (contains, without regard to case), `not`, `and`, ' +
        '`or`, parentheses; a missing field matches only `= null`. Outputs count once their iteration has ended',
    ),
  order_by: z
    .string()
    .exactOptional()
    .describe('`FIELD`, or `-FIELD` for descending order; items without the field are left out'),
  fields: z
    .string()
    .exactOptional()
    .describe('Names separated by commas; the values are returned as `fields`'),
};

/** What people say about a problem; `null` takes it back. */
export const remarksShape: {
  title: z.ZodExactOptional<z.ZodNullable<z.ZodString>>;
  tags: z.ZodExactOptional<z.ZodNullable<z.ZodArray<z.ZodString>>>;
  notes: z.ZodExactOptional<z.ZodNullable<z.ZodString>>;
  starred: z.ZodExactOptional<z.ZodNullable<z.ZodBoolean>>;
  archived: z.ZodExactOptional<z.ZodNullable<z.ZodBoolean>>;
} = {
  title: z.string().max(MAX_TITLE_CHARACTERS).nullable().exactOptional(),
  tags: z
    .array(
      z
        .string()
        .min(1)
        .max(MAX_TAG_CHARACTERS)
        .regex(TAG_PATTERN, 'A tag has letters, digits and . _ : / + # @ - with single spaces between them'),
    )
    .max(MAX_TAGS)
    .refine((tags) => new Set(tags).size === tags.length, 'A tag is given twice')
    .nullable()
    .exactOptional()
    .describe('In this order, each once'),
  notes: z
    .string()
    .refine((notes) => Buffer.byteLength(notes) <= MAX_NOTES_BYTES, {
      message: `Notes have at most ${MAX_NOTES_BYTES} bytes of UTF-8`,
    })
    .nullable()
    .exactOptional()
    .describe(`Markdown, at most ${MAX_NOTES_BYTES} bytes`),
  starred: z.boolean().nullable().exactOptional(),
  archived: z.boolean().nullable().exactOptional(),
};

const LABEL_CHARACTERS = 256;

/** Labels of nodes for one task, beside those of the graph. */
export const requireField: z.ZodExactOptional<
  z.ZodRecord<z.ZodString, z.ZodRecord<z.ZodString, z.ZodString>>
> = z
  .record(z.string(), z.record(z.string().max(LABEL_CHARACTERS), z.string().max(LABEL_CHARACTERS)))
  .exactOptional()
  .describe(
    'By module, labels that nodes must have for this task, beside those of the graph; of a run module its cluster must have them, and ' +
      '`cluster` is one',
  );

/** The schema silently drops fields that are named `__proto__`. */
export function refuseLostLabels(body: unknown): void {
  const require = (body as { require?: unknown } | null | undefined)?.require;
  if (typeof require !== 'object' || require === null) return;
  const lost = [
    ['', require] as const,
    ...Object.entries(require).map(([name, value]) => [`/${name}`, value] as const),
  ].find(([, value]) => typeof value === 'object' && value !== null && Object.hasOwn(value, '__proto__'));
  if (lost === undefined) return;
  const path = `/require${lost[0]}/__proto__`;
  throw new HttpError(422, 'bad_require', `require is invalid: ${path}: nothing has this name`, {
    details: [{ path, code: 'bad_name', message: 'nothing has this name' }],
  });
}

/** A request's query parted into what is asked and which page of it. */
export function splitPage<T extends { readonly limit?: number; readonly cursor?: string }>(
  query: T,
): { readonly rest: Omit<T, 'limit' | 'cursor'>; readonly page: { limit?: number; cursor?: string } } {
  const { limit, cursor, ...rest } = query;
  return { rest, page: { ...(limit !== undefined && { limit }), ...(cursor !== undefined && { cursor }) } };
}

export const pageQuery: z.ZodObject<PageShape, z.core.$strict> = z.strictObject(pageShape);

/** So that a request may be sent again: for 24 h the same key with the same body gives the same answer. */
export const postHeaders: z.ZodObject<{ 'idempotency-key': z.ZodExactOptional<z.ZodString> }, z.core.$loose> =
  z.looseObject({
    'idempotency-key': z
      .string()
      .regex(/^[\x21-\x7e]{1,200}$/, 'Use 1 to 200 visible ASCII characters')
      .exactOptional(),
  });

/** Of a change to something that has revisions. */
export const changeHeaders: z.ZodObject<
  (typeof postHeaders)['shape'] & { 'if-match': z.ZodExactOptional<z.ZodString> },
  z.core.$loose
> = postHeaders.extend({
  'if-match': z
    .string()
    .regex(/^(\d{1,15}|"\d{1,15}")$/, 'Use a revision, like "17"')
    .exactOptional()
    .describe(
      'The `revision` that the change is made to: another one is refused with 412 `revision_outdated`',
    ),
});

const traceparent: z.ZodExactOptional<z.ZodString> = z
  .string()
  .exactOptional()
  .describe('W3C Trace Context: the task becomes a part of this trace. One that is not valid is ignored');

/** Of a request that submits a task. */
export const submitHeaders: z.ZodObject<
  (typeof postHeaders)['shape'] & { traceparent: typeof traceparent },
  z.core.$loose
> = postHeaders.extend({ traceparent });

/** The trace that a submission belongs to, where it belongs to one. */
export function traceOf(headers: { readonly traceparent?: string }): { traceparent?: string } {
  const kept = keptTraceparent(headers.traceparent);
  return kept === undefined ? {} : { traceparent: kept };
}

/** A line for people to read, why something was done. */
export const reason: z.ZodExactOptional<z.ZodString> = z.string().max(1000).exactOptional();
