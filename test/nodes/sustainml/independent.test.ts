/** The nodes' results against a second computation, in Python, from the README and the data files: `independent/compute.py`. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { readRequirements } from '../../../nodes/sustainml/app_requirements/read-requirements.js';
import { estimateFootprint } from '../../../nodes/sustainml/carbon_footprint/estimate-footprint.js';
import { indexTable, readGridTable } from '../../../nodes/sustainml/carbon_footprint/grid-table.js';
import { readConstraints } from '../../../nodes/sustainml/hw_constraints/read-constraints.js';
import { chooseHardware } from '../../../nodes/sustainml/hw_resources/choose-hardware.js';
import type { ModelInputs } from '../../../nodes/sustainml/ml_model/choose-goal.js';
import { proposeModel } from '../../../nodes/sustainml/ml_model/propose-model.js';
import { readLexicon } from '../../../nodes/sustainml/ml_model_metadata/lexicon.js';
import { metadataReader, readMetadata } from '../../../nodes/sustainml/ml_model_metadata/read-metadata.js';
import type { CO2Footprint, HWResource, MLModel, UserInput } from '../../../nodes/sustainml/types.js';
import { CATALOGUES } from './iterate.js';
import { bytes, extra, SAMPLE_NAMES, sample } from './samples.js';

const PYTHON = 'python3';
const IS_NEW_ENOUGH = 'import sys; sys.exit(sys.version_info < (3, 9))';
const RELATIVE_TOLERANCE = 1e-9;

/** What a line of iterations starts with, and what each further iteration asks. */
interface Line {
  first: UserInput;
  next: UserInput;
}

interface Outputs {
  ml_model: MLModel;
  hw_resources: HWResource;
  carbon_footprint: CO2Footprint;
}

type Shown = ReturnType<typeof shown>;

interface Results {
  iterations: Shown[];
  /** The code of the error that ends the line. */
  ended_by: string;
}

const steel = sample('steel-defects.json');
const handbook = sample('handbook-questions.json');
const loan = sample('loan-default.json');
const LINES: Readonly<Record<string, Line>> = {
  ...Object.fromEntries(SAMPLE_NAMES.map((name) => [name, lower(sample(name))])),
  'a footprint that the second iteration reaches by itself': automatic(steel, 0.02),
  'a footprint that no iteration reaches': automatic(steel, 0.001),
  'no footprint to reach': automatic(handbook, 0),
  'a footprint to reach with a model to explain': lower({ ...loan, desired_carbon_footprint: 1e-5 }),
  'real time without a number': lower({
    ...sample('lecture-subtitles.json'),
    problem_definition: 'Transcribe what the lecturers say in real time.',
  }),
  'no modality, no place and any hardware': lower({
    ...steel,
    modality: '',
    geo_location_region: '',
    geo_location_continent: '',
    extra_data: new Uint8Array(),
  }),
  'a modality of its own words': lower({
    ...sample('machine-sound-anomalies.json'),
    modality: 'sensor signals',
  }),
  'words that are taken back': lower({
    ...steel,
    problem_definition:
      "We don't need segmentation masks, and classification is not really required; classify nothing. Count the cars instead.",
  }),
  'hardware by name, with repetitions': lower({
    ...steel,
    extra_data: bytes({ hardware_required: ['Jetson Nano', 'raspberry-pi', 'jetson nano', 'TPUs'] }),
  }),
  'a text that asks for nothing': lower({
    ...steel,
    modality: '',
    problem_short_description: 'Hello',
    problem_definition: '',
    inputs: [],
    outputs: [],
  }),
  'less memory than any model takes': lower({
    ...steel,
    extra_data: bytes({ max_memory_footprint: 1 }),
  }),
};

const reader = metadataReader(readLexicon());
const grids = indexTable(readGridTable());
let independent: Record<string, Results> | undefined;

