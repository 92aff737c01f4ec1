/** Deployments: applications that are brought up, gone on with and taken down as a whole. */
import { z } from 'zod';
import type { OperationJson } from '../../../src/contract/deployment.js';
import { parseTaskId } from '../../../src/model/task-id.js';
import type { Coordinator, Queries, Workspace } from '../../../src/orchestrator/port.js';
import { commandIssued } from '../answers/command.js';
import {
  deploymentChanges,
  deploymentSummary,
  deploymentView,
  operationBegun,
  operationView,
} from '../answers/deployment.js';
import { answers, content, plainText } from '../answers/shape.js';
import { refusalError } from '../errors.js';
import { type App, asked, found, sendFound, sendText, within } from '../http.js';
import { contentOf, logLines, wholeStreamsOf } from '../jobs/log-lines.js';
import { postHeaders, submitHeaders, traceOf } from '../requests.js';
import { Routes } from '../route.js';

const deploymentParams = z.object({
  deployment_id: z.string().describe('Its id, or its name: if several have it, the newest of them'),
});
const operationParams = deploymentParams.extend({
  operation_id: z.coerce.number().int().min(1).describe('1, 2, 3 …'),
});
const blueprintFields = {
  blueprint: z.string().exactOptional().describe('The YAML of a blueprint, or of a TOSCA template'),
  csar: z
    .string()
    .exactOptional()
    .describe('Instead of blueprint: the SHA-256 of a stored blob, a TOSCA archive'),
  files: z
    .record(z.string(), z.string())
    .default({})
    .describe(
      'By path beside the blueprint, the SHA-256 of a stored blob: of each file that it names; none with csar',
    ),
};
const deployBody = z.strictObject({
  name: z.string().exactOptional().describe('The name of the deployment; by default, that of the blueprint'),
  ...blueprintFields,
  inputs: z.record(z.string(), z.unknown()).default({}),
});
const updateBody = z.strictObject({
  ...blueprintFields,
  inputs: z
    .record(z.string(), z.unknown())
    .default({})
    .describe(
      'Inputs that are not given keep their values; inputs that had the default value get the new default',
    ),
});
const continueBody = z
  .strictObject({
    clean: z.boolean().exactOptional().describe('From the beginning, repeating finished steps'),
  })
  .nullable();
const emptyBody = z.strictObject({}).nullable();

export function deploymentRoutes(app: App, coordinator: Coordinator): void {
  const routes = new Routes(app, coordinator);
  deploy(routes);
  showDeployments(routes);
  operate(routes);
  update(routes);
  diff(app, coordinator);
  cancel(routes);
  showOperations(routes);
  sendLog(app, coordinator);
}

function deploy(routes: Routes): void {
  routes.perform(
    'POST',
    '/v1/deployments',
    {
      action: 'manage_deployment',
      summary: 'Deploy a blueprint',
      headers: submitHeaders,
      body: deployBody,
      answers: { 202: operationBegun },
    },
    ({ body, headers }) => ({ kind: 'deploy', ...body, ...traceOf(headers) }),
  );
}

function showDeployments(routes: Routes): void {
  routes.list(
    '/v1/deployments',
    { summary: 'Deployments, newest first', item: deploymentSummary },
    (queries, { query }) => queries.deployments(query),
  );

  routes.find(
    '/v1/deployments/:deployment_id',
    { summary: 'A deployment with its components', params: deploymentParams, answer: deploymentView },
    (queries, { params }) => queries.deployment(params.deployment_id),
  );
}

