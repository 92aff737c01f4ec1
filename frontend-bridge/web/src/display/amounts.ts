/** Amounts with their units. */

const STEPS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `812 B`, `4.2 KiB`, `13 MiB`. */
export function formatBytes(count: number): string {
  let amount = count;
  let step = 0;
  while (amount >= 1024 && step < STEPS.length - 1) {
    amount /= 1024;
    step += 1;
  }
  const digits = step > 0 && amount < 10 ? 1 : 0;
  return `${amount.toFixed(digits)} ${STEPS[step]}`;
}
