/** Binds the shapes that OpenAPI shows to the types of `src/contract`. */
import type { z } from 'zod';

/** A shape that has every field which the type declares, each with its type. It may have more. */
export type Documented<T> = z.ZodType<Shown<T>>;

/** `T`, as zod infers it: what is optional may also be `undefined`. */
type Shown<T> = T extends object
  ? { readonly [K in keyof T]: object extends Pick<T, K> ? Shown<T[K]> | undefined : Shown<T[K]> }
  : T;
