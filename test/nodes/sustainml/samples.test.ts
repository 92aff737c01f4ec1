import { describe, expect, it } from 'vitest';
import { readRequirements } from '../../../nodes/sustainml/app_requirements/read-requirements.js';
import { findGrid } from '../../../nodes/sustainml/carbon_footprint/find-grid.js';
import { indexTable, readGridTable } from '../../../nodes/sustainml/carbon_footprint/grid-table.js';
import { readConstraints } from '../../../nodes/sustainml/hw_constraints/read-constraints.js';
import { readLexicon } from '../../../nodes/sustainml/ml_model_metadata/lexicon.js';
import { metadataReader, readMetadata } from '../../../nodes/sustainml/ml_model_metadata/read-metadata.js';
import { userInput } from './problem-statements.js';
import { SAMPLE_NAMES, sample, sampleJson } from './samples.js';

const reader = metadataReader(readLexicon());
const grids = indexTable(readGridTable());

/** What the four modules that read the user's input make of each sample. */
const EXPECTED: Record<
  string,
  { goal: string; requirements: string[]; memory: number; hardware: string[]; grid: string }
> = {
  'steel-defects.json': {
    goal: 'object_detection',
    requirements: ['max_latency_ms=50', 'min_samples=1800', 'max_samples=5000', 'on_device'],
    memory: 4096,
    hardware: ['edge'],
    grid: 'Spain',
  },
  'machine-sound-anomalies.json': {
    goal: 'anomaly_detection',
    requirements: ['min_samples=3000', 'max_samples=3000', 'on_device'],
    memory: 1,
    hardware: ['microcontroller'],
    grid: 'Spain',
  },
  'support-ticket-routing.json': {
    goal: 'text_classification',
    requirements: ['min_samples=42000', 'max_samples=42000', 'privacy', 'explainability'],
    memory: 8192,
    hardware: [],
    grid: 'Germany',
  },
  'electricity-demand.json': {
    goal: 'time_series_forecasting',
    requirements: ['min_samples=52000'],
    memory: 8192,
    hardware: [],
    grid: 'Canada',
  },
  'loan-default.json': {
    goal: 'tabular_classification',
    requirements: ['min_samples=30000', 'max_samples=250000', 'explainability'],
    memory: 512,
    hardware: ['cpu'],
    grid: 'Taiwan',
  },
  'gym-exercises.json': {
    goal: 'video_classification',
    requirements: ['max_latency_ms=2000', 'min_samples=8000', 'privacy', 'on_device'],
    memory: 2048,
    hardware: ['edge'],
    grid: 'Brazil',
  },
  'voice-commands.json': {
    goal: 'keyword_spotting',
    requirements: ['max_latency_ms=200', 'min_samples=20000', 'on_device'],
    memory: 1,
    hardware: ['microcontroller'],
    grid: 'Italy',
  },
  'flooded-land.json': {
    goal: 'image_segmentation',
    requirements: ['min_samples=500', 'max_samples=800'],
    memory: 8192,
    hardware: ['gpu'],
    grid: 'Bangladesh',
  },
  'flat-prices.json': {
    goal: 'tabular_regression',
    requirements: ['min_samples=12000', 'explainability'],
    memory: 8192,
    hardware: [],
    grid: 'France',
  },
  'lecture-subtitles.json': {
    goal: 'speech_recognition',
    requirements: ['max_latency_ms=2000', 'real_time'],
    memory: 16384,
    hardware: ['gpu'],
    grid: 'United Kingdom',
  },
  'physiotherapy-coach.json': {
    goal: 'pose_estimation',
    requirements: ['max_latency_ms=66.667', 'privacy', 'on_device'],
    memory: 1024,
    hardware: ['edge'],
    grid: 'New Zealand',
  },
  'handbook-questions.json': {
    goal: 'question_answering',
    requirements: ['max_latency_ms=3000', 'privacy'],
    memory: 8192,
    hardware: [],
    grid: 'United States',
  },
};

describe('the sample problems', () => {
  it('are the ones that are expected here', () => {
    expect(SAMPLE_NAMES).toEqual(Object.keys(EXPECTED).sort());
    expect(SAMPLE_NAMES.every((name) => /^[a-z0-9]+(-[a-z0-9]+)*\.json$/.test(name))).toBe(true);
  });

  it.each(SAMPLE_NAMES)('%s has the fields of UserInput, each of its type', (name) => {
    const { extra_data: _, ...fields } = sampleJson(name);
    const { extra_data: __, ...blank } = userInput();
    expect(Object.keys(fields).sort()).toEqual(Object.keys(blank).sort());
    for (const [field, value] of Object.entries(blank)) {
      expect(typeof fields[field], field).toBe(typeof value);
      expect(Array.isArray(fields[field]), field).toBe(Array.isArray(value));
    }
    expect(String(sampleJson(name).extra_data)).toMatch(/^[A-Za-z0-9+/]*={0,2}$/);
  });

  it.each(SAMPLE_NAMES)('%s is read as its author means it', (name) => {
    const input = sample(name);
    const constraints = readConstraints(input);
    expect({
      goal: readMetadata(input, reader).ml_model_metadata[0],
      requirements: readRequirements(input).app_requirements,
      memory: constraints.max_memory_footprint,
      hardware: constraints.hardware_required,
      grid: findGrid(grids, input.geo_location_region, input.geo_location_continent).name,
    }).toEqual(EXPECTED[name]);
  });
});
