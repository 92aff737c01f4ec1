/** Blobs over HTTP, in memory: what `PUT` and `GET /v1/blobs/{sha256}` are on an orchestrator. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { sha256Of } from '../base/sha256.js';
import type { BlobRef } from '../model/payload.js';

export interface BlobShelf {
  readonly url: string;
  readonly blobs: Map<string, Uint8Array>;
  /** How often each blob was uploaded. */
  readonly uploads: Map<string, number>;
  /** Puts a blob there, as another node would have. */
  keep(bytes: Uint8Array): BlobRef;
  close(): Promise<void>;
}

export async function openBlobShelf(): Promise<BlobShelf> {
  const blobs = new Map<string, Uint8Array>();
  const uploads = new Map<string, number>();

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const name = /\/([0-9a-f]{64})$/.exec(request.url ?? '')?.[1];
    if (name === undefined) {
      response.writeHead(404).end();
    } else if (request.method === 'PUT') {
      const bytes = await buffer(request);
      if (sha256Of(bytes) !== name) {
        response.writeHead(422).end('the content does not hash to its name');
        return;
      }
      blobs.set(name, bytes);
      uploads.set(name, (uploads.get(name) ?? 0) + 1);
      response.writeHead(201, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ sha256: name, size: bytes.byteLength }));
    } else {
      const bytes = blobs.get(name);
      if (bytes) response.writeHead(200, { 'content-length': bytes.byteLength }).end(bytes);
      else response.writeHead(404).end();
    }
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}/v1/blobs`,
    blobs,
    uploads,
    keep(bytes) {
      const name = sha256Of(bytes);
      blobs.set(name, bytes);
      return { sha256: name, size: bytes.byteLength };
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
