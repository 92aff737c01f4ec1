import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readModels, type Source, sourceAddress } from '../../../nodes/sustainml/ml_model/models.js';
import { CATALOGUES } from './iterate.js';

const VOCABULARY = [
  'image_classification',
  'object_detection',
  'image_segmentation',
  'pose_estimation',
  'text_classification',
  'text_embedding',
  'text_generation',
  'translation',
  'question_answering',
  'speech_recognition',
  'audio_classification',
  'keyword_spotting',
  'tabular_classification',
  'tabular_regression',
  'time_series_forecasting',
  'anomaly_detection',
  'video_classification',
];
const MODALITIES = ['image', 'audio', 'text', 'tabular', 'time series', 'video'];
const { models } = CATALOGUES;

interface DeviceRow {
  name: string;
  kind: string;
  kinds: string[];
  peak_ops_per_second: Record<string, number>;
  memory_bandwidth_bytes_per_second: number;
  memory_bytes: number;
  weight_memory_bytes?: number;
  power_active_w: number;
  power_idle_w: number | null;
  overhead_ms: number;
  sources: Source[];
  [from: `${string}_from`]: string;
}
const json = JSON.parse(
  readFileSync(fileURLToPath(new URL('../../../nodes/sustainml/data/devices.json', import.meta.url)), 'utf8'),
) as { assumptions: { efficiency: number; sources: Source[] }; devices: DeviceRow[] };
const { devices } = json;

