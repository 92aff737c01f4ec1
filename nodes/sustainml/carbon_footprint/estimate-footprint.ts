/**
 * What running the model costs the climate.
 *
 *     energy_kWh = power_W * (latency_ms / 1000) * inferences / 3.6e6        (1 kWh = 3.6e6 J)
 *     carbon_kg  = energy_kWh * intensity_g_per_kWh / 1000
 *
 * Operation only: neither training nor the making of the device. Nothing is rounded.
 */
import { NonRetryableError } from 'tutti/sdk';
import { encodeExtraData, readUserExtraData } from '../extra-data.js';
import type { CO2Footprint, HWResource, MLModel, UserInput } from '../types.js';
import { findGrid } from './find-grid.js';
import type { GridIndex } from './grid-table.js';

/** Inferences that the footprint is for when the user's `extra_data` does not say. */
export const DEFAULT_INFERENCES = 1_000_000;
/** `UserInput.desired_carbon_footprint` is in kg CO2e for this many inferences. */
const DESIRED_PER_INFERENCES = 1_000_000;

const JOULES_PER_KWH = 3.6e6;
const MS_PER_S = 1000;
const G_PER_KG = 1000;

export interface FootprintInputs {
  user_input: UserInput;
  ml_model: MLModel;
  hw_resources: HWResource;
}

/** Energy of `inferences` inferences, one after the other, in kWh. */
export function energyKwh(powerW: number, latencyMs: number, inferences: number): number {
  return (powerW * (latencyMs / MS_PER_S) * inferences) / JOULES_PER_KWH;
}

/** Emissions of that energy, in kg CO2e. */
export function carbonKg(energy: number, intensityGPerKwh: number): number {
  return (energy * intensityGPerKwh) / G_PER_KG;
}

/**
 * The footprint of running the proposed model on the proposed hardware, on the grid of the place that the user named.
 *
 * `extra_data`: `inferences` and where it comes from, `power_w`, `latency_ms`, the `grid` row used (name, codes, year, source, how
 * it was matched, notes), and, when the user asked for a footprint, `desired` with whether it is met.
 *
 * @throws NonRetryableError `bad_extra_data`, naming the field, for the user's `extra_data`.
 * @throws NonRetryableError `no_hardware_figures` when power or latency is not a number over 0: a footprint of zero would be a lie.
 */
export function estimateFootprint(inputs: FootprintInputs, grids: GridIndex): CO2Footprint {
  const { user_input: user, ml_model: model, hw_resources: hardware } = inputs;
  const given = readUserExtraData(user.extra_data);
  const inferences = given.inferences ?? DEFAULT_INFERENCES;
  const powerW = positive('power_consumption', hardware.power_consumption);
  const latencyMs = positive('latency', hardware.latency);

  const grid = findGrid(grids, user.geo_location_region, user.geo_location_continent);
  const energy = energyKwh(powerW, latencyMs, inferences);
  const carbon = carbonKg(energy, grid.g_per_kwh);
  return {
    carbon_footprint: carbon,
    energy_consumption: energy,
    carbon_intensity: grid.g_per_kwh,
    extra_data: encodeExtraData({
      inferences: { value: inferences, from: given.inferences === undefined ? 'default' : 'user' },
      power_w: powerW,
      latency_ms: latencyMs,
      model: model.model,
      hardware: hardware.hw_description,
      asked: { region: user.geo_location_region, continent: user.geo_location_continent },
      grid,
      ...(user.desired_carbon_footprint > 0
        ? { desired: desired(user.desired_carbon_footprint, carbon, inferences) }
        : {}),
    }),
  };
}

function desired(asked: number, carbon: number, inferences: number): Record<string, unknown> {
  const perMillion = (carbon / inferences) * DESIRED_PER_INFERENCES;
  return { kg_per_million: asked, reached_kg_per_million: perMillion, met: perMillion <= asked };
}

function positive(field: 'power_consumption' | 'latency', value: number): number {
  if (Number.isFinite(value) && value > 0) return value;
  throw new NonRetryableError(
    'no_hardware_figures',
    `hw_resources.${field} must be a number over 0, but is ${value}; without it there is no footprint to give.`,
  );
}
