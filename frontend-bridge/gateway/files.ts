/**
 * Stored outputs as files to keep: with a name, with the media type that they have, and so that none is ever run as a page of ours,
 * whatever its bytes are.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Blobs, StoredOutput } from '../../src/orchestrator/port.js';
import { fileOf } from './output-file.js';
import { sendBlob } from './routes/blobs.js';

/** A browser that shows the file all the same gives it no script, no form and no origin. */
const INERT = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox";

/** `name` is without an ending, and of letters, digits, `-` and `_` only. */
export async function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  blobs: Blobs,
  output: StoredOutput,
  name: string,
): Promise<FastifyReply> {
  const { mediaType, extension, content } = await fileOf(blobs, output);
  reply
    .header('content-security-policy', INERT)
    .header('content-disposition', `attachment; filename="${name}.${extension}"`);
  const contentType = /^text\//.test(mediaType) ? `${mediaType}; charset=utf-8` : mediaType;
  if (content.kind === 'blob') return sendBlob(request, reply, blobs, content.blob.sha256, contentType);
  return reply.type(contentType).send(Buffer.from(content.bytes));
}
