/** Files that a request names: each is uploaded as a blob first. */
import { createHash } from 'node:crypto';
import type { Http } from './http.js';

/** By the path that the request has for it, the content. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

/** A file may be large. */
const UPLOAD_TIMEOUT_MS = 600_000;

/** By path, the SHA-256. */
export async function uploadAll(
  http: Http,
  files: Files,
  signal?: AbortSignal,
): Promise<Record<string, string>> {
  const hashes: Record<string, string> = {};
  for (const [path, content] of Object.entries(files)) hashes[path] = await upload(http, content, signal);
  return hashes;
}

/** Its SHA-256. */
export async function upload(
  http: Http,
  content: string | Uint8Array,
  signal: AbortSignal | undefined,
): Promise<string> {
  const bytes = Buffer.from(content);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  await http.fetch(`/v1/blobs/${sha256}`, {
    ...{ method: 'PUT', body: bytes, timeoutMs: UPLOAD_TIMEOUT_MS },
    headers: { 'content-type': 'application/octet-stream' },
    ...(signal && { signal }),
  });
  return sha256;
}
