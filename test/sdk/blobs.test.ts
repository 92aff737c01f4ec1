import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type BlobClient, blobOf, createHttpBlobs } from '../../src/sdk/blobs.js';
import type { Timers } from '../../src/sdk/timers.js';

const BYTES = Buffer.from('a large payload');
const BLOB = blobOf(BYTES);

let server: Server | undefined;
/** How long the client wanted to wait; it does not have to. */
const waits: number[] = [];
const timers: Timers = {
  after(ms, run) {
    waits.push(ms);
    setImmediate(run);
    return () => {};
  },
  atEndOfTurn: setImmediate,
};

async function serve(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ client: BlobClient; url: string }> {
  server = createServer(answer);
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/blobs`;
  const client = createHttpBlobs({ token: 'secret', timers });
  client.setBase(base);
  return { client, url: `${base}/${BLOB.sha256}` };
}

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  waits.length = 0;
});

const forever = new AbortController().signal;

describe('getting a blob', () => {
  it('gives bytes of the size and hash of the reference, asked for with the token', async () => {
    const { client, url } = await serve((request, response) => {
      response.end(request.headers.authorization === 'Bearer secret' ? BYTES : 'no token');
    });
    expect(Buffer.from(await client.get(BLOB, url, forever))).toEqual(BYTES);
  });

  it('does not give the token away to another host', async () => {
    const tokens: unknown[] = [];
    const { url } = await serve((request, response) => {
      tokens.push(request.headers.authorization);
      response.end(BYTES);
    });
    const client = createHttpBlobs({ token: 'secret', timers });
    client.setBase('http://elsewhere.example/v1/blobs');
    await client.get(BLOB, url, forever);
    expect(tokens).toEqual([undefined]);
  });

  it('goes on at the orchestrator that leads when the one that has named the blob is gone', async () => {
    const { client, url } = await serve((_, response) => {
      response.destroy();
      client.setBase(next.replace(/\/\w+$/, ''));
    });
    const gone = server;
    const { url: next } = await serve((_, response) => response.end(BYTES));
    expect(Buffer.from(await client.get(BLOB, url, forever))).toEqual(BYTES);
    expect(waits.length).toBe(1);
    gone?.close();
  });

  it('shows the token of the registration, and after a refusal the next one, before the configured one', async () => {
    const tokens: unknown[] = [];
    const { client, url } = await serve((request, response) => {
      tokens.push(request.headers.authorization);
      client.setToken('second');
      response.writeHead(tokens.length === 1 ? 401 : 200).end(tokens.length === 1 ? '' : BYTES);
    });
    client.setToken('first');
    expect(Buffer.from(await client.get(BLOB, url, forever))).toEqual(BYTES);
    expect([tokens, waits]).toEqual([['Bearer first', 'Bearer second'], [250]]);
  });

  it('fails when no token is taken for half a minute, and at once where none can come', async () => {
    const { client, url } = await serve((_request, response) => response.writeHead(401).end());
    await expect(client.get(BLOB, url, forever)).rejects.toMatchObject({ code: 'blob_refused' });
    expect(waits).toEqual([]);
    client.setToken('over');
    await expect(client.put(BLOB, BYTES, forever)).rejects.toMatchObject({ code: 'blob_refused' });
    expect(waits.reduce((sum, ms) => sum + ms, 0)).toBeGreaterThan(30_000);
  });

  it('tries again while the other side cannot, as long as it asks for', async () => {
    let tries = 0;
    const { client, url } = await serve((request, response) => {
      tries += 1;
      if (tries === 1) request.socket.destroy();
      else if (tries === 2) response.writeHead(503, { 'retry-after': '3' }).end();
      else if (tries === 3) response.writeHead(429).end();
      else response.end(BYTES);
    });
    expect(Buffer.from(await client.get(BLOB, url, forever))).toEqual(BYTES);
    expect(waits).toEqual([250, 3_000, 1_000]);
  });

  it('fails at once, and says what helps, where the certificate is not trusted here', async () => {
    const pem = (part: string) => readFileSync(new URL(`../support/tls/first.${part}.pem`, import.meta.url));
    server = createTlsServer({ cert: pem('cert'), key: pem('key') }, (_request, response) =>
      response.end(BYTES),
    );
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/v1/blobs/${BLOB.sha256}`;
    await expect(createHttpBlobs({ token: '', timers }).get(BLOB, url, forever)).rejects.toMatchObject({
      name: 'NonRetryableError',
      code: 'blob_refused',
      message: expect.stringMatching(/its certificate is not trusted here .*NODE_EXTRA_CA_CERTS/),
    });
    expect(waits).toEqual([]);
  });

  it('fails with blob_corrupt when what comes is never what was named', async () => {
    for (const body of ['a wrong payload', 'short', 'a payload that is much too long']) {
      const { client, url } = await serve((_request, response) => response.end(body));
      await expect(client.get(BLOB, url, forever)).rejects.toMatchObject({ code: 'blob_corrupt' });
      server?.close();
    }
  });

  it('fails with blob_missing, blob_refused, or for what is not an address at all', async () => {
    const { client, url } = await serve((request, response) => {
      response.writeHead(request.url?.endsWith('x') ? 404 : 403).end('no');
    });
    await expect(client.get(BLOB, `${url}x`, forever)).rejects.toMatchObject({ code: 'blob_missing' });
    await expect(client.get(BLOB, url, forever)).rejects.toMatchObject({ code: 'blob_refused' });
    await expect(client.get(BLOB, 'nowhere', forever)).rejects.toMatchObject({ code: 'blob_refused' });
  });

  it('ends with the signal’s reason', async () => {
    const controller = new AbortController();
    const { client, url } = await serve(() => controller.abort(new Error('enough')));
    await expect(client.get(BLOB, url, controller.signal)).rejects.toThrow('enough');
  });
});

describe('putting a blob', () => {
  it('sends the bytes under their hash, with the token', async () => {
    const seen: unknown[] = [];
    const { client } = await serve(async (request, response) => {
      const body = Buffer.concat(await request.toArray());
      seen.push(request.method, request.url, request.headers.authorization, body);
      response.writeHead(201).end();
    });
    await client.put(BLOB, BYTES, forever);
    expect(seen).toEqual(['PUT', `/v1/blobs/${BLOB.sha256}`, 'Bearer secret', BYTES]);
  });

  it('tries again on 503, and fails for good, not retryable, on 413', async () => {
    let tries = 0;
    const { client } = await serve((request, response) => {
      tries += 1;
      request.resume();
      response.writeHead(tries === 1 ? 503 : 413).end('too large');
    });
    await expect(client.put(BLOB, BYTES, forever)).rejects.toMatchObject({
      name: 'NonRetryableError',
      code: 'blob_refused',
      message: expect.stringContaining('413'),
    });
    expect(tries).toBe(2);
  });
});
