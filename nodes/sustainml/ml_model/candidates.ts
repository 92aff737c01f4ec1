/** Judges the models of a goal: which constraint, if any, rules each out. */
import { chooseDevice, type DeviceChoice, type DeviceExclusion } from '../estimate/choose-device.js';
import type { DeviceCatalogue } from '../estimate/devices.js';
import { type Requirements, targetLatencyMs } from '../estimate/requirements.js';
import { type Estimate, memoryBytes } from '../estimate/roofline.js';
import type { CatalogueModel } from './models.js';

/** Why a model is out, in the order in which it is asked. */
export const MODEL_EXCLUSIONS = ['already_proposed', 'memory', 'hardware', 'latency', 'footprint'] as const;
export type ModelExclusion = (typeof MODEL_EXCLUSIONS)[number];

/** What the iteration asks of a model. */
export interface ModelDemands {
  /** Names that are out because the line has proposed them. */
  proposed: readonly string[];
  /** MiB; 0: no limit. */
  max_memory_footprint: number;
  hardware_required: readonly string[];
  requirements: Requirements;
  /** Joules an inference that the model may take at most; absent when no lower footprint is asked for. */
  max_energy_j?: number;
}

/** A model that fits knows the device that `hw_resources` will choose for it. */
export type Candidate = { model: CatalogueModel; target_latency_ms: number; memory_bytes: number } & (
  | { excluded_by: null; device: string; estimate: Estimate }
  | { excluded_by: ModelExclusion; device: string | null; estimate: Estimate | null }
);
export type FittingCandidate = Extract<Candidate, { excluded_by: null }>;

const BYTES_PER_MIB = 1024 ** 2;
/** What a model loses a device by when the device itself is too small or of the wrong kind, not too slow. */
const TOO_SLOW: DeviceExclusion = 'latency';

export function judge(model: CatalogueModel, demands: ModelDemands, devices: DeviceCatalogue): Candidate {
  const target = targetLatencyMs(demands.requirements, model.input_seconds);
  const memory = memoryBytes(model);
  const about = { model, target_latency_ms: target, memory_bytes: memory };
  const choice = chooseDevice(
    model,
    {
      hardware_required: demands.hardware_required,
      on_device: demands.requirements.on_device,
      target_latency_ms: target,
    },
    devices,
  );
  const found =
    choice.kind === 'chosen' ? { device: choice.device.name, estimate: choice.estimate } : NOTHING;
  if (demands.proposed.includes(model.name)) return { ...about, ...found, excluded_by: 'already_proposed' };
  if (demands.max_memory_footprint > 0 && memory > demands.max_memory_footprint * BYTES_PER_MIB) {
    return { ...about, ...found, excluded_by: 'memory' };
  }
  if (found.estimate === null) return { ...about, ...found, excluded_by: reasonOf(choice) };
  if (demands.max_energy_j !== undefined && found.estimate.energy_j > demands.max_energy_j) {
    return { ...about, ...found, excluded_by: 'footprint' };
  }
  return { ...about, ...found, excluded_by: null };
}

export function fits(candidate: Candidate): candidate is FittingCandidate {
  return candidate.excluded_by === null;
}

const NOTHING = { device: null, estimate: null } as const;

/** No device: too slow when at least one could hold the model, else none has the kind, the precision or the room. */
function reasonOf(choice: DeviceChoice): ModelExclusion {
  return choice.considered.some(({ excluded_by }) => excluded_by === TOO_SLOW) ? 'latency' : 'hardware';
}
