import { createHash } from 'node:crypto';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadBoxes } from '../../../src/bus/zmtp/boxes.js';
import { NodeKeys } from '../../../src/orchestrator/access/node-keys.js';
import { fakeNode } from '../../support/fake-coordinator.js';
import { type RunningGateway, startGateway } from '../../support/gateway.js';

/** They store nothing, so that a repeat does no harm. */
const UNKEYED: readonly string[] = ['POST /v1/login', 'POST /v1/logout', 'POST /v1/sessions'];

/** The routes of the contract, as OpenAPI writes them. */
const CONTRACT = [
  'POST /v1/problems',
  'POST /v1/problems:batch',
  'GET /v1/problems',
  'GET /v1/problems/{problem_id}',
  'GET /v1/problems/{problem_id}/iterations',
  'POST /v1/problems/{problem_id}/iterations',
  'GET /v1/problems/{problem_id}/diff',
  'GET /v1/problems/{problem_id}/export',
  'GET /v1/problems/{problem_id}/iterations/{iteration_id}',
  'GET /v1/problems/{problem_id}/iterations/{iteration_id}/outputs/{module}',
  'GET /v1/problems/{problem_id}/iterations/{iteration_id}/outputs/{module}/file',
  'GET /v1/problems/{problem_id}/iterations/{iteration_id}/crate',
  'GET /v1/problems/{problem_id}/iterations/{iteration_id}/queue',
  'GET /v1/problems/{problem_id}/iterations/{iteration_id}/executions',
  'GET /v1/problems/{problem_id}/iterations/{iteration_id}/executions/{execution_id}',
  'GET /v1/problems/{problem_id}/iterations/{iteration_id}/executions/{execution_id}/outputs/{seq}',
  'GET /v1/problems/{problem_id}/iterations/{iteration_id}/executions/{execution_id}/outputs/{seq}/file',
  'GET /v1/problems/{problem_id}/iterations/{iteration_id}/executions/{execution_id}/log',
  'GET /v1/problems/{problem_id}/iterations/{iteration_id}/items/{module}',
  'GET /v1/problems/{problem_id}/iterations/{iteration_id}/items/{module}/{item}',
  'GET /v1/problems/{problem_id}/iterations/{iteration_id}/items/{module}/states',
  'GET /v1/problems/{problem_id}/iterations/{iteration_id}/events',
  'POST /v1/problems/{problem_id}/iterations/{iteration_id}/commands',
  'POST /v1/problems/{problem_id}/iterations/{iteration_id}/approvals/{module}',
  'GET /v1/approvals',
  'GET /v1/audit',
  'GET /v1/audit/export',
  'GET /v1/iterations',
  'GET /v1/iterations/export',
  'GET /v1/nodes',
  'GET /v1/queue',
  'GET /v1/nodes/{node_id}',
  'DELETE /v1/nodes/{node_id}',
  'GET /v1/nodes/{node_id}/events',
  'POST /v1/nodes/{node_id}/commands',
  'POST /v1/nodes/{node_id}/configuration',
  'GET /v1/node-keys',
  'POST /v1/node-keys/joins',
  'POST /v1/node-keys/subscribers',
  'POST /v1/node-keys/revoke',
  'POST /v1/server-keys',
  'GET /v1/commands/{command_id}',
  'POST /v1/clusters',
  'GET /v1/clusters',
  'GET /v1/clusters/{name}',
  'PATCH /v1/clusters/{name}',
  'PATCH /v1/problems/{problem_id}',
  'GET /v1/tags',
  'DELETE /v1/clusters/{name}',
  'POST /v1/campaigns',
  'GET /v1/campaigns',
  'GET /v1/campaigns/{campaign_id}',
  'POST /v1/campaigns/{campaign_id}/commands',
  'POST /v1/deployments',
  'GET /v1/deployments',
  'GET /v1/deployments/{deployment_id}',
  'POST /v1/deployments/{deployment_id}/continue',
  'POST /v1/deployments/{deployment_id}/diff',
  'POST /v1/deployments/{deployment_id}/update',
  'POST /v1/deployments/{deployment_id}/undeploy',
  'POST /v1/deployments/{deployment_id}/cancel',
  'GET /v1/deployments/{deployment_id}/operations',
  'GET /v1/deployments/{deployment_id}/operations/{operation_id}',
  'GET /v1/deployments/{deployment_id}/operations/{operation_id}/log',
  'PUT /v1/services/{name}',
  'GET /v1/services',
  'GET /v1/services/{name}',
  'POST /v1/services/{name}/commands',
  'DELETE /v1/services/{name}',
  'GET /v1/services/{name}/placement',
  'GET /v1/services/{name}/log',
  'DELETE /v1/secrets/{name}',
  'GET /v1/secrets',
  'PUT /v1/secrets/{name}',
  'GET /v1/me',
  'POST /v1/login',
  'POST /v1/logout',
  'POST /v1/sessions',
  'GET /v1/access',
  'POST /v1/access',
  'DELETE /v1/access/{access_id}',
  'DELETE /v1/webhooks/{name}',
  'GET /v1/webhooks',
  'POST /v1/webhooks',
  'POST /v1/webhooks/{name}/test',
  'POST /v1/jobs',
  'GET /v1/jobs',
  'GET /v1/jobs/{job_id}',
  'GET /v1/jobs/{job_id}/log',
  'POST /v1/jobs/{job_id}/cancel',
  'GET /v1/graphs',
  'GET /v1/graphs/{name}',
  'GET /v1/graphs/{name}/samples',
  'GET /v1/graphs/{name}/versions/{version}',
  'POST /v1/graphs',
  'PUT /v1/graphs/{name}',
  'GET /v1/blobs/{sha256}',
  'PUT /v1/blobs/{sha256}',
  'GET /livez',
  'GET /readyz',
  'GET /metrics',
  'GET /v1/stats',
  'GET /v1/peers',
  'GET /v1/activity',
  'GET /v1/stream',
];

