/** What `ml_model` answers to the form: the catalogue's models for a goal, and those that a description means. */
import { NonRetryableError } from 'tutti/sdk';
import { itemsOf, listed, type Queries } from '../configuration.js';
import { familyOf, readFamily } from './family.js';
import type { CatalogueModel } from './models.js';

const CONFIG_OF = '__MODEL_CONFIG__:';
const MOST_FOUND = 50;

export function modelQueries(models: readonly CatalogueModel[]): Queries {
  return {
    model_from_goal: (argument) => ({ models: listed(modelsFor(argument, models)) }),
    hf_search: (argument) => {
      const [, wanted = '', limit = ''] = /^([\s\S]*?)(?:,\s*(\d+)\s*)?$/.exec(argument) ?? [];
      return wanted.startsWith(CONFIG_OF)
        ? configurationOf(wanted.slice(CONFIG_OF.length).trim(), models)
        : { models: search(wanted, Math.min(Number(limit) || 10, MOST_FOUND), models) };
    },
  };
}

/** For the first goal; of the type that is named last, where the goal has models of it. */
function modelsFor(argument: string, models: readonly CatalogueModel[]): string[] {
  const [goal = '', ...others] = itemsOf(argument);
  const plain = goal.toLowerCase().replace(/[\s-]+/g, '_');
  const forGoal = models.filter((model) => model.goal === plain);
  const family = readFamily(others.at(-1));
  const preferred = forGoal.filter(({ name }) => familyOf(name) === family);
  return (preferred.length > 0 ? preferred : forGoal).map(({ name }) => name);
}

/** Best first: by the share of the description's words that the model's row has. */
function search(description: string, most: number, models: readonly CatalogueModel[]): unknown[] {
  const words = wordsOf(description);
  return models
    .map((model) => {
      const own = wordsOf(`${model.name} ${model.goal} ${model.modalities.join(' ')} ${model.inference}`);
      const found = [...words].filter((word) => own.has(word) || own.has(word.replace(/s$/, '')));
      return { model, score: words.size === 0 ? 0 : found.length / words.size };
    })
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .slice(0, most)
    .map(({ model, score }) => ({
      model_id: model.name,
      score,
      tooltip: tooltip(model),
      pipeline_tag: model.goal.replaceAll('_', '-'),
    }));
}

function configurationOf(id: string, models: readonly CatalogueModel[]): unknown {
  const model = models.find(({ name }) => name === id);
  if (model === undefined)
    throw new NonRetryableError(
      'unknown_model',
      `The catalogue has no model ${JSON.stringify(id.slice(0, 200))}.`,
    );
  return { model_id: model.name, tooltip: tooltip(model) };
}

function tooltip({ goal, parameters, macs, quality, model_path }: CatalogueModel): string {
  const figures = `${parameters} parameters, ${macs} multiply-accumulates`;
  return `${goal}: ${figures}, ${quality.metric} ${quality.value} on ${quality.dataset} (${model_path})`;
}

function wordsOf(text: string): Set<string> {
  return new Set(
    text
      .toLowerCase()
      .split(/[^\p{L}\p{N}]+/u)
      .filter((word) => word.length > 1),
  );
}
