/**
 * Whether a node was written against the types that the graphs declare. Only types that its module deals in count, in the newest version
 * of every graph that has the module; equal hashes are equal types, and others are compared field by field.
 */
import { typesOfModule } from '../../../model/graph.js';
import type { Hello } from '../../../model/protocol.js';
import type { State } from '../state.js';

/** A refusal is read by a person, who mends a few at a time. */
const MAX_DIFFERENCES = 20;

export function schemaObjection(
  state: State,
  hello: Hello,
): { readonly code: 'schema_mismatch'; readonly message: string; readonly hint: string } | undefined {
  for (const schema of hello.schemas ?? []) {
    for (const [name, versions] of state.graphs) {
      const loaded = versions.at(-1);
      if (!loaded || !typesOfModule(loaded.compiled.graph, hello.module).includes(schema.type)) continue;
      const sides = { ours: `the graph ${name}`, theirs: 'the node' };
      const differences = loaded.types.differences(schema, sides);
      if (differences.length === 0) continue;
      const lines = differences
        .slice(0, MAX_DIFFERENCES)
        .map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
      return {
        code: 'schema_mismatch',
        message: `${schema.type} is not the same in both: ${lines.join('; ')}`,
        hint: 'a field may be added, but one that both have keeps its number, name and type: give one side the other one’s file',
      };
    }
  }
  return undefined;
}
