/** The table at the end of the demonstration: every module's result, one column an iteration. */
import { table } from '../print/table.js';

type Fields = Readonly<Record<string, unknown>>;

export interface SolvedIteration {
  readonly iteration_id: number;
  readonly state: string;
  readonly modules: Readonly<
    Record<string, { readonly state: string; readonly output: Fields | null; readonly error: Fields | null }>
  >;
}

/** The part of each module's output that people want to read. */
const LINES: Readonly<Record<string, readonly { readonly label: string; read(output: Fields): string }[]>> = {
  ml_model_metadata: [
    { label: 'goal', read: (output) => list(output.ml_model_metadata, 2) },
    { label: 'keywords', read: (output) => list(output.keywords, 4) },
  ],
  app_requirements: [{ label: 'needs', read: (output) => list(output.app_requirements, 6) }],
  hw_constraints: [
    { label: 'memory limit', read: (output) => `${output.max_memory_footprint} MiB` },
    { label: 'hardware', read: (output) => list(output.hardware_required, 4) || 'any' },
  ],
  ml_model: [
    { label: 'model', read: (output) => String(output.model) },
    { label: 'quality', read: (output) => quality(String(output.model_properties)) },
  ],
  hw_resources: [
    { label: 'device', read: (output) => String(output.hw_description) },
    { label: 'latency', read: (output) => `${number(output.latency)} ms` },
    { label: 'power', read: (output) => `${number(output.power_consumption)} W` },
    { label: 'memory', read: (output) => `${number(output.memory_footprint_of_ml_model)} MiB` },
  ],
  carbon_footprint: [
    { label: 'energy', read: (output) => `${number(output.energy_consumption)} kWh` },
    { label: 'grid', read: (output) => `${number(output.carbon_intensity)} g CO2e/kWh` },
    { label: 'footprint', read: (output) => `${number(output.carbon_footprint)} kg CO2e` },
  ],
};

export function resultTable(iterations: readonly SolvedIteration[]): string {
  const headings = [
    'MODULE',
    '',
    ...iterations.map(({ iteration_id, state }) => `ITERATION ${iteration_id} (${state})`),
  ];
  const rows: string[][] = [];
  for (const [module, lines] of Object.entries(LINES)) {
    for (const [index, { label, read }] of lines.entries()) {
      const cells = iterations.map(({ modules }) => {
        const { output, error, state } = modules[module] ?? { output: null, error: null, state: 'missing' };
        if (output) return read(output);
        return index === 0 ? `${state}${error ? `: ${String(error.message)}` : ''}` : '';
      });
      rows.push([index === 0 ? module : '', label, ...cells]);
    }
  }
  return table(headings, rows);
}

/** In kg CO2e, for each iteration that has one. */
export function footprints(iterations: readonly SolvedIteration[]): number[] {
  return iterations.flatMap(({ modules }) => {
    const footprint = modules.carbon_footprint?.output?.carbon_footprint;
    return typeof footprint === 'number' ? [footprint] : [];
  });
}

function list(value: unknown, most: number): string {
  const items = Array.isArray(value) ? value.map(String) : [];
  return items.slice(0, most).join(', ') + (items.length > most ? ', …' : '');
}

function number(value: unknown): string {
  return Number(value).toLocaleString('en', { maximumSignificantDigits: 4, useGrouping: false });
}

function quality(properties: string): string {
  const { quality } = JSON.parse(properties) as {
    quality: { value: number; metric: string; dataset: string };
  };
  return `${quality.value} ${quality.metric} (${quality.dataset})`;
}