function operate(routes: Routes): void {
  const action = 'manage_deployment';
  const route = { action, params: deploymentParams, headers: submitHeaders } as const;
  const answers = { 202: operationBegun };

  routes.perform(
    'POST',
    '/v1/deployments/:deployment_id/continue',
    {
      ...route,
      summary: 'Continue a failed deployment from its current state',
      body: continueBody,
      answers,
    },
    ({ params: { deployment_id: deploymentId }, body, headers }) => ({
      ...{ kind: 'operate_deployment', deploymentId, operation: 'continue', ...body },
      ...traceOf(headers),
    }),
  );

  routes.perform(
    'POST',
    '/v1/deployments/:deployment_id/undeploy',
    { ...route, summary: 'Undeploy a deployment', body: emptyBody, answers },
    ({ params: { deployment_id: deploymentId }, headers }) => ({
      ...{ kind: 'operate_deployment', deploymentId, operation: 'undeploy' },
      ...traceOf(headers),
    }),
  );
}

function update(routes: Routes): void {
  routes.perform(
    'POST',
    '/v1/deployments/:deployment_id/update',
    {
      action: 'manage_deployment',
      summary: 'Update a deployment to another blueprint: changed components are replaced',
      params: deploymentParams,
      headers: submitHeaders,
      body: updateBody,
      answers: { 202: operationBegun },
    },
    ({ params, body, headers }) => ({
      ...{ kind: 'update_deployment', deploymentId: params.deployment_id, ...body },
      ...traceOf(headers),
    }),
  );
}

function diff(app: App, coordinator: Coordinator): void {
  app.post(
    '/v1/deployments/:deployment_id/diff',
    {
      config: { action: 'manage_deployment' },
      schema: {
        summary: 'What an update would do',
        params: deploymentParams,
        headers: postHeaders,
        body: updateBody,
        response: answers({ 200: deploymentChanges }),
      },
    },
    async ({ params, body }, reply) =>
      sendFound(reply, await asked(coordinator, reply).deploymentChanges(params.deployment_id, body)),
  );
}

function cancel(routes: Routes): void {
  routes.perform(
    'POST',
    '/v1/deployments/:deployment_id/cancel',
    {
      action: 'manage_deployment',
      summary: 'Cancel the current operation',
      params: deploymentParams,
      body: emptyBody,
      answers: { 202: commandIssued },
    },
    ({ params }) => ({ kind: 'cancel_deployment', deploymentId: params.deployment_id }),
  );
}

function showOperations(routes: Routes): void {
  routes.list(
    '/v1/deployments/:deployment_id/operations',
    {
      summary: 'The operations of a deployment, oldest first',
      params: deploymentParams,
      item: operationView,
    },
    (queries, { params, query }) => queries.deploymentOperations(params.deployment_id, query),
  );

  routes.find(
    '/v1/deployments/:deployment_id/operations/:operation_id',
    { summary: 'An operation with its steps', params: operationParams, answer: operationView },
    (queries, { params }) => queries.deploymentOperation(params.deployment_id, params.operation_id),
  );
}

function sendLog(app: App, coordinator: Coordinator): void {
  app.get(
    '/v1/deployments/:deployment_id/operations/:operation_id/log',
    {
      config: { action: 'read' },
      schema: {
        summary: 'The log of an operation so far, step by step',
        params: operationParams,
        response: answers({ 200: content('The lines', { 'text/plain': plainText }) }),
      },
    },
    async (request, reply) => {
      const { deployment_id, operation_id } = request.params;
      const queries = asked(coordinator, reply);
      const operation = found(reply, await queries.deploymentOperation(deployment_id, operation_id));
      return sendText(reply, logOf(within(coordinator, request), queries, operation));
    },
  );
}

/** Each step that has begun, under a line that names it. */
async function* logOf(
  { blobs }: Pick<Workspace, 'blobs'>,
  queries: Queries,
  { task_id, steps }: OperationJson,
): AsyncGenerator<Uint8Array | string> {
  const task = parseTaskId(task_id)!;
  for (const { component, operation, cluster, execution_id } of steps) {
    if (execution_id === null) continue;
    yield `--- ${component} ${operation} on ${cluster}\n`;
    const execution = await queries.execution(task, execution_id);
    if ('ok' in execution) throw refusalError(execution);
    const streams = await wholeStreamsOf(blobs, execution.value);
    yield* contentOf(logLines(queries, task, execution_id), streams);
  }
}
