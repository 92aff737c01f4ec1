/** The `hw_constraints` module node: memory limit and required hardware from the user's `extra_data`. */
import { node } from 'tutti/sdk';
import { paced } from '../paced.js';
import type { HWConstraints, UserInput } from '../types.js';
import { readConstraints } from './read-constraints.js';

await node<{ user_input: UserInput }, HWConstraints, Record<never, never>>(
  'hw_constraints',
  paced(['reading the limits'], async (task) => {
    const constraints = readConstraints(task.inputs.user_input);
    task.log.info('constraints read', {
      max_memory_footprint_mib: String(constraints.max_memory_footprint),
      hardware_required: constraints.hardware_required.join(', ') || 'any',
    });
    return constraints;
  }),
).start();
