/**
 * The model for a problem: of the catalogue's models for its goal that meet every constraint, the one with the best published
 * quality.
 *
 * 1. The goal is the first of `ml_model_metadata` for which the catalogue has models that take the user's kind of data. The goals
 *    after it are only noted: a line of iterations does not drift to another goal when one is exhausted.
 * 2. A model fits when the line has not proposed it, its memory is within the limit, and a device exists that is called as
 *    required, can hold it and meets the latency. That device is found by the very function that `hw_resources` uses.
 * 3. A lower footprint is asked for by `optimize_carbon_footprint_manual`, and by `optimize_carbon_footprint_auto` until
 *    `desired_carbon_footprint` is reached. Then the energy an inference has to be lower than the parent's by
 *    {@link MINIMUM_SAVING} at least. Energy, not only MACs, because the footprint is energy times the grid's intensity: for the same
 *    number of inferences on the same grid a lower energy is a lower footprint.
 * 4. Of the user's `extra_data`, `model_selected` leaves one model only, `model_restrains` takes models out, `metric` chooses between groups
 *    that are not judged alike, and `type` prefers a family of models where one of it fits.
 */
import { NonRetryableError } from 'tutti/sdk';
import type { DeviceCatalogue } from '../estimate/devices.js';
import { type Requirements, readAppRequirements } from '../estimate/requirements.js';
import { encodeExtraData, readUserExtraData } from '../extra-data.js';
import type { MLModel, UserInput } from '../types.js';
import { type Candidate, type FittingCandidate, fits, judge, type ModelDemands } from './candidates.js';
import { goalOf, type ModelInputs, ofFamily, selected } from './choose-goal.js';
import { type CatalogueModel, compareQuality, sourceAddress } from './models.js';
import { counts, noneFits } from './none-fits.js';
import { type Parent, type PreviousOutputs, readParent } from './parent.js';

export interface Catalogues {
  models: readonly CatalogueModel[];
  devices: DeviceCatalogue;
}

/** A lower footprint is one that is lower by this share of the parent's: less is lost in what the estimate does not know. */
export const MINIMUM_SAVING = 0.01;
/** With `explainability`, the smallest model within this share of the best quality is taken: it is the easier one to explain. */
export const EXPLAINABLE_QUALITY_LOSS = 0.05;
/** `desired_carbon_footprint` is for this many inferences. */
const DESIRED_INFERENCES = 1_000_000;
const JOULES_PER_KWH = 3.6e6;
const G_PER_KG = 1000;
const BYTES_PER_MIB = 1024 ** 2;

/**
 * Proposes a model. Ties of quality go to the lower energy, then to fewer parameters, then to the name that sorts first.
 *
 * With a lower footprint asked for and `desired_carbon_footprint` over 0, models that reach it (on the parent's grid) go first; when
 * none does, the model with the least energy is taken. With `explainability`, the model with the fewest parameters among those
 * within {@link EXPLAINABLE_QUALITY_LOSS} of the best quality.
 *
 * `extra_data`: `proposed` (what the line has proposed, this one last), `goal`, `considered` (every model of the goal with what
 * excluded it, quality, device and estimate), `excluded` (counts), `reason`, `energy_per_inference_j`, `lower_footprint`,
 * `other_goals`, `requirements_not_used`, `notes`.
 *
 * @throws NonRetryableError `no_model_fits`: how many models each constraint removed, in order.
 * @throws NonRetryableError `bad_requirement` for a latency that is not a number.
 * @throws NonRetryableError `bad_extra_data`, naming the field, for the user's `extra_data`.
 */
export function proposeModel(
  inputs: ModelInputs,
  previous: PreviousOutputs,
  catalogues: Catalogues,
): MLModel {
  const { user_input: user, hw_constraints: constraints } = inputs;
  const requirements = readAppRequirements(inputs.app_requirements.app_requirements);
  const parent = readParent(previous);
  const said = readUserExtraData(user.extra_data);
  const { goal, models, notes } =
    selected(said, catalogues.models) ?? goalOf(inputs, catalogues.models, said.metric);
  const lower = lowerFootprint(user, parent);
  const demands: ModelDemands = {
    proposed: [...parent.proposed, ...(said.model_restrains ?? [])],
    max_memory_footprint: constraints.max_memory_footprint,
    hardware_required: constraints.hardware_required,
    requirements,
    ...(lower.max_energy_j === undefined ? {} : { max_energy_j: lower.max_energy_j }),
  };
  const candidates = models.map((model) => judge(model, demands, catalogues.devices));
  const fitting = candidates.filter(fits);
  const { chosen, why } = best(ofFamily(fitting, said.type, notes), requirements, lower);
  if (chosen === undefined) {
    throw new NonRetryableError('no_model_fits', noneFits(goal, candidates, demands, catalogues.devices));
  }
  const { model, estimate } = chosen;
  return {
    model_path: model.model_path,
    model: model.name,
    raw_model: new Uint8Array(),
    model_properties_path: model.sources[0] === undefined ? '' : sourceAddress(model.sources[0]),
    model_properties: JSON.stringify(properties(model)),
    input_batch: [...model.input],
    target_latency: chosen.target_latency_ms,
    extra_data: encodeExtraData({
      proposed: [...parent.proposed, model.name],
      goal,
      considered: candidates.map(shown),
      excluded: counts(candidates),
      reason: `${model.name}: ${why}, of ${fitting.length} that fit out of ${candidates.length} for ${goal}`,
      energy_per_inference_j: estimate.energy_j,
      expected_device: chosen.device,
      lower_footprint: lower,
      other_goals: inputs.ml_model_metadata.ml_model_metadata.filter((other) => other !== goal),
      requirements_not_used: requirements.not_used,
      notes,
    }),
  };
}

