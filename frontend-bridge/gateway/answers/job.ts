import { z } from 'zod';
import type { JobJson } from '../../../src/contract/job.js';
import { JOB_STATES } from '../../../src/model/job.js';
import type { Documented } from './documented.js';
import { id, reportedError, taskId, time } from './fields.js';
import { named } from './shape.js';

export const jobSubmitted: z.ZodType = named(
  'JobSubmitted',
  z.object({ job_id: id.describe("The problem's id"), task_id: taskId }),
);

const jobShape = {
  job_id: id,
  task_id: taskId,
  name: z.string(),
  cluster: z
    .string()
    .nullable()
    .describe('The cluster where it runs or ran, or before that, where it will run'),
  job_type: z.string().nullable(),
  project: z.string(),
  state: z.enum(JOB_STATES),
  exit_code: z.number().int().nullable(),
  engine_id: z.string().nullable().describe("The engine's own id: a process, a batch job"),
  submitted_at: time,
  started_at: time.nullable().describe('The start of the command'),
  finished_at: time.nullable(),
  error: reportedError.nullable(),
};

export const jobSummary: Documented<JobJson> = named('JobSummary', z.looseObject(jobShape));

export const jobView: z.ZodType = named(
  'Job',
  z.looseObject({
    ...jobShape,
    result: z.unknown().describe('The result of the log parser of its job_type'),
    log_lines: z.number().int().describe('The number of lines that the command has written'),
  }),
);
