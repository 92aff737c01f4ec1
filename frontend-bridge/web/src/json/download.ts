/** Files for the person to keep, made here: a link cannot carry the access token. */
import { printIndented } from '../../../../src/base/json/exact.js';
import { getBytes } from '../api/http.js';

export function downloadJson(name: string, value: unknown): void {
  save(name, new Blob([printIndented(value)], { type: 'application/json' }));
}

/** The bytes at `path` under `/v1`, as the node sent them. */
export async function download(name: string, path: string): Promise<void> {
  save(name, await getBytes(path));
}

function save(name: string, content: Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  // The browser has the content by the next turn.
  window.setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
