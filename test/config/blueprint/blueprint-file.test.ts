// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references in blueprints look like placeholders
/** Blueprints as they are read: their form, what has to fit together, and where each fault is. */
import { describe, expect, it } from 'vitest';
import { blueprintOf } from '../../../src/config/blueprint/blueprint-file.js';
import { readYaml } from '../../../src/config/yaml/yaml.js';
import { filesOfBlueprint } from '../../../src/model/blueprint.js';
import { inputsFor } from '../../../src/model/blueprint-inputs.js';

const parse = (yaml: string) => blueprintOf(readYaml(yaml));
const faultsOf = (yaml: string): string[] => {
  const parsed = parse(yaml);
  return parsed.ok ? [] : parsed.faults.map(({ path, code, message }) => `${path} ${code} ${message}`);
};
const read = (yaml: string) => {
  const parsed = parse(yaml);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  return parsed.blueprint;
};

const SHOP = `
blueprint: shop
inputs: { model: { type: string, default: base }, port: { type: integer } }
components:
  web:
    after: [store]
    operations:
      start: { script: ./web.sh, args: ["--port", "\${inputs.port}"], inputs: { STORE: "\${store.address}" } }
  store:
    cluster: edge
    require: { gpu: "true" }
    operations: { create: ./install.sh, delete: bin/delete.sh }
    env: { MODEL: "\${inputs.model}", KEY: { secret: api-key } }
    files: [./lib.sh]
    retry: { attempts: 3 }
outputs: { address: "http://\${store.address}/\${inputs.model}" }
`;

describe('a blueprint', () => {
  it('has its components in an order in which each comes after those that it names', () => {
    const { components, ...rest } = read(SHOP);
    expect(rest).toEqual({
      name: 'shop',
      inputs: { model: { type: 'string', default: 'base' }, port: { type: 'integer' } },
      outputs: { address: 'http://${store.address}/${inputs.model}' },
    });
    const operation = (script: string) => ({ script, args: [], inputs: {} });
    expect(components).toEqual([
      {
        ...{ name: 'store', require: { gpu: 'true', cluster: 'edge' }, resources: { cpus: 1 } },
        operations: { create: operation('install.sh'), delete: operation('bin/delete.sh') },
        ...{ env: { MODEL: '${inputs.model}', KEY: { secret: 'api-key' } }, files: ['lib.sh'] },
        ...{ after: [], attempts: 3 },
      },
      {
        ...{ name: 'web', require: {}, resources: { cpus: 1 } },
        operations: {
          start: {
            ...{ script: 'web.sh', args: ['--port', '${inputs.port}'] },
            inputs: { STORE: '${store.address}' },
          },
        },
        ...{ env: {}, files: [], after: ['store'], attempts: 1 },
      },
    ]);
  });

  it('names each file once, with the place where it does', () => {
    expect([...filesOfBlueprint(read(SHOP))]).toEqual([
      ['install.sh', 'components.store.operations.create'],
      ['bin/delete.sh', 'components.store.operations.delete'],
      ['lib.sh', 'components.store.files[0]'],
      ['web.sh', 'components.web.operations.start'],
    ]);
  });

  const store = (more: string) =>
    `blueprint: b\ncomponents:\n  store: { operations: { create: ./a.sh }, ${more} }`;
  it.each([
    ['components: {}', 'blueprint missing_field'],
    ['[1]', ' wrong_type a blueprint is an object with blueprint and components'],
    ['blueprint: B\ncomponents: { a: { operations: { create: ./a.sh } } }', 'blueprint bad_name'],
    ['blueprint: b\ncomponents: {}', 'components missing_field a blueprint needs at least one component'],
    [
      'blueprint: b\ncomponents: { a: { operations: { delete: ./a.sh } } }',
      'components missing_field no component has create, configure, start or service',
    ],
    [
      'blueprint: b\ncomponents: { inputs: { operations: { create: ./a.sh } } }',
      'components.inputs name_taken',
    ],
    [store('services: {}'), 'components.store.services unknown_field "services" is not known here'],
    [store('after: [stroe]'), 'components.store.after[0] unknown_component "stroe" is not a component'],
    [store('after: [store]'), 'components.store.after[0] unknown_component "store" is the component itself'],
    [store('env: { TUTTI_X: a }'), 'components.store.env.TUTTI_X name_taken'],
    [store('env: { "a b": a }'), 'components.store.env["a b"] bad_name'],
    [store('env: { A: "${inputs.x}" }'), 'components.store.env.A unknown_input ${inputs.x} is not an input'],
    [store('env: { A: "${shop.x}" }'), 'components.store.env.A unknown_component'],
    [store('env: { A: "${store}" }'), 'components.store.env.A bad_reference'],
    [store('files: [../a.sh]'), 'components.store.files[0] bad_path'],
    [store('cluster: a, require: { cluster: b }'), 'components.store.require.cluster duplicate'],
    [store('retry: { attempts: 0 }'), 'components.store.retry.attempts out_of_range'],
    [
      'blueprint: b\ninputs: { n: { type: integer, default: x } }\ncomponents: { a: { operations: { create: ./a.sh } } }',
      'inputs.n.default wrong_type "x" is not of type integer',
    ],
    [
      'blueprint: b\ncomponents: { a: { operations: { create: ./a.sh }, after: [b] }, b: { operations: {}, after: [a] } }',
      'components.a.after cycle a cycle of components: a, b',
    ],
    [
      'blueprint: b\ncomponents: { a: { operations: { create: ./a.sh }, env: { X: "${b.y}" } }, b: { operations: {} } }',
      'components.a.env.X not_after ${b.y} is not known yet then: name b in after',
    ],
    [
      'blueprint: b\ncomponents: { a: { operations: { create: { script: ./a.sh, inputs: { X: "${c.y}" } } } } }',
      'components.a.operations.create.inputs.X unknown_component',
    ],
    [
      'blueprint: b\ncomponents: { a: { operations: { create: ./a.sh } } }\noutputs: { o: "${c.y}" }',
      'outputs.o unknown_component',
    ],
  ])('%s is refused with its place', (yaml, fault) => {
    const faults = faultsOf(yaml);
    expect(faults.some((one) => one.startsWith(fault))).toBe(true);
  });
});

