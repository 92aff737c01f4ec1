import { describe, expect, it } from 'vitest';
import { modalitiesOf } from '../../../nodes/sustainml/ml_model/modality.js';
import type { CatalogueModel } from '../../../nodes/sustainml/ml_model/models.js';
import { MINIMUM_SAVING, proposeModel } from '../../../nodes/sustainml/ml_model/propose-model.js';
import type { CO2Footprint } from '../../../nodes/sustainml/types.js';
import { type Ask, asked, CATALOGUES, energy, exhaust, GOALS, iterate, thrown } from './iterate.js';
import { bytes, extra } from './samples.js';

const LOWER = { optimize_carbon_footprint_manual: true };
const AUTO = { optimize_carbon_footprint_auto: true };
const named = (name: string) => CATALOGUES.models.find((model) => model.name === name) as CatalogueModel;
const names = (goal: string) =>
  CATALOGUES.models.filter((model) => model.goal === goal).map(({ name }) => name);
const error = (ask: Ask) => thrown(() => iterate(ask));
const grid = (intensity: number): CO2Footprint => ({
  carbon_footprint: 0,
  energy_consumption: 0,
  carbon_intensity: intensity,
  extra_data: new Uint8Array(),
});

describe('the proposal', () => {
  it('is the best quality for the goal, with figures that hw_resources can use', () => {
    const { ml_model } = iterate({ goals: ['object_detection'] });
    expect(ml_model.model).toBe('yolo11x');
    expect(ml_model.model_path).toMatch(/^https:.*yolo11x\.pt$/);
    expect(ml_model.model_properties_path).toMatch(
      /^https:\/\/github\.com\/ultralytics\/ultralytics\/blob\/[0-9a-f]{40}\//,
    );
    expect(ml_model.input_batch).toEqual(['1', '3', '640', '640']);
    expect(ml_model.target_latency).toBe(0);
    expect(ml_model.raw_model).toEqual(new Uint8Array());
    expect(JSON.parse(ml_model.model_properties)).toMatchObject({
      parameters: 56.9e6,
      macs: 97.45e9,
      bytes_per_parameter: 4,
      input: ['1', '3', '640', '640'],
      quality: { metric: 'box mAP50-95, %', value: 54.7, dataset: 'COCO val2017' },
    });
    expect(extra(ml_model)).toMatchObject({ proposed: ['yolo11x'], goal: 'object_detection', notes: [] });
    expect(extra(ml_model).considered.map((each: { model: string }) => each.model)).toEqual(
      names('object_detection'),
    );
  });

  it('takes the lowest figure where lower is better', () => {
    expect(iterate({ goals: ['speech_recognition'] }).ml_model.model).toBe('wav2vec2-base');
  });

  it.each(GOALS)('is the same each time for %s', (goal) => {
    expect(iterate({ goals: [goal] })).toEqual(iterate({ goals: [goal] }));
  });

  it.each(GOALS)('expects for %s the device and the energy that hw_resources comes to', (goal) => {
    for (const ask of [
      {},
      { requirements: ['on_device'] },
      { requirements: ['real_time'] },
      { memory: 300 },
    ]) {
      const { line } = exhaust({ goals: [goal], ...ask }, { goals: [goal], ...ask });
      for (const iteration of line) {
        expect(extra(iteration.ml_model).expected_device).toBe(iteration.hw_resources.hw_description);
        expect(extra(iteration.ml_model).energy_per_inference_j).toBe(energy(iteration));
      }
    }
  });
});

describe('the goal', () => {
  it('is the first that has models, and the others are noted', () => {
    const { ml_model } = iterate({ goals: ['music_composition', 'pose_estimation', 'object_detection'] });
    expect(extra(ml_model)).toMatchObject({
      goal: 'pose_estimation',
      other_goals: ['music_composition', 'object_detection'],
      notes: ['the catalogue has no model for music_composition'],
    });
  });

  it('passes over goals without models for the kind of data', () => {
    const ask = { goals: ['text_classification', 'audio_classification'], user: { modality: 'audio' } };
    expect(extra(iterate(ask).ml_model)).toMatchObject({
      goal: 'audio_classification',
      notes: ['none of the 6 models for text_classification takes audio data'],
    });
  });

  it('chooses the models by the kind of data', () => {
    const of = (modality: string) =>
      iterate({ goals: ['anomaly_detection'], user: { modality } }).ml_model.model;
    expect(of('image')).toBe('efficientad-s');
    expect(of('Audio')).toBe('mlperf-tiny-ad01-fp32');
    expect(of('sensor data')).toBe('mlperf-tiny-ad01-fp32');
  });

  it('never compares figures of different data sets', () => {
    const { ml_model } = iterate({ goals: ['anomaly_detection'] });
    expect(extra(ml_model).considered).toHaveLength(6);
    expect(extra(ml_model).notes).toEqual([
      "2 of the 8 models for anomaly_detection are not judged by image AUROC on MVTec AD, mean of 15 categories and are left out; a modality in the user's input chooses between them",
    ]);
  });

  it('does not drift to the next goal when the first is exhausted', () => {
    const goals = ['pose_estimation', 'object_detection'];
    const { line, error } = exhaust({ goals }, { goals });
    expect(line.map(({ ml_model }) => ml_model.model).sort()).toEqual(names('pose_estimation').sort());
    expect(error.message).toContain('No model fits for pose_estimation');
  });

  it.each([
    [[], 'No model fits: ml_model_metadata names no goal.'],
    [['a', 'b'], 'No model fits: the catalogue has no model for a; the catalogue has no model for b.'],
  ])('fails for the goals %j', (goals, message) => {
    expect(error({ goals })).toMatchObject({ code: 'no_model_fits', message });
  });

  it.each([
    ['image', ['image']],
    ['Images (RGB)', ['image']],
    ['time_series', ['time series']],
    ['Video clips', ['video']],
    ['speech', ['audio']],
    ['text and images', ['image', 'text']],
    ['CSV table', ['tabular']],
    ['imagery', ['image']],
    ['smells', []],
    ['', []],
  ])('reads "%s" as %j', (text, expected) => {
    expect(modalitiesOf(text)).toEqual(expected);
  });
});

