/**
 * The device catalogue, `data/devices.json`: real devices and the document that each figure comes from.
 *
 * Shared by `hw_resources`, which chooses a device, and `ml_model`, which has to know what will be chosen.
 */
import { readFileSync } from 'node:fs';

/** A number format that a device computes in. */
export type Precision = 'fp32' | 'fp16' | 'int8';

export interface Device {
  name: string;
  /** The first of `kinds`. */
  kind: string;
  /** What `hardware_required` may call it, lower case. */
  kinds: string[];
  /** Whether it can stand where the data arises: neither a server nor a data centre's card. */
  on_device: boolean;
  /** It is considered only where it is asked for: a device that cannot be bought. @default false */
  only_if_required?: boolean;
  /** Operations a second; a multiply-accumulate is two. A precision that the device lacks is absent. */
  peak_ops_per_second: Partial<Record<Precision, number>>;
  memory_bandwidth_bytes_per_second: number;
  /** Memory for activations, and for weights too unless `weight_memory_bytes` is there. */
  memory_bytes: number;
  /** Memory for weights alone (a microcontroller's flash). */
  weight_memory_bytes?: number;
  power_active_w: number;
  /** `null` when none is published. */
  power_idle_w: number | null;
  /** Milliseconds that every inference takes besides computing. */
  overhead_ms: number;
}

export interface DeviceCatalogue {
  /** Share of the peak that one inference reaches. */
  efficiency: number;
  devices: Device[];
}

/** Reads the catalogue that lies beside this module. Once, at start. */
export function readDevices(): DeviceCatalogue {
  const json = JSON.parse(readFileSync(new URL('../data/devices.json', import.meta.url), 'utf8')) as {
    assumptions: { efficiency: number };
    devices: Device[];
  };
  return { efficiency: json.assumptions.efficiency, devices: json.devices };
}
