/**
 * The web app's files. They contain no data, so they need no token; the app fetches its data with one.
 *
 * The app has one address, and says in its query what it shows. Its own addresses are relative, so that it works behind a proxy under any
 * prefix; any deeper path is a 404, since it would load nothing from there.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import { HttpError } from '../errors.js';
import type { App } from '../http.js';

const POLICY = [
  "default-src 'self'",
  "img-src 'self' data: blob:",
  "style-src 'self' 'unsafe-inline'",
  "worker-src 'self' blob:",
  "object-src 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

export async function webRoutes(app: App, webRoot: string | undefined): Promise<void> {
  if (webRoot === undefined || !existsSync(join(webRoot, 'index.html'))) {
    app.get('/', { schema: { hide: true } }, () => {
      throw new HttpError(404, 'no_web_app', 'The web app is not built.', { hint: 'Run `npm run build`.' });
    });
    return;
  }
  await app.register(fastifyStatic, {
    root: webRoot,
    wildcard: false,
    // Vite puts a hash of the content into the names of its assets.
    setHeaders: (reply, path) => {
      const hashed = path.includes('/assets/');
      reply.header('cache-control', hashed ? 'public, max-age=31536000, immutable' : 'no-cache');
      if (path.endsWith('.html')) reply.header('content-security-policy', POLICY);
    },
  });
}
