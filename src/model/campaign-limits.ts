/** The bounds of campaigns. */

/** A million iterations of a problem are more than anybody looks at. */
export const MAX_ITERATIONS = 1_000_000;
/** Iterations of one campaign at once: each is a task in memory. */
export const MAX_PARALLEL = 1000;
/** Of the input that the points are put into: it is kept with the campaign. */
export const MAX_INPUT_BYTES: number = 1024 * 1024;
/** Fields of the input that vary. */
export const MAX_AXES = 64;
/** Values of one field. */
export const MAX_VALUES = 10_000;
