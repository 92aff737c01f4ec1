/** Services: what is to be kept running, and what runs of it. */
import { z } from 'zod';
import { ServiceCount, ServiceName, ServiceSchema } from '../../../src/config/forms/service-schema.js';
import { parseTaskId } from '../../../src/model/task-id.js';
import type { Coordinator, Queries, Workspace } from '../../../src/orchestrator/port.js';
import { placementView, serviceView } from '../answers/service.js';
import { answers, content, plainText } from '../answers/shape.js';
import { HttpError, refusalError } from '../errors.js';
import { type App, asked, found, sendText, within } from '../http.js';
import { contentOf, logLines, wholeStreamsOf } from '../jobs/log-lines.js';
import { Routes } from '../route.js';

const serviceParams = z.object({ name: z.string() });
const commandBody = z.strictObject({
  command: z.enum(['scale', 'restart', 'stop', 'start'], 'Give scale, restart, stop or start'),
  count: ServiceCount.exactOptional().describe('For scaling: the desired number of replicas'),
});
const logQuery = z.strictObject({
  replica: z.string().exactOptional().describe('Its replica_id; default the first one'),
});

export function serviceRoutes(app: App, coordinator: Coordinator): void {
  const routes = new Routes(app, coordinator);

  routes.perform(
    'PUT',
    '/v1/services/:name',
    {
      action: 'manage_service',
      summary: 'Create a service, or change it and replace its replicas',
      params: z.object({ name: ServiceName }),
      body: ServiceSchema,
      answers: { 200: serviceView, 201: serviceView },
    },
    ({ params: { name }, body: { spec, files } }) => ({
      kind: 'apply_service',
      spec: { name, ...spec },
      files,
    }),
  );

  routes.list('/v1/services', { summary: 'Services by name', item: serviceView }, (queries, { query }) =>
    queries.services(query),
  );

  routes.find(
    '/v1/services/:name',
    { summary: 'A service with its replicas', params: serviceParams, answer: serviceView },
    (queries, { params }) => queries.service(params.name),
  );

  routes.perform(
    'POST',
    '/v1/services/:name/commands',
    {
      action: 'manage_service',
      summary: 'Scale, restart, stop or start a service',
      params: serviceParams,
      body: commandBody,
      answers: { 202: serviceView },
    },
    ({ params, body }) => ({ kind: 'command_service', name: params.name, ...body }),
  );

  routes.perform(
    'DELETE',
    '/v1/services/:name',
    {
      action: 'manage_service',
      summary: 'Remove a service: its replicas are stopped first',
      params: serviceParams,
      answers: { 202: z.object({ name: z.string() }) },
    },
    ({ params }) => ({ kind: 'remove_service', name: params.name }),
  );

  routes.list(
    '/v1/services/:name/placement',
    {
      summary: 'The score of each cluster for one more replica, or the reason why it is ruled out',
      params: serviceParams,
      item: placementView,
    },
    (queries, { params, query }) => queries.placementOf(params.name, query),
  );

  sendLog(app, coordinator);
}

function sendLog(app: App, coordinator: Coordinator): void {
  app.get(
    '/v1/services/:name/log',
    {
      config: { action: 'read' },
      schema: {
        summary:
          'What the newest run of a replica has written so far, both streams in the order of their lines',
        params: serviceParams,
        querystring: logQuery,
        response: answers({ 200: content('The lines', { 'text/plain': plainText }) }),
      },
    },
    async (request, reply) => {
      const { params, query } = request;
      const queries = asked(coordinator, reply);
      const { replicas } = found(reply, await queries.service(params.name));
      const replica =
        query.replica === undefined
          ? replicas[0]
          : replicas.find(({ replica_id }) => replica_id === query.replica);
      if (!replica) {
        const which = query.replica === undefined ? 'no replica' : `no replica ${query.replica}`;
        throw new HttpError(404, 'unknown_replica', `The service ${params.name} has ${which}.`);
      }
      return sendText(reply, logOf(within(coordinator, request), queries, replica.task_id));
    },
  );
}

/** Nothing as long as no cluster has got it. */
async function* logOf(
  { blobs }: Pick<Workspace, 'blobs'>,
  queries: Queries,
  taskId: string,
): AsyncGenerator<Uint8Array | string> {
  const task = parseTaskId(taskId)!;
  const page = await queries.executions(task, { limit: 1000 });
  if ('ok' in page) throw refusalError(page);
  const newest = page.value.items.at(-1);
  if (!newest) return;
  const execution = await queries.execution(task, newest.execution_id);
  if ('ok' in execution) throw refusalError(execution);
  const streams = await wholeStreamsOf(blobs, execution.value);
  yield* contentOf(logLines(queries, task, newest.execution_id), streams);
}
