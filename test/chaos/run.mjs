/** Runs a TypeScript program of the tests from the package's folder: `node test/chaos/run.mjs FILE [ARGUMENT…]`. */
import { pathToFileURL } from 'node:url';
import { bundle } from './bundle.mjs';

const [entry, ...rest] = process.argv.slice(2);
const file = await bundle(process.cwd(), entry);
process.argv = [process.argv[0], file, ...rest];
await import(pathToFileURL(file).href);
