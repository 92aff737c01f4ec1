/** What an iteration knows of the one that it improves on. */
import { energyJoules } from '../estimate/roofline.js';
import type { CO2Footprint, HWResource, MLModel } from '../types.js';

/** The parent iteration's outputs; each is absent in a first iteration. */
export interface PreviousOutputs {
  ml_model?: MLModel | undefined;
  hw_resources?: HWResource | undefined;
  carbon_footprint?: CO2Footprint | undefined;
}

export interface Parent {
  /** Names that this line of iterations has proposed, oldest first. */
  proposed: string[];
  /** Joules an inference, as the parent's hardware was estimated; absent when that is not known. */
  energy_j?: number;
  /** g CO2e per kWh; absent when that is not known. */
  carbon_intensity?: number;
}

/** A parent without `extra_data` that can be read still counts as having proposed its own model. */
export function readParent(previous: PreviousOutputs): Parent {
  const { ml_model: model, hw_resources: hardware, carbon_footprint: footprint } = previous;
  const proposed = model === undefined ? [] : proposedIn(model.extra_data);
  if (model !== undefined && model.model !== '' && !proposed.includes(model.model))
    proposed.push(model.model);
  const energy = hardware === undefined ? 0 : energyJoules(hardware.power_consumption, hardware.latency);
  return {
    proposed,
    ...(energy > 0 ? { energy_j: energy } : {}),
    ...(footprint !== undefined && footprint.carbon_intensity > 0
      ? { carbon_intensity: footprint.carbon_intensity }
      : {}),
  };
}

function proposedIn(extraData: Uint8Array): string[] {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(extraData));
  } catch {
    return [];
  }
  const list = (json as { proposed?: unknown } | null)?.proposed;
  return Array.isArray(list) ? list.filter((name): name is string => typeof name === 'string') : [];
}
