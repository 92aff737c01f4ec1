/** Rows are JSON in UTF-8; the value of some tables is empty, since the key says it all. */

import { DEFAULT_PROJECT } from '../../model/access.js';

export function encodeRow(row: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(row));
}

export function decodeRow<T>(bytes: Uint8Array): T {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()) as T;
}

/** The value of a row that is only its key. */
export const EMPTY: Uint8Array = new Uint8Array();

/** As rows have it: nothing where it is the one that everything belongs to that was made before there were others. */
export function storedProject(project: string): string | undefined {
  return project === DEFAULT_PROJECT ? undefined : project;
}

/** The project of what a row is about. */
export function projectOfRow({
  project = DEFAULT_PROJECT,
}: {
  readonly project?: string | undefined;
}): string {
  return project;
}