describe('the constraints', () => {
  it('keeps to the memory limit', () => {
    const { ml_model, hw_resources } = iterate({ goals: ['object_detection'], memory: 50 });
    expect(ml_model.model).toBe('yolo11n');
    expect(hw_resources.memory_footprint_of_ml_model).toBeLessThanOrEqual(50);
    expect(extra(ml_model).excluded).toMatchObject({ memory: 3 });
  });

  it('takes 0 as no memory limit', () => {
    expect(iterate({ goals: ['text_generation'], memory: 0 }).ml_model.model).toBe('pythia-6.9b');
  });

  it('keeps to the hardware required', () => {
    const { ml_model, hw_resources } = iterate({
      goals: ['image_classification'],
      hardware: ['microcontroller'],
    });
    expect(ml_model.model).toBe('mcunet-in4');
    expect(hw_resources.hw_description).toContain('STM32');
  });

  it('keeps to the latency, and names it to hw_resources', () => {
    const { ml_model, hw_resources } = iterate({
      goals: ['object_detection'],
      hardware: ['raspberry pi'],
      requirements: ['max_latency_ms=500', 'max_latency_ms=900'],
    });
    expect(ml_model.target_latency).toBe(500);
    expect(ml_model.model).toBe('yolo11n');
    expect(hw_resources.latency).toBeLessThanOrEqual(500);
  });

  it.each([
    ['image_classification', 100],
    ['keyword_spotting', 1000],
    ['speech_recognition', 10000],
  ])('takes real time for %s as %d ms', (goal, ms) => {
    expect(iterate({ goals: [goal], requirements: ['real_time'] }).ml_model.target_latency).toBe(ms);
    const bounded = ['real_time', 'max_latency_ms=70'];
    expect(iterate({ goals: [goal], requirements: bounded }).ml_model.target_latency).toBe(70);
  });

  it('prefers with explainability the smallest model near the best', () => {
    const ask: Ask = { goals: ['image_classification'], requirements: ['explainability'] };
    const { ml_model } = iterate(ask);
    expect(ml_model.model).toBe('tf_efficientnetv2_s.in1k');
    expect(named(ml_model.model).quality.value).toBeGreaterThanOrEqual(84.466 * 0.95);
    expect(extra(ml_model).reason).toContain('fewest parameters within 5 %');
  });

  it('notes the requirements that it does not act on', () => {
    const { ml_model } = iterate({
      goals: ['translation'],
      requirements: ['privacy', 'min_samples=10', 'new'],
    });
    expect(extra(ml_model).requirements_not_used).toEqual(['privacy', 'min_samples=10', 'new']);
  });

  it.each<[Ask, string]>([
    [{ goals: ['object_detection'], memory: 8 }, 'of 7 in the catalogue, 7 over 8 MiB (memory).'],
    [
      { goals: ['object_detection'], hardware: ['fpga'] },
      'of 7 in the catalogue, 7 without a device called fpga that can hold it (hardware). The catalogue knows no "fpga".',
    ],
    [
      { goals: ['object_detection'], hardware: ['server'], requirements: ['on_device'] },
      'of 7 in the catalogue, 7 without a device called server on the spot that can hold it (hardware).',
    ],
    [
      { goals: ['object_detection'], requirements: ['max_latency_ms=1'] },
      'of 7 in the catalogue, 7 slower than 1 ms on every such device (latency).',
    ],
    [
      { goals: ['text_generation'], memory: 600, hardware: ['cpu'], requirements: ['max_latency_ms=10'] },
      'of 6 in the catalogue, 5 over 600 MiB (memory), then 1 slower than 10 ms on every such device (latency).',
    ],
  ])('says of %j which constraint removed how many', (ask, message) => {
    expect(error(ask)).toMatchObject({
      code: 'no_model_fits',
      message: `No model fits for ${ask.goals[0]}: ${message}`,
    });
  });

  it('rejects a latency that is not a number', () => {
    const ask = { goals: ['translation'], requirements: ['max_latency_ms=fast'] };
    expect(error(ask)).toMatchObject({ code: 'bad_requirement', message: expect.stringContaining('"fast"') });
  });
});

