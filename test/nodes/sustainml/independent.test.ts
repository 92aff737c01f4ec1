/** The nodes' results against a second computation, in Python, from the README and the data files: `independent/compute.py`. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { readRequirements } from '../../../nodes/sustainml/app_requirements/read-requirements.js';
import { estimateFootprint } from '../../../nodes/sustainml/carbon_footprint/estimate-footprint.js';
import { indexTable, readGridTable } from '../../../nodes/sustainml/carbon_footprint/grid-table.js';
import { readConstraints } from '../../../nodes/sustainml/hw_constraints/read-constraints.js';
import { chooseHardware } from '../../../nodes/sustainml/hw_resources/choose-hardware.js';
import { proposeModel } from '../../../nodes/sustainml/ml_model/propose-model.js';
import { readLexicon } from '../../../nodes/sustainml/ml_model_metadata/lexicon.js';
import { metadataReader, readMetadata } from '../../../nodes/sustainml/ml_model_metadata/read-metadata.js';
import type { CO2Footprint, HWResource, MLModel, UserInput } from '../../../nodes/sustainml/types.js';
import { CATALOGUES } from './iterate.js';
import { bytes, extra, SAMPLE_NAMES, sample } from './samples.js';

const PYTHON = 'python3';
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

interface Results {
  iterations: unknown[];
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
  'a modality of its own words': lower({ ...sample('machine-sound-anomalies.json'), modality: 'sensor signals' }),
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
  const folder = new URL('./independent/', import.meta.url);
  const nodes = new URL('../../../nodes/sustainml/', import.meta.url);
  // -B: no cache beside the sources.
  const script = ['-B', fileURLToPath(new URL('compute.py', folder)), fileURLToPath(nodes)];
  const run = spawnSync(PYTHON, script, {
    input: JSON.stringify(LINES, inBase64),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if ((run.error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return;
  if (run.status !== 0) throw run.error ?? new Error(run.stderr);
  independent = JSON.parse(run.stdout);
});

describe('a second computation of the results, from the README and the data files,', () => {
  it.each(Object.keys(LINES))('agrees in all modules of all iterations: %s', (name) => {
    const { iterations, ended_by } = computed(name);
  });
});
