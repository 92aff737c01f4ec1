/** A service as people ask for it, over HTTP and in a service file. */
import { z } from 'zod';
import { SERVICE_TYPES, type ServiceSpec } from '../../model/service.js';
import { durationIfGiven } from '../graph/graph-fields.js';
import { type ReadRun, withWork } from '../graph/run-schema.js';
import { strict } from '../strict.js';

const MAX_COUNT = 10_000;
/** With its number, it is the instance of a node. */
const NAME = 'give a name of lower-case letters, digits, - and _, beginning with a letter, at most 40 long';
const MODULE = 'give the name of a module of a graph, like detect';
const COUNT = `give a whole number from 0 to ${MAX_COUNT}`;
const BACKOFF_MS = 1000;
const MAX_BACKOFF_MS = 30_000;
const LOST_AFTER_MS = 60_000;

export const ServiceName: z.ZodString = z
  .string({ error: NAME })
  .regex(/^[a-z][a-z0-9_-]{0,39}$/, { error: NAME });

export const ServiceCount: z.ZodInt = z
  .int({ error: COUNT })
  .min(0, { error: COUNT })
  .max(MAX_COUNT, { error: COUNT });

const shape = {
  type: z
    .enum(SERVICE_TYPES, { error: `give one of ${SERVICE_TYPES.join(', ')}` })
    .default('service')
    .describe(
      'service: keep count replicas running; daemon: one on every matching cluster; batch: run count replicas to completion; ops: run once on every cluster that matches now',
    ),
  count: ServiceCount.default(1).describe('replicas of a service or a batch'),
  module: z
    .string({ error: MODULE })
    .regex(/^[A-Za-z_][A-Za-z0-9_-]{0,63}$/, { error: MODULE })
    .optional()
    .describe('the module that its replicas run as nodes: each is ready when its node is registered'),
  restart: strict(
    {
      backoff: durationIfGiven(1, 'the pause before a replica starts again, doubled each time', BACKOFF_MS),
      max_backoff: durationIfGiven(1, 'the longest pause', MAX_BACKOFF_MS),
    },
    'give an object, like { backoff: 1s, max_backoff: 30s }',
  ).prefault({}),
  startup_deadline: durationIfGiven(1, 'a replica that is not up within this has failed'),
  disconnect: strict(
    {
      lost_after: durationIfGiven(
        1,
        'how long the replicas of an unreachable cluster keep their last known state',
        LOST_AFTER_MS,
      ),
      replace: z
        .boolean({ error: 'give true or false' })
        .default(false)
        .describe('whether lost replicas are replaced'),
    },
    'give an object, like { lost_after: 1m, replace: true }',
  ).optional(),
};

const files = {
  files_sha256: z
    .record(z.string(), z.string())
    .default({})
    .describe('over HTTP: the SHA-256 of an uploaded blob for each path in files and script'),
};

const EXPECTED = 'give an object with at least command or script';

/** A service without its name, and what its files have become. */
export interface GivenService {
  readonly spec: Omit<ServiceSpec, 'name'>;
  readonly files: Readonly<Record<string, string>>;
}

export const ServiceSchema: z.ZodType<GivenService> = withWork({ ...shape, ...files }, EXPECTED)
  .superRefine(checkPauses)
  .transform((given): GivenService => ({ spec: specOf(given), files: given.files_sha256 }));

/** Of a blueprint: its words and its environment may refer to inputs and to attributes of components. */
export const BlueprintServiceSchema: z.ZodType<Omit<ServiceSpec, 'name'>> = withWork(shape, EXPECTED, {
  isOwn: false,
})
  .superRefine(checkPauses)
  .transform(specOf);

type Given = z.output<z.ZodObject<typeof shape>>;

function checkPauses({ restart }: Given, context: z.RefinementCtx): void {
  const { backoff = BACKOFF_MS, max_backoff = MAX_BACKOFF_MS } = restart;
  if (max_backoff >= backoff) return;
  const message = `must not be shorter than backoff, which is ${backoff} ms`;
  context.addIssue({
    ...{ code: 'custom', path: ['restart', 'max_backoff'], message },
    params: { code: 'out_of_range' },
  });
}

function specOf(given: Given & { readonly work: ReadRun }): Omit<ServiceSpec, 'name'> {
  const { type, count, module, restart, startup_deadline, disconnect, work } = given;
  const { backoff = BACKOFF_MS, max_backoff = MAX_BACKOFF_MS } = restart;
  return {
    ...{ type, count, run: work.spec, require: work.require },
    ...(module !== undefined && { module }),
    restart: { backoffMs: backoff, maxBackoffMs: max_backoff },
    ...(startup_deadline !== undefined && { startupDeadlineMs: startup_deadline }),
    ...(disconnect && {
      disconnect: { lostAfterMs: disconnect.lost_after ?? LOST_AFTER_MS, replace: disconnect.replace },
    }),
  };
}
