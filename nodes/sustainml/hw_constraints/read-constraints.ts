/** What the hardware allows, read from the user's `extra_data`. */
import { encodeExtraData, readUserExtraData } from '../extra-data.js';
import type { HWConstraints, UserInput } from '../types.js';

/**
 * Memory that the model may take when the user does not say, in MiB: 8 GiB, what a common laptop, or a large edge board, has.
 */
export const DEFAULT_MAX_MEMORY_FOOTPRINT_MIB = 8192;

/**
 * The constraints of a user input.
 *
 * `max_memory_footprint` is in MiB; without one it is {@link DEFAULT_MAX_MEMORY_FOOTPRINT_MIB}. `hardware_required` keeps the
 * user's names as they are written and in their order, known or not (`hw_resources` judges them), without repetitions that
 * differ in case only; empty means that any hardware will do. `extra_data` says of each value whether it comes from the
 * `user` or is the `default`, and which fields nobody reads.
 *
 * @throws NonRetryableError `bad_extra_data`, naming the field.
 */
export function readConstraints(input: UserInput): HWConstraints {
  const given = readUserExtraData(input.extra_data);
  return {
    max_memory_footprint: given.max_memory_footprint ?? DEFAULT_MAX_MEMORY_FOOTPRINT_MIB,
    hardware_required: withoutRepetitions(given.hardware_required ?? []),
    extra_data: encodeExtraData({
      max_memory_footprint: {
        value: given.max_memory_footprint ?? DEFAULT_MAX_MEMORY_FOOTPRINT_MIB,
        unit: 'MiB',
        from: given.max_memory_footprint === undefined ? 'default' : 'user',
      },
      hardware_required: {
        value: withoutRepetitions(given.hardware_required ?? []),
        from: given.hardware_required === undefined ? 'default' : 'user',
      },
      not_read: given.unknown,
    }),
  };
}

function withoutRepetitions(names: readonly string[]): string[] {
  const first = new Map<string, string>();
  for (const name of names) {
    const key = name.toLowerCase();
    if (!first.has(key)) first.set(key, name);
  }
  return [...first.values()];
}
