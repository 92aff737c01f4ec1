/** `/openapi.json`: what the routes say about themselves, and what all of them have in common. */
import fastifySwagger from '@fastify/swagger';
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { LEAST_ROLE } from '../../src/model/access.js';
import { namedSchemas } from './answers/shape.js';
import type { App } from './http.js';

interface Operation {
  responses?: Record<string, { description?: string; headers?: Record<string, unknown> }>;
}
type Paths = Record<string, Record<string, Operation>>;

const CURSOR = {
  description: 'The event seq that this answer reflects: subscribe from there to stay up to date',
  schema: { type: 'integer', minimum: 0 },
};
const RETRY_AFTER = { description: 'With 429 and 503: seconds to wait', schema: { type: 'integer' } };

export async function describeRoutes(app: App, needsToken: boolean): Promise<void> {
  const transform = createJsonSchemaTransform({ schemaRegistry: namedSchemas });
  const transformObject = createJsonSchemaTransformObject({ schemaRegistry: namedSchemas });
  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Tutti',
        version: '1',
        description: 'Problems, iterations, nodes and graphs of one orchestrator',
      },
      ...(needsToken && {
        components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
        security: [{ token: [] }],
      }),
    },
    transform: (data) => {
      const described = transform(data as Parameters<typeof transform>[0]);
      const { action, isOpen } = data.route.config ?? {};
      if (isOpen) return { ...described, schema: { ...described.schema, security: [] } };
      if (action === undefined) return described;
      return { ...described, schema: { ...described.schema, 'x-role': LEAST_ROLE[action] } };
    },
    transformObject: (document) => {
      const described = transformObject(document) as { paths?: Paths };
      for (const operations of Object.values(described.paths ?? {})) completeOperations(operations);
      return described as ReturnType<typeof transformObject>;
    },
  });
}

export function openApiRoute(app: App): void {
  let text: string | undefined;
  app.get(
    '/openapi.json',
    { config: { action: 'read', page: 'openapi' }, schema: { hide: true } },
    (_request, reply) => {
      text ??= JSON.stringify(app.swagger());
      return reply.type('application/json; charset=utf-8').send(text);
    },
  );
}

function completeOperations(operations: Record<string, Operation>): void {
  for (const [method, operation] of Object.entries(operations)) {
    for (const [status, response] of Object.entries(operation.responses ?? {})) {
      if (status === 'default') {
        response.description = 'Refused: the error gives the reason and a remedy';
        response.headers = { 'Retry-After': RETRY_AFTER };
      } else if (method === 'get') {
        response.headers = { 'Tutti-Cursor': CURSOR };
      }
    }
  }
}
