import { z } from 'zod';
import type {
  ListedIterationJson,
  ModuleAnswerJson,
  QueuePlaceJson,
  TaskAnswerJson,
} from '../../../src/contract/iteration.js';
import { LOOP_ENDS } from '../../../src/model/loop.js';
import type { Documented } from './documented.js';
import { eventSchema } from './event.js';
import { runCommand } from './execution.js';
import { id, iterationId, moduleState, reportedError, standing, taskId, taskState, time } from './fields.js';
import { named } from './shape.js';
import { waitingSchema } from './waiting.js';

const iterationSummaryShape = {
  problem_id: id,
  iteration_id: iterationId,
  task_id: taskId,
  state: taskState,
  graph: z.string(),
  graph_version: z.number().int(),
  parent_iteration_id: iterationId.nullable(),
  client: z.string().nullish().describe('The program that requested it, if it gave its name'),
  reused: z.array(z.string()).describe('Modules whose outputs were reused; they did not run'),
  overridden: z.record(z.string(), z.array(z.string())).describe('Overridden inputs, by module'),
  standing,
  created_at: time,
  started_at: time.nullable(),
  finished_at: time.nullable(),
  error: reportedError.nullable().describe('The reason of its failure'),
  reason: z.string().nullable().describe('The reason given by the person who stopped it'),
};

export const iterationSummary: Documented<ListedIterationJson> = named(
  'IterationSummary',
  z.looseObject(iterationSummaryShape),
);

export const moduleView: Documented<ModuleAnswerJson> = named(
  'Module',
  z.looseObject({
    state: moduleState,
    attempts: z.number().int().describe('The number of attempts that failed or succeeded'),
    generation: z
      .number()
      .int()
      .describe('A number that grows with each reset, and with each pass of its loop'),
    pass: z.number().int().nullable().describe('For a module in a loop: its pass, from 1'),
    items: z
      .looseObject({
        total: z.number().int(),
        done: z.number().int().describe('The number of items with a result'),
        running: z.number().int(),
        retrying: z.number().int().describe('Their last attempt had no result: they will be retried'),
      })
      .nullable()
      .describe('For a module with `map` whose list was split'),
    loop_end: z
      .enum(LOOP_ENDS)
      .nullable()
      .describe('For the last module of an ended loop: why there is no further pass'),
    execution_id: id.nullable(),
    node_id: id.nullable(),
    waiting_reason: z.string().nullable().describe('For people'),
    waiting: waitingSchema.nullable().describe('The same reason as data'),
    progress: z.number().nullable(),
    progress_message: z.string().nullable().describe('The message of its progress'),
    reused_from: z
      .looseObject({ iteration_id: iterationId, execution_id: id })
      .nullable()
      .describe('The origin of its reused output'),
    cached_from: z
      .looseObject({ problem_id: id, iteration_id: iterationId, execution_id: id })
      .nullable()
      .describe('For a module with `cache`: the origin of its output'),
    output_names: z
      .array(z.string())
      .optional()
      .describe('For a module with several outputs, which are read as `MODULE.NAME`'),
    output_type: z
      .string()
      .nullable()
      .describe(
        'The declared type, such as `json` or `bytes:image/png`; null if the module has several outputs',
      ),
    output_types: z
      .record(z.string(), z.string())
      .optional()
      .describe('For a module with several outputs, the type of each, by name'),
    overridden: z.array(z.string()).describe('Inputs that were overridden'),
    retry_at: time.nullable(),
    output: z
      .unknown()
      .describe(
        'The decoded last output; of a large one its blob; of a module with named outputs an object of them; null before there is one',
      ),
    error: reportedError.nullable(),
    command: runCommand.nullable().describe('For a run module'),
    assigned_at: time.nullable(),
    started_at: time.nullable(),
    finished_at: time.nullable(),
  }),
);

export const iterationView: Documented<TaskAnswerJson> = named(
  'Iteration',
  z.looseObject({
    ...iterationSummaryShape,
    input: z.unknown(),
    overrides: z
      .record(z.string(), z.record(z.string(), z.unknown()))
      .describe('Overriding values, by module and input'),
    require: z
      .record(z.string(), z.record(z.string(), z.string()))
      .describe('Labels that nodes must have for this task, by module'),
    modules: z.record(z.string(), moduleView),
  }),
);

export const event: z.ZodType = named('Event', eventSchema(time));

export const queuePlace: Documented<QueuePlaceJson> = named(
  'QueuePlace',
  z.looseObject({
    module: z.string(),
    ahead: z.number().int().describe('Executions of other tasks that get a slot before it'),
  }),
);
