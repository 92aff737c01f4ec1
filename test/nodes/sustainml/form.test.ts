/** What the original form sends and asks, at the six modules. */
import { describe, expect, it } from 'vitest';
import { readRequirements } from '../../../nodes/sustainml/app_requirements/read-requirements.js';
import { answering } from '../../../nodes/sustainml/configuration.js';
import { readConstraints } from '../../../nodes/sustainml/hw_constraints/read-constraints.js';
import { familyOf } from '../../../nodes/sustainml/ml_model/family.js';
import { proposeModel } from '../../../nodes/sustainml/ml_model/propose-model.js';
import { modelQueries } from '../../../nodes/sustainml/ml_model/queries.js';
import { readLexicon } from '../../../nodes/sustainml/ml_model_metadata/lexicon.js';
import { metadataQueries } from '../../../nodes/sustainml/ml_model_metadata/queries.js';
import { metadataReader, readMetadata } from '../../../nodes/sustainml/ml_model_metadata/read-metadata.js';
import { UNTOUCHED } from '../../support/front-end.js';
import { CATALOGUES } from './iterate.js';
import { userInput } from './problem-statements.js';
import { bytes, extra } from './samples.js';

const lexicon = readLexicon();
const reader = metadataReader(lexicon);
const FORM = UNTOUCHED.extra_data as Record<string, unknown>;

/** From the form to the model. */
function propose(said: Record<string, unknown>, fields: Record<string, unknown> = {}) {
  const input = userInput({
    modality: 'image',
    problem_definition: 'Classify photos of steel by the kind of defect.',
    minimum_samples: 1,
    maximum_samples: 1,
    ...fields,
    extra_data: bytes({ ...FORM, ...said }),
  });
  const inputs = {
    user_input: input,
    ml_model_metadata: readMetadata(input, reader),
    app_requirements: readRequirements(input),
    hw_constraints: readConstraints(input),
  };
  return { ...inputs, model: proposeModel(inputs, {}, CATALOGUES) };
}

describe('a form that nobody has touched', () => {
  it('asks for nothing but the device that it names', () => {
    const { hw_constraints, app_requirements, model } = propose({});
    expect(hw_constraints).toMatchObject({ max_memory_footprint: 8192, hardware_required: ['PIM-AI-1chip'] });
    expect(extra(hw_constraints).max_memory_footprint.from).toBe('default');
    expect(app_requirements.app_requirements).toEqual([]);
    expect(extra(model).expected_device).toBe('PIM-AI-1chip');
  });

  it.each([[''], [' '], [[]], [['']], [null]])('means any device by %j', (hardware) => {
    const { hw_constraints, model } = propose({ hardware_required: hardware });
    expect(hw_constraints.hardware_required).toEqual([]);
    expect(extra(model).expected_device).not.toBe('PIM-AI-1chip');
  });

  it('asks for samples where one of the two numbers is not 1', () => {
    const asked = (minimum_samples: number, maximum_samples: number) =>
      propose({}, { minimum_samples, maximum_samples }).app_requirements.app_requirements;
    expect(asked(1, 500)).toEqual(['min_samples=1', 'max_samples=500']);
    expect(asked(0, 1)).toEqual(['max_samples=1']);
    expect(asked(1, 1)).toEqual([]);
  });
});

