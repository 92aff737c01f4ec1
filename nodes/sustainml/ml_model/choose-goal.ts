/** Which models are judged at all: those of the goal, or the one that the user has chosen. */
import { NonRetryableError } from 'tutti/sdk';
import type { UserExtraData } from '../extra-data.js';
import type { AppRequirements, HWConstraints, MLModelMetadata, UserInput } from '../types.js';
import type { FittingCandidate } from './candidates.js';
import { familyOf, readFamily } from './family.js';
import { modalitiesOf } from './modality.js';
import type { CatalogueModel } from './models.js';

export interface ModelInputs {
  user_input: UserInput;
  ml_model_metadata: MLModelMetadata;
  app_requirements: AppRequirements;
  hw_constraints: HWConstraints;
}

/** What is proposed for, and what may be proposed. */
export interface Goal {
  goal: string;
  models: CatalogueModel[];
  /** Why goals or models were passed over. */
  notes: string[];
}

/** The one model that the user has chosen, unless it is out; nothing where none is chosen. */
export function selected(said: UserExtraData, models: readonly CatalogueModel[]): Goal | undefined {
  const { model_selected: name, model_restrains: out = [] } = said;
  if (name === undefined || out.includes(name)) return undefined;
  const model = models.find((one) => one.name === name);
  if (model === undefined)
    throw new NonRetryableError('no_model_fits', `No model fits: the catalogue has no model "${name}".`);
  return { goal: model.goal, models: [model], notes: [`${name} was chosen by the user`] };
}

/** Those of the family that is asked for, or all where none of it is there. */
export function ofFamily(
  fitting: readonly FittingCandidate[],
  type: string | undefined,
  notes: string[],
): readonly FittingCandidate[] {
  const family = readFamily(type);
  if (family === undefined) return fitting;
  const preferred = fitting.filter(({ model }) => familyOf(model.name) === family);
  if (preferred.length > 0) return preferred;
  notes.push(`none of the models that fit is of the type ${type}, so others are taken`);
  return fitting;
}

export function goalOf(
  inputs: ModelInputs,
  models: readonly CatalogueModel[],
  metric: string | undefined,
): Goal {
  const modalities = modalitiesOf(inputs.user_input.modality);
  const notes: string[] = [];
  for (const goal of inputs.ml_model_metadata.ml_model_metadata) {
    const forGoal = models.filter((model) => model.goal === goal);
    const usable =
      modalities.length === 0
        ? forGoal
        : forGoal.filter((model) => model.modalities.some((modality) => modalities.includes(modality)));
    if (usable.length > 0) {
      const comparable = largestComparable(withMetric(usable, metric, notes));
      if (comparable.length < usable.length) {
        const { metric, dataset } = (comparable[0] as CatalogueModel).quality;
        notes.push(
          `${usable.length - comparable.length} of the ${usable.length} models for ${goal} are not judged by ${metric} on ${dataset} and are left out; a modality in the user's input chooses between them`,
        );
      }
      return { goal, models: comparable, notes };
    }
    notes.push(
      forGoal.length === 0
        ? `the catalogue has no model for ${goal}`
        : `none of the ${forGoal.length} models for ${goal} takes ${modalities.join(' or ')} data`,
    );
  }
  const why = notes.length === 0 ? 'ml_model_metadata names no goal' : notes.join('; ');
  throw new NonRetryableError('no_model_fits', `No model fits: ${why}.`);
}

/** Those that are judged by the metric that is asked for, or all where none is. */
function withMetric(
  models: readonly CatalogueModel[],
  metric: string | undefined,
  notes: string[],
): readonly CatalogueModel[] {
  if (metric === undefined) return models;
  const wanted = plain(metric);
  const judged = models.filter(({ quality }) => plain(quality.metric).includes(wanted));
  if (judged.length > 0) return judged;
  notes.push(`none of the models is judged by the metric "${metric}", which was passed over`);
  return models;
}

function plain(text: string): string {
  return text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}

/** Qualities compare within one metric and data set only: the largest such group, the first of the catalogue among equal ones. */
function largestComparable(models: readonly CatalogueModel[]): CatalogueModel[] {
  const groups = new Map<string, CatalogueModel[]>();
  for (const model of models) {
    const yardstick = `${model.quality.metric}\n${model.quality.dataset}`;
    groups.set(yardstick, [...(groups.get(yardstick) ?? []), model]);
  }
  let largest: CatalogueModel[] = [];
  for (const group of groups.values()) if (group.length > largest.length) largest = group;
  return largest;
}
