/** Objects without unknown names, as the schemas of what people write have them. */
import { z } from 'zod';

/** The message of a `strictObject`'s unknown keys is the list of the known ones; of another value, what would be right. */
export function strict<Shape extends z.ZodRawShape>(
  shape: Shape,
  expected: string,
): z.ZodObject<Shape, z.core.$strict> {
  return z.strictObject(shape, {
    error: ({ code }) => (code === 'unrecognized_keys' ? Object.keys(shape).join(', ') : expected),
  });
}
