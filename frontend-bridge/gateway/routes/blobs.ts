/** Content-addressed blobs, in and out as streams: none is ever held. */
import type { IncomingMessage } from 'node:http';
import { PassThrough, type Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { SHA256 } from '../../../src/base/sha256.js';
import type { Blobs, Coordinator } from '../../../src/orchestrator/port.js';
import { blobView } from '../answers/execution.js';
import { answers, bytes, content } from '../answers/shape.js';
import { HttpError, refusalError } from '../errors.js';
import { type App, within } from '../http.js';
import { parseRange } from '../range.js';

const ROUTE = '/v1/blobs/:sha256';
const blobParams = z.object({
  sha256: z.string().regex(SHA256, 'A SHA-256 is 64 lower-case hex digits'),
});

export function blobRoutes(app: App, coordinator: Coordinator): void {
  const read = async (
    request: FastifyRequest,
    reply: FastifyReply,
    sha256: string,
  ): Promise<FastifyReply> => {
    return sendBlob(request, reply, blobsOf(coordinator, request), sha256, 'application/octet-stream', {
      etag: `"${sha256}"`,
      'cache-control': 'private, max-age=31536000, immutable',
    });
  };

  const schema = {
    params: blobParams,
    response: answers({
      200: content('The content', { 'application/octet-stream': bytes }),
      206: content('A range of the blob', { 'application/octet-stream': bytes }),
    }),
  };
  app.get(
    ROUTE,
    {
      config: { action: 'read', isForNodes: true },
      exposeHeadRoute: false,
      schema: { ...schema, summary: 'A blob, or a range of it' },
    },
    (request, reply) => read(request, reply, request.params.sha256),
  );
  app.head(
    ROUTE,
    { config: { action: 'read', isForNodes: true }, schema: { ...schema, hide: true } },
    (request, reply) => read(request, reply, request.params.sha256),
  );

  void app.register(async (scope: App) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
    scope.put(
      ROUTE,
      {
        config: { action: 'submit', isForNodes: true, streamsBody: true },
        schema: {
          summary: 'Upload a blob; uploading an existing blob renews its lease',
          consumes: ['application/octet-stream'],
          params: blobParams,
          body: bytes,
          response: answers({ 200: blobView, 201: blobView }),
        },
      },
      async (request, reply) => {
        const { sha256 } = request.params;
        const result = await blobsOf(coordinator, request).put(sha256, contentOf(request.raw));
        if (!request.raw.readableEnded) reply.header('connection', 'close');
        if (!result.ok) throw refusalError(result);
        reply.code(result.existed ? 200 : 201);
        return result.blob;
      },
    );
  });
}

function blobsOf(coordinator: Coordinator, request: FastifyRequest): Blobs {
  const { node } = request.caller;
  return node ? coordinator.nodeBlobs.blobsOf(node) : within(coordinator, request).blobs;
}

/** A request's body as a stream that may be given up without cutting the connection: the refusal is still to be sent on it. */
function contentOf(request: IncomingMessage): Readable {
  const content = new PassThrough();
  request.on('error', (error) => content.destroy(error));
  content.on('close', () => request.unpipe(content));
  return request.pipe(content);
}

/**
 * Replies with a blob's bytes, or the range of them that is asked for; to HEAD with the headers only. The size is the file's, and where
 * fewer or other bytes come, the connection is cut, so that no client mistakes them for the whole.
 */
export async function sendBlob(
  request: FastifyRequest,
  reply: FastifyReply,
  blobs: Blobs,
  sha256: string,
  type: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<FastifyReply> {
  const blob = await blobs.open(sha256);
  if ('ok' in blob) throw refusalError(blob);
  const range = parseRange(request.headers.range, blob.size);
  const isRead = range !== 'unsatisfiable' && request.method !== 'HEAD';
  if (!isRead) await blob.close();
  reply.header('accept-ranges', 'bytes');
  if (range === 'unsatisfiable') {
    reply.header('content-range', `bytes */${blob.size}`);
    throw new HttpError(
      416,
      'bad_range',
      `${request.headers.range} is not within the ${blob.size} bytes there are.`,
    );
  }
  const length = range === undefined ? blob.size : range.end - range.start + 1;
  reply
    .headers({ ...headers })
    .type(type)
    .header('content-length', length);
  reply.raw.strictContentLength = true;
  if (range !== undefined) {
    reply.code(206).header('content-range', `bytes ${range.start}-${range.end}/${blob.size}`);
  }
  return reply.send(isRead ? blob.read(range) : undefined);
}
