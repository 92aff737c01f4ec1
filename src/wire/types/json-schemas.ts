/** The types `json:<name>`: JSON with a schema, from `<name>.schema.json` in a proto path. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import type { ValidateFunction } from 'ajv';
import { decodeText } from '../../base/decode-text.js';
import { type Fault, messageOf } from '../../base/errors.js';
import { compileSchema } from './schema-dialects.js';

const PREFIX = 'json:';
const SUFFIX = '.schema.json';
/** A person fixes a few at a time. */
const MAX_FAULTS = 20;

export type Schemas = ReadonlyMap<string, unknown>;

export class JsonSchemas {
  readonly #schemas: Schemas | 'any';
  readonly #validators = new Map<string, ValidateFunction>();

  /** By name, without the prefix. `any`: every name is known, and none has a schema. */
  constructor(schemas: Schemas | 'any') {
    this.#schemas = schemas;
  }

  has(type: string): boolean {
    const name = nameOf(type);
    return name !== undefined && (this.#schemas === 'any' || this.#schemas.has(name));
  }

  /** The types, not sorted. */
  types(): readonly string[] {
    return this.#schemas === 'any' ? [] : [...this.#schemas.keys()].map((name) => PREFIX + name);
  }

  /** Absent where the name is all that is known. */
  schema(type: string): unknown {
    const name = nameOf(type);
    return this.#schemas === 'any' || name === undefined ? undefined : this.#schemas.get(name);
  }

  /** The faults of a value, up to a limit; the `path` is a JSON pointer into it. */
  faults(type: string, value: unknown): readonly Fault[] {
    const validate = this.#validator(type);
    if (!validate || validate(value)) return [];
    return (validate.errors ?? []).slice(0, MAX_FAULTS).map(({ instancePath, message, params }) => {
      const named = params as { additionalProperty?: string; allowedValues?: unknown };
      const more = named.additionalProperty ?? (named.allowedValues && JSON.stringify(named.allowedValues));
      return {
        path: instancePath,
        code: 'schema',
        message: `${message ?? 'is wrong'}${more ? `: ${more}` : ''}`,
      };
    });
  }

  #validator(type: string): ValidateFunction | undefined {
    const known = this.#validators.get(type);
    if (known) return known;
    const schema = this.schema(type);
    if (schema === undefined) return undefined;
    const validator = compileSchema(schema as object);
    this.#validators.set(type, validator);
    return validator;
  }
}

function nameOf(type: string): string | undefined {
  return type.startsWith(PREFIX) && type.length > PREFIX.length ? type.slice(PREFIX.length) : undefined;
}

/** Every `<name>.schema.json` under these folders; of two of one name the first folder's wins. */
export function readJsonSchemas(folders: readonly string[]): {
  readonly schemas: Schemas;
  readonly faults: readonly Fault[];
} {
  const schemas = new Map<string, unknown>();
  const faults: Fault[] = [];
  for (const folder of folders) {
    for (const path of filesUnder(folder)) {
      const name = path.split(sep).join('/').slice(0, -SUFFIX.length);
      if (schemas.has(name)) continue;
      const file = join(folder, path);
      try {
        const schema: unknown = JSON.parse(decodeText(readFileSync(file)));
        if (typeof schema !== 'object' || schema === null || Array.isArray(schema))
          throw new TypeError('a schema must be an object');
        compileSchema(schema);
        schemas.set(name, schema);
      } catch (error) {
        const message = `this is not a JSON Schema that can be used: ${messageOf(error)}`;
        faults.push({ path: relative('', file) || file, code: 'bad_schema', message });
      }
    }
  }
  return { schemas, faults };
}

/** A folder that cannot be read is a fault of the `.proto` files already. */
function filesUnder(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith(SUFFIX) && statSync(join(folder, path)).isFile())
      .sort();
  } catch {
    return [];
  }
}
