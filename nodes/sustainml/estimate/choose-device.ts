/** Which device a model runs on: of those that meet every demand, the one that takes the least energy an inference. */
import type { Device, DeviceCatalogue } from './devices.js';
import { type Estimate, estimateOn, fitsMemory, type ModelFigures } from './roofline.js';

/** What is asked of the device, besides the model. */
export interface HardwareDemands {
  /** Names or kinds, one of which has to be met; empty when any will do. */
  hardware_required: readonly string[];
  /** The device has to stand where the data arises. */
  on_device: boolean;
  /** Milliseconds; 0 when none is asked for. */
  target_latency_ms: number;
}

/** Why a device is out, in the order in which it is asked. */
export const DEVICE_EXCLUSIONS = [
  'hardware_required',
  'on_device',
  'precision',
  'memory',
  'latency',
] as const;
export type DeviceExclusion = (typeof DEVICE_EXCLUSIONS)[number];

/** A device of the catalogue, with the estimate's terms where there is one. */
export interface ConsideredDevice {
  device: Device;
  excluded_by: DeviceExclusion | null;
  /** `null` for a device that was not asked for, or that has no precision for the model. */
  estimate: Estimate | null;
}

export type DeviceChoice =
  | { kind: 'chosen'; device: Device; estimate: Estimate; considered: ConsideredDevice[] }
  | { kind: 'none'; considered: ConsideredDevice[] };

/**
 * Least energy an inference; equal energies go to the lower latency, then to the name that sorts first, so that the same inputs
 * give the same device.
 */
export function chooseDevice(
  model: ModelFigures,
  demands: HardwareDemands,
  catalogue: DeviceCatalogue,
): DeviceChoice {
  const considered = catalogue.devices.map((device) =>
    consider(device, model, demands, catalogue.efficiency),
  );
  let best: { device: Device; estimate: Estimate } | undefined;
  for (const { device, estimate, excluded_by } of considered) {
    if (excluded_by !== null || estimate === null) continue;
    if (best === undefined || isBetter(device, estimate, best)) best = { device, estimate };
  }
  return best === undefined ? { kind: 'none', considered } : { kind: 'chosen', ...best, considered };
}

/** Whether a required name, as the user writes it, means the device: one of its kinds, or a part of its name. */
export function isCalled(device: Device, required: string): boolean {
  const wanted = plain(required);
  if (wanted === '') return false;
  return (
    device.kinds.some((kind) => plain(kind) === wanted || `${plain(kind)}s` === wanted) ||
    plain(device.name).includes(wanted)
  );
}

/** A sentence, with a blank before it, for required names that no device of the catalogue has; else empty. */
export function unknownHardware(
  required: readonly string[],
  catalogue: Pick<DeviceCatalogue, 'devices'>,
): string {
  const unknown = required.filter((name) => !catalogue.devices.some((device) => isCalled(device, name)));
  return unknown.length === 0
    ? ''
    : ` The catalogue knows no ${unknown.map((name) => `"${name}"`).join(', ')}.`;
}

function consider(
  device: Device,
  model: ModelFigures,
  demands: HardwareDemands,
  efficiency: number,
): ConsideredDevice {
  const { hardware_required: required } = demands;
  const isAsked = required.some((name) => isCalled(device, name));
  if (!isAsked && (required.length > 0 || device.only_if_required === true)) {
    return { device, excluded_by: 'hardware_required', estimate: null };
  }
  if (demands.on_device && !device.on_device) return { device, excluded_by: 'on_device', estimate: null };
  const estimate = estimateOn(device, model, efficiency);
  if (estimate === undefined) return { device, excluded_by: 'precision', estimate: null };
  if (!fitsMemory(device, model)) return { device, excluded_by: 'memory', estimate };
  const late = demands.target_latency_ms > 0 && estimate.latency_ms > demands.target_latency_ms;
  return { device, excluded_by: late ? 'latency' : null, estimate };
}

function isBetter(device: Device, estimate: Estimate, than: { device: Device; estimate: Estimate }): boolean {
  if (estimate.energy_j !== than.estimate.energy_j) return estimate.energy_j < than.estimate.energy_j;
  if (estimate.latency_ms !== than.estimate.latency_ms) return estimate.latency_ms < than.estimate.latency_ms;
  return device.name < than.device.name;
}

/** Lower case, letters and digits only: "Jetson-Nano" and "jetson nano" are one name. */
function plain(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}
