/** What a path leads to in a value of a type, as far as the type tells. */
import { didYouMean } from '../base/nearest.js';

/** As much of the types as that takes. */
export interface SchemasOfTypes {
  has(type: string): boolean;
  jsonSchema?(type: string): unknown;
}

/** The type at a path, as far as it is known, or the reason why there is none. */
export function schemaAt(
  type: unknown,
  path: readonly string[],
  types: SchemasOfTypes,
): { readonly schema: unknown } | { readonly reason: string } {
  const unknown = { schema: undefined };
  if (typeof type !== 'string' || !types.has(type)) return unknown;
  const root = types.jsonSchema?.(type);
  if (!isRecord(root)) return unknown;
  const defs = isRecord(root.$defs) ? root.$defs : {};
  const follow = (schema: unknown): unknown =>
    isRecord(schema) && typeof schema.$ref === 'string' ? defs[schema.$ref.replace('#/$defs/', '')] : schema;
  let schema = follow(root);
  for (const step of path) {
    if (!isRecord(schema) || !isRecord(schema.properties)) {
      // The content of `json` and of maps is not known in advance.
      return isRecord(schema) && (schema.anyOf || (schema.type !== undefined && schema.type !== 'object'))
        ? { reason: `there is no field ${JSON.stringify(step)} in a single value` }
        : unknown;
    }
    if (!Object.hasOwn(schema.properties, step)) {
      const near = didYouMean(step, Object.keys(schema.properties));
      return { reason: `${type} has no field ${JSON.stringify(step)}${near}` };
    }
    schema = follow(schema.properties[step]);
  }
  return { schema };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
