/** The `carbon_footprint` module node: energy times the carbon intensity of the grid that the user named. */
import { node } from 'tutti/sdk';
import { paced } from '../paced.js';
import type { CO2Footprint } from '../types.js';
import type { FootprintInputs } from './estimate-footprint.js';
import { estimateFootprint } from './estimate-footprint.js';
import { indexTable, readGridTable } from './grid-table.js';

const grids = indexTable(readGridTable());

await node<FootprintInputs, CO2Footprint, Record<never, never>>(
  'carbon_footprint',
  paced(['finding the grid', 'estimating the energy'], async (task) => {
    const footprint = estimateFootprint(task.inputs, grids);
    task.log.info('footprint estimated', {
      carbon_kg: String(footprint.carbon_footprint),
      energy_kwh: String(footprint.energy_consumption),
      intensity_g_per_kwh: String(footprint.carbon_intensity),
    });
    return footprint;
  }),
).start();
