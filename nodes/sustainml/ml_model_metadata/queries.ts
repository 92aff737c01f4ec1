/** What `ml_model_metadata` answers to the form: kinds of data, goals, metrics, and what is known of a data set's file. */
import { listed, type Queries } from '../configuration.js';
import { modalitiesOf } from '../ml_model/modality.js';
import type { CatalogueModel } from '../ml_model/models.js';
import type { Lexicon } from './lexicon.js';

export function metadataQueries(lexicon: Lexicon, models: readonly CatalogueModel[]): Queries {
  return {
    modality: () => ({
      modalities: listed(models.flatMap((model) => model.modalities)),
      goals: listed(Object.keys(lexicon.goals)),
    }),
    metrics: (argument) => ({ metrics: listed(metricsFor(argument.replace(/^cover_tag:/, ''), models)) }),
    dataset_path: (path) => describe(path),
  };
}

/** Of all models where the text names no kind of data. */
function metricsFor(modality: string, models: readonly CatalogueModel[]): string[] {
  const asked = modalitiesOf(modality);
  return models
    .filter((model) => asked.length === 0 || model.modalities.some((one) => asked.includes(one)))
    .map(({ quality }) => quality.metric.replace(/, %$/, ''));
}

/** By the path's name alone: a node does not read the files of the machine that it happens to run on. */
function describe(path: string): Record<string, unknown> {
  const file = path.split(/[\\/]/).at(-1) ?? '';
  const [, stem = file, extension = ''] = /^(.*?)\.([^.]*)$/.exec(file) ?? [];
  const words = stem.split(/[^\p{L}\p{N}]+/u).filter((word) => word.length > 1);
  return {
    description: `The file ${file}. Its content was not read.`,
    topic: words.join(' '),
    profile: extension === '' ? '' : `${extension.toLowerCase()} file`,
    keywords: words.map((word) => word.toLowerCase()),
    applications: [],
  };
}
