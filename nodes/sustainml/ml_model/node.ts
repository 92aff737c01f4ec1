/** The `ml_model` module node: the best model of the catalogue that fits goal, constraints and what earlier iterations proposed. */
import { node } from 'tutti/sdk';
import { answering } from '../configuration.js';
import { readDevices } from '../estimate/devices.js';
import { paced } from '../paced.js';
import type { CO2Footprint, HWResource, MLModel } from '../types.js';
import type { ModelInputs } from './choose-goal.js';
import { readModels } from './models.js';
import { proposeModel } from './propose-model.js';
import { modelQueries } from './queries.js';

interface Previous {
  ml_model: MLModel;
  hw_resources: HWResource;
  carbon_footprint: CO2Footprint;
}

const catalogues = { models: readModels(), devices: readDevices() };

await node<ModelInputs, MLModel, Previous>(
  'ml_model',
  paced(['filtering the catalogue', 'estimating latency and memory', 'choosing the best'], async (task) => {
    const proposal = proposeModel(task.inputs, task.previous, catalogues);
    task.log.info('model proposed', {
      model: proposal.model,
      target_latency_ms: String(proposal.target_latency),
    });
    return proposal;
  }),
  { onConfigure: answering(modelQueries(catalogues.models)) },
).start();
