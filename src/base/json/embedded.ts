/**
 * JSON inside JSON. Fields of type `bytes` arrive as base64, and modules put UTF-8 JSON there (`extra_data`) or into strings:
 * people want to read what it says.
 */

import { readExactly } from './exact.js';

/** Shorter strings are more often words that look like base64 than base64. */
const SHORTEST = 8;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The object or list that `text` holds, as JSON or as base64 of JSON; nothing when it holds neither. */
export function embeddedJson(
  text: string,
): { readonly value: object; readonly from: 'json' | 'base64' } | undefined {
  const plain = parseStructure(text);
  if (plain) return { value: plain, from: 'json' };
  if (text.length < SHORTEST || !BASE64.test(text)) return undefined;
  const decoded = parseStructure(decodeBase64(text));
  return decoded ? { value: decoded, from: 'base64' } : undefined;
}

function parseStructure(text: string): object | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return readExactly(text) as object;
  } catch {
    return undefined;
  }
}

function decodeBase64(text: string): string {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new TextDecoder().decode(bytes);
}
