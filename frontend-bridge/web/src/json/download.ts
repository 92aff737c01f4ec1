/** Files for the person to keep, made here: a link cannot carry the access token. */

import { printIndented } from '../../../../src/base/json/exact.js';
import { extensionOf } from '../../../../src/model/content-kind.js';
import { getFile } from '../api/http.js';

export function downloadJson(name: string, value: unknown): void {
  save(name, new Blob([printIndented(value)], { type: 'application/json' }));
}

export function downloadText(name: string, text: string): void {
  save(name, new Blob([text], { type: 'text/plain;charset=utf-8' }));
}

/** Bytes that the page has already. */
export function downloadFile(name: string, bytes: Uint8Array<ArrayBuffer>, mediaType: string): void {
  save(`${name}.${extensionOf(mediaType)}`, new Blob([bytes], { type: mediaType }));
}

/** The file at `path` under `/v1`, under the name that comes with it; otherwise under this one. */
export async function download(path: string, name: string): Promise<void> {
  const file = await getFile(path);
  save(file.name ?? name, file.content);
}

function save(name: string, content: Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  // The browser has the content by the next turn.
  window.setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
