import { z } from 'zod';
import { ClusterChangeSchema, ClusterSchema } from '../../../src/config/cluster-schema.js';
import type { Coordinator } from '../../../src/orchestrator/port.js';
import { type App, asked, perform, sendFound } from '../http.js';
import { pageQuery, postHeaders } from '../requests.js';
import * as shape from '../schemas.js';

const clusterParams = z.object({ name: z.string() });

export function clusterRoutes(app: App, coordinator: Coordinator): void {
  app.post(
    '/v1/clusters',
    {
      config: { action: 'manage_cluster' },
      schema: {
        summary: 'Add a cluster: a place where commands run',
        headers: postHeaders,
        body: ClusterSchema,
        response: shape.answers({ 201: shape.clusterView }),
      },
    },
    ({ body, headers }, reply) =>
      perform(coordinator, { kind: 'add_cluster', cluster: { status: 'active', ...body } }, reply, headers),
  );

  app.get(
    '/v1/clusters',
    {
      config: { action: 'read' },
      schema: {
        summary: 'Clusters, by their names',
        querystring: pageQuery,
        response: shape.answers({ 200: shape.pageOf(shape.clusterView) }),
      },
    },
    async (request, reply) => sendFound(reply, await asked(coordinator, reply).clusters(request.query)),
  );

  app.get(
    '/v1/clusters/:name',
    {
      config: { action: 'read' },
      schema: {
        summary: 'A cluster',
        params: clusterParams,
        response: shape.answers({ 200: shape.clusterView }),
      },
    },
    async (request, reply) => sendFound(reply, await asked(coordinator, reply).cluster(request.params.name)),
  );

  app.patch(
    '/v1/clusters/:name',
    {
      config: { action: 'manage_cluster' },
      schema: {
        summary: 'Drain, deactivate or activate a cluster, or change its slots or labels',
        params: clusterParams,
        body: ClusterChangeSchema,
        response: shape.answers({ 200: shape.clusterView }),
      },
    },
    ({ params, body }, reply) =>
      perform(coordinator, { kind: 'change_cluster', name: params.name, ...body }, reply),
  );

  app.delete(
    '/v1/clusters/:name',
    {
      config: { action: 'manage_cluster' },
      schema: {
        summary: 'Remove a cluster on which nothing runs',
        params: clusterParams,
        response: shape.answers({ 200: z.object({ name: z.string() }) }),
      },
    },
    ({ params }, reply) => perform(coordinator, { kind: 'remove_cluster', name: params.name }, reply),
  );
}
