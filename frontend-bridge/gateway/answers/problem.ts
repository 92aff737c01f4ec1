import { z } from 'zod';
import type { ListedProblemJson, WholeProblemJson } from '../../../src/contract/problem.js';
import type { Documented } from './documented.js';
import { id, iterationId, standing, taskId, taskState, time } from './fields.js';
import { iterationSummary } from './iteration.js';
import { named } from './shape.js';

export const submitted: z.ZodType = named(
  'Submitted',
  z.looseObject({ problem_id: id, iteration_id: iterationId, task_id: taskId }),
);

export const submittedBatch: z.ZodType = named(
  'SubmittedBatch',
  z.object({
    items: z
      .array(
        z.union([
          submitted,
          z
            .looseObject({ status: z.number().int(), error: z.looseObject({}) })
            .describe('The error that a single submission would get'),
        ]),
      )
      .describe('One answer per problem, in order'),
  }),
);

const tagsField = z.array(z.string()).describe('Tags in the order in which they were given');

const marksShape = { tags: tagsField, starred: z.boolean(), archived: z.boolean(), has_notes: z.boolean() };

export const tag: z.ZodType = named('Tag', z.looseObject({ tag: z.string() }));

export const remarks: z.ZodType = named(
  'Remarks',
  z.looseObject({
    problem_id: id,
    title: z.string(),
    tags: tagsField,
    notes: z.string().describe('Markdown'),
    starred: z.boolean(),
    archived: z.boolean(),
    revision: z.number().int().describe('The revision for `If-Match`'),
  }),
);

const problemShape = {
  problem_id: id,
  title: z.string().nullable(),
  graph: z.string(),
  project: z.string().describe('The project of its creator; `default` if the creator is bound to none'),
  state: taskState.describe('The state of the newest iteration'),
  standing,
  created_at: time,
  iterations: z.number().int().describe('The number of iterations'),
  newest_iteration_id: iterationId,
  ...marksShape,
  revision: z
    .number()
    .int()
    .describe('The event that last changed its title, tags, notes or star, or that created it'),
};

export const problemSummary: Documented<ListedProblemJson> = named(
  'ProblemSummary',
  z.looseObject(problemShape),
);

export const problemView: Documented<WholeProblemJson> = named(
  'Problem',
  z.looseObject({
    ...problemShape,
    notes: z.string().describe('Markdown'),
    newest_iterations: z.array(iterationSummary),
  }),
);