describe('the fields of the form', () => {
  it('goal comes first, whatever the text says, and alone where it says nothing', () => {
    const { ml_model_metadata, model } = propose({ goal: 'Object Detection, translation' });
    expect(ml_model_metadata.ml_model_metadata.slice(0, 3)).toEqual([
      'object_detection',
      'translation',
      'image_classification',
    ]);
    expect(extra(model).goal).toBe('object_detection');
    const silent = propose({ goal: 'image_classification' }, { problem_definition: '' });
    expect(silent.ml_model_metadata.ml_model_metadata).toEqual(['image_classification']);
    const unknown = propose({ goal: 'world_peace' });
    expect(extra(unknown.ml_model_metadata).notes).toEqual([expect.stringContaining('world_peace')]);
  });

  it('model_selected is the model, or nothing is', () => {
    expect(propose({ model_selected: 'mcunet-in0' }).model.model).toBe('mcunet-in0');
    expect(propose({ model_selected: 'yolo11n' }).model.model).toBe('yolo11n');
    expect(() => propose({ model_selected: 'somebody/else' })).toThrow(
      expect.objectContaining({ code: 'no_model_fits', message: expect.stringContaining('somebody/else') }),
    );
  });

  it('model_restrains are out, also a selected one', () => {
    const first = propose({}).model.model;
    const second = propose({ model_restrains: [first] }).model.model;
    expect(second).not.toBe(first);
    expect(propose({ model_restrains: first, model_selected: first }).model.model).toBe(second);
  });

  it('type is preferred where one of it fits', () => {
    const video = {
      modality: 'video',
      problem_definition: 'Classify video clips by the exercise they show.',
    };
    expect(familyOf(propose({ type: 'Transformers', hardware_required: '' }, video).model.model)).toBe(
      'transformers',
    );
    expect(familyOf(propose({ type: 'CNNs', hardware_required: '' }, video).model.model)).toBe('cnns');
    const notes = extra(propose({ type: 'Transformers' }).model).notes;
    expect(notes).toContainEqual(expect.stringContaining('Transformers'));
  });

  it('metric chooses between models that are not judged alike', () => {
    const anomalies = { modality: '', problem_definition: 'Detect anomalies in what the machine gives.' };
    const asked = (metric: string) =>
      JSON.parse(
        propose({ metric, goal: 'anomaly_detection', hardware_required: '' }, anomalies).model
          .model_properties,
      ).quality.metric;
    expect(asked('image AUROC')).toBe('image AUROC');
    expect(asked('AUC')).toBe('AUC');
  });
});

describe('the queries of the form', () => {
  const metadata = answering(metadataQueries(lexicon, CATALOGUES.models));
  const model = answering(modelQueries(CATALOGUES.models));
  const ask = (answer: (query: string) => string, query: string) => JSON.parse(answer(query));

  it('have lists without commas in their items', () => {
    const { modalities, goals } = ask(metadata, 'modality');
    expect(modalities.split(', ')).toHaveLength(6);
    expect(goals.split(', ')).toHaveLength(17);
    const { metrics } = ask(metadata, 'metrics, cover_tag: text');
    expect(metrics.split(', ')).toContain('accuracy');
    expect(metrics).not.toContain('%');
  });

  it('find models by goal, type and words', () => {
    const { models } = ask(model, 'model_from_goal, video_classification, Transformers');
    expect(models).toBe('mvit_b_16x4');
    expect(ask(model, 'model_from_goal, text_generation, translation').models).toContain('pythia');
    expect(ask(model, 'model_from_goal, U_NET_MODELS, PIM-AI-1chip, CNNs')).toEqual({ models: '' });
    const found = ask(model, 'hf_search, translate, text of hardwares, 2').models;
    expect(found.length).toBeLessThanOrEqual(2);
    expect(Object.keys(found[0])).toEqual(['model_id', 'score', 'tooltip', 'pipeline_tag']);
    expect(ask(model, 'hf_search, __MODEL_CONFIG__:yolo11n, 1').model_id).toBe('yolo11n');
  });

  it('describe a data set by its name, and read no file', () => {
    const described = ask(metadata, 'dataset_path, /etc/steel-images.csv');
    expect(described).toEqual({
      description: expect.stringContaining('steel-images.csv'),
      topic: 'steel images',
      profile: 'csv file',
      keywords: ['steel', 'images'],
      applications: [],
    });
  });

  it.each(['', 'hardwares', 'toString', 'modalities', ', modality'])('refuse %j', (query) => {
    expect(() => metadata(query)).toThrow(expect.objectContaining({ code: 'unknown_query' }));
  });
});