interface Operation {
  readonly summary?: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: { readonly content: Record<string, unknown> };
  readonly responses: Record<
    string,
    { readonly headers?: object; readonly content?: Record<string, object> }
  >;
}
interface Document {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: Record<string, object>; readonly securitySchemes?: object };
}

let running: RunningGateway;
let document: Document;
let ajv: Ajv2020;

beforeAll(async () => {
  await loadBoxes();
  const keys = new NodeKeys({
    stored: { server: [], keys: [], joins: [] },
    save: async () => {},
    nowMs: () => Date.now(),
    onRevoked: () => {},
  });
  await keys.add('0'.repeat(40), { subscribe: true });
  running = await startGateway({ token: 'secret', keys });
  document = (await (await get('/openapi.json')).json()) as Document;
  ajv = new Ajv2020({ strict: false, logger: false });
  ajv.addSchema(document, 'api');
});
afterAll(() => running.gateway.stop());

function get(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(running.url + path, { ...init, headers: { authorization: 'Bearer secret', ...init.headers } });
}

function operations(): [string, Operation][] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [
      `${method.toUpperCase()} ${path}`,
      operation,
    ]),
  );
}

/** The faults of a JSON answer against what OpenAPI says of it. */
function faultsOf(name: string, status: number, value: unknown): unknown {
  const [method = '', path = ''] = name.split(' ');
  const place = [
    'paths',
    path,
    method.toLowerCase(),
    'responses',
    String(status),
    'content',
    'application/json',
    'schema',
  ];
  const pointer = place.map((key) => key.replaceAll('~', '~0').replaceAll('/', '~1')).map(encodeURIComponent);
  const validate = ajv.compile({ $ref: `api#/${pointer.join('/')}` });
  return validate(value) ? [] : validate.errors;
}

