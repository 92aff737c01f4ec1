/** A stored value as a file: its media type, the ending of its name, and what is in it. */
import { printIndented } from '../../src/base/json/exact.js';
import { extensionOf, kindOfBytes, LOOKED_AT_BYTES } from '../../src/model/content-kind.js';
import { isBytes, mediaTypeOf } from '../../src/model/media-type.js';
import type { Payload } from '../../src/model/payload.js';
import type { Blobs, StoredOutput } from '../../src/orchestrator/port.js';
import { refusalError } from './errors.js';

export interface OutputFile {
  readonly mediaType: string;
  /** Of its name, without the dot. */
  readonly extension: string;
  readonly content: Payload;
}

/** JSON is indented; all else is byte by byte what the node has sent. */
export async function fileOf(blobs: Blobs, output: StoredOutput): Promise<OutputFile> {
  const mediaType = await mediaTypeOfOutput(blobs, output);
  const isJson = mediaType === 'application/json' && !isBytes(output.type) && output.raw.kind === 'inline';
  const content: Payload = isJson
    ? { kind: 'inline', bytes: Buffer.from(`${printIndented(output.json)}\n`) }
    : output.raw;
  return { mediaType, extension: extensionOf(mediaType), content };
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
