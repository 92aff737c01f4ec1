/** Deployments: applications that are brought up, gone on with and taken down as a whole. */
import { Readable } from 'node:stream';
import { z } from 'zod';
import type { OperationJson } from '../../../src/contract/deployment.js';
import { parseTaskId } from '../../../src/model/task-id.js';
import type { Coordinator, Queries, Workspace } from '../../../src/orchestrator/port.js';
import { refusalError } from '../errors.js';
import { type App, asked, found, perform, sendFound, within } from '../http.js';
import { contentOf, logLines, wholeStreamsOf } from '../jobs/log-lines.js';
import { pageQuery, postHeaders, submitHeaders, traceOf } from '../requests.js';
import * as shape from '../schemas.js';

const deploymentParams = z.object({
  deployment_id: z.string().describe('Its id, or its name: of several, that of the newest'),
});
const operationParams = deploymentParams.extend({
  operation_id: z.coerce.number().int().min(1).describe('1, 2, 3 …'),
});
const deployBody = z.strictObject({
  name: z.string().exactOptional().describe('Default that of the blueprint'),
  blueprint: z.string().describe('The YAML of a blueprint'),
  inputs: z.record(z.string(), z.unknown()).default({}),
  files: z
    .record(z.string(), z.string())
    .default({})
    .describe('By path beside the blueprint, the SHA-256 of a stored blob: of each file that it names'),
});
const continueBody = z
  .strictObject({
    clean: z.boolean().exactOptional().describe('From the beginning, whatever has been done'),
  })
  .nullable();
const emptyBody = z.strictObject({}).nullable();

export function deploymentRoutes(app: App, coordinator: Coordinator): void {
  deploy(app, coordinator);
  listDeployments(app, coordinator);
  showDeployment(app, coordinator);
  operate(app, coordinator);
  cancel(app, coordinator);
  listOperations(app, coordinator);
  showOperation(app, coordinator);
  sendLog(app, coordinator);
}

function deploy(app: App, coordinator: Coordinator): void {
  app.post(
    '/v1/deployments',
    {
      config: { action: 'manage_deployment' },
      schema: {
        summary: 'Deploy a blueprint',
        headers: submitHeaders,
        body: deployBody,
        response: shape.answers({ 202: shape.operationBegun }),
      },
    },
    ({ body, headers }, reply) =>
      perform(coordinator, { kind: 'deploy', ...body, ...traceOf(headers) }, reply, headers),
  );
}

function listDeployments(app: App, coordinator: Coordinator): void {
  app.get(
    '/v1/deployments',
    {
      config: { action: 'read' },
      schema: {
        summary: 'Deployments, newest first',
        querystring: pageQuery,
        response: shape.answers({ 200: shape.pageOf(shape.deploymentSummary) }),
      },
    },
    async (request, reply) => sendFound(reply, await asked(coordinator, reply).deployments(request.query)),
  );
}

function showDeployment(app: App, coordinator: Coordinator): void {
  app.get(
    '/v1/deployments/:deployment_id',
    {
      config: { action: 'read' },
      schema: {
        summary: 'A deployment with its components',
        params: deploymentParams,
        response: shape.answers({ 200: shape.deploymentView }),
      },
    },
    async ({ params }, reply) =>
      sendFound(reply, await asked(coordinator, reply).deployment(params.deployment_id)),
  );
}

const OPERATIONS = {
  continue: { summary: 'Go on with a deployment that has failed, from where it stands', body: continueBody },
  undeploy: { summary: 'Take a deployment down', body: emptyBody },
} as const;

function operate(app: App, coordinator: Coordinator): void {
  for (const [name, { summary, body }] of Object.entries(OPERATIONS)) {
    const operation = name as keyof typeof OPERATIONS;
    app.post(
      `/v1/deployments/:deployment_id/${operation}`,
      {
        config: { action: 'manage_deployment' },
        schema: {
          ...{ summary, params: deploymentParams, headers: submitHeaders, body: body as typeof continueBody },
          response: shape.answers({ 202: shape.operationBegun }),
        },
      },
      ({ params, body, headers }, reply) => {
        const { deployment_id: deploymentId } = params;
        const request = { kind: 'operate_deployment', deploymentId, operation, ...body } as const;
        return perform(coordinator, { ...request, ...traceOf(headers) }, reply, headers);
      },
    );
  }
}

function cancel(app: App, coordinator: Coordinator): void {
  app.post(
    '/v1/deployments/:deployment_id/cancel',
    {
      config: { action: 'manage_deployment' },
      schema: {
        summary: 'Stop the operation that is under way',
        ...{ params: deploymentParams, headers: postHeaders, body: emptyBody },
        response: shape.answers({ 202: shape.commandIssued }),
      },
    },
    ({ params, headers }, reply) => {
      const { deployment_id: deploymentId } = params;
      return perform(coordinator, { kind: 'cancel_deployment', deploymentId }, reply, headers);
    },
  );
}

function listOperations(app: App, coordinator: Coordinator): void {
  app.get(
    '/v1/deployments/:deployment_id/operations',
    {
      config: { action: 'read' },
      schema: {
        summary: 'The operations of a deployment, oldest first',
        params: deploymentParams,
        querystring: pageQuery,
        response: shape.answers({ 200: shape.pageOf(shape.operationView) }),
      },
    },
    async ({ params, query }, reply) =>
      sendFound(reply, await asked(coordinator, reply).deploymentOperations(params.deployment_id, query)),
  );
}

function showOperation(app: App, coordinator: Coordinator): void {
  app.get(
    '/v1/deployments/:deployment_id/operations/:operation_id',
    {
      config: { action: 'read' },
      schema: {
        summary: 'An operation with its steps',
        params: operationParams,
        response: shape.answers({ 200: shape.operationView }),
      },
    },
    async ({ params }, reply) =>
      sendFound(
        reply,
        await asked(coordinator, reply).deploymentOperation(params.deployment_id, params.operation_id),
      ),
  );
}

function sendLog(app: App, coordinator: Coordinator): void {
  app.get(
    '/v1/deployments/:deployment_id/operations/:operation_id/log',
    {
      config: { action: 'read' },
      schema: {
        summary: 'What the steps of an operation have written so far, step by step',
        params: operationParams,
        response: shape.answers({ 200: shape.content('The lines', { 'text/plain': shape.text }) }),
      },
    },
    async (request, reply) => {
      const { deployment_id, operation_id } = request.params;
      const queries = asked(coordinator, reply);
      const operation = found(reply, await queries.deploymentOperation(deployment_id, operation_id));
      const log = Readable.from(logOf(within(coordinator, request), queries, operation), {
        objectMode: false,
      });
      return reply.type('text/plain; charset=utf-8').send(log);
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
