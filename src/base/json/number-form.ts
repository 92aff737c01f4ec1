/**
 * The numbers that JSON has no form for, `NaN` and the infinities, as the objects that stand for them: `{"$number":"NaN"}`.
 *
 * Such an object is a number for every part of Tutti; a reader that knows nothing of it sees what it is, and no text is mistaken for it.
 */
const NAME = '$number';
const NUMBERS: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
};
/** Every text with such an object contains this. */
const WITHIN = `"${NAME}"`;

/** The JSON text for a number that is not finite. */
export function numberForm(value: number): string {
  return `{${WITHIN}:"${value}"}`;
}

/** The number that an object stands for; any other value unchanged. Only the value itself is looked at, not its parts. */
export function numberIn(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, NAME)) return value;
  const named = (value as Record<string, unknown>)[NAME];
  if (typeof named !== 'string' || !Object.hasOwn(NUMBERS, named)) return value;
  return Object.keys(value).length === 1 ? NUMBERS[named] : value;
}

/** Whether there may be such an object in a JSON text. */
export function mayHoldNumberForm(text: string): boolean {
  return text.includes(WITHIN);
}

/** The value of a text, with numbers in the place of the objects that stand for them. The value is changed in place. */
export function withNumbers(text: string, value: unknown): unknown {
  return mayHoldNumberForm(text) ? revived(value) : value;
}

function revived(value: unknown): unknown {
  const number = numberIn(value);
  if (number !== value || typeof value !== 'object' || value === null) return number;
  for (const [name, part] of Object.entries(value)) {
    const inner = revived(part);
    if (inner !== part) (value as Record<string, unknown>)[name] = inner;
  }
  return value;
}
