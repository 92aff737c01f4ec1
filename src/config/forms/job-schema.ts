/** A job as people ask for it, over HTTP and in `job.yaml`. */
import { z } from 'zod';
import type { Resources } from '../../model/run.js';
import { ResourcesSchema } from '../resources.js';
import { strict } from '../strict.js';
import { ClusterName } from './cluster-schema.js';
import { JobTypeName } from './job-types.js';

/** UTF-16 code units. A program is fetched by its script. */
const SCRIPT_LENGTH = 1024 * 1024;
const ARGS = 1000;

const TITLE = 'give a name of 1 to 200 characters';
const SCRIPT = `give the script itself, at most ${SCRIPT_LENGTH} characters`;
const ARG = 'give a text, in quotes, without NUL characters';
const ENV = 'give an object of texts, like { OMP_NUM_THREADS: "2" }';
const VARIABLE = 'give a name of letters, digits and _, not beginning with a digit';
const LABELS = 'give an object of texts, like { gpu: "true" }';
const LABEL = 'give a text of at most 256 characters, in quotes';

const text = z.string({ error: ARG }).regex(/^[^\0]*$/, { error: ARG });

const shape = {
  name: z.string({ error: TITLE }).min(1, { error: TITLE }).max(200, { error: TITLE }),
  cluster: ClusterName.exactOptional().describe('Default: chosen by the ranking'),
  job_type: JobTypeName.exactOptional().describe('The log parser that reads its result'),
  args: z
    .array(text, { error: 'give a list of texts' })
    .max(ARGS, { error: `give at most ${ARGS}` })
    .exactOptional(),
  env: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: VARIABLE }), text, { error: ENV })
    .exactOptional(),
  resources: ResourcesSchema.exactOptional().describe('Default 1 cpu'),
  require: z
    .record(z.string(), z.string({ error: LABEL }).max(256, { error: LABEL }), { error: LABELS })
    .exactOptional()
    .describe('Labels that the cluster must have'),
};

export interface JobFields {
  readonly name: string;
  readonly cluster?: string;
  readonly job_type?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly resources?: Resources;
  readonly require?: Readonly<Record<string, string>>;
}

/** The body of `POST /v1/jobs`. */
export const JobSchema: z.ZodType<JobFields & { readonly script: string }> = strict(
  {
    ...shape,
    script: z
      .string({ error: SCRIPT })
      .min(1, { error: SCRIPT })
      .max(SCRIPT_LENGTH, { error: SCRIPT })
      .regex(/^[^\0]*$/, { error: 'the script contains NUL characters: give a text' })
      .describe('It is run by its own #! line'),
  },
  'give an object with at least name and script',
);

/** A job file, which names its script. */
export const JobFileSchema: z.ZodType<JobFields & { readonly script_path: string }> = strict(
  {
    ...shape,
    script_path: z
      .string({ error: 'give the path of the script' })
      .min(1, { error: 'give the path of the script' }),
  },
  'give an object with at least name and script_path',
);
