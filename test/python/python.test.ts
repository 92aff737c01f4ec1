import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { estimateFootprint } from '../../nodes/sustainml/carbon_footprint/estimate-footprint.js';
import { indexTable, readGridTable } from '../../nodes/sustainml/carbon_footprint/grid-table.js';
import { readConstraints } from '../../nodes/sustainml/hw_constraints/read-constraints.js';
import type { HWResource, MLModel, UserInput } from '../../nodes/sustainml/types.js';
import { TuttiError } from '../../src/base/errors.js';
import { REFUSALS } from '../../src/model/protocol.js';
import { loadTypes } from '../../src/wire/types.js';
import { userInput } from '../nodes/sustainml/problem-statements.js';
import { MixedGround } from './mixed-ground.js';
import { missing, root, runPython } from './python.js';

const types = loadTypes([join(root, 'proto')]);
const MINUTE_MS = 60_000;

function needs(ctx: TestContext, ...modules: string[]): void {
  const tool = missing(...modules);
  if (tool !== undefined) ctx.skip(`needs ${tool}`);
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tutti-python-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The tests with real processes mostly wait: each class of them on its own, so that they wait beside each other. */
const SUITES = readdirSync(join(root, 'python/tests'))
  .filter((file) => /^test_.*\.py$/.test(file))
  .flatMap((file) => {
    const name = file.slice(0, -'.py'.length);
    const source = readFileSync(join(root, 'python/tests', file), 'utf8');
    const classes = [...source.matchAll(/^class (\w+)\(NodeCase\)/gm)].map((found) => `${name}.${found[1]}`);
    return classes.length > 0 ? classes : [name];
  });

describe.concurrent('the Python SDK', () => {
  it('carries the messages of proto/tutti/v1 as they are', () => {
    const frames = ['tutti.v1.ToOrchestrator', 'tutti.v1.ToNode', 'tutti.v1.Outputs'];
    const embedded = readFileSync(join(root, 'python/src/tutti/tutti_v1.binpb'));
    // `node python/embed-descriptors.mjs` writes it anew.
    expect(embedded.equals(types.descriptors(frames))).toBe(true);
  });

  it('does about each refusal what the TypeScript SDK does', async (ctx) => {
    needs(ctx, 'google.protobuf');
    const told = 'import json, tutti.protocol; print(json.dumps(dict(tutti.protocol.REFUSALS)))';
    const ran = await runPython(['-c', told], { env: { PYTHONPATH: join(root, 'python/src') } });
    expect(JSON.parse(ran.stdout), ran.stderr).toEqual(REFUSALS);
  });

  for (const name of SUITES) {
    it(`passes its own ${name}`, { timeout: 5 * MINUTE_MS }, async (ctx) => {
      // Those that only some tests need are asked for here, so that none is skipped unseen.
      needs(ctx, 'zmq', 'google.protobuf', 'numpy', 'mypy', 'PIL', 'matplotlib', 'pandas');
      const ran = await runPython(['-W', 'ignore', '-m', 'unittest', name], {
        cwd: join(root, 'python/tests'),
      });
      expect(ran.code, ran.stderr).toBe(0);
      expect(ran.stderr).toMatch(/Ran [1-9]/);
      expect(ran.stderr).not.toContain('skipped=');
    });
  }

  it('is typed strictly', { timeout: 2 * MINUTE_MS }, async (ctx) => {
    needs(ctx, 'mypy', 'google.protobuf');
    const ran = await runPython(
      ['-m', 'mypy', '--config-file', 'pyproject.toml', `--cache-dir=${folder}/mypy`],
      {
        cwd: join(root, 'python'),
      },
    );
    expect(ran.code, ran.stdout).toBe(0);
  });

  it('can be installed by pip, with all that it needs at run time', {
    timeout: 2 * MINUTE_MS,
  }, async (ctx) => {
    needs(ctx, 'pip', 'setuptools', 'wheel', 'zmq', 'google.protobuf');
    // A copy: a build leaves its folders beside the source.
    const source = join(folder, 'source');
    cpSync(join(root, 'python'), source, { recursive: true });
    const target = join(folder, 'installed');
    const flags = ['--no-build-isolation', '--no-index', '--no-deps', '--quiet', '--target', target];
    const installed = await runPython(['-m', 'pip', 'install', ...flags, source]);
    expect(installed.code, installed.stderr).toBe(0);
    const used = await runPython(['-c', 'import tutti, tutti.wire; print(tutti.__file__)'], {
      cwd: folder,
      env: { PYTHONPATH: target },
    });
    expect(used.stdout, used.stderr).toContain(target);
  });
});

describe('nodes in Python', () => {
  it('nodes in Python that share a graph with others lose nothing when all nodes and the orchestrator are killed', {
    timeout: 3 * MINUTE_MS,
  }, async (ctx) => {
    needs(ctx, 'zmq', 'google.protobuf');
    const ground = await MixedGround.start(join(folder, 'data'));
    try {
      const input = JSON.parse(
        readFileSync(join(root, 'nodes/sustainml/samples/steel-defects.json'), 'utf8'),
      );
      const problems: string[] = [];
      const submit = async (count: number) => {
        for (let made = 0; made < count; made += 1) problems.push(await ground.submit(input));
      };
      await submit(4);
      ground.kill('carbon_footprint');
      await submit(4);
      await ground.restart();
      await submit(4);
      ground.startNode('carbon_footprint');
      ground.kill('hw_constraints');
      ground.startNode('hw_constraints');
      const results = await Promise.all(problems.map((problem) => ground.solved(problem)));
      const footprints = results.map(({ state, modules }) => [state, modules.carbon_footprint?.output]);
      expect(footprints[0]).toEqual([
        'succeeded',
        expect.objectContaining({ carbon_intensity: expect.any(Number) }),
      ]);
      for (const each of footprints) expect(each).toEqual(footprints[0]);
      for (const { modules } of results) {
        for (const module of Object.values(modules))
          expect(module).toMatchObject({ outputs: 1, attempts: 1 });
      }
      // Each says with its heartbeats what it costs, in either language.
      const loads = await ground.loads();
      expect(Object.keys(loads).sort()).toEqual(Object.keys(results[0]!.modules).sort());
      for (const load of Object.values(loads)) {
        const any = expect.any(Number);
        expect(load).toEqual({ cpu: any, memory_bytes: any, executing: any });
        expect((load as { memory_bytes: number }).memory_bytes).toBeGreaterThan(10_000_000);
      }
    } finally {
      await ground.end();
    }
  });
});

describe('the SustainML modules in Python', () => {
  interface Case {
    readonly module: 'hw_constraints' | 'carbon_footprint';
    readonly user: UserInput;
    readonly model: MLModel;
    readonly hardware: HWResource;
  }
  const grids = indexTable(readGridTable());
  const OUTPUT = {
    hw_constraints: 'sustainml.v1.HWConstraints',
    carbon_footprint: 'sustainml.v1.CO2Footprint',
  };

  function encoded(type: string, value: unknown): string {
    const result = types.encode(type, value);
    if (!result.ok) throw new Error(JSON.stringify(result.faults));
    return Buffer.from(result.bytes).toString('base64');
  }

  function ofTypeScript({ module, user, model, hardware }: Case): Record<string, unknown> {
    try {
      const inputs = { user_input: user, ml_model: model, hw_resources: hardware };
      const output = module === 'hw_constraints' ? readConstraints(user) : estimateFootprint(inputs, grids);
      const result = types.encode(OUTPUT[module], output);
      return result.ok
        ? { output: Buffer.from(result.bytes).toString('base64') }
        : { faults: result.faults.map(({ path, code }) => [path, code]) };
    } catch (error) {
      if (!(error instanceof TuttiError)) throw error;
      return { code: error.code, message: error.message };
    }
  }

  async function ofPython(cases: readonly Case[]): Promise<Record<string, unknown>[]> {
    const inputTypes = ['UserInput', 'MLModel', 'HWResource'].map((name) => `sustainml.v1.${name}`);
    const descriptors = types.descriptors([...inputTypes, ...Object.values(OUTPUT)]);
    const lines = cases.map(({ module, user, model, hardware }) => ({
      module,
      type: OUTPUT[module],
      inputs: {
        user_input: [inputTypes[0], encoded(inputTypes[0]!, user)],
        ml_model: [inputTypes[1], encoded(inputTypes[1]!, model)],
        hw_resources: [inputTypes[2], encoded(inputTypes[2]!, hardware)],
      },
    }));
    const input = [{ descriptors: Buffer.from(descriptors).toString('base64') }, ...lines]
      .map((line) => `${JSON.stringify(line)}\n`)
      .join('');
    const ran = await runPython([join(root, 'python/tests/twin.py')], { input });
    expect(ran.code, ran.stderr).toBe(0);
    return ran.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
  }

  /** The engine's own words for a syntax error are not part of what a module says. */
  const withoutEngine = (answer: Record<string, unknown>) =>
    typeof answer.message === 'string'
      ? { ...answer, message: answer.message.replace(/is not JSON \(.*\)\.$/s, 'is not JSON.') }
      : answer;

  const model = (name: string) =>
    ({
      ...{ model_path: '', model: name, raw_model: new Uint8Array(), model_properties_path: '' },
      ...{ model_properties: '', input_batch: [], target_latency: 0, extra_data: new Uint8Array() },
    }) satisfies MLModel;
  const hardware = (power: number, latency: number) =>
    ({
      ...{ hw_description: 'Jetson "Nano"', power_consumption: power, latency },
      ...{ memory_footprint_of_ml_model: 1, max_hw_memory_footprint: 2, extra_data: new Uint8Array() },
    }) satisfies HWResource;

  const table = readGridTable();
  const place = fc.oneof(
    fc.constantFrom(
      ...table.countries.flatMap((row) => [row.name, row.iso2, row.iso3, ...row.aliases, ...row.places]),
    ),
    fc.constantFrom(...table.without_figure.map((row) => row.name), ...table.regions.map((row) => row.name)),
    fc.constantFrom(
      'Bilbao, Spain',
      'the north of Spain',
      'San Francisco, CA',
      'St. John’s',
      'France and Spain',
      'яst',
      ' ',
    ),
    fc.string({ unit: 'grapheme', maxLength: 20 }),
    fc.string({ unit: 'grapheme', minLength: 60, maxLength: 700 }),
  );
  const region = fc.oneof(
    place,
    fc.array(place, { minLength: 2, maxLength: 3 }).map((parts) => parts.join(', ')),
  );
  const value = fc.oneof(
    fc.double({ noDefaultInfinity: true, noNaN: true }),
    fc.integer({ min: -2, max: 5_000 }),
    fc.json(),
    fc.array(fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('edge', 'EDGE ', '\u00a0GPU'))),
  );
  const extraData = fc.oneof(
    fc
      .record(
        { max_memory_footprint: value, hardware_required: value, inferences: value, extra: value },
        { requiredKeys: [] },
      )
      .map((fields) => Buffer.from(JSON.stringify(fields))),
    fc
      .record({ inferences: fc.double({ min: 1e-9, max: 1e24, noNaN: true }) })
      .map((f) => Buffer.from(JSON.stringify(f))),
    fc
      .constantFrom(
        ...[
          '',
          ' \n',
          '\ufeff',
          '\ufeff{}',
          '{max: 1',
          '[1]',
          'null',
          '7',
          '{"inferences":1e400}',
          '{"inferences":NaN}',
        ],
        ...[
          '{"hardware_required":["\\ud83d"]}',
          '{"__proto__":1,"é":2,"ﬀ":3,"😀":4}',
          '{"max_memory_footprint":512.0}',
        ],
        ...[
          '{"max_memory_footprint":4294967296}',
          `{"x":"${'😀'.repeat(60)}","inferences":"${'😀'.repeat(60)}"}`,
        ],
      )
      .map((text) => Buffer.from(text)),
    fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
  );
  const figure = fc.oneof(
    fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
    fc.constantFrom(0, -1, Number.POSITIVE_INFINITY, Number.NaN, 1e-7, 1e21, 123456789012345680000),
  );
  const anyCase: fc.Arbitrary<Case> = fc
    .record({
      module: fc.constantFrom('hw_constraints' as const, 'carbon_footprint' as const),
      ...{ region, continent: place, extraData, power: figure, latency: figure },
      desired: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1e3, noNaN: true })),
      name: fc.string({ unit: 'grapheme' }),
    })
    .map((made) => ({
      module: made.module,
      user: userInput({
        geo_location_region: made.region,
        geo_location_continent: made.continent,
        desired_carbon_footprint: made.desired,
        extra_data: made.extraData,
      }),
      model: model(made.name),
      hardware: hardware(made.power, made.latency),
    }));

  it('give what their twins give, to the byte, and the same errors', {
    timeout: 2 * MINUTE_MS,
  }, async (ctx) => {
    needs(ctx, 'zmq', 'google.protobuf');
    const cases = fc.sample(anyCase, { numRuns: 4_000, seed: 20_261 });
    const python = await ofPython(cases);
    const outputs = cases.map((each) => withoutEngine(ofTypeScript(each)));
    expect(outputs.filter((each) => 'output' in each).length).toBeGreaterThan(1_000);
    expect(outputs.filter((each) => 'code' in each).length).toBeGreaterThan(500);
    cases.forEach((each, at) => {
      expect(withoutEngine(python[at]!), JSON.stringify(each)).toEqual(outputs[at]);
    });
  });
});
