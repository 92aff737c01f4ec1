/** Bundles a TypeScript program of the tests with all of the project that it imports; packages stay where they are. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { rolldown } from 'rolldown';

/** Beside the packages, so that a program finds them. */
const CACHE = 'node_modules/.cache';

/**
 * @param {string} root the package's folder
 * @param {string} entry
 * @returns {Promise<string>} a module in a folder of its own that is removed when this process ends
 */
export async function bundle(root, entry) {
  mkdirSync(join(root, CACHE), { recursive: true });
  const folder = mkdtempSync(join(root, CACHE, 'tutti-program-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'program.mjs');
  const build = await rolldown({
    input: resolve(root, entry),
    platform: 'node',
    logLevel: 'silent',
    external: (id) => !id.startsWith('.') && !id.startsWith('/'),
  });
  await build.write({ file, format: 'esm', sourcemap: 'inline', codeSplitting: false });
  await build.close();
  return file;
}
