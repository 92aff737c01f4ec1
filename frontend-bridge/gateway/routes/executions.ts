import type { Coordinator } from '../../../src/orchestrator/port.js';
import { executionView, logLine } from '../answers/execution.js';
import type { App } from '../http.js';
import { executionParams, TASK_PATH, taskOf, taskParams } from '../requests.js';
import { Routes } from '../route.js';

export function executionRoutes(app: App, coordinator: Coordinator): void {
  const routes = new Routes(app, coordinator);

  routes.list(
    `${TASK_PATH}/executions`,
    { summary: 'Every attempt', params: taskParams, item: executionView },
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
