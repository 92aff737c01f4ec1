/**
 * What a value is, for people: bytes of a kind, or JSON. Bytes come as base64 where their type says so; within JSON, an object with a
 * `media_type` and a `text` or `base64` is content of that kind (`docs/values.md`).
 */

import { plainOf } from '../../../../src/base/json/json-text.js';
import { kindOfBytes, UNKNOWN_KIND } from '../../../../src/model/content-kind.js';
import { isBytes, mediaTypeOf } from '../../../../src/model/media-type.js';

export interface Content {
  readonly mediaType: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Content that is too large to be within its value. */
export interface Elsewhere {
  readonly size: number;
}

/** Pictures that every browser draws. */
const DRAWN = /^image\/(png|jpeg|gif|webp|svg\+xml|avif|bmp|x-icon)$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/** Shorter texts without a space are words. */
const WALL = 120;

/** Whether content of this kind is a picture that the page shows. */
export function isDrawn(mediaType: string): boolean {
  return DRAWN.test(mediaType);
}

/** The content of a value whose type is one of bytes; nothing for any other. */
export function contentOf(value: unknown, type: string | undefined): Content | undefined {
  if (type === undefined || !isBytes(type) || typeof value !== 'string') return undefined;
  return contentFrom(decodeBase64(value), type);
}

export function contentFrom(bytes: Uint8Array<ArrayBuffer>, type: string | undefined): Content {
  return { bytes, mediaType: mediaTypeOf(type ?? '') ?? kindOfBytes(bytes) };
}

/** Where only a reference stands for the value. */
export function elsewhere(value: unknown): Elsewhere | undefined {
  const structure = plainOf(value);
  if (typeof structure !== 'object' || structure === null || !('blob' in structure)) return undefined;
  const { blob } = structure as { readonly blob: unknown };
  const isAlone = Object.keys(structure).length === 1 && typeof blob === 'object' && blob !== null;
  return isAlone && 'sha256' in blob && 'size' in blob ? { size: Number(blob.size) } : undefined;
}

/** What an object within JSON holds for people; nothing for any other value. */
export function mediaIn(value: unknown): Content | undefined {
  const object = plainOf(value);
  if (typeof object !== 'object' || object === null || Object.keys(object).length !== 2) return undefined;
  const { media_type: mediaType, text, base64 } = object as Readonly<Record<string, unknown>>;
  if (typeof mediaType !== 'string') return undefined;
  if (typeof text === 'string') return { mediaType, bytes: new TextEncoder().encode(text) };
  return typeof base64 === 'string' && BASE64.test(base64)
    ? { mediaType, bytes: decodeBase64(base64) }
    : undefined;
}

/** The bytes that a long text within JSON is the base64 of. */
export function contentInText(text: string): Content | undefined {
  if (text.length < WALL || !BASE64.test(text)) return undefined;
  const bytes = decodeBase64(text);
  const mediaType = kindOfBytes(bytes);
  // A word of a hundred letters is not base64 of text; what is neither text nor of a known kind is at least no text to read.
  return mediaType === UNKNOWN_KIND || !mediaType.startsWith('text/') ? { bytes, mediaType } : undefined;
}

export function textIn({ bytes }: Content): string {
  return new TextDecoder().decode(bytes);
}

function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  const standard = text.replaceAll('-', '+').replaceAll('_', '/');
  try {
    return Uint8Array.from(atob(standard), (char) => char.charCodeAt(0));
  } catch {
    return new TextEncoder().encode(text);
  }
}
