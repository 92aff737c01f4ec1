/** Fields that several answers have. */

import { z } from 'zod';
import type { ErrorJson } from '../../../src/contract/answer.js';
import type { StandingsJson } from '../../../src/contract/iteration.js';
import { type ModuleState, OBSERVED_STATES } from '../../../src/model/execution.js';
import { TASK_STATES, type TaskState } from '../../../src/model/task-state.js';
import type { Documented } from './documented.js';
import { waitingSchema } from './waiting.js';

export const time: z.ZodString = z.string().describe('RFC 3339, UTC');

export const id: z.ZodString = z.string().describe('A lower-case UUIDv7');

export const taskId: z.ZodString = z.string().describe('`<problem_id>/<iteration_id>`');

export const iterationId: z.ZodNumber = z.number().int().min(1);

export const taskState: z.ZodEnum<{ [S in TaskState]: S }> = z.enum(TASK_STATES);

export const moduleState: z.ZodEnum<{ [S in ModuleState]: S }> = z.enum([
  'waiting',
  'skipped',
  'reused',
  ...OBSERVED_STATES,
]);

export const standing: Documented<StandingsJson | undefined> = z
  .record(
    z.string(),
    z.looseObject({
      state: moduleState,
      execution_id: id.nullable().describe('The newest execution'),
      waiting: waitingSchema.nullable().describe('Null while it is running'),
    }),
  )
  .optional()
  .describe(
    'For an unfinished task, by module: the modules that are running, and those that wait for something outside the task',
  );

export const reportedError: Documented<ErrorJson> = z.looseObject({
  code: z.string(),
  message: z.string(),
  retryable: z.boolean().optional(),
  module: z.string().optional().describe('For a task: the module that failed'),
  stack: z
    .string()
    .optional()
    .describe(
      'The place where it was raised and its causes, in the format of the node’s language; at most 16 KiB',
    ),
  details: z
    .record(z.string(), z.string())
    .optional()
    .describe('Further texts by name: for a command, its exit_code, its signal, the end of its stderr'),
});
