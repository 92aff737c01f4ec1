import { fileURLToPath } from 'node:url';
import { loadTypes, type TypeRegistry } from './types.js';

/** Beside the compiled code. */
const PACKAGE_PROTO = fileURLToPath(new URL('../../proto', import.meta.url));

/** The types that the package brings, and those of these folders. */
export function packageTypes(protoPaths: readonly string[]): TypeRegistry {
  return loadTypes([PACKAGE_PROTO, ...protoPaths]);
}
