/** `/openapi.json` without an orchestrator: what the types of clients are generated from. */
import Fastify from 'fastify';
import { validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { apiRoutes } from './application.js';
import type { App } from './http.js';
import { describeRoutes } from './openapi.js';

export async function openApiDocument(): Promise<object> {
  const app: App = Fastify().withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(() => String);
  await describeRoutes(app, true);
  // Nothing is asked: the routes are described, and never called.
  const nothing = {} as never;
  const parts = {
    coordinator: nothing,
    hub: nothing,
    connections: nothing,
    holders: nothing,
    metrics: nothing,
    peers: nothing,
    logger: nothing,
    access: nothing,
  };
  await app.register(async (api: App) =>
    apiRoutes(api, parts, {
      samples: nothing,
      limits: nothing,
      jobTypes: new Map(),
      version: nothing,
      token: undefined,
    }),
  );
  await app.ready();
  return app.swagger();
}
