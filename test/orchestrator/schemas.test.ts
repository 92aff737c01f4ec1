/** What a node was written against, and what it costs. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { TypeSchema } from '../../src/model/protocol.js';
import { compileGraph } from '../../src/model/task.js';
import { nodeView } from '../../src/orchestrator/core/nodes/node-view.js';
import { schemaObjection } from '../../src/orchestrator/core/nodes/schemas.js';
import { State } from '../../src/orchestrator/core/state.js';
import { loadTypes, type TypeRegistry } from '../../src/wire/types.js';
import { Core, graphOf, moduleSpec } from './core.js';

const folder = mkdtempSync(join(tmpdir(), 'tutti-schemas-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function types(properties: object): TypeRegistry {
  for (const name of ['given', 'made', 'other']) {
    writeFileSync(join(folder, `${name}.schema.json`), JSON.stringify({ type: 'object', properties }));
  }
  return loadTypes([folder]);
}

const OURS = types({ a: { type: 'string' } });
const THEIRS = types({ a: { type: 'number' } });

/** One module that makes `json:made` of `json:given`. */
function stateWith(ours: TypeRegistry): State {
  const state = new State();
  const graph = { ...graphOf('one', moduleSpec('m', ['source'], { output: 'json:made' })) };
  const compiled = compileGraph(
    { name: 'one', version: 1 },
    { ...graph, source: { name: 'source', type: 'json:given' } },
  );
  state.addGraph({ compiled, types: ours, typesJson: {}, yaml: '', createdAt: 0 });
  return state;
}

const hello = (...schemas: TypeSchema[]) =>
  ({
    ...{ kind: 'hello', module: 'm', instance: 'm', bootId: 'b', version: '', capacity: 1, labels: {} },
    ...{ outputType: '', status: 'INACTIVE', held: [], token: '', schemas },
  }) as Parameters<typeof schemaObjection>[1];

describe('a node that says what it was written against', () => {
  it('is welcome when that is what the graph declares, for its inputs and its output', () => {
    const same = ['json:given', 'json:made'].map((type) => OURS.schemaOf(type));
    expect(schemaObjection(stateWith(OURS), hello(...same))).toBeUndefined();
  });

  it.each(['json:given', 'json:made'])('is refused with the difference when %s is another', (type) => {
    expect(schemaObjection(stateWith(OURS), hello(THEIRS.schemaOf(type)))).toMatchObject({
      code: 'schema_mismatch',
      message: `${type} is not the same in both: /properties/a/type: "string" in the graph one, "number" in the node`,
    });
  });

  it('may say of types that its module does not deal in what it likes', () => {
    expect(schemaObjection(stateWith(OURS), hello(THEIRS.schemaOf('json:other')))).toBeUndefined();
  });

  it('may have fields that the graph has not', () => {
    const more = types({ a: { type: 'string' }, b: { type: 'number' } });
    expect(schemaObjection(stateWith(OURS), hello(more.schemaOf('json:made')))).toBeUndefined();
  });
});

describe('the load of a node', () => {
  it('is shown as its last heartbeat said, and not stored as an event each time', async () => {
    const core = await Core.open([graphOf('one', moduleSpec('a', ['source']))]);
    const a = core.peer('a');
    await a.join();
    expect(nodeView(a.node, core, '*')).toMatchObject({ load: null });
    const load = { cpu: 0.25, memoryBytes: 50_000_000, executing: 0 };
    const turned = await a.say({ kind: 'heartbeat', status: 'IDLE', running: [], load });
    expect(nodeView(a.node, core, '*')).toMatchObject({
      load: { cpu: 0.25, memory_bytes: 50_000_000, executing: 0 },
    });
    expect(turned.types).toEqual([]);
    await a.beat();
    expect(nodeView(a.node, core, '*')).toMatchObject({ load: null });
  });
});
