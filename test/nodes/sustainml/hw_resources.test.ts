import { describe, expect, it } from 'vitest';
import type { Device, DeviceCatalogue } from '../../../nodes/sustainml/estimate/devices.js';
import { readAppRequirements } from '../../../nodes/sustainml/estimate/requirements.js';
import { estimateOn } from '../../../nodes/sustainml/estimate/roofline.js';
import {
  chooseHardware,
  type HardwareInputs,
} from '../../../nodes/sustainml/hw_resources/choose-hardware.js';
import { CATALOGUES, thrown } from './iterate.js';
import { extra } from './samples.js';

const NONE = new Uint8Array();
const FIGURES = { parameters: 1e6, macs: 3e8, bytes_per_parameter: 4, activation_bytes: 2e6 };

function device(changes: Partial<Device> = {}): Device {
  return {
    name: 'Box',
    kind: 'edge',
    kinds: ['edge', 'single-board computer'],
    on_device: true,
    peak_ops_per_second: { fp32: 1e11, fp16: 2e11 },
    memory_bandwidth_bytes_per_second: 4e9,
    memory_bytes: 1024 ** 3,
    power_active_w: 10,
    power_idle_w: 4,
    overhead_ms: 2,
    ...changes,
  };
}

const catalogue = (...devices: Device[]): DeviceCatalogue => ({ efficiency: 0.5, devices });

interface Ask {
  figures?: unknown;
  target?: number;
  memory?: number;
  hardware?: string[];
  requirements?: string[];
}

function inputs({
  figures = FIGURES,
  target = 0,
  memory = 8192,
  hardware = [],
  requirements = [],
}: Ask = {}): HardwareInputs {
  return {
    app_requirements: { app_requirements: requirements, extra_data: NONE },
    hw_constraints: { max_memory_footprint: memory, hardware_required: hardware, extra_data: NONE },
    ml_model: {
      model_path: '',
      model: 'net',
      raw_model: NONE,
      model_properties_path: '',
      model_properties: typeof figures === 'string' ? figures : JSON.stringify(figures),
      input_batch: [],
      target_latency: target,
      extra_data: NONE,
    },
  };
}

describe('the estimate', () => {
  it('is what the formulas give by hand, bound by computing', () => {
    // 2 * 3e8 / (2e11 * 0.5) = 6 ms; (4e6 + 4e6) / 4e9 = 2 ms; + 2 ms; (10 W * 6 ms + 4 W * 2 ms) / 8 ms = 8.5 W.
    const hardware = chooseHardware(inputs(), catalogue(device()));
    expect(hardware.hw_description).toBe('Box');
    expect(hardware.latency).toBeCloseTo(8, 12);
    expect(hardware.power_consumption).toBeCloseTo(8.5, 12);
    expect(hardware.memory_footprint_of_ml_model).toBeCloseTo(6e6 / 1024 ** 2, 12);
    expect(hardware.max_hw_memory_footprint).toBe(1024);
    expect(extra(hardware).energy_per_inference_j).toBeCloseTo(0.068, 12);
    const [row] = extra(hardware).considered;
    expect(row).toMatchObject({ device: 'Box', excluded_by: null, precision: 'fp16', bytes_moved: 8e6 });
    expect(row.compute_ms).toBeCloseTo(6, 12);
    expect(row.transfer_ms).toBeCloseTo(2, 12);
  });

  it('is what the formulas give by hand, bound by memory and without a published idle power', () => {
    // (4e6 + 4e6) / 2e8 = 40 ms, more than 6 ms; + 2 ms at the active power.
    const slow = device({ memory_bandwidth_bytes_per_second: 2e8, power_idle_w: null });
    const hardware = chooseHardware(inputs(), catalogue(slow));
    expect(hardware.latency).toBeCloseTo(42, 12);
    expect(hardware.power_consumption).toBeCloseTo(10, 12);
  });

  it('is what the formulas give by hand on a row of the catalogue', () => {
    const pi = CATALOGUES.devices.devices.filter(({ name }) => name.startsWith('Raspberry Pi 4'));
    const resnet = CATALOGUES.models.find(({ name }) => name === 'resnet50.a1_in1k');
    const hardware = chooseHardware(inputs({ figures: resnet }), {
      efficiency: CATALOGUES.devices.efficiency,
      devices: pi,
    });
    // 2 * 4.11e9 / (48e9 * 0.3) s; transfer is (25.56e6 * 4 + 2 * 4816896) / 8e9 s = 13.98 ms; (102.24e6 + 4816896) / 2^20 MiB.
    expect(hardware.latency).toBeCloseTo(570.8333333, 6);
    expect(hardware.power_consumption).toBeCloseTo(6.12, 12);
    expect(hardware.memory_footprint_of_ml_model).toBeCloseTo(102.0974121, 6);
  });

  it('reads the weights as often as the model says', () => {
    const once = estimateOn(device(), FIGURES, 0.5);
    const often = estimateOn(device(), { ...FIGURES, parameters_read: 1e8 }, 0.5);
    expect(once?.bytes_moved).toBe(8e6);
    expect(often?.bytes_moved).toBe(404e6);
  });

  it('computes int8 models at the highest peak and fp32 models never in int8', () => {
    const all = device({ peak_ops_per_second: { fp32: 1e11, fp16: 2e11, int8: 4e11 } });
    expect(estimateOn(all, FIGURES, 0.5)?.precision).toBe('fp16');
    expect(estimateOn(all, { ...FIGURES, bytes_per_parameter: 1 }, 0.5)?.precision).toBe('int8');
    expect(estimateOn(device({ peak_ops_per_second: { int8: 4e11 } }), FIGURES, 0.5)).toBeUndefined();
  });

  it('is the same each time', () => {
    const ask = inputs({ figures: CATALOGUES.models[0] });
    expect(chooseHardware(ask, CATALOGUES.devices)).toEqual(chooseHardware(ask, CATALOGUES.devices));
  });
});

