import { TuttiError } from '../base/errors.js';
import { didYouMean } from '../base/nearest.js';
import type { TypeSchema } from '../model/protocol.js';
import { loadTypes } from '../wire/types.js';
import type { NodeSettings } from './options.js';

/**
 * The types that the author wrote the node against, for its hello; empty if no files were named. Throws `TuttiError` `bad_proto` or
 * `bad_schema` with every fault in the files, or `bad_option` for a type that is in none of them.
 */
export function ownSchemas({
  protoPaths,
  types,
}: Pick<NodeSettings, 'protoPaths' | 'types'>): readonly TypeSchema[] {
  if (protoPaths.length === 0) return [];
  const registry = loadTypes(protoPaths);
  const known = registry.names().filter((name) => name !== 'json' && name !== 'bytes');
  for (const type of types) {
    if (known.includes(type)) continue;
    const where = protoPaths.join(', ');
    throw new TuttiError('bad_option', `types: there is no ${type} in ${where}${didYouMean(type, known)}`);
  }
  const chosen = types.length > 0 ? types : known.filter((name) => !name.startsWith('google.protobuf.'));
  return chosen.map((type) => registry.schemaOf(type));
}
