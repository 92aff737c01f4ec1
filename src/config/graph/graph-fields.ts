/** Fields that the parts of a graph file share: durations and labels. */
import { z } from 'zod';
import { DURATION, formatDuration, parseDuration } from '../../base/duration.js';

/** `about`: for the JSON Schema that editors read. */
export function duration(
  leastMs: number,
  preset: number,
  about: string,
): z.ZodPipe<ReturnType<typeof readDuration>, z.ZodTransform<number, number | undefined>> {
  return readDuration(leastMs)
    .transform((value): number => value ?? preset)
    .meta({ ...metaOf(about), preset: formatDuration(preset) });
}

/** Nothing where it is absent. `preset`: what an editor shows as the default. */
export function durationIfGiven(
  leastMs: number,
  about: string,
  preset?: number,
): ReturnType<typeof readDuration> {
  return readDuration(leastMs).meta({
    ...metaOf(about),
    ...(preset !== undefined && { preset: formatDuration(preset) }),
  });
}

function metaOf(description: string): Record<string, unknown> {
  return { description, type: 'string', pattern: DURATION.source };
}

function readDuration(
  leastMs: number,
): z.ZodOptional<z.ZodPipe<z.ZodUnknown, z.ZodTransform<number | undefined, unknown>>> {
  return z
    .unknown()
    .transform((value, context): number | undefined => {
      if (value === undefined) return undefined;
      const parsed = parseDuration(value, leastMs);
      if (parsed.ok) return parsed.ms;
      context.addIssue({ code: 'custom', message: parsed.message, params: { code: parsed.code } });
      return z.NEVER;
    })
    .optional();
}

export const labels: z.ZodRecord<z.ZodString, z.ZodString> = z.record(
  z.string(),
  z.string({ error: 'give a text, in quotes' }),
  { error: 'give an object of texts, like { gpu: "true" }' },
);
