import { z } from 'zod';
import { ClusterChangeSchema, ClusterSchema } from '../../../src/config/forms/cluster-schema.js';
import type { Coordinator } from '../../../src/orchestrator/port.js';
import { clusterView } from '../answers/cluster.js';
import type { App } from '../http.js';
import { Routes } from '../route.js';

const clusterParams = z.object({ name: z.string() });

export function clusterRoutes(app: App, coordinator: Coordinator): void {
  const routes = new Routes(app, coordinator);

  routes.perform(
    'POST',
    '/v1/clusters',
    {
      action: 'manage_cluster',
      summary: 'Add a cluster: a place where commands run',
      body: ClusterSchema,
      answers: { 201: clusterView },
    },
    ({ body }) => ({ kind: 'add_cluster', cluster: { status: 'active', ...body } }),
  );

  routes.list('/v1/clusters', { summary: 'Clusters by name', item: clusterView }, (queries, { query }) =>
    queries.clusters(query),
  );

  routes.find(
    '/v1/clusters/:name',
    { summary: 'A cluster', params: clusterParams, answer: clusterView },
    (queries, { params }) => queries.cluster(params.name),
  );

  routes.perform(
    'PATCH',
    '/v1/clusters/:name',
    {
      action: 'manage_cluster',
      summary: 'Drain, deactivate or activate a cluster, or change its slots or labels',
      params: clusterParams,
      body: ClusterChangeSchema,
      answers: { 200: clusterView },
    },
    ({ params, body }) => ({ kind: 'change_cluster', name: params.name, ...body }),
  );

  routes.perform(
    'DELETE',
    '/v1/clusters/:name',
    {
      action: 'manage_cluster',
      summary: 'Remove a cluster that runs nothing',
      params: clusterParams,
      answers: { 200: z.object({ name: z.string() }) },
    },
    ({ params }) => ({ kind: 'remove_cluster', name: params.name }),
  );
}
