/**
 * A type's JSON Schema made into one that a form can be drawn from.
 *
 * 1. References are followed where they stand. What cannot be drawn (a type inside itself, a map, any value) is typed as JSON.
 * 2. What the orchestrator takes in two spellings (a number or "NaN", an enum's name or number) is asked for in the plain one.
 * 3. Nothing is filled in: a field that is left alone is left out, and the type says what it then is.
 */

export type Schema = Readonly<Record<string, unknown>>;

/** The `format` of a text that holds bytes as base64, and of a value that is typed as JSON. */
export const BYTES = 'bytes';
export const JSON_TEXT = 'json';

export function toFormSchema(schema: Schema): Schema {
  const defs = isSchema(schema.$defs) ? schema.$defs : {};
  return convert(schema, defs, []);
}

/** Whether there is nothing to draw but one field for JSON. */
export function isSchemaless(schema: Schema): boolean {
  return toFormSchema(schema).format === JSON_TEXT;
}

function convert(schema: Schema, defs: Schema, path: readonly string[]): Schema {
  const { $ref } = schema;
  if (typeof $ref === 'string') {
    const name = $ref.replace('#/$defs/', '');
    const target = defs[name];
    if (!isSchema(target) || path.includes(name)) return asJson(schema);
    const { $ref: _, ...beside } = schema;
    return convert({ ...target, ...beside }, defs, [...path, name]);
  }
  const common = describe(schema);
  if (schema.contentEncoding === 'base64') return { ...common, type: 'string', format: BYTES };
  const { anyOf } = schema;
  if (Array.isArray(anyOf)) {
    const options = anyOf.filter(isSchema);
    const plain =
      options.find(({ type }) => type === 'number') ?? options.find((one) => Array.isArray(one.enum));
    return plain ? { ...common, ...convert(plain, defs, path) } : asJson(schema);
  }
  if (Array.isArray(schema.type)) return { ...common, type: 'string', ...pick(schema, ['pattern']) };
  switch (schema.type) {
    case 'object':
      return isSchema(schema.properties) ? objectOf(schema, schema.properties, defs, path) : asJson(schema);
    case 'array': {
      if (!isSchema(schema.items)) return asJson(schema);
      const { description: _, title: __, ...items } = convert(schema.items, defs, path);
      return { ...common, type: 'array', items };
    }
    case 'string':
    case 'boolean':
    case 'number':
    case 'integer':
      return { ...common, ...pick(schema, ['type', 'enum', 'format', 'pattern', 'minimum', 'maximum']) };
    case undefined:
      // A list of choices says itself what they are.
      return isChoice(schema.enum)
        ? { ...common, type: typeof schema.enum[0], enum: schema.enum }
        : asJson(schema);
    default:
      return asJson(schema);
  }
}

function isChoice(choices: unknown): choices is readonly (string | number)[] {
  const isAll = (type: string): boolean =>
    Array.isArray(choices) && choices.length > 0 && choices.every((choice) => typeof choice === type);
  return isAll('string') || isAll('number');
}

function objectOf(schema: Schema, properties: Schema, defs: Schema, path: readonly string[]): Schema {
  const converted = Object.entries(properties).map(([name, field]): [string, Schema] => {
    if (!isSchema(field)) return [name, asJson({})];
    // The type's own name says less than the field's.
    return [name, { ...convert(field, defs, path), title: name }];
  });
  const required = Array.isArray(schema.required) ? { required: schema.required } : {};
  return { ...describe(schema), type: 'object', properties: Object.fromEntries(converted), ...required };
}

function asJson(schema: Schema): Schema {
  return { ...describe(schema), type: 'string', format: JSON_TEXT };
}

/** Help, with what a reader has to know of the field beside its comment. */
function describe(schema: Schema): Schema {
  const oneof = typeof schema['x-oneof'] === 'string' ? `One of “${schema['x-oneof']}”: set only one.` : '';
  const standing = schema.deprecated === true ? 'Deprecated.' : '';
  const said = typeof schema.description === 'string' ? schema.description : '';
  const description = [said, oneof, standing].filter(Boolean).join(' ');
  return { ...pick(schema, ['title']), ...(description && { description }) };
}

function pick(schema: Schema, names: readonly string[]): Schema {
  return Object.fromEntries(names.flatMap((name) => (name in schema ? [[name, schema[name]]] : [])));
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
