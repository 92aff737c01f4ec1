/** The items of a module with `map`. */
import { z } from 'zod';
import type { ItemAnswerJson, ItemJson, ItemStatesJson } from '../../../src/contract/iteration.js';
import { MODULE_STATES } from '../../../src/model/execution.js';
import type { Documented } from './documented.js';
import { executionView } from './execution.js';
import { id, iterationId, moduleState, reportedError, time } from './fields.js';
import { named } from './shape.js';

const itemShape = {
  item: z.number().int().describe('From 0'),
  state: moduleState,
  execution_id: id.nullable().describe('The newest execution'),
  attempt: z.number().int().nullable(),
  node_id: id.nullable(),
  cached_from: z
    .looseObject({ problem_id: id, iteration_id: iterationId, execution_id: id })
    .nullable()
    .describe('The execution whose result it reuses'),
  waiting_reason: z.string().nullable().describe('The reason for another attempt'),
  retry_at: time.nullable(),
  error: reportedError.nullable(),
  assigned_at: time.nullable(),
  started_at: time.nullable(),
  finished_at: time.nullable(),
};

export const itemView: Documented<ItemJson> = named('Item', z.looseObject(itemShape));

export const itemAnswer: Documented<ItemAnswerJson> = named(
  'ItemWithValues',
  z.looseObject({
    ...itemShape,
    value: z.unknown().describe('The item in the list'),
    result: z.unknown().describe('Its last output; a large one as its blob; null before there is one'),
    executions: z.array(executionView).describe('Its attempts, oldest first'),
  }),
);

export const itemStates: Documented<ItemStatesJson> = named(
  'ItemStates',
  z.looseObject({
    total: z.number().int(),
    counts: z
      .partialRecord(z.enum(MODULE_STATES), z.number().int())
      .describe('The number of items in each state'),
    runs: z
      .array(z.tuple([z.enum(MODULE_STATES), z.number().int()]))
      .describe('In the order of the items: a state, and the number of consecutive items in it'),
  }),
);