describe('the OpenAPI document', () => {
  it('has every route of the contract, and no other', () => {
    expect(
      operations()
        .map(([name]) => name)
        .sort(),
    ).toEqual([...CONTRACT].sort());
  });

  it('says of every route what it does, takes and answers, and that it may refuse', () => {
    for (const [name, operation] of operations()) {
      expect([name, operation.summary]).toEqual([name, expect.stringMatching(/\S/)]);
      const named = [...name.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter);
      const params = operation.parameters?.filter((one) => one.in === 'path').map((one) => one.name) ?? [];
      expect([name, params.sort()]).toEqual([name, named.sort()]);
      expect([name, operation.responses.default?.content]).toEqual([
        name,
        { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
      ]);
      if (name.startsWith('POST') && !UNKEYED.includes(name)) {
        expect([name, operation.parameters?.some((one) => one.name === 'idempotency-key')]).toEqual([
          name,
          true,
        ]);
      }
      if (/^(POST|PUT)/.test(name) && name !== 'POST /v1/logout')
        expect([name, operation.requestBody]).toEqual([name, expect.anything()]);
      if (name.startsWith('GET') && name !== 'GET /v1/stream') {
        expect([name, operation.responses['200']?.headers]).toEqual([
          name,
          { 'Tutti-Cursor': expect.anything() },
        ]);
      }
    }
  });

  it('says that a token is needed where one is', () => {
    expect(document.components.securitySchemes).toEqual({ token: { type: 'http', scheme: 'bearer' } });
  });

  it('is true of what the routes answer', async () => {
    const post = async (path: string, body: unknown): Promise<Record<string, never>> =>
      (await (
        await get(path, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        })
      ).json()) as Record<string, never>;
    const node = fakeNode();
    running.coordinator.nodes.set(String(node.node_id), node);
    const submitted = await post('/v1/problems', { graph: 'demo', input: { text: 'a' } });
    expect(faultsOf('POST /v1/problems', 201, submitted)).toEqual([]);
    const cluster = await post('/v1/clusters', {
      name: 'demo',
      type: 'local',
      resources: { memory: '1GiB' },
    });
    expect(faultsOf('POST /v1/clusters', 201, cluster)).toEqual([]);
    const applied = await get('/v1/services/demo', {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ command: ['true'] }),
    });
    const service = (await applied.json()) as Record<string, never>;
    expect(faultsOf('PUT /v1/services/{name}', 201, service)).toEqual([]);
    const policy = { propose: { repeat: true }, max_iterations: 1 };
    const campaign = await post('/v1/campaigns', { name: 'demo', graph: 'demo', input: {}, policy });
    expect(faultsOf('POST /v1/campaigns', 202, campaign)).toEqual([]);
    const begun = await post('/v1/deployments', { name: 'demo', blueprint: '' });
    expect(faultsOf('POST /v1/deployments', 202, begun)).toEqual([]);
    const job = await post('/v1/jobs', { name: 'fit', script: '#!/bin/sh\n' });
    expect(faultsOf('POST /v1/jobs', 201, job)).toEqual([]);
    const problem = String(submitted.problem_id);
    running.coordinator.output({ problemId: problem, iterationId: 1 }, 'length', 7);
    const { command_id } = await post(`/v1/problems/${problem}/iterations/1/commands`, {
      command: 'preempt',
    });
    running.coordinator.end({ problemId: problem, iterationId: 1 }, 'succeeded');
    const view = (await (await get(`/v1/problems/${problem}/iterations/1`)).json()) as {
      modules: Record<string, { execution_id: string }>;
    };
    const values: Record<string, string> = {
      problem_id: problem,
      iteration_id: '1',
      module: 'length',
      execution_id: view.modules.length!.execution_id,
      seq: '1',
      item: '0',
      node_id: String(node.node_id),
      command_id: String(command_id),
      job_id: String(job.job_id),
      name: 'demo',
      campaign_id: 'demo',
      deployment_id: 'demo',
      operation_id: '1',
      version: '1',
    };
    const content = Buffer.from('blob');
    values.sha256 = createHash('sha256').update(content).digest('hex');
    await get(`/v1/blobs/${values.sha256}`, { method: 'PUT', body: content });

    const grant = await post('/v1/access', { name: 'ada', role: 'viewer', expires_in_ms: 60_000 });
    expect(faultsOf('POST /v1/access', 201, grant)).toEqual([]);

    let checked = 0;
    for (const [name, operation] of operations()) {
      if (!name.startsWith('GET') || name === 'GET /v1/stream') continue;
      const path = name.slice(4).replace(/\{(\w+)\}/g, (_all, key: string) => values[key] ?? '');
      const reply = await get(path + (name.endsWith('/diff') ? '?a=1&b=1' : ''));
      expect([name, reply.status]).toEqual([name, 200]);
      const type = reply.headers.get('content-type')?.split(';')[0] ?? '';
      expect([name, Object.keys(operation.responses['200']?.content ?? {})]).toEqual([
        name,
        expect.arrayContaining([type]),
      ]);
      if (type === 'application/json') {
        expect([name, faultsOf(name, 200, await reply.json())]).toEqual([name, []]);
        checked += 1;
      }
    }
    expect(checked).toBeGreaterThan(15);
    const refused = await (await get('/v1/problems?limit=0')).json();
    expect(faultsOf('GET /v1/problems', 'default' as never, refused)).toEqual([]);
  });
});