describe('a line of iterations', () => {
  it.each(GOALS)('never proposes a model of %s again, until none is left', (goal) => {
    const { line, error } = exhaust({ goals: [goal] }, { goals: [goal] });
    const proposed = line.map(({ ml_model }) => ml_model.model);
    expect(new Set(proposed).size).toBe(proposed.length);
    expect(extra(line.at(-1)?.ml_model as { extra_data: Uint8Array }).proposed).toEqual(proposed);
    const comparable = goal === 'anomaly_detection' ? 6 : names(goal).length;
    expect(proposed).toHaveLength(comparable);
    expect(error.code).toBe('no_model_fits');
    expect(error.message).toBe(
      `No model fits for ${goal}: of ${comparable} in the catalogue, ${comparable} already proposed by earlier iterations (already_proposed).`,
    );
  });

  it('counts the parent as proposed when its extra_data cannot be read', () => {
    const first = iterate({ goals: ['pose_estimation'] });
    for (const extra_data of [new Uint8Array(), bytes('{'), bytes('null'), bytes({ proposed: 'x' })]) {
      const previous = { ...first, ml_model: { ...first.ml_model, extra_data } };
      const second = iterate({ goals: ['pose_estimation'] }, previous);
      expect(extra(second.ml_model).proposed).toEqual(['yolo11x-pose', 'yolo11m-pose']);
    }
  });

  it.each(GOALS)('lowers the energy of %s each time when asked to', (goal) => {
    for (const ask of [
      {},
      { requirements: ['on_device'], hardware: ['edge'] },
      { requirements: ['real_time'] },
    ]) {
      const { line, error } = exhaust({ goals: [goal], ...ask }, { goals: [goal], ...ask, user: LOWER });
      const energies = line.map(energy);
      for (const [index, joules] of energies.entries()) {
        if (index > 0)
          expect(joules).toBeLessThanOrEqual((energies[index - 1] as number) * (1 - MINIMUM_SAVING));
      }
      expect(error.code).toBe('no_model_fits');
      if (Object.keys(ask).length === 0) expect(line.length).toBeGreaterThanOrEqual(2);
    }
  });

  it('says how many were not lower than the parent', () => {
    const ask: Ask = { goals: ['text_classification'] };
    const { error } = exhaust(ask, { ...ask, user: LOWER });
    expect(error.message).toBe(
      "No model fits for text_classification: of 6 in the catalogue, 5 already proposed by earlier iterations (already_proposed), then 1 not below the parent iteration's footprint by 1 % (footprint).",
    );
  });

  it('asks a first iteration for nothing lower', () => {
    const { ml_model } = iterate({ goals: ['object_detection'], user: LOWER });
    expect(ml_model.model).toBe('yolo11x');
    expect(extra(ml_model).lower_footprint).toEqual({
      asked: false,
      why: 'there is no earlier footprint to go below',
    });
  });

  it('lowers by itself until the desired footprint is reached', () => {
    const goals = ['object_detection'];
    const first = iterate({ goals });
    const joules = energy(first);
    // kg for a million inferences at 500 g/kWh.
    const kg = (j: number) => ((j / 3.6e6) * 1e6 * 500) / 1000;
    const previous = { ...first, carbon_footprint: grid(500) };
    const next = (desired: number) =>
      iterate({ goals, user: { ...AUTO, desired_carbon_footprint: desired } }, previous);
    expect(extra(next(kg(joules) * 1.001).ml_model).lower_footprint).toEqual({
      asked: false,
      why: 'the parent iteration reaches desired_carbon_footprint',
    });
    const reached = next(kg(joules) / 2);
    expect(energy(reached)).toBeLessThanOrEqual(joules / 2);
    expect(reached.ml_model.model).toBe('yolo11m');
    const missed = next(kg(joules) / 1e6);
    expect(extra(missed.ml_model).reason).toContain('least energy, as none reaches desired_carbon_footprint');
    expect(missed.ml_model.model).toBe('ssdlite_mobilenet_v2');
    expect(extra(next(0).ml_model).lower_footprint).toMatchObject({ asked: true });
  });

  it('depends on its inputs only', () => {
    const inputs = asked({ goals: ['object_detection'] });
    const before = structuredClone(inputs);
    proposeModel(inputs, {}, CATALOGUES);
    expect(inputs).toEqual(before);
  });
});
