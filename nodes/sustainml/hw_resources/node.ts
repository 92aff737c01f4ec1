/** The `hw_resources` module node: the device for the proposed model, by a roofline estimate on a catalogue of real devices. */
import { node } from 'tutti/sdk';
import { answering, listed } from '../configuration.js';
import { readDevices } from '../estimate/devices.js';
import { paced } from '../paced.js';
import type { HWResource } from '../types.js';
import { chooseHardware, type HardwareInputs } from './choose-hardware.js';

const devices = readDevices();

await node<HardwareInputs, HWResource, Record<never, never>>(
  'hw_resources',
  paced(['estimating each device', 'choosing one'], async (task) => {
    const hardware = chooseHardware(task.inputs, devices);
    task.log.info('hardware chosen', {
      model: task.inputs.ml_model.model,
      device: hardware.hw_description,
      latency_ms: String(hardware.latency),
      power_w: String(hardware.power_consumption),
    });
    return hardware;
  }),
  {
    onConfigure: answering({
      hardwares: () => ({ hardwares: listed(devices.devices.map(({ name }) => name)) }),
    }),
  },
).start();
