/**
 * The web app's files. They contain no data, so they need no token; the app fetches its data with one.
 *
 * The app has one address, and says in its query what it shows. Its own addresses are relative, so that it works behind a proxy under any
 * prefix. A deeper path that names something (`/problems/…`) leads there; any other gets a page that says so, and only a browser gets it:
 * a client that asks for JSON is answered in JSON.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyReply, FastifyRequest } from 'fastify';
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
      throw new HttpError(404, 'no_web_app', 'The page is not built.', { hint: 'Run `npm run build`.' });
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
      // A worker has the policy that its own file comes with.
      reply.header('content-security-policy', path.endsWith('.html') ? POLICY : "frame-ancestors 'none'");
    },
  });
}

/** Paths that people type or cut short, and what the page shows for each. */
const PAGES: readonly (readonly [
  path: RegExp,
  query: (named: Record<string, string>) => Record<string, string>,
])[] = [
  [/^problems$/, () => ({ page: 'problems' })],
  [/^problems\/(?<problem>[^/]+)$/, (named) => named],
  [/^problems\/(?<problem>[^/]+)\/iterations$/, (named) => ({ page: 'iterations', ...named })],
  [/^problems\/(?<problem>[^/]+)\/iterations\/(?<iteration>\d+)$/, (named) => named],
  [/^problems\/(?<problem>[^/]+)\/iterations\/(?<iteration>\d+)\/(?<module>[^/]+)$/, (named) => named],
  [/^nodes$/, () => ({ page: 'nodes' })],
  [/^nodes\/(?<node>[^/]+)$/, (named) => ({ page: 'nodes', ...named })],
  [/^graphs$/, () => ({ page: 'graphs' })],
  [/^graphs\/(?<name>[^/]+)$/, (named) => ({ page: 'graphs', ...named })],
  [/^graphs\/(?<name>[^/]+)\/versions\/(?<version>\d+)$/, (named) => ({ page: 'graphs', ...named })],
  [/^new$/, () => ({ page: 'new' })],
];

/** Answers a browser that asks for a page below the app's own address; nothing where somebody else asks, or for something else. */
export function answerDeepPath(request: FastifyRequest, reply: FastifyReply): FastifyReply | undefined {
  const [path = ''] = request.url.split('?');
  const isPage = request.method === 'GET' && /\btext\/html\b/.test(request.headers.accept ?? '');
  if (!isPage || /^\/(v1|assets)(\/|$)/.test(path)) return undefined;
  const steps = path.slice(1).replace(/\/$/, '');
  // Relative, since a proxy may serve it all under a prefix.
  const home = `./${'../'.repeat(path.split('/').length - 2)}`;
  for (const [pattern, queryOf] of PAGES) {
    const named = pattern.exec(steps);
    if (named === null) continue;
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(queryOf({ ...named.groups }))) query.set(name, decode(value));
    return reply.redirect(`${home}?${query}`, 302);
  }
  return reply
    .code(404)
    .type('text/html; charset=utf-8')
    .header('content-security-policy', POLICY)
    .send(
      `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>Not found · Tutti</title><body style="font: 1rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 14vh auto; padding: 0 1.25rem"><main><h1>There is nothing here</h1><p>There is no page at this address. <a href="${home}">Go to Tutti's page</a></p></main></body></html>`,
    );
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
