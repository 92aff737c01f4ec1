import { describe, expect, it } from 'vitest';
import { parseGraph } from '../../../src/config/graph/graph-file.js';
import { loadTypes } from '../../../src/wire/types.js';

const types = loadTypes(['proto']);

function parse(module: string) {
  return parseGraph(`name: g\nsource: { name: text, type: json }\nmodules: { a: ${module} }`, { types });
}

describe('a module with cache', () => {
  it('has it where it is true, and otherwise is as without it', () => {
    const specOf = (module: string) => {
      const parsed = parse(module);
      return parsed.ok ? parsed.graph.modules[0] : parsed.faults;
    };
    expect(specOf('{ inputs: [text], output: json, cache: true }')).toMatchObject({ cache: true });
    expect(specOf('{ inputs: [text], output: json, cache: false }')).toEqual(
      specOf('{ inputs: [text], output: json }'),
    );
  });

  it.each([
    [
      '{ inputs: [text], output: json, cache: "true" }',
      ['modules.a.cache', 'wrong_type', '"true" is not right: give true or false'],
    ],
    ['{ inputs: [text], output: json, cache: { for: 1d } }', ['modules.a.cache', 'wrong_type']],
    [
      '{ inputs: [text], approve: { message: m }, cache: true }',
      ['modules.a.cache', 'not_with_approve', 'a module with approve has no cache'],
    ],
  ])('%s is refused', (module, [path, code, message = '']) => {
    const parsed = parse(module);
    expect(parsed.ok ? [] : parsed.faults).toContainEqual(
      expect.objectContaining({ path, code, message: expect.stringContaining(message) }),
    );
  });
});
