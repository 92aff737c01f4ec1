/** The form of a graph file, for editors, which have no token. It tells what the documentation tells. */
import type { App } from '../http.js';

export function graphSchemaRoute(app: App, schema: object | undefined): void {
  if (schema === undefined) return;
  const text = JSON.stringify(schema);
  app.get('/schema/graph.json', { schema: { hide: true } }, async (_request, reply) =>
    // Editors may run in a browser, on another site.
    reply
      .header('access-control-allow-origin', '*')
      .type('application/schema+json; charset=utf-8')
      .serializer(String)
      .send(text),
  );
}
