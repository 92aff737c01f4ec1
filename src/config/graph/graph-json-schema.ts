/** The form of a graph file as a JSON Schema, made from what reads it: for completion and checks in an editor. */
import { z } from 'zod';
import { FileSchema, ModuleSchema, NAME } from './graph-schema.js';

interface ObjectSchema {
  readonly properties: Readonly<Record<string, object>>;
  readonly [keyword: string]: unknown;
}

/** Of draft 2020-12. Edges between modules and the types that there are can only be checked by an orchestrator. */
export function graphJsonSchema(): Readonly<Record<string, unknown>> {
  const { $schema, ...file } = schemaOf(FileSchema);
  const { $schema: _, ...module } = schemaOf(ModuleSchema);
  return {
    $schema,
    title: 'A graph of Tutti',
    ...file,
    properties: {
      ...file.properties,
      modules: {
        ...file.properties.modules,
        propertyNames: { pattern: NAME.source },
        additionalProperties: module,
      },
    },
    patternProperties: { '^x-': { description: 'anchors and notes for other programs; ignored' } },
  };
}

/** As it is written, with everything that has a default optional. */
function schemaOf(schema: z.ZodType): ObjectSchema {
  return z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    // Zod leaves out the default of what is transformed, since it may be one of the result.
    override({ jsonSchema }) {
      if (!('preset' in jsonSchema)) return;
      jsonSchema.default = jsonSchema.preset as string;
      delete jsonSchema.preset;
    },
  }) as unknown as ObjectSchema;
}
