import { open } from 'node:fs/promises';

/** Makes a file's content, or a folder's entries, outlive a loss of power. */
export async function syncPath(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
