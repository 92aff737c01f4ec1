import { z } from 'zod';
import type { Coordinator } from '../../../src/orchestrator/port.js';
import { type App, asked, perform, sendFound } from '../http.js';
import { pageQuery, postHeaders, reason } from '../requests.js';
import * as shape from '../schemas.js';

const nodeParams = z.object({ node_id: z.string() });
const commandBody = z.strictObject({ command: z.enum(['start', 'stop', 'reset', 'terminate']), reason });
const configurationBody = z.strictObject({
  configuration: z.string(),
  timeout_ms: z.number().int().min(1).max(600_000).exactOptional().describe('Default 10000'),
});

export function nodeRoutes(app: App, coordinator: Coordinator): void {
  listNodes(app, coordinator);
  listQueues(app, coordinator);
  showNode(app, coordinator);
  forgetNode(app, coordinator);
  commandNode(app, coordinator);
  configureNode(app, coordinator);
  showCommand(app, coordinator);
}

function listNodes(app: App, coordinator: Coordinator): void {
  app.get(
    '/v1/nodes',
    {
      config: { action: 'read' },
      schema: {
        summary: 'Nodes',
        querystring: pageQuery,
        response: shape.answers({ 200: shape.pageOf(shape.nodeView) }),
      },
    },
    async (request, reply) => sendFound(reply, await asked(coordinator, reply).nodes(request.query)),
  );
}

function listQueues(app: App, coordinator: Coordinator): void {
  app.get(
    '/v1/queue',
    {
      config: { action: 'read' },
      schema: {
        summary: 'Modules with their slots, and how many executions wait for one',
        querystring: pageQuery,
        response: shape.answers({ 200: shape.pageOf(shape.queueView) }),
      },
    },
    async (request, reply) => sendFound(reply, await asked(coordinator, reply).queues(request.query)),
  );
}

function showNode(app: App, coordinator: Coordinator): void {
  app.get(
    '/v1/nodes/:node_id',
    {
      config: { action: 'read' },
      schema: { summary: 'A node', params: nodeParams, response: shape.answers({ 200: shape.nodeView }) },
    },
    async (request, reply) => sendFound(reply, await asked(coordinator, reply).node(request.params.node_id)),
  );
}

function forgetNode(app: App, coordinator: Coordinator): void {
  app.delete(
    '/v1/nodes/:node_id',
    {
      config: { action: 'control_node' },
      schema: {
        summary: 'Forget a node that is dead and has no work',
        params: nodeParams,
        response: shape.answers({ 200: z.object({ node_id: z.string() }) }),
      },
    },
    (request, reply) => perform(coordinator, { kind: 'remove_node', nodeId: request.params.node_id }, reply),
  );
}

function commandNode(app: App, coordinator: Coordinator): void {
  app.post(
    '/v1/nodes/:node_id/commands',
    {
      config: { action: 'control_node' },
      schema: {
        summary: 'Start, stop, reset or terminate a node',
        params: nodeParams,
        headers: postHeaders,
        body: commandBody,
        response: shape.answers({ 202: shape.commandIssued }),
      },
    },
    (request, reply) =>
      perform(
        coordinator,
        { kind: 'node_command', nodeId: request.params.node_id, ...request.body },
        reply,
        request.headers,
      ),
  );
}

function configureNode(app: App, coordinator: Coordinator): void {
  app.post(
    '/v1/nodes/:node_id/configuration',
    {
      config: { action: 'control_node', waitsForNode: true },
      schema: {
        summary: 'Ask a node to take a configuration, and wait for its answer',
        params: nodeParams,
        headers: postHeaders,
        body: configurationBody,
        response: shape.answers({ 200: shape.configured }),
      },
    },
    (request, reply) => {
      const { configuration, timeout_ms: timeoutMs } = request.body;
      return perform(
        coordinator,
        {
          kind: 'configure',
          nodeId: request.params.node_id,
          configuration,
          ...(timeoutMs !== undefined && { timeoutMs }),
        },
        reply,
        request.headers,
      );
    },
  );
}

function showCommand(app: App, coordinator: Coordinator): void {
  app.get(
    '/v1/commands/:command_id',
    {
      config: { action: 'read' },
      schema: {
        summary: 'How far a command has come',
        params: z.object({ command_id: z.string() }),
        response: shape.answers({ 200: shape.commandView }),
      },
    },
    async (request, reply) =>
      sendFound(reply, await asked(coordinator, reply).command(request.params.command_id)),
  );
}
