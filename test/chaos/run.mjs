/**
 * Runs a TypeScript program of the tests: `node test/chaos/run.mjs FILE [ARGUMENT…]`, from the package's folder. It is bundled into a
 * folder of its own first, with all of the project that it imports; packages stay where they are.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';

const [entry, ...rest] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'tutti-run-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const file = join(folder, 'program.mjs');
const isOurs = (source) => source.startsWith('.') || source.startsWith('/');
const bundle = await rolldown({
  input: resolve(entry),
  platform: 'node',
  logLevel: 'silent',
  plugins: [
    {
      name: 'packages-where-they-are',
      resolveId: (source) =>
        isOurs(source)
          ? null
          : { id: source.startsWith('node:') ? source : import.meta.resolve(source), external: true },
    },
  ],
});
await bundle.write({ file, format: 'esm', sourcemap: 'inline' });
await bundle.close();
process.argv = [process.argv[0], file, ...rest];
await import(pathToFileURL(file).href);
