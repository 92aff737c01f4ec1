/** docs/graph-file.md says what the schema says: every field, its default, and examples that are valid. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseGraph } from '../../src/config/graph/graph-file.js';
import { graphJsonSchema } from '../../src/config/graph/graph-json-schema.js';
import { loadTypes } from '../../src/wire/types.js';

const docs = readFileSync(join(import.meta.dirname, '../../docs/graph-file.md'), 'utf8');

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly default?: unknown;
}

interface Field {
  readonly path: string;
  readonly isRequired: boolean;
  readonly preset: unknown;
}

function fieldsOf({ properties = {}, required = [] }: Schema, above = ''): Field[] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const path = `${above}${name}`;
    const field = { path, isRequired: required.includes(name), preset: schema.default };
    const items = schema.additionalProperties;
    const ofItems = name === 'modules' && typeof items === 'object' ? fieldsOf(items, `${path}.NAME.`) : [];
    return [field, ...fieldsOf(schema, `${path}.`), ...ofItems];
  });
}

const blocks = [...docs.matchAll(/^```(\w+)( [a-z-]+)?\n([\s\S]*?)^```$/gm)].map(
  ([, language, mark, text]) => ({
    language,
    mark: mark?.trim(),
    text: text!,
  }),
);
const graphs = blocks.filter(({ language, mark }) => language === 'yaml' && mark === undefined);

describe('docs/graph-file.md', () => {
  it('has every field of the schema, in its order, with its default', () => {
    const rows = [...docs.matchAll(/^\| `([\w.]+)` \| ([^|]+) \|/gm)].map(([, path, preset]) => ({
      path,
      preset: preset!.trim(),
    }));
    const fields = fieldsOf(graphJsonSchema() as Schema);
    expect(fields.length).toBeGreaterThan(20);
    expect(rows.map(({ path }) => path).sort()).toEqual(fields.map(({ path }) => path).sort());
    for (const { path, isRequired, preset } of fields) {
      const shown = rows.find((row) => row.path === path)?.preset;
      const written = typeof preset === 'string' ? preset : JSON.stringify(preset);
      if (isRequired) expect([path, shown]).toEqual([path, 'required']);
      else if (preset !== undefined) expect([path, shown]).toEqual([path, `\`${written}\``]);
      else expect([path, shown?.startsWith('`')]).toEqual([path, false]);
    }
  });

  it('has examples that are read without a fault, by the schema for editors as well', () => {
    const types = loadTypes([]);
    const validate = new Ajv2020({ strict: false }).compile(graphJsonSchema());
    expect(graphs.length).toBeGreaterThan(2);
    for (const { text } of graphs) {
      expect(parseGraph(text, { types: { has: (type) => types.has(type) } })).toMatchObject({ ok: true });
      expect([validate(parse(text, { merge: true })), validate.errors]).toEqual([true, null]);
    }
  });

  it('describes a schema that finds what is mistyped', () => {
    const validate = new Ajv2020({ strict: false }).compile(graphJsonSchema());
    const graph = parse(graphs[0]!.text);
    for (const [change, path] of [
      [{ timeout: 30 }, '/modules/load/timeout'],
      [{ timeot: '3s' }, '/modules/load'],
      [{ on_error: 'never' }, '/modules/load/on_error'],
    ] as const) {
      const changed = structuredClone(graph);
      Object.assign(changed.modules.load, change);
      expect(validate(changed)).toBe(false);
      expect(validate.errors?.map((error) => error.instancePath)).toContain(path);
    }
  });

  it('tests a handler with a task of plain Python', () => {
    const { text } = blocks.find(({ mark }) => mark === 'fake-task')!;
    expect(execFileSync('python3', ['-c', text]).toString()).toBe('');
  });
});