describe('the inputs of a deployment', () => {
  const blueprint = read(SHOP);

  it('are what is given, and the defaults', () => {
    expect(inputsFor(blueprint, { port: 80 })).toEqual({ ok: true, inputs: { model: 'base', port: 80 } });
  });

  it('are refused where they are large', () => {
    const given = inputsFor(blueprint, { port: 80, model: 'x'.repeat(70_000) });
    expect(given.ok ? [] : given.faults.map(({ path, code }) => `${path} ${code}`)).toEqual([
      '/inputs out_of_range',
    ]);
  });

  it('are refused with every fault: missing, unknown, of another type', () => {
    const given = inputsFor(blueprint, { modle: 'x', model: 1 });
    expect(given.ok ? [] : given.faults.map(({ path, code }) => `${path} ${code}`)).toEqual([
      '/inputs/modle unknown_input',
      '/inputs/model wrong_type',
      '/inputs/port missing_input',
    ]);
  });
});

describe('a component that is a service', () => {
  const withService = (service: string, more = ''): string =>
    `blueprint: shop
inputs: { model: { type: string, default: base } }
components:
  store: { operations: { create: ./install.sh } }
  web: { after: [store], service: ${service}${more} }
`;

  it('has what a service in a service file has, with references in its words and its environment, and its files', () => {
    const blueprint = read(
      withService(
        '{ cluster: lab, count: 2, script: ./web.sh, args: ["${replica.number}", "${store.a.b}"], files: { a: ./b }, env: { M: "${inputs.model}" } }',
        ', deadline: 2m',
      ),
    );
    expect(blueprint.components[1]).toMatchObject({
      ...{ name: 'web', operations: {}, after: ['store'] },
      service: {
        withinMs: 120_000,
        spec: {
          ...{ type: 'service', count: 2, require: { cluster: 'lab' } },
          run: {
            work: { kind: 'script', path: 'web.sh', args: ['${replica.number}', '${store.a.b}'] },
            ...{ env: { M: '${inputs.model}' }, files: { a: 'b', 'web.sh': 'web.sh' } },
          },
        },
      },
    });
    expect([...filesOfBlueprint(blueprint)]).toEqual([
      ['install.sh', 'components.store.operations.create'],
      ['b', 'components.web.service.files'],
      ['web.sh', 'components.web.service.script'],
    ]);
    expect(read(withService('{ command: [web] }')).components[1]?.service?.withinMs).toBe(600_000);
  });

  it.each([
    ['{ command: [web], port: 1 }', '', 'components.web.service.port unknown_field'],
    ['{ script: ./a.sh, files_sha256: {} }', '', 'components.web.service.files_sha256 unknown_field'],
    ['{ count: 2 }', '', 'components.web.service missing_field'],
    ['{ command: ["${web.a}"] }', '', 'components.web.service.command[0] bad_reference'],
    ['{ command: ["${shop.a}"] }', '', 'components.web.service.command[0] unknown_component'],
    [
      '{ command: [a], env: { A: "${replica.number}" } }',
      '',
      'components.web.service.env.A unknown_component',
    ],
    ['{ command: [web] }', ', operations: { stop: ./a.sh }', 'components.web.operations not_with_service'],
    ['{ command: [web] }', ', cluster: lab', 'components.web.cluster not_with_service'],
    ['{ command: [web] }', ', resources: { cpus: 1 }', 'components.web.resources not_with_service'],
    ['{ command: [web] }', ', deadline: soon', 'components.web.deadline'],
  ])('a service component with %s%s is refused at %s', (service, more, fault) => {
    expect(faultsOf(withService(service, more))).toEqual([expect.stringContaining(fault)]);
  });

  it('has no attributes, and only it has a deadline', () => {
    const outputs = `${withService('{ command: [web] }')}outputs: { a: "\${web.address}" }\n`;
    expect(faultsOf(outputs)).toEqual([expect.stringContaining('outputs.a bad_reference')]);
    const late = 'blueprint: a\ncomponents: { b: { deadline: 1m, operations: { create: ./c.sh } } }';
    expect(faultsOf(late)).toEqual([expect.stringContaining('components.b.deadline not_with_operations')]);
  });
});

describe('references that never end', () => {
  it('are read in a time that grows with their length only', () => {
    const yaml = `blueprint: a\ncomponents: { b: { operations: { start: ./b.sh }, env: { A: "${'${'.repeat(100_000)}" } } }\n`;
    const begun = performance.now();
    expect(faultsOf(yaml)).toEqual([]);
    expect(performance.now() - begun).toBeLessThan(2_000);
  });
});