describe('the choice', () => {
  it('takes the least energy, not the least time', () => {
    const fast = device({
      name: 'Fast',
      peak_ops_per_second: { fp32: 1e12 },
      power_active_w: 300,
      power_idle_w: null,
    });
    expect(chooseHardware(inputs(), catalogue(fast, device())).hw_description).toBe('Box');
    expect(chooseHardware(inputs({ target: 5 }), catalogue(fast, device())).hw_description).toBe('Fast');
  });

  it('gives equal devices to the name that sorts first', () => {
    const twins = [device({ name: 'B' }), device({ name: 'A' }), device({ name: 'C' })];
    expect(chooseHardware(inputs(), catalogue(...twins)).hw_description).toBe('A');
  });

  it.each([['edge'], ['EDGE'], ['Single Board Computer'], ['box'], ['gpu']])(
    'knows the device as "%s" or not',
    (name) => {
      const other = device({ name: 'Card', kinds: ['gpu'], power_active_w: 1, power_idle_w: 1 });
      const { hw_description } = chooseHardware(inputs({ hardware: [name] }), catalogue(device(), other));
      expect(hw_description).toBe(name === 'gpu' ? 'Card' : 'Box');
    },
  );

  it('takes any of several required names', () => {
    const other = device({ name: 'Card', kinds: ['gpu'], power_active_w: 1, power_idle_w: 1 });
    const ask = inputs({ hardware: ['fpga', 'gpu', 'edge'] });
    expect(chooseHardware(ask, catalogue(device(), other)).hw_description).toBe('Card');
  });

  it('stays on the spot when that is asked', () => {
    const server = device({ name: 'Server', on_device: false, power_active_w: 1, power_idle_w: 1 });
    expect(chooseHardware(inputs(), catalogue(device(), server)).hw_description).toBe('Server');
    const ask = inputs({ requirements: ['on_device', 'privacy', 'min_samples=3'] });
    expect(chooseHardware(ask, catalogue(device(), server)).hw_description).toBe('Box');
  });

  it('keeps weights and activations in their own memories where a device has two', () => {
    const tiny = device({ memory_bytes: 3e6, weight_memory_bytes: 4e6 });
    const hardware = chooseHardware(inputs(), catalogue(tiny));
    expect(hardware.max_hw_memory_footprint).toBeCloseTo(7e6 / 1024 ** 2, 12);
    expect(thrown(() => chooseHardware(inputs(), catalogue({ ...tiny, memory_bytes: 1.9e6 }))).code).toBe(
      'no_device_fits',
    );
    expect(
      thrown(() => chooseHardware(inputs(), catalogue({ ...tiny, weight_memory_bytes: 3.9e6 }))).code,
    ).toBe('no_device_fits');
  });

  it('shows the terms of every device, and what excluded it', () => {
    const shown = extra(
      chooseHardware(
        inputs({ figures: CATALOGUES.models[0], hardware: ['gpu'], requirements: ['on_device'] }),
        CATALOGUES.devices,
      ),
    ).considered;
    expect(shown).toHaveLength(CATALOGUES.devices.devices.length);
    const reasons = new Set(shown.map((each: { excluded_by: string | null }) => each.excluded_by));
    expect(reasons).toEqual(new Set([null, 'hardware_required', 'on_device']));
  });
});

