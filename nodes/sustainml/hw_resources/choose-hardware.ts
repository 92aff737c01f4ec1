/** The hardware for a proposed model, with the model's figures on it. */
import { NonRetryableError } from 'tutti/sdk';
import {
  type ConsideredDevice,
  chooseDevice,
  DEVICE_EXCLUSIONS,
  type DeviceExclusion,
  type HardwareDemands,
  unknownHardware,
} from '../estimate/choose-device.js';
import type { DeviceCatalogue } from '../estimate/devices.js';
import { readAppRequirements } from '../estimate/requirements.js';
import { deviceMemoryBytes, type ModelFigures, memoryBytes } from '../estimate/roofline.js';
import { encodeExtraData } from '../extra-data.js';
import type { AppRequirements, HWConstraints, HWResource, MLModel } from '../types.js';

export interface HardwareInputs {
  app_requirements: AppRequirements;
  hw_constraints: HWConstraints;
  ml_model: MLModel;
}

const BYTES_PER_MIB = 1024 ** 2;

/**
 * The device that takes the least energy an inference, of those that are called as required, stand on the spot when that is asked,
 * can hold the model and meet `ml_model.target_latency`. Formulas and units: `estimate/roofline.ts`. Nothing is rounded.
 *
 * `extra_data`: `criterion`, `energy_per_inference_j`, `chosen`, `demands`, and for every device of the catalogue what excluded it
 * (`null` when nothing did) with the terms of its estimate.
 *
 * @throws NonRetryableError `no_device_fits`: how many devices each demand excluded, in order.
 * @throws NonRetryableError `over_memory_limit` when the model takes more than `max_memory_footprint` (0: no limit).
 * @throws NonRetryableError `bad_model_properties` when a figure of `model_properties` is missing or no number.
 * @throws NonRetryableError `bad_requirement` for a latency that is not a number.
 */
export function chooseHardware(inputs: HardwareInputs, catalogue: DeviceCatalogue): HWResource {
  const { ml_model: model, hw_constraints: constraints } = inputs;
  const figures = readFigures(model);
  const requirements = readAppRequirements(inputs.app_requirements.app_requirements);
  const memory = memoryBytes(figures);
  if (constraints.max_memory_footprint > 0 && memory > constraints.max_memory_footprint * BYTES_PER_MIB) {
    throw new NonRetryableError(
      'over_memory_limit',
      `${model.model} takes ${mib(memory)} MiB, over the ${constraints.max_memory_footprint} MiB that hw_constraints.max_memory_footprint allows.`,
    );
  }
  const demands: HardwareDemands = {
    hardware_required: constraints.hardware_required,
    on_device: requirements.on_device,
    target_latency_ms: model.target_latency,
  };
  const choice = chooseDevice(figures, demands, catalogue);
  if (choice.kind === 'none') {
    throw new NonRetryableError('no_device_fits', noneFits(model.model, memory, demands, choice.considered));
  }
  const { device, estimate } = choice;
  return {
    hw_description: device.name,
    power_consumption: estimate.power_w,
    latency: estimate.latency_ms,
    memory_footprint_of_ml_model: memory / BYTES_PER_MIB,
    max_hw_memory_footprint: deviceMemoryBytes(device) / BYTES_PER_MIB,
    extra_data: encodeExtraData({
      criterion: 'least energy per inference',
      chosen: device.name,
      model: model.model,
      energy_per_inference_j: estimate.energy_j,
      efficiency: catalogue.efficiency,
      demands,
      considered: choice.considered.map(shown),
    }),
  };
}

/** One sentence: how many devices there were and what each demand took away, in order. */
export function noneFits(
  model: string,
  memory: number,
  demands: HardwareDemands,
  considered: readonly ConsideredDevice[],
): string {
  const reasons = DEVICE_EXCLUSIONS.flatMap((exclusion) => {
    const count = considered.filter((each) => each.excluded_by === exclusion).length;
    return count === 0 ? [] : [`${count} ${phrase(exclusion, memory, demands)}`];
  });
  const hint = unknownHardware(demands.hardware_required, {
    devices: considered.map(({ device }) => device),
  });
  return `No device fits ${model}: of ${considered.length} in the catalogue, ${reasons.join(', then ')}.${hint}`;
}

function phrase(exclusion: DeviceExclusion, memory: number, demands: HardwareDemands): string {
  switch (exclusion) {
    case 'hardware_required':
      return `not called ${demands.hardware_required.join(' or ')} (hardware_required)`;
    case 'on_device':
      return 'not on the spot, where the data arises (on_device)';
    case 'precision':
      return "without a precision for the model's weights (precision)";
    case 'memory':
      return `without room for its ${mib(memory)} MiB (memory)`;
    case 'latency':
      return `slower than ${demands.target_latency_ms} ms (latency)`;
    default:
      return exclusion satisfies never;
  }
}

function shown({ device, excluded_by, estimate }: ConsideredDevice): Record<string, unknown> {
  return {
    device: device.name,
    excluded_by,
    memory_mib: deviceMemoryBytes(device) / BYTES_PER_MIB,
    memory_bandwidth_bytes_per_second: device.memory_bandwidth_bytes_per_second,
    power_active_w: device.power_active_w,
    power_idle_w: device.power_idle_w,
    ...(estimate ?? {}),
  };
}

/** For a message only: the outputs carry the figure itself. */
function mib(bytes: number): string {
  return String(Number((bytes / BYTES_PER_MIB).toPrecision(4)));
}

function readFigures(model: MLModel): ModelFigures {
  let json: unknown;
  try {
    json = JSON.parse(model.model_properties);
  } catch {
    throw badProperties('ml_model.model_properties is not JSON');
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw badProperties('ml_model.model_properties is not a JSON object');
  }
  const fields = json as Record<string, unknown>;
  return {
    parameters: figure(fields, 'parameters'),
    macs: figure(fields, 'macs'),
    bytes_per_parameter: figure(fields, 'bytes_per_parameter'),
    activation_bytes: figure(fields, 'activation_bytes'),
    ...(fields.parameters_read === undefined ? {} : { parameters_read: figure(fields, 'parameters_read') }),
  };
}

function figure(fields: Record<string, unknown>, name: string): number {
  const value = fields[name];
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
  const found = value === undefined ? 'missing' : JSON.stringify(value);
  throw badProperties(`ml_model.model_properties.${name} must be a number over 0, but is ${found}`);
}

function badProperties(problem: string): NonRetryableError {
  return new NonRetryableError('bad_model_properties', `${problem}.`);
}