interface LowerFootprint {
  asked: boolean;
  why: string;
  /** Joules an inference that a lower model may take. */
  max_energy_j?: number;
  /** Joules an inference that reach `desired_carbon_footprint` on the parent's grid. */
  desired_energy_j?: number;
}

function lowerFootprint(user: UserInput, parent: Parent): LowerFootprint {
  const manual = user.optimize_carbon_footprint_manual;
  if (!manual && !user.optimize_carbon_footprint_auto) return { asked: false, why: 'not asked for' };
  if (parent.energy_j === undefined)
    return { asked: false, why: 'there is no earlier footprint to go below' };
  const desired = desiredEnergy(user.desired_carbon_footprint, parent.carbon_intensity);
  if (!manual && desired !== undefined && parent.energy_j <= desired) {
    return { asked: false, why: 'the parent iteration reaches desired_carbon_footprint' };
  }
  return {
    asked: true,
    why: manual ? 'optimize_carbon_footprint_manual' : 'optimize_carbon_footprint_auto',
    max_energy_j: parent.energy_j * (1 - MINIMUM_SAVING),
    ...(desired === undefined ? {} : { desired_energy_j: desired }),
  };
}

/** `kg / 1e6 inferences = J / 3.6e6 * g_per_kWh / 1000`, solved for J. */
function desiredEnergy(kgPerMillion: number, gPerKwh: number | undefined): number | undefined {
  if (!(kgPerMillion > 0) || gPerKwh === undefined) return undefined;
  return ((kgPerMillion / DESIRED_INFERENCES) * G_PER_KG * JOULES_PER_KWH) / gPerKwh;
}

function best(
  fitting: readonly FittingCandidate[],
  requirements: Requirements,
  lower: LowerFootprint,
): { chosen: FittingCandidate | undefined; why: string } {
  let pool = [...fitting].sort(byQuality);
  let why = 'best quality';
  const desired = lower.desired_energy_j;
  if (lower.asked && desired !== undefined) {
    const reaching = pool.filter(({ estimate }) => estimate.energy_j <= desired);
    if (reaching.length === 0) {
      return {
        chosen: [...pool].sort(byEnergy)[0],
        why: 'least energy, as none reaches desired_carbon_footprint',
      };
    }
    pool = reaching;
    why = 'best quality that reaches desired_carbon_footprint';
  }
  const first = pool[0];
  if (first !== undefined && requirements.explainability) {
    const close = pool.filter(({ model }) => qualityLoss(model, first.model) <= EXPLAINABLE_QUALITY_LOSS);
    return { chosen: close.sort(byParameters)[0], why: `fewest parameters within 5 % of the ${why}` };
  }
  return { chosen: first, why };
}

function byQuality(a: FittingCandidate, b: FittingCandidate): number {
  return compareQuality(a.model.quality, b.model.quality) || byEnergy(a, b);
}

function byEnergy(a: FittingCandidate, b: FittingCandidate): number {
  return a.estimate.energy_j - b.estimate.energy_j || byParameters(a, b);
}

function byParameters(a: FittingCandidate, b: FittingCandidate): number {
  return a.model.parameters - b.model.parameters || (a.model.name < b.model.name ? -1 : 1);
}

/** Share of the best value by which a model's is worse. */
function qualityLoss(model: CatalogueModel, than: CatalogueModel): number {
  return Math.abs(model.quality.value - than.quality.value) / Math.abs(than.quality.value);
}

function properties(model: CatalogueModel): Record<string, unknown> {
  const { name: _name, model_path: _path, ...figures } = model;
  return figures;
}

function shown(candidate: Candidate): Record<string, unknown> {
  const { model, estimate } = candidate;
  return {
    model: model.name,
    excluded_by: candidate.excluded_by,
    quality: model.quality.value,
    metric: model.quality.metric,
    parameters: model.parameters,
    macs: model.macs,
    memory_mib: candidate.memory_bytes / BYTES_PER_MIB,
    target_latency_ms: candidate.target_latency_ms,
    device: candidate.device,
    latency_ms: estimate?.latency_ms ?? null,
    energy_j: estimate?.energy_j ?? null,
  };
}
