import type { Coordinator } from '../../../src/orchestrator/port.js';
import { type App, asked, sendFound } from '../http.js';
import { executionParams, pageQuery, TASK_PATH, taskOf, taskParams } from '../requests.js';
import * as shape from '../schemas.js';

export function executionRoutes(app: App, coordinator: Coordinator): void {
  listExecutions(app, coordinator);
  showExecution(app, coordinator);
  showLog(app, coordinator);
}

function listExecutions(app: App, coordinator: Coordinator): void {
  app.get(
    `${TASK_PATH}/executions`,
    {
      config: { action: 'read' },
      schema: {
        summary: 'Every attempt',
        params: taskParams,
        querystring: pageQuery,
        response: shape.answers({ 200: shape.pageOf(shape.executionView) }),
      },
    },
    async (request, reply) =>
      sendFound(reply, await asked(coordinator, reply).executions(taskOf(request.params), request.query)),
  );
}

function showExecution(app: App, coordinator: Coordinator): void {
  app.get(
    `${TASK_PATH}/executions/:execution_id`,
    {
      config: { action: 'read' },
      schema: {
        summary: 'One attempt',
        params: executionParams,
        response: shape.answers({ 200: shape.executionView }),
      },
    },
    async (request, reply) =>
      sendFound(
        reply,
        await asked(coordinator, reply).execution(taskOf(request.params), request.params.execution_id),
      ),
  );
}

function showLog(app: App, coordinator: Coordinator): void {
  app.get(
    `${TASK_PATH}/executions/:execution_id/log`,
    {
      config: { action: 'read' },
      schema: {
        summary: "An attempt's log",
        params: executionParams,
        querystring: pageQuery,
        response: shape.answers({ 200: shape.pageOf(shape.logLine) }),
      },
    },
    async (request, reply) => {
      const { execution_id } = request.params;
      return sendFound(
        reply,
        await asked(coordinator, reply).executionLog(taskOf(request.params), execution_id, request.query),
      );
    },
  );
}
