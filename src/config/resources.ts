/** Resources as people write them: `{ cpus: 2, memory: 4GiB, gpus: 1, walltime: 30m }`. */
import { z } from 'zod';
import { DURATION, parseDuration } from '../base/duration.js';
import type { ClusterResources } from '../model/cluster.js';
import type { Resources } from '../model/run.js';
import { size } from './option-values.js';
import { strict } from './strict.js';

const CPUS = 'give a whole number from 1 to 65536';
const GPUS = 'give a whole number from 0 to 4096';
const MEMORY = 'give bytes, or a size like 512MiB or 4GiB';
const TIB = 1024 ** 4;

const cpus = z.int({ error: CPUS }).min(1, { error: CPUS }).max(65_536, { error: CPUS });
const gpus = z.int({ error: GPUS }).min(0, { error: GPUS }).max(4096, { error: GPUS });
const memory = z
  .union([z.int({ error: MEMORY }), z.string({ error: MEMORY })], { error: MEMORY })
  .transform((value, context): number => {
    const read = size(1, 1024 * TIB)(value);
    if ('value' in read) return read.value;
    context.addIssue({ code: 'custom', message: MEMORY });
    return z.NEVER;
  });
const walltime = z
  .string({ error: 'give a duration, like 30m or 12h' })
  .regex(DURATION, { error: 'give a duration, like 30m or 12h' })
  .transform((value, context): number => {
    const read = parseDuration(value, 1000);
    if (read.ok) return read.ms;
    context.addIssue({ code: 'custom', message: read.message });
    return z.NEVER;
  });

/** The total amount of each resource. */
export const ClusterResourcesSchema: z.ZodType<ClusterResources> = strict(
  { cpus: cpus.optional(), memory: memory.optional(), gpus: gpus.optional() },
  'give an object, like { cpus: 64, memory: 256GiB, gpus: 4 }',
).transform((given) => ({
  ...(given.cpus !== undefined && { cpus: given.cpus }),
  ...(given.memory !== undefined && { memoryBytes: given.memory }),
  ...(given.gpus !== undefined && { gpus: given.gpus }),
}));

/** The needs of an execution: one core by default. */
export const ResourcesSchema: z.ZodType<Resources> = strict(
  {
    cpus: cpus.default(1),
    memory: memory.optional(),
    gpus: gpus.optional(),
    walltime: walltime
      .optional()
      .describe('the time limit from the start of the command, after which it is stopped'),
  },
  'give an object, like { cpus: 2, memory: 4GiB, gpus: 1, walltime: 30m }',
).transform((given) => ({
  cpus: given.cpus,
  ...(given.memory !== undefined && { memoryBytes: given.memory }),
  ...(given.gpus !== undefined && { gpus: given.gpus }),
  ...(given.walltime !== undefined && { walltimeMs: given.walltime }),
}));
