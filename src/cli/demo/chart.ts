/** Numbers as bars of text. */

export interface Bar {
  readonly label: string;
  /** ≥ 0 */
  readonly value: number;
}

const BAR_WIDTH = 44;

export function footprintChart(bars: readonly Bar[]): string {
  const most = Math.max(...bars.map(({ value }) => value));
  const wide = Math.max(...bars.map(({ label }) => label.length));
  const lines = bars.map(({ label, value }) => {
    const bar = '█'.repeat(Math.max(1, Math.round((value / most) * BAR_WIDTH)));
    return `${label.padEnd(wide)}  ${bar} ${value.toLocaleString('en', { maximumSignificantDigits: 3 })}`;
  });
  return ['Footprint of a million inferences, in kg CO2e, by iteration', ...lines].join('\n');
}