beforeAll(() => {
  if (spawnSync(PYTHON, ['-c', IS_NEW_ENOUGH]).status !== 0) return;
  const folder = new URL('./independent/', import.meta.url);
  const nodes = new URL('../../../nodes/sustainml/', import.meta.url);
  // -B: no cache beside the sources.
  const script = ['-B', fileURLToPath(new URL('compute.py', folder)), fileURLToPath(nodes)];
  const run = spawnSync(PYTHON, script, {
    input: JSON.stringify(LINES, inBase64),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (run.status !== 0) throw run.error ?? new Error(run.stderr);
  independent = JSON.parse(run.stdout);
});

// Numbers are the same when they differ by rounding only: the two languages need not add in one order.
expect.addEqualityTesters([
  (a, b) =>
    typeof a === 'number' && typeof b === 'number'
      ? Math.abs(a - b) <= RELATIVE_TOLERANCE * Math.max(Math.abs(a), Math.abs(b))
      : undefined,
]);

describe('the results of a second computation, in Python, from the README and the data files', () => {
  it('are there for both iterations of the demo, with a lower footprint in the second', (ctx) => {
    if (independent === undefined) return ctx.skip('needs python3 (3.9 or newer)');
    const demo = independent['steel-defects.json']?.iterations ?? [];
    const [first, second] = demo.map(({ carbon_footprint }) => carbon_footprint.carbon_footprint);
    expect(second).toBeLessThan(first ?? 0);
  });

  it.for(Object.keys(LINES))('are those of all six nodes in each iteration: %s', (name, ctx) => {
    if (independent === undefined) return ctx.skip('needs python3 (3.9 or newer)');
    expect(independent[name]).toEqual(results(LINES[name] as Line));
  });
});

/** The same user, who asks for a lower footprint from the second iteration on. */
function lower(user: UserInput): Line {
  return { first: user, next: { ...user, optimize_carbon_footprint_manual: true } };
}

/** A user who leaves it to the framework whether the footprint is low enough. */
function automatic(user: UserInput, desired_carbon_footprint: number): Line {
  const asks = { ...user, optimize_carbon_footprint_auto: true, desired_carbon_footprint };
  return { first: asks, next: asks };
}

/** What the nodes' functions make of a line. */
function results({ first, next }: Line): Results {
  const iterations: Shown[] = [];
  let parent: Partial<Outputs> = {};
  for (;;) {
    try {
      const user_input = iterations.length === 0 ? first : next;
      const ml_model_metadata = readMetadata(user_input, reader);
      const app_requirements = readRequirements(user_input);
      const hw_constraints = readConstraints(user_input);
      const inputs = { user_input, ml_model_metadata, app_requirements, hw_constraints };
      const ml_model = proposeModel(inputs, parent, CATALOGUES);
      const hw_resources = chooseHardware({ ...inputs, ml_model }, CATALOGUES.devices);
      const carbon_footprint = estimateFootprint({ user_input, ml_model, hw_resources }, grids);
      parent = { ml_model, hw_resources, carbon_footprint };
      iterations.push(shown({ ...inputs, ml_model, hw_resources, carbon_footprint }));
    } catch (error) {
      return { iterations, ended_by: (error as { code: string }).code };
    }
  }
}

/** The messages as the second computation writes them: all their fields, and of `extra_data` what is computed. */
function shown(outputs: Outputs & Omit<ModelInputs, 'user_input'>) {
  const { ml_model_metadata: metadata, hw_constraints: constraints, ml_model, hw_resources } = outputs;
  const { raw_model: _none, extra_data: _model, ...model } = ml_model;
  const { extra_data: _hardware, ...hardware } = hw_resources;
  const { extra_data: _footprint, ...footprint } = outputs.carbon_footprint;
  const [goals, proposal, choice, place] = [metadata, ml_model, hw_resources, outputs.carbon_footprint].map(
    extra,
  );
  return {
    ml_model_metadata: {
      ml_model_metadata: metadata.ml_model_metadata,
      keywords: metadata.keywords,
      keyword_scores: goals.keywords.map(({ score }: { score: number }) => score),
      scores: byName([...goals.goals, ...goals.below_threshold], (row) => [row.goal, row.score]),
      data: goals.data,
    },
    app_requirements: { app_requirements: outputs.app_requirements.app_requirements },
    hw_constraints: {
      max_memory_footprint: constraints.max_memory_footprint,
      hardware_required: constraints.hardware_required,
    },
    ml_model: {
      ...model,
      model_properties: JSON.parse(model.model_properties),
      proposed: proposal.proposed,
      considered: byName(proposal.considered, (row) => [
        row.model,
        [row.excluded_by, row.device, row.energy_j],
      ]),
      expected_device: proposal.expected_device,
      energy_per_inference_j: proposal.energy_per_inference_j,
    },
    hw_resources: {
      ...hardware,
      energy_per_inference_j: choice.energy_per_inference_j,
      considered: byName(choice.considered, (row) => [row.device, [row.excluded_by, row.energy_j ?? null]]),
    },
    carbon_footprint: {
      ...footprint,
      grid: place.grid.name,
      year: place.grid.year,
      inferences: place.inferences.value,
    },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: rows of free-form JSON.
function byName(rows: any[], entry: (row: any) => [string, unknown]): Record<string, unknown> {
  return Object.fromEntries(rows.map(entry));
}

/** `bytes` as the JSON mapping of the orchestrator has them. */
function inBase64(_field: string, value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value;
}
