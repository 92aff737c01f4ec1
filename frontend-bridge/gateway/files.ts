/**
 * Stored outputs as files to keep: with a name, with the media type that they have, and so that none is ever run as a page of ours,
 * whatever its bytes are.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { printIndented } from '../../src/base/json/exact.js';
import { extensionOf, kindOfBytes, LOOKED_AT_BYTES } from '../../src/model/content-kind.js';
import { isBytes, mediaTypeOf } from '../../src/model/media-type.js';
import type { Blobs, StoredOutput } from '../../src/orchestrator/port.js';
import { refusalError } from './errors.js';
import { sendBlob } from './routes/blobs.js';

/** A browser that shows the file all the same gives it no script, no form and no origin. */
const INERT = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox";

/** `name` is without an ending, and of letters, digits, `-` and `_` only. */
export async function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  blobs: Blobs,
  output: StoredOutput,
  name: string,
): Promise<FastifyReply> {
  const { raw, type } = output;
  const mediaType = await mediaTypeOfOutput(blobs, output);
  reply
    .header('content-security-policy', INERT)
    .header('content-disposition', `attachment; filename="${name}.${extensionOf(mediaType)}"`);
  const contentType = /^text\//.test(mediaType) ? `${mediaType}; charset=utf-8` : mediaType;
  if (raw.kind === 'blob') return sendBlob(request, reply, blobs, raw.blob.sha256, contentType);
  const content =
    mediaType === 'application/json' && !isBytes(type)
      ? `${printIndented(output.json)}\n`
      : Buffer.from(raw.bytes);
  return reply.type(contentType).send(content);
}

/** As the graph says, or where it only says that these are bytes, as they look. */
async function mediaTypeOfOutput(blobs: Blobs, { type, raw }: StoredOutput): Promise<string> {
  if (type === 'json' || type.startsWith('json:')) return 'application/json';
  if (!isBytes(type)) return 'application/x-protobuf';
  const named = mediaTypeOf(type);
  if (named !== undefined) return named;
  return kindOfBytes(raw.kind === 'inline' ? raw.bytes : await beginningOf(blobs, raw.blob.sha256));
}

async function beginningOf(blobs: Blobs, sha256: string): Promise<Uint8Array> {
  const blob = await blobs.open(sha256);
  if ('ok' in blob) throw refusalError(blob);
  if (blob.size === 0) {
    await blob.close();
    return new Uint8Array();
  }
  const parts: Uint8Array[] = [];
  // One more than is looked at, so that a text that goes on may be cut within a character.
  const end = Math.min(LOOKED_AT_BYTES, blob.size - 1);
  for await (const part of blob.read({ start: 0, end })) parts.push(part as Uint8Array);
  return Buffer.concat(parts);
}
