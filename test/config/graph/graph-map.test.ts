import { describe, expect, it } from 'vitest';
import { parseGraph } from '../../../src/config/graph/graph-file.js';
import { loadTypes } from '../../../src/wire/types.js';

const types = loadTypes(['proto']);

function parse(module: string, source = '{ name: list, type: json }') {
  const text = `name: g\nsource: ${source}\nmodules: { a: ${module}, b: { inputs: [list], outputs: { x: json, y: bytes } } }`;
  return parseGraph(text, { types });
}

describe('a module with map', () => {
  it('takes items of an input, a hundred at once unless it says otherwise', () => {
    const mapOf = (module: string) => {
      const parsed = parse(module);
      return parsed.ok ? parsed.graph.modules.find(({ name }) => name === 'a')!.map : parsed.faults;
    };
    expect(mapOf('{ inputs: [list], map: list, output: json }')).toEqual({ input: 'list', limit: 100 });
    expect(mapOf('{ inputs: [b.x], map: b.x, map_limit: 3, output: json }')).toEqual({
      input: 'b.x',
      limit: 3,
    });
    expect(mapOf('{ inputs: [list], output: json }')).toBeUndefined();
  });

  it.each([
    ['{ inputs: [list], map: lists, output: json }', 'modules.a.map', 'unknown_input', 'did you mean list'],
    ['{ inputs: [list], map: b.x, output: json }', 'modules.a.map', 'unknown_input', 'give one of list'],
    ['{ inputs: [b.y], map: b.y, output: json }', 'modules.a.map', 'wrong_type', 'of type "bytes"'],
    ['{ inputs: [list], map: [list], output: json }', 'modules.a.map', 'wrong_type', 'one of its inputs'],
    ['{ inputs: [list], map: list, output: bytes }', 'modules.a.output', 'not_with_map', 'give output: json'],
    [
      '{ inputs: [list], map: list, outputs: { x: json } }',
      'modules.a.outputs',
      'not_with_map',
      'one output',
    ],
    ['{ inputs: [list], map_limit: 3, output: json }', 'modules.a.map_limit', 'missing_field', 'give map'],
    [
      '{ inputs: [list], map: list, map_limit: 0, output: json }',
      'modules.a.map_limit',
      'out_of_range',
      '1 to 1000',
    ],
    [
      '{ inputs: [list], map: list, map_limit: 1001, output: json }',
      'modules.a.map_limit',
      'out_of_range',
      '',
    ],
    ['{ inputs: [list], map: list, approve: { message: m } }', 'modules.a.map', 'not_with_approve', 'no map'],
  ])('%s is refused', (module, path, code, message) => {
    const parsed = parse(module);
    expect(parsed.ok ? [] : parsed.faults).toContainEqual(
      expect.objectContaining({ path, code, message: expect.stringContaining(message) }),
    );
  });

  it('needs a source of type json where its list is the source', () => {
    const parsed = parse('{ inputs: [list], map: list, output: json }', '{ name: list, type: bytes }');
    expect(parsed.ok ? [] : parsed.faults).toContainEqual(
      expect.objectContaining({ path: 'modules.a.map', code: 'wrong_type' }),
    );
  });
});