/** Each source says which figures it gives, and names a public address or a file at a commit. */
function expectSources(sources: readonly Source[]): void {
  expect(sources.length).toBeGreaterThan(0);
  for (const source of sources) {
    expect(source.figures).not.toBe('');
    if ('url' in source) {
      expect(source.url).toMatch(/^https?:\/\//);
    } else {
      expect(source.repository).toMatch(/^[\w.-]+\/[\w.-]+$/);
      expect(source.file).not.toBe('');
      expect(source.commit).toMatch(/^[0-9a-f]{40}$/);
    }
  }
}

describe('the model catalogue', () => {
  it('has at least 40 models with unique names', () => {
    expect(models.length).toBeGreaterThanOrEqual(40);
    expect(new Set(models.map((model) => model.name)).size).toBe(models.length);
  });

  it.each(VOCABULARY)('has at least three models for %s, of different size', (goal) => {
    const forGoal = models.filter((model) => model.goal === goal);
    expect(forGoal.length).toBeGreaterThanOrEqual(3);
    const macs = forGoal.map((model) => model.macs);
    expect(Math.max(...macs) / Math.min(...macs)).toBeGreaterThan(2.5);
  });

  it('knows the goals of the vocabulary only', () => {
    expect(models.filter((model) => !VOCABULARY.includes(model.goal))).toEqual([]);
  });

  it('judges models of one goal and kind of data by one metric on one data set', () => {
    const yardsticks = new Map<string, Set<string>>();
    for (const { goal, modalities, quality } of models) {
      const key = `${goal}, ${modalities[0]}`;
      const known = yardsticks.get(key) ?? new Set<string>();
      yardsticks.set(key, known.add(`${quality.metric}, ${quality.dataset}, ${quality.better}`));
    }
    for (const known of yardsticks.values()) expect(known.size).toBe(1);
  });

  it.each(models.map((model) => [model.name, model] as const))(
    'has sources and plausible figures for %s',
    (_, model) => {
      expectSources(model.sources);
      for (const source of model.sources) expect(sourceAddress(source)).toMatch(/^https?:\/\//);
      expect(model.model_path).toMatch(/^https:\/\//);
      expect(model.parameters_from).toMatch(/^(published|derived): ./);
      expect(model.macs_from).toMatch(/^(published|derived): ./);
      expect(model.activation_from).toMatch(/^(published|derived): ./);
      for (const count of [model.parameters, model.macs, model.activation_bytes]) {
        expect(Number.isSafeInteger(count)).toBe(true);
      }
      expect(model.parameters).toBeGreaterThan(1e4);
      expect(model.parameters).toBeLessThan(1e10);
      expect(model.macs / model.parameters).toBeGreaterThan(0.4);
      expect(model.macs).toBeLessThan(1e13);
      expect([1, 4]).toContain(model.bytes_per_parameter);
      expect(model.activation_bytes).toBeGreaterThan(100);
      expect(model.activation_bytes).toBeLessThan(1e9);
      expect(model.modalities.every((modality) => MODALITIES.includes(modality))).toBe(true);
      expect(model.input.every((size) => Number(size) > 0)).toBe(true);
      expect(model.inference).not.toBe('');
      if (model.parameters_read !== undefined) {
        expect(model.parameters_read).toBeGreaterThan(model.parameters);
        expect(model.parameters_read_from).toMatch(/^derived: ./);
      }
      expect(model.quality.value).toBeGreaterThan(0);
      expect(model.quality.value).toBeLessThan(100);
    },
  );

  it('reads the same each time', () => {
    expect(readModels()).toEqual(models);
  });
});

describe('the device catalogue', () => {
  it('has at least 12 devices with unique names, of every kind that is asked for', () => {
    expect(devices.length).toBeGreaterThanOrEqual(12);
    expect(new Set(devices.map((device) => device.name)).size).toBe(devices.length);
    const kinds = new Set(devices.flatMap((device) => device.kinds));
    for (const kind of ['cpu', 'gpu', 'microcontroller', 'edge', 'tpu']) expect(kinds).toContain(kind);
  });

  it('says what its assumptions were fitted to', () => {
    expectSources(json.assumptions.sources);
    expect(json.assumptions.efficiency).toBe(CATALOGUES.devices.efficiency);
    expect(json.assumptions.efficiency).toBeGreaterThan(0);
    expect(json.assumptions.efficiency).toBeLessThan(1);
  });

  it.each(devices.map((device) => [device.name, device] as const))(
    'has sources and plausible figures for %s',
    (_, device) => {
      expectSources(device.sources);
      for (const from of ['peak_from', 'memory_bandwidth_from', 'memory_from', 'power_from'] as const) {
        expect(device[from]).toMatch(/(published|derived|measured): ./);
      }
      expect(device.kinds[0]).toBe(device.kind);
      expect(device.kinds).toEqual(device.kinds.map((kind) => kind.toLowerCase()));
      const peaks = Object.entries(device.peak_ops_per_second);
      expect(peaks.length).toBeGreaterThan(0);
      for (const [precision, peak] of peaks) {
        expect(['fp32', 'fp16', 'int8']).toContain(precision);
        expect(peak).toBeGreaterThan(1e8);
        expect(peak).toBeLessThan(1e15);
      }
      expect(device.memory_bandwidth_bytes_per_second).toBeGreaterThan(1e8);
      expect(device.memory_bandwidth_bytes_per_second).toBeLessThan(1e13);
      expect(device.memory_bytes).toBeGreaterThan(1e5);
      expect(device.power_active_w).toBeGreaterThan(0.001);
      expect(device.power_active_w).toBeLessThan(1000);
      if (device.power_idle_w !== null) expect(device.power_idle_w).toBeLessThan(device.power_active_w);
      expect(device.overhead_ms).toBeGreaterThanOrEqual(0);
    },
  );

  // Published by Ultralytics for TensorRT at fp16: docs/en/guides/nvidia-jetson.md@01007503ffb223506d5b4b76d69e1e7145f49693, milliseconds.
  it.each([
    ['NVIDIA Jetson Orin NX 16GB', 6.5, 4.85],
    ['NVIDIA Jetson Orin NX 16GB', 21.5, 7.55],
    ['NVIDIA Jetson Orin NX 16GB', 68, 14.45],
    ['NVIDIA Jetson Orin NX 16GB', 86.9, 18.53],
    ['NVIDIA Jetson Orin NX 16GB', 194.9, 35.99],
    ['NVIDIA Jetson Orin Nano Super 8GB', 21.5, 7.3],
    ['NVIDIA Jetson Orin Nano Super 8GB', 68, 13.99],
    ['NVIDIA Jetson Orin Nano Super 8GB', 86.9, 17.57],
    ['NVIDIA Jetson Orin Nano Super 8GB', 194.9, 32.94],
  ])('estimates on %s, for %d GFLOPs, within a factor of two of the published %d ms', (name, gflops, ms) => {
    const device = devices.find((each) => each.name === name) as DeviceRow;
    const peak = device.peak_ops_per_second.fp16 as number;
    const estimate = ((gflops * 1e9) / (peak * json.assumptions.efficiency)) * 1000 + device.overhead_ms;
    expect(estimate / ms).toBeGreaterThan(0.5);
    expect(estimate / ms).toBeLessThan(2);
  });
});
