import { z } from 'zod';
import { MODULE_STATES } from '../../../src/model/execution.js';
import type { Coordinator } from '../../../src/orchestrator/port.js';
import { executionView, logLine } from '../answers/execution.js';
import { itemAnswer, itemStates, itemView } from '../answers/item.js';
import { pageOf } from '../answers/shape.js';
import type { App } from '../http.js';
import { executionParams, pageQuery, TASK_PATH, taskOf, taskParams } from '../requests.js';
import { Routes } from '../route.js';

const itemsParams = taskParams.extend({ module: z.string() });
const itemsQuery = pageQuery.extend({
  state: z.enum(MODULE_STATES).exactOptional().describe('Only items in this state'),
  from: z.coerce.number().int().min(0).exactOptional().describe('Only items from this number on'),
});

export function executionRoutes(app: App, coordinator: Coordinator): void {
  const routes = new Routes(app, coordinator);

  routes.find(
    `${TASK_PATH}/items/:module`,
    {
      summary: 'The items of a module with `map`, in their order',
      params: itemsParams,
      querystring: itemsQuery,
      answer: pageOf(itemView),
    },
    (queries, { params, query }) => queries.items(taskOf(params), params.module, query),
  );

  routes.find(
    `${TASK_PATH}/items/:module/states`,
    {
      summary: 'The states of all items of a module with `map`, in a compact form',
      params: itemsParams,
      answer: itemStates,
    },
    (queries, { params }) => queries.itemStates(taskOf(params), params.module),
  );

  routes.find(
    `${TASK_PATH}/items/:module/:item`,
    {
      summary: 'One item, with its value, its result and its attempts',
      params: itemsParams.extend({ item: z.coerce.number().int().min(0) }),
      answer: itemAnswer,
    },
    (queries, { params }) => queries.item(taskOf(params), params.module, params.item),
  );

  routes.list(
    `${TASK_PATH}/executions`,
    { summary: 'All attempts of an iteration', params: taskParams, item: executionView },
    (queries, { params, query }) => queries.executions(taskOf(params), query),
  );

  routes.find(
    `${TASK_PATH}/executions/:execution_id`,
    { summary: 'One attempt', params: executionParams, answer: executionView },
    (queries, { params }) => queries.execution(taskOf(params), params.execution_id),
  );

  routes.list(
    `${TASK_PATH}/executions/:execution_id/log`,
    { summary: "An attempt's log", params: executionParams, item: logLine },
    (queries, { params, query }) => queries.executionLog(taskOf(params), params.execution_id, query),
  );
}
