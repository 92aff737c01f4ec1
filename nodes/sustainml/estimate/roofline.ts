/**
 * What one inference of a model costs on a device: a roofline with two terms and an overhead.
 *
 *     compute_ms   = 2 * macs / (peak * efficiency) * 1000
 *     transfer_ms  = (parameters_read * bytes_per_parameter + 2 * activation_bytes) / bandwidth * 1000
 *     busy_ms      = max(compute_ms, transfer_ms)
 *     latency_ms   = busy_ms + overhead_ms
 *     power_w      = (active_w * busy_ms + idle_w * overhead_ms) / latency_ms
 *     energy_j     = power_w * (latency_ms / 1000)
 *     memory_bytes = parameters * bytes_per_parameter + activation_bytes
 *
 * `peak` is the device's highest among the precisions that can hold the model: fp32 and fp16 for four bytes a parameter, all
 * three for one byte. `idle_w` is `active_w` where no idle power is published. Nothing is rounded.
 *
 * The efficiency and the overhead are modelling assumptions; `data/devices.json` says what they were fitted to.
 */
import type { Device, Precision } from './devices.js';

/** A model's figures, as in `data/models.json` and `MLModel.model_properties`. */
export interface ModelFigures {
  /** Count. */
  parameters: number;
  /** Multiply-accumulates of one inference. */
  macs: number;
  /** 4 (fp32) or 1 (int8). */
  bytes_per_parameter: number;
  /** Largest number of bytes that activations take at once. */
  activation_bytes: number;
  /** Parameters that one inference reads, with repetitions, as a generator does. @default `parameters` */
  parameters_read?: number;
}

/** The terms of the estimate, in the order of the formulas. */
export interface Estimate {
  precision: Precision;
  peak_ops_per_second: number;
  compute_ms: number;
  bytes_moved: number;
  transfer_ms: number;
  overhead_ms: number;
  latency_ms: number;
  power_w: number;
  energy_j: number;
}

const MS_PER_S = 1000;
const OPS_PER_MAC = 2;
/** Activations are written once and read once. */
const ACTIVATION_PASSES = 2;

export function weightBytes(model: ModelFigures): number {
  return model.parameters * model.bytes_per_parameter;
}

/** Weights and activations, in bytes. */
export function memoryBytes(model: ModelFigures): number {
  return weightBytes(model) + model.activation_bytes;
}

/** Whether weights and activations have room where the device keeps them. */
export function fitsMemory(device: Device, model: ModelFigures): boolean {
  return device.weight_memory_bytes === undefined
    ? memoryBytes(model) <= device.memory_bytes
    : weightBytes(model) <= device.weight_memory_bytes && model.activation_bytes <= device.memory_bytes;
}

/** All the memory that the device has, in bytes. */
export function deviceMemoryBytes(device: Device): number {
  return device.memory_bytes + (device.weight_memory_bytes ?? 0);
}

/** The estimate, or `undefined` when the device has no precision that can hold the model. */
export function estimateOn(device: Device, model: ModelFigures, efficiency: number): Estimate | undefined {
  const best = fastest(device, model);
  if (best === undefined) return undefined;
  const computeMs = ((OPS_PER_MAC * model.macs) / (best.peak * efficiency)) * MS_PER_S;
  const bytesMoved =
    (model.parameters_read ?? model.parameters) * model.bytes_per_parameter +
    ACTIVATION_PASSES * model.activation_bytes;
  const transferMs = (bytesMoved / device.memory_bandwidth_bytes_per_second) * MS_PER_S;
  const busyMs = Math.max(computeMs, transferMs);
  const latencyMs = busyMs + device.overhead_ms;
  const idleW = device.power_idle_w ?? device.power_active_w;
  const powerW = (device.power_active_w * busyMs + idleW * device.overhead_ms) / latencyMs;
  return {
    precision: best.precision,
    peak_ops_per_second: best.peak,
    compute_ms: computeMs,
    bytes_moved: bytesMoved,
    transfer_ms: transferMs,
    overhead_ms: device.overhead_ms,
    latency_ms: latencyMs,
    power_w: powerW,
    energy_j: energyJoules(powerW, latencyMs),
  };
}

/** Energy of one inference, as `carbon_footprint` computes it. */
export function energyJoules(powerW: number, latencyMs: number): number {
  return powerW * (latencyMs / MS_PER_S);
}

function fastest(device: Device, model: ModelFigures): { precision: Precision; peak: number } | undefined {
  let best: { precision: Precision; peak: number } | undefined;
  for (const precision of model.bytes_per_parameter === 1 ? INTEGER : FLOATING) {
    const peak = device.peak_ops_per_second[precision];
    if (peak !== undefined && (best === undefined || peak > best.peak)) best = { precision, peak };
  }
  return best;
}

const FLOATING: readonly Precision[] = ['fp32', 'fp16'];
const INTEGER: readonly Precision[] = ['fp32', 'fp16', 'int8'];
