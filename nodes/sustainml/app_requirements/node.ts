/** The `app_requirements` module node: what the application needs, from the user's fields and words. */
import { node } from 'tutti/sdk';
import { paced } from '../paced.js';
import type { AppRequirements, UserInput } from '../types.js';
import { readRequirements } from './read-requirements.js';

await node<{ user_input: UserInput }, AppRequirements, Record<never, never>>(
  'app_requirements',
  paced(['reading the problem', 'looking for limits and wishes'], async (task) => {
    const requirements = readRequirements(task.inputs.user_input);
    task.log.info('requirements read', {
      app_requirements: requirements.app_requirements.join(', ') || 'none',
    });
    return requirements;
  }),
).start();
