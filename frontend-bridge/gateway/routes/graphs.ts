import { z } from 'zod';
import { MAX_GRAPH_BYTES } from '../../../src/model/graph.js';
import type { Coordinator } from '../../../src/orchestrator/port.js';
import { type App, asked, perform, sendFound } from '../http.js';
import { textOf } from '../parsing.js';
import { pageQuery, postHeaders } from '../requests.js';
import * as shape from '../schemas.js';

const YAML_TYPES = ['text/yaml', 'application/yaml', 'application/x-yaml', 'text/x-yaml', 'text/plain'];
const graphParams = z.object({ name: z.string() });
const storeBody = z.strictObject({
  yaml: z.string().describe('The graph as YAML'),
  files: z
    .record(z.string(), z.string())
    .exactOptional()
    .describe('By path beside the graph file, the SHA-256 of a blob: each file that its run modules name'),
});

export function graphRoutes(app: App, coordinator: Coordinator): void {
  app.get(
    '/v1/graphs',
    {
      config: { action: 'read' },
      schema: {
        summary: 'Graphs, each in its newest version',
        querystring: pageQuery,
        response: shape.answers({ 200: shape.pageOf(shape.graphView) }),
      },
    },
    async (request, reply) => sendFound(reply, await asked(coordinator, reply).graphs(request.query)),
  );

  app.get(
    '/v1/graphs/:name',
    {
      config: { action: 'read' },
      schema: {
        summary: "A graph's newest version",
        params: graphParams,
        response: shape.answers({ 200: shape.graphView }),
      },
    },
    async (request, reply) => sendFound(reply, await asked(coordinator, reply).graph(request.params.name)),
  );

  app.get(
    '/v1/graphs/:name/versions/:version',
    {
      config: { action: 'read' },
      schema: {
        summary: 'A graph as it was',
        params: graphParams.extend({ version: z.coerce.number().int().min(1) }),
        response: shape.answers({ 200: shape.graphView }),
      },
    },
    async (request, reply) =>
      sendFound(reply, await asked(coordinator, reply).graph(request.params.name, request.params.version)),
  );

  app.post(
    '/v1/graphs',
    {
      config: { action: 'store_graph' },
      schema: {
        summary: 'Store a graph with the files of its run modules; a changed one is a new version',
        headers: postHeaders,
        body: storeBody,
        response: shape.answers({ 200: shape.graphView, 201: shape.graphView }),
      },
    },
    ({ body, headers }, reply) => perform(coordinator, { kind: 'put_graph', ...body }, reply, headers),
  );

  void app.register(async (scope: App) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(YAML_TYPES, { parseAs: 'buffer' }, async (_request: unknown, body: Buffer) =>
      textOf(body),
    );
    scope.put(
      '/v1/graphs/:name',
      {
        config: { action: 'store_graph' },
        bodyLimit: MAX_GRAPH_BYTES,
        schema: {
          summary: 'Store a graph; a changed one is a new version',
          consumes: YAML_TYPES,
          params: graphParams,
          body: z.string().describe('The graph as YAML'),
          response: shape.answers({ 200: shape.graphView, 201: shape.graphView }),
        },
      },
      (request, reply) => {
        const yaml = request.body;
        return perform(coordinator, { kind: 'put_graph', name: request.params.name, yaml }, reply);
      },
    );
  });
}
