import { z } from 'zod';
import type { Coordinator } from '../../../src/orchestrator/port.js';
import { commandIssued, commandView, configured } from '../answers/command.js';
import { nodeView, queueView } from '../answers/node.js';
import type { App } from '../http.js';
import { reason } from '../requests.js';
import { Routes } from '../route.js';

const nodeParams = z.object({ node_id: z.string() });
const commandBody = z.strictObject({ command: z.enum(['start', 'stop', 'reset', 'terminate']), reason });
const configurationBody = z.strictObject({
  configuration: z.string(),
  timeout_ms: z.number().int().min(1).max(600_000).exactOptional().describe('Default 10000'),
});

export function nodeRoutes(app: App, coordinator: Coordinator): void {
  const routes = new Routes(app, coordinator);

  routes.list('/v1/nodes', { summary: 'Nodes', item: nodeView }, (queries, { query }) =>
    queries.nodes(query),
  );

  routes.list(
    '/v1/queue',
    {
      summary: 'Modules with their slots, and the number of executions that wait for one',
      item: queueView,
    },
    (queries, { query }) => queries.queues(query),
  );

  routes.find(
    '/v1/nodes/:node_id',
    { summary: 'A node', params: nodeParams, answer: nodeView },
    (queries, { params }) => queries.node(params.node_id),
  );

  routes.perform(
    'DELETE',
    '/v1/nodes/:node_id',
    {
      action: 'control_node',
      summary: 'Remove a dead node that has no work',
      params: nodeParams,
      answers: { 200: z.object({ node_id: z.string() }) },
    },
    ({ params }) => ({ kind: 'remove_node', nodeId: params.node_id }),
  );

  routes.perform(
    'POST',
    '/v1/nodes/:node_id/commands',
    {
      action: 'control_node',
      summary: 'Start, stop, reset or terminate a node',
      params: nodeParams,
      body: commandBody,
      answers: { 202: commandIssued },
    },
    ({ params, body }) => ({ kind: 'node_command', nodeId: params.node_id, ...body }),
  );

  routes.perform(
    'POST',
    '/v1/nodes/:node_id/configuration',
    {
      action: 'control_node',
      waitsForNode: true,
      summary: 'Configure a node, and wait for its answer',
      params: nodeParams,
      body: configurationBody,
      answers: { 200: configured },
    },
    ({ params, body: { configuration, timeout_ms: timeoutMs } }) => ({
      ...{ kind: 'configure', nodeId: params.node_id, configuration },
      ...(timeoutMs !== undefined && { timeoutMs }),
    }),
  );

  routes.find(
    '/v1/commands/:command_id',
    {
      summary: 'The state of a command',
      params: z.object({ command_id: z.string() }),
      answer: commandView,
    },
    (queries, { params }) => queries.command(params.command_id),
  );
}
