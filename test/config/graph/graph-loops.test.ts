import { describe, expect, it } from 'vitest';
import { parseGraph } from '../../../src/config/graph/graph-file.js';

const types = { has: (type: string) => ['json', 'bytes'].includes(type) };

/** Modules by what they take, and loops as in a file. */
function parse(modules: Readonly<Record<string, string>>, loops: string, more = '') {
  const specs = Object.entries(modules).map(
    ([name, inputs]) => `  ${name}: { inputs: [${inputs}], output: json }`,
  );
  const yaml = `name: g\nsource: { name: data, type: json }\nmodules:\n${specs.join('\n')}\nloops: ${loops}\n${more}`;
  return parseGraph(yaml, { types });
}

const TRAINING = { train: 'data', evaluate: 'train', report: 'train' };
const faults = (modules: Readonly<Record<string, string>>, loops: string) => {
  const parsed = parse(modules, loops);
  return parsed.ok ? [] : parsed.faults.map(({ path, code, message }) => `${path} ${code}: ${message}`);
};

describe('the loops of a graph', () => {
  it('have a body, a condition and a bound, and what follows comes after all of the body', () => {
    const parsed = parse(
      { train: 'data', report: 'train', evaluate: 'train, data' },
      '[{ from: evaluate, to: train, until: "evaluate.loss < 0.1 or train.n > 3", max: 10 }]',
    );
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
    const { graph } = parsed;
    expect(graph.modules.map(({ name }) => name)).toEqual(['train', 'evaluate', 'report']);
    expect(graph.loops).toEqual([
      expect.objectContaining({ from: 'evaluate', to: 'train', max: 10, onMax: 'fail' }),
    ]);
  });

  it('may be of one module, and go on after the last pass', () => {
    const parsed = parse({ a: 'data' }, '[{ from: a, to: a, until: "a.n > 1", max: 1, on_max: continue }]');
    expect(parsed.ok && parsed.graph.loops?.[0]?.onMax).toBe('continue');
  });

  it.each([
    ['[{ from: evaluate, to: train, max: 10 }]', 'loops[0].until missing_field'],
    ['[{ from: evaluate, to: train, until: "evaluate.x = 1" }]', 'loops[0].max missing_field'],
    ['[{ from: evaluate, to: train, until: "evaluate.x = 1", max: 0 }]', 'loops[0].max out_of_range'],
    ['[{ from: evaluate, to: train, until: "evaluate.x = 1", max: 1001 }]', 'loops[0].max out_of_range'],
    ['[{ from: evaluate, to: train, until: "evaluate.x", max: 2 }]', 'loops[0].until bad_expression'],
    [
      '[{ from: evaluat, to: train, until: "train.x = 1", max: 2 }]',
      'loops[0].from unknown_module: "evaluat" is not a module of this graph (did you mean evaluate?)',
    ],
    [
      '[{ from: train, to: evaluate, until: "train.x = 1", max: 2 }]',
      'loops[0].to not_connected: evaluate does not lead to train',
    ],
    [
      '[{ from: evaluate, to: train, until: "report.x = 1", max: 2 }]',
      'loops[0].until not_before: position 1: report does not come before the end of evaluate',
    ],
    [
      '[{ from: evaluate, to: train, until: "n.x = 1", max: 2 }]',
      'loops[0].until unknown_module: position 1: "n" is neither the input nor a module',
    ],
    [
      '[{ from: evaluate, to: train, until: "train.x = 1", max: 2 }, { from: report, to: train, until: "train.x = 1", max: 2 }]',
      'loops[1] overlapping_loops: train would be in loops[0] as well',
    ],
    ['{ from: evaluate }', 'give a list, like [{ from: evaluate'],
  ])('refuses %s', (loops, expected) => {
    expect(faults(TRAINING, loops).join('\n')).toContain(expected);
  });

  it('do not wait for each other', () => {
    // Each needs what the other gives once it has ended.
    const modules = { a: 'data', t: 'data', b: 't, a', c: 't', end: 'a, c', f: 'b, c' };
    const loops = ['end, to: a', 'f, to: t'].map((one) => `{ from: ${one}, until: "data.x = 1", max: 2 }`);
    expect(faults(modules, `[${loops.join(', ')}]`)).toEqual([
      expect.stringContaining('loops[0] crossed_loops'),
    ]);
    expect(faults(modules, `[${loops[0]}]`)).toEqual([]);
  });
});
