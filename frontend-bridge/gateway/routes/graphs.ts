import { z } from 'zod';
import { MAX_GRAPH_BYTES } from '../../../src/model/graph.js';
import type { Coordinator } from '../../../src/orchestrator/port.js';
import { graphView } from '../answers/graph.js';
import { answers } from '../answers/shape.js';
import { type App, perform } from '../http.js';
import { textOf } from '../parsing.js';
import { Routes } from '../route.js';

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
  const routes = new Routes(app, coordinator);

  routes.list(
    '/v1/graphs',
    { summary: 'The newest version of each graph', item: graphView },
    (queries, { query }) => queries.graphs(query),
  );

  routes.find(
    '/v1/graphs/:name',
    { summary: "A graph's newest version", params: graphParams, answer: graphView },
    (queries, { params }) => queries.graph(params.name),
  );

  routes.find(
    '/v1/graphs/:name/versions/:version',
    {
      summary: 'An older version of a graph',
      params: graphParams.extend({ version: z.coerce.number().int().min(1) }),
      answer: graphView,
    },
    (queries, { params }) => queries.graph(params.name, params.version),
  );

  routes.perform(
    'POST',
    '/v1/graphs',
    {
      action: 'store_graph',
      summary: 'Store a graph with the files of its run modules; a changed graph becomes a new version',
      body: storeBody,
      answers: { 200: graphView, 201: graphView },
    },
    ({ body }) => ({ kind: 'put_graph', ...body }),
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
          summary: 'Store a graph; a changed graph becomes a new version',
          consumes: YAML_TYPES,
          params: graphParams,
          body: z.string().describe('The graph as YAML'),
          response: answers({ 200: graphView, 201: graphView }),
        },
      },
      (request, reply) => {
        const yaml = request.body;
        return perform(coordinator, { kind: 'put_graph', name: request.params.name, yaml }, reply);
      },
    );
  });
}
