/** The `ml_model_metadata` module node: keywords and machine-learning goals of the user's problem. */
import { node } from 'tutti/sdk';
import { answering } from '../configuration.js';
import { readModels } from '../ml_model/models.js';
import { paced } from '../paced.js';
import type { MLModelMetadata, UserInput } from '../types.js';
import { readLexicon } from './lexicon.js';
import { metadataQueries } from './queries.js';
import { metadataReader, readMetadata } from './read-metadata.js';

const lexicon = readLexicon();
const reader = metadataReader(lexicon);

await node<{ user_input: UserInput }, MLModelMetadata, Record<never, never>>(
  'ml_model_metadata',
  paced(['reading the problem', 'ranking keywords', 'scoring goals'], async (task) => {
    const metadata = readMetadata(task.inputs.user_input, reader);
    task.log.info('goals found', {
      goals: metadata.ml_model_metadata.join(', '),
      keywords: metadata.keywords.join(', '),
    });
    return metadata;
  }),
  { onConfigure: answering(metadataQueries(lexicon, readModels())) },
).start();
