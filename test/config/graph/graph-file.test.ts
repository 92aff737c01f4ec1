import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type ParseGraphOptions, parseGraph } from '../../../src/config/graph/graph-file.js';
import type { Graph } from '../../../src/model/graph.js';
import { loadTypes } from '../../../src/wire/types.js';

const NAMES = ['json', 'bytes', 'sustainml.v1.MLModel', 'sustainml.v1.HWResource'];
const types = { has: (type: string) => NAMES.includes(type), names: () => NAMES };

function parse(text: string, options: Partial<ParseGraphOptions> = {}) {
  return parseGraph(text, { types, ...options });
}

function graphOf(text: string, options: Partial<ParseGraphOptions> = {}): Graph {
  const parsed = parse(text, options);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults, null, 2));
  return parsed.graph;
}

/** Path, code and message of each fault, in order. */
function faultsOf(text: string, options: Partial<ParseGraphOptions> = {}) {
  const parsed = parse(text, options);
  return parsed.ok ? [] : parsed.faults;
}

/** A graph of one module with these lines in it. */
function withModule(lines: string): string {
  return `name: g
source: { name: text, type: json }
modules:
  m:
    inputs: [text]
    output: json
${lines.replace(/^/gm, '    ')}
`;
}

describe('a graph file', () => {
  it('becomes a graph with every default filled in', () => {
    expect(graphOf(withModule(''))).toEqual({
      name: 'g',
      source: { name: 'text', type: 'json' },
      modules: [
        {
          ...{ name: 'm', inputs: ['text'], previous: [], output: 'json', require: {}, timeoutMs: 300_000 },
          retry: { attempts: 3, backoffMs: 1000, factor: 2, maxBackoffMs: 30_000 },
          ...{ onError: 'fail', start: 'auto' },
          liveness: { unresponsiveAfterMs: 3000, deadAfterMs: 10_000 },
        },
      ],
    });
  });

  it('gives every module all that it says', () => {
    const [m] = graphOf(
      withModule(`previous: [m]
require: { gpu: "true" }
timeout: 60s
retry: { attempts: 5, backoff: 500ms, factor: 1.5, max_backoff: 5m }
on_error: ignore
start: manual
liveness: { unresponsive_after: 1.5s, dead_after: 1h }`),
    ).modules;
    expect(m).toMatchObject({
      ...{ previous: ['m'], require: { gpu: 'true' }, timeoutMs: 60_000, onError: 'ignore', start: 'manual' },
      retry: { attempts: 5, backoffMs: 500, factor: 1.5, maxBackoffMs: 300_000 },
      liveness: { unresponsiveAfterMs: 1500, deadAfterMs: 3_600_000 },
    });
  });

  it('orders a module after all its inputs, and equals as they are in the file', () => {
    const graph = graphOf(`
name: g
source: { name: s, type: json }
modules:
  last: { inputs: [b, a], output: json }
  b: { inputs: [a], output: json }
  c: { inputs: [s], output: json }
  a: { inputs: [s], output: json }
`);
    expect(graph.modules.map((spec) => spec.name)).toEqual(['c', 'a', 'b', 'last']);
  });

  it('may be the one of SustainML', () => {
    const graph = graphOf(readFileSync('nodes/sustainml/graph.yaml', 'utf8'), {
      types: loadTypes(['proto']),
    });
    expect(graph.modules.map((spec) => spec.name)).toEqual([
      ...['ml_model_metadata', 'app_requirements', 'hw_constraints'],
      ...['ml_model', 'hw_resources', 'carbon_footprint'],
    ]);
  });

  it('has all its faults reported at once, each with its path', () => {
    const faults = faultsOf(`
name: Bad Name
source: { name: text, type: sustainml.v1.MlModel, color: red }
modules:
  ml_model:
    inputs: [text, hw_constraint, 7, text]
    previous: [nobody]
    output: sustainml.v1.Nothing
    timeout: 60
    retry: { attempts: 0, factor: 1000, backof: 1s }
    on_error: explode
  hw_constraints:
    output: json
  text: { inputs: [text], output: json }
`);
    expect(faults.map(({ path, code }) => `${path} ${code}`).sort()).toEqual(
      [
        'name bad_name',
        'source.color unknown_field',
        'source.type unknown_type',
        'modules.ml_model.inputs[2] wrong_type',
        'modules.ml_model.inputs[1] unknown_input',
        'modules.ml_model.inputs[3] duplicate',
        'modules.ml_model.previous[0] unknown_module',
        'modules.ml_model.output unknown_type',
        'modules.ml_model.timeout bad_duration',
        'modules.ml_model.retry.attempts out_of_range',
        'modules.ml_model.retry.factor out_of_range',
        'modules.ml_model.retry.backof unknown_field',
        'modules.ml_model.on_error wrong_type',
        'modules.hw_constraints.inputs missing_field',
        'modules.text name_taken',
      ].sort(),
    );
    const message = (path: string) => faults.find((fault) => fault.path === path)?.message;
    expect(message('source.type')).toContain('did you mean sustainml.v1.MLModel?');
    expect(message('modules.ml_model.inputs[1]')).toContain('did you mean hw_constraints?');
    expect(message('modules.ml_model.retry.backof')).toContain('did you mean backoff?');
    expect(message('modules.ml_model.timeout')).toContain('write 60s');
    expect(message('modules.ml_model.retry.attempts')).toBe(
      '0 is not right: give a whole number from 1 to 100',
    );
  });

  it.each([
    ['60', 'bad_duration'],
    ['"60"', 'bad_duration'],
    ['-1s', 'bad_duration'],
    ['1d', 'bad_duration'],
    ['[1s]', 'bad_duration'],
    ['null', 'bad_duration'],
    ['0s', 'out_of_range'],
    ['9999h', 'out_of_range'],
  ])('refuses the timeout %s with %s', (timeout, code) => {
    expect(faultsOf(withModule(`timeout: ${timeout}`))).toMatchObject([{ path: 'modules.m.timeout', code }]);
  });

  it.each([
    ['500ms', 500],
    ['60s', 60_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['0.5s', 500],
  ])('takes the timeout %s as %i ms', (timeout, ms) => {
    expect(graphOf(withModule(`timeout: ${timeout}`)).modules[0]?.timeoutMs).toBe(ms);
  });

  it('refuses a backoff that is longer than the longest, and a death before the silence', () => {
    expect(faultsOf(withModule('retry: { backoff: 60s }\nliveness: { dead_after: 2s }'))).toMatchObject([
      { path: 'modules.m.retry.backoff', code: 'out_of_range' },
      { path: 'modules.m.liveness.dead_after', code: 'out_of_range' },
    ]);
  });

  it('names a cycle in the direction of the data, once', () => {
    const faults = faultsOf(`
name: g
source: { name: s, type: json }
modules:
  a: { inputs: [s, c], output: json }
  b: { inputs: [a], output: json }
  c: { inputs: [b], output: json }
  after: { inputs: [c], output: json }
`);
    expect(faults).toMatchObject([{ path: 'modules.a.inputs[1]', code: 'cycle' }]);
    expect(faults[0]?.message).toContain('a → b → c → a');
  });

  it('names a module that needs itself, and says nothing else of it', () => {
    const faults = faultsOf(
      'name: g\nsource: { name: s, type: json }\nmodules:\n  a: { inputs: [a], output: json }',
    );
    expect(faults).toMatchObject([{ path: 'modules.a.inputs[0]', code: 'cycle' }]);
    expect(faults[0]?.message).toContain('a → a');
  });

  it('finds modules that nothing leads to from the source', () => {
    const faults = faultsOf(`
name: g
source: { name: s, type: json }
modules:
  root: { inputs: [], output: json }
  child: { inputs: [root], output: json }
  fed: { inputs: [child, s], output: json }
`);
    expect(faults.map(({ path, code }) => `${path} ${code}`)).toEqual([
      'modules.root.inputs unreachable_module',
      'modules.child.inputs unreachable_module',
    ]);
  });

  it('has to agree with other graphs on the types of modules of one name, but not with its own older version', () => {
    const other = (name: string): Graph =>
      graphOf(withModule('').replace('name: g', `name: ${name}`).replace('output: json', 'output: bytes'));
    expect(faultsOf(withModule(''), { otherGraphs: [other('g')] })).toEqual([]);
    const faults = faultsOf(withModule(''), { otherGraphs: [other('elder')] });
    expect(faults).toMatchObject([{ path: 'modules.m.output', code: 'type_conflict' }]);
    expect(faults[0]?.message).toContain('in the graph elder, m puts out bytes');
  });

  it('says line and column of a fault of syntax, with the name of the file', () => {
    expect(faultsOf('name: g\nsource: { name: s\nmodules: [', { file: 'g.yaml' })[0]).toMatchObject({
      code: 'bad_yaml',
      message: expect.stringMatching(/^g\.yaml:\d+:\d+: /),
    });
    expect(faultsOf('name: g\nname: h\n')).toMatchObject([
      { code: 'bad_yaml', message: expect.stringContaining('line 2') },
    ]);
  });

  it.each(['', '[]', 'text', '7', 'null', 'modules: 3', 'modules: { a: null, b: 3, c: [] }', 'a: *nothing'])(
    'refuses %j without throwing',
    (text) => {
      expect(faultsOf(text).length).toBeGreaterThan(0);
    },
  );

  it('refuses modules with names from every object’s prototype', () => {
    const faults = faultsOf(
      'name: g\nsource: { name: s, type: json }\nmodules:\n  __proto__: { inputs: [s], output: json }\n  constructor: { inputs: [s], output: json }',
    );
    expect(faults).toMatchObject([{ path: 'modules.__proto__', code: 'bad_name' }]);
    expect(Object.prototype).not.toHaveProperty('inputs');
  });

  it('refuses a flood of aliases', () => {
    const levels = Array.from({ length: 12 }, (_, i) => `l${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`)}]`);
    expect(faultsOf(`l0: &l0 x\n${levels.join('\n')}`)).toMatchObject([{ code: 'bad_yaml' }]);
  });

  it('refuses more than a thousand modules', () => {
    const modules = Array.from({ length: 1001 }, (_, i) => `  m${i}: { inputs: [s], output: json }`);
    expect(
      faultsOf(`name: g\nsource: { name: s, type: json }\nmodules:\n${modules.join('\n')}`),
    ).toMatchObject([{ path: 'modules', code: 'out_of_range' }]);
  });

  it('refuses labels that are not texts', () => {
    expect(faultsOf(withModule('require: { gpu: true }'))).toMatchObject([
      { path: 'modules.m.require.gpu', code: 'wrong_type', message: expect.stringContaining('in quotes') },
    ]);
  });
});

describe('labels', () => {
  it('may be named like what every object has, and are never dropped', () => {
    expect(graphOf(withModule('require: { constructor: a, toString: b }')).modules[0]!.require).toEqual({
      constructor: 'a',
      toString: 'b',
    });
    expect(faultsOf(withModule('require: { gpu: a, __proto__: b }'))).toMatchObject([
      { path: 'modules.m.require.__proto__', code: 'bad_name' },
    ]);
  });
});

describe('what a graph file shares between its modules', () => {
  const file = (
    modules: string,
  ) => `x-defaults: &defaults { output: json, timeout: 60s, retry: { attempts: 5 } }
x-notes: { owner: data }
name: g
source: { name: text, type: json }
modules:
${modules}`;

  it('stands at the top under x-…, and modules merge it', () => {
    const { modules } = graphOf(
      file('  a: { <<: *defaults, inputs: [text] }\n  b: { <<: *defaults, inputs: [a], timeout: 5s }\n'),
    );
    expect(
      modules.map(({ name, output, timeoutMs, retry }) => [name, output, timeoutMs, retry.attempts]),
    ).toEqual([
      ['a', 'json', 60_000, 5],
      ['b', 'json', 5_000, 5],
    ]);
  });

  it('is checked where it is merged', () => {
    expect(faultsOf(file('  a: { <<: { outpt: json }, inputs: [text], output: json }\n'))).toMatchObject([
      { path: 'modules.a.outpt', code: 'unknown_field' },
    ]);
  });

  it('is not known under another name, nor below the top', () => {
    expect(faultsOf(file('  a: { <<: *defaults, inputs: [text], x-note: 1 }\ny: 1\n'))).toMatchObject([
      { path: 'y', code: 'unknown_field' },
      { path: 'modules.a.x-note', code: 'unknown_field' },
    ]);
  });
});

describe('a graph with very many faults', () => {
  const wrong = (count: number) =>
    faultsOf(
      withModule(`previous: [${Array.from({ length: count }, (_, index) => `u${index}`).join(', ')}]`),
    );

  it('gets the first hundred, and how many more there are', () => {
    expect(wrong(100)).toHaveLength(100);
    expect(wrong(20_000).slice(99)).toMatchObject([
      { code: 'unknown_module' },
      { path: '', code: 'more_faults', message: '19900 more faults are not listed' },
    ]);
  });

  it('has one cycle named for each group of modules that need each other', () => {
    const names = Array.from({ length: 150 }, (_, index) => `m${index}`);
    const text = `name: g
source: { name: text, type: json }
modules:
${names.map((name) => `  ${name}: { inputs: [${names.join(', ')}], output: json }\n`).join('')}`;
    expect(faultsOf(text).filter(({ code }) => code === 'cycle').length).toBeGreaterThan(0);
  });
});

describe('a fault that quotes a long text', () => {
  it('is cut, in its path and in its message', () => {
    const key = '\u{1f3bc}'.repeat(20_000);
    for (const yaml of [`"${key}": 1\n"${key}": 2\n`, `name: g\n"${key}": 1\nmodules: {"${key}": 1}\n`]) {
      const parsed = parseGraph(yaml, { types });
      expect(parsed.ok).toBe(false);
      if (parsed.ok) continue;
      for (const { path, message } of parsed.faults) {
        expect(path.length).toBeLessThanOrEqual(501);
        expect(message.length).toBeLessThanOrEqual(1001);
        expect(Buffer.from(path + message).toString()).toBe(path + message);
      }
    }
  });
});

describe('named outputs', () => {
  const text = (
    use: string,
    train = 'outputs: { model: bytes, plot: bytes, score: json }',
  ): string => `name: g
source: { name: text, type: json }
index: [train.score.loss]
modules:
  train: { inputs: [text], ${train} }
  use: { inputs: [text, ${use}], previous: [train.model], output: json }
`;

  it('have a type each, and are referred to by their module and their name', () => {
    const { modules } = graphOf(text('train.plot, train.score'));
    expect(modules[0]).toMatchObject({
      output: undefined,
      outputs: { model: 'bytes', plot: 'bytes', score: 'json' },
    });
    expect(modules[1]!.inputs).toEqual(['text', 'train.plot', 'train.score']);
    expect(modules[0]!.outputs && Object.keys(modules[0]!.outputs)).toEqual(['model', 'plot', 'score']);
  });

  it('have faults with their paths, and with what was probably meant', () => {
    const told = (yaml: string) => faultsOf(yaml).map(({ path, code, message }) => [path, code, message]);
    expect(told(text('train.plots'))).toEqual([
      [
        'modules.use.inputs[1]',
        'unknown_input',
        '"plots" is not an output of train (did you mean plot?): give one of train.model, train.plot, train.score',
      ],
    ]);
    expect(told(text('train'))).toEqual([
      [
        'modules.use.inputs[1]',
        'unknown_input',
        'train has several outputs: give one of train.model, train.plot, train.score',
      ],
    ]);
    expect(told(text('tain.plot'))[0]).toEqual([
      'modules.use.inputs[1]',
      'unknown_input',
      '"tain" is neither the source nor a module (did you mean train?)',
    ]);
    expect(told(text('train', 'output: json'))).toEqual([
      ['modules.use.previous[0]', 'unknown_module', 'train has one output, without a name: give train'],
    ]);
    expect(
      told(text('train.plot', 'outputs: { model: bytes, plot: byte, score: json }'))[0]!.slice(0, 2),
    ).toEqual(['modules.train.outputs.plot', 'unknown_type']);
    expect(told(text('train.plot').replace('train.score.loss', 'train.scores.loss'))).toEqual([
      [
        'index[0]',
        'unknown_field',
        '"train.scores.loss" is not right: there is no output "scores" (did you mean score?): there are model, plot, score',
      ],
    ]);
  });

  it('stand in the place of output, and neither is left out', () => {
    const codes = (train: string) =>
      faultsOf(text('train.plot', train)).map(({ path, code }) => `${path} ${code}`);
    expect(codes('output: json, outputs: { model: bytes, plot: bytes, score: json }')).toEqual([
      'modules.train.outputs not_with_output',
    ]);
    expect(codes('outputs: {}')).toContain('modules.train.outputs out_of_range');
    expect(faultsOf(text('text', 'require: {}'))).toContainEqual({
      path: 'modules.train.output',
      code: 'missing_field',
      message:
        'a module needs output (the type of its output) or outputs (the types of several outputs by name)',
    });
    expect(codes('outputs: { model: bytes, plot: bytes, score: json, Bad: json }')).toEqual([
      'modules.train.outputs.Bad bad_name',
    ]);
  });

  it('have to agree with other graphs in their names and types, not in their order', () => {
    const yaml = text('train.plot');
    const other = (more: string): Graph =>
      graphOf(text('train.plot', `outputs: { ${more} }`).replace('name: g', 'name: elder'));
    const conflicts = (more: string) =>
      faultsOf(yaml, { otherGraphs: [other(more)] }).map(({ path }) => path);
    expect(conflicts('score: json, plot: bytes, model: bytes')).toEqual([]);
    expect(conflicts('score: json, plot: bytes, model: json')).toEqual(['modules.train.outputs']);
  });

  it('make a cycle as single ones do', () => {
    const faults = faultsOf(
      text('train.plot', 'outputs: { model: bytes, plot: bytes, score: json }').replace(
        'inputs: [text], outputs',
        'inputs: [text, use], outputs',
      ),
    );
    expect(faults.map(({ code, message }) => [code, message])).toEqual([
      ['cycle', 'train needs its own output: train → use → train'],
    ]);
  });
});