describe('the errors', () => {
  const fail = (ask: Ask, ...devices: Device[]) =>
    thrown(() => chooseHardware(inputs(ask), catalogue(...devices)));

  it('counts in order what excluded the devices', () => {
    const error = fail(
      { hardware: ['edge'], requirements: ['on_device'], target: 7.5 },
      device({ kinds: ['gpu'] }),
      device({ kinds: ['gpu'] }),
      device({ on_device: false }),
      device({ peak_ops_per_second: { int8: 1e12 } }),
      device({ memory_bytes: 1e6 }),
      device(),
    );
    expect(error.code).toBe('no_device_fits');
    expect(error.message).toBe(
      "No device fits net: of 6 in the catalogue, 2 not called edge (hardware_required), then 1 not on the spot, where the data arises (on_device), then 1 without a precision for the model's weights (precision), then 1 without room for its 5.722 MiB (memory), then 1 slower than 7.5 ms (latency).",
    );
  });

  it('says which required names the catalogue does not know', () => {
    const error = fail({ hardware: ['FPGA', 'abacus'] }, device());
    expect(error.message).toMatch(/The catalogue knows no "FPGA", "abacus"\.$/);
  });

  it('rejects a model over the memory limit, and none at the limit', () => {
    expect(fail({ memory: 5 }, device())).toMatchObject({
      code: 'over_memory_limit',
      message: expect.stringContaining('net takes 5.722 MiB, over the 5 MiB'),
    });
    const atLimit = { ...FIGURES, activation_bytes: 6 * 1024 ** 2 - 4e6 };
    expect(chooseHardware(inputs({ figures: atLimit, memory: 6 }), catalogue(device())).hw_description).toBe(
      'Box',
    );
    expect(chooseHardware(inputs({ memory: 0 }), catalogue(device())).hw_description).toBe('Box');
  });

  it.each([
    ['', 'not JSON'],
    ['[1]', 'not a JSON object'],
    ['null', 'not a JSON object'],
    [{ ...FIGURES, macs: undefined }, 'macs must be a number over 0, but is missing'],
    [{ ...FIGURES, parameters: '12' }, 'parameters must be a number over 0, but is "12"'],
    [{ ...FIGURES, bytes_per_parameter: 0 }, 'bytes_per_parameter must be a number over 0, but is 0'],
    [{ ...FIGURES, activation_bytes: null }, 'activation_bytes must be a number over 0, but is null'],
    [{ ...FIGURES, parameters_read: -1 }, 'parameters_read must be a number over 0, but is -1'],
  ])('names what is wrong with the properties %j', (figures, words) => {
    const error = fail({ figures }, device());
    expect(error.code).toBe('bad_model_properties');
    expect(error.message).toContain(words);
  });

  it.each([
    ['max_latency_ms='],
    ['max_latency_ms=soon'],
    ['max_latency_ms=0'],
    ['max_latency_ms=-5'],
    ['max_latency_ms=Infinity'],
  ])('rejects %s', (requirement) => {
    const error = fail({ requirements: [requirement] }, device());
    expect(error.code).toBe('bad_requirement');
  });
});

describe('the requirements', () => {
  it('keeps the strictest latency and what is not acted on', () => {
    const list = ['max_latency_ms=50', 'max_latency_ms=33.333', 'privacy', 'explainability', 'min_samples=3'];
    expect(readAppRequirements(list)).toEqual({
      max_latency_ms: 33.333,
      real_time: false,
      on_device: false,
      explainability: true,
      not_used: ['privacy', 'min_samples=3'],
    });
  });
});
