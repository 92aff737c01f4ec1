// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references in blueprints look like placeholders
/** TOSCA templates as the blueprints that do the same. */
import { describe, expect, it } from 'vitest';
import { blueprintOf, componentOf, faultsOf, readTemplate, topology } from './support.js';

const SHOP = `
metadata: { template_name: My Shop, template_version: "1.0" }
node_types:
  Store:
    derived_from: tosca.nodes.SoftwareComponent
    properties:
      port: { type: integer, default: 5432, constraints: [{ in_range: [1, 65535] }] }
      tags: { type: list, entry_schema: string, default: [a, b] }
    attributes: { address: { type: string, default: unknown } }
    interfaces:
      Standard:
        inputs: { port: { type: integer, value: { get_property: [SELF, port] } } }
        operations:
          create: { implementation: { primary: store/install.sh, dependencies: [store/lib.sh, store/conf] } }
          start: store/start.yml
          delete: store/delete.sh
  Web:
    derived_from: SoftwareComponent
    properties: { title: { type: string } }
    requirements: [{ store: { capability: tosca.capabilities.Node, relationship: tosca.relationships.ConnectsTo } }]
    interfaces:
      Standard:
        start:
          implementation: web.sh
          inputs:
            STORE: { concat: ["http://", { get_attribute: [SELF, store, address] }, ":", { get_property: [SELF, store, port] }] }
            TITLE: { get_property: [SELF, title] }
            HOST: { get_attribute: [HOST, public_address] }
topology_template:
  inputs: { site: { type: string, default: localhost }, title: { type: string, constraints: [{ max_length: 10 }] } }
  node_templates:
    machine: { type: tosca.nodes.Compute, attributes: { public_address: { get_input: site } } }
    Store: { type: Store, requirements: [{ host: machine }] }
    web: { type: Web, properties: { title: { get_input: title } }, requirements: [{ host: machine }, { store: Store }] }
  outputs: { address: { description: where, value: { get_attribute: [Store, address] } } }
`;
const SHOP_FILES = { 'store/conf/a.cfg': '', 'store/conf/more/b.cfg': '' };

describe('a template', () => {
  it('becomes a blueprint with its inputs, components and outputs', async () => {
    const read = await readTemplate(SHOP, {
      files: SHOP_FILES,
      inputs: { title: 'Hello' },
      clusterAt: () => 'edge',
    });
    if (!read.ok) throw new Error(JSON.stringify(read.faults));
    expect(read.inputs).toEqual({ site: 'localhost', title: 'Hello' });
    expect(read.blueprint).toMatchObject({
      name: 'my-shop',
      inputs: {
        site: { type: 'string', default: 'localhost' },
        title: { type: 'string', constraints: [{ name: 'max_length', limit: 10 }] },
      },
      outputs: { address: '${store.address}' },
      components: [
        { name: 'machine', operations: {}, after: [], attributes: { public_address: 'localhost' } },
        {
          name: 'store',
          after: ['machine'],
          attributes: { address: 'unknown' },
          require: { cluster: 'edge' },
        },
        { name: 'web', after: ['machine', 'store'], require: { cluster: 'edge' } },
      ],
    });
    const [, store, web] = read.blueprint.components;
    expect(store!.operations).toEqual({
      create: {
        ...{ script: 'install.sh', args: [], inputs: { port: '5432' }, typed: ['port'] },
        files: {
          'install.sh': 'store/install.sh',
          'lib.sh': 'store/lib.sh',
          'conf/a.cfg': 'store/conf/a.cfg',
          'conf/more/b.cfg': 'store/conf/more/b.cfg',
        },
      },
      start: {
        ...{ script: 'start.yml', args: [], inputs: { port: '5432' }, typed: ['port'] },
        files: { 'start.yml': 'store/start.yml' },
      },
      delete: {
        ...{ script: 'delete.sh', args: [], inputs: { port: '5432' }, typed: ['port'] },
        files: { 'delete.sh': 'store/delete.sh' },
      },
    });
    expect(web!.operations.start).toEqual({
      ...{ script: 'web.sh', args: [], files: { 'web.sh': 'web.sh' } },
      inputs: {
        STORE: 'http://${store.address}:5432',
        TITLE: '${inputs.title}',
        HOST: '${inputs.site}',
      },
    });
    expect([...read.files]).toEqual(
      expect.arrayContaining([
        ['store/install.sh', 'node_types.Store.interfaces.Standard.operations.create.implementation.primary'],
        [
          'store/lib.sh',
          'node_types.Store.interfaces.Standard.operations.create.implementation.dependencies[0]',
        ],
        ['web.sh', 'node_types.Web.interfaces.Standard.start.implementation'],
      ]),
    );
  });

  it('is called tosca if it has no name', async () => {
    expect((await blueprintOf(topology({ a: RUN }))).name).toBe('tosca');
  });

  it('gives faults of the blueprint that it comes to at its own places', async () => {
    const circle = topology({
      a: '{ type: tosca.nodes.Root, requirements: [{ dependency: b }], interfaces: { Standard: { create: a.sh } } }',
      b: '{ type: tosca.nodes.Root, requirements: [{ dependency: a }] }',
    });
    expect(await faultsOf(circle)).toEqual(['topology_template.node_templates.a cycle']);
    expect(await faultsOf(topology({ 'a b': RUN }))).toEqual([
      'topology_template.node_templates["a b"] wrong_type',
    ]);
    expect(await faultsOf(topology({ a: '{ type: tosca.nodes.Root }' }))).toEqual([
      'topology_template missing_field',
    ]);
    expect(await faultsOf(topology({ inputs: RUN }))).toEqual([
      'topology_template.node_templates.inputs name_taken',
    ]);
    const env =
      '{ type: tosca.nodes.Root, interfaces: { Standard: { create: { implementation: a.sh, inputs: { a-b: x } } } } }';
    expect(await faultsOf(topology({ a: env }))).toEqual([
      'topology_template.node_templates.a.interfaces.Standard.create.inputs.a-b bad_name',
    ]);
  });

  it('is refused if two nodes differ in capitals only', async () => {
    expect(await faultsOf(topology({ a: RUN, A: RUN }))).toEqual([
      'topology_template.node_templates.A name_taken',
    ]);
  });
});

const RUN = '{ type: tosca.nodes.Root, interfaces: { Standard: { create: a.sh } } }';

describe('operations', () => {
  const typed = (operations: string, node = '{ type: T }', more = ''): string =>
    `node_types:\n  T:\n    derived_from: tosca.nodes.Root\n    interfaces: { Standard: ${operations} }\n${more}${topology({ a: node })}`;

  it('come from the type, and are changed by derived types and by templates', async () => {
    const derived =
      '  U:\n    derived_from: T\n    interfaces: { Standard: { operations: { start: u.sh } } }\n';
    const node =
      '{ type: U, interfaces: { Standard: { inputs: { B: b }, operations: { create: { inputs: { A: 2 } } } } } }';
    const yaml = typed(
      '{ create: { implementation: t.sh, inputs: { A: 1, C: c } }, start: t.sh, stop: t.sh }',
      node,
      derived,
    );
    const { operations } = await componentOf(yaml, 'a');
    expect(operations).toMatchObject({
      create: { script: 't.sh', inputs: { A: '2', B: 'b', C: 'c' } },
      start: { script: 'u.sh', inputs: { B: 'b' } },
      stop: { script: 't.sh' },
    });
  });

  it('do nothing without an implementation', async () => {
    const { operations } = await componentOf(
      typed('{ create: a.sh, start: { description: later }, stop: null }'),
      'a',
    );
    expect(Object.keys(operations)).toEqual(['create']);
  });

  it('are implemented by artifacts as well, by name or at their place', async () => {
    const node =
      '{ type: tosca.nodes.Root, artifacts: { installer: { file: bin/a.sh, type: tosca.artifacts.Implementation.Bash }, plain: b.sh }, interfaces: { Standard: { create: installer, start: { implementation: { primary: { file: c.py, type: tosca.artifacts.Implementation.Python }, dependencies: [plain] } } } } }';
    expect((await componentOf(topology({ a: node }), 'a')).operations).toMatchObject({
      create: { script: 'a.sh', files: { 'a.sh': 'bin/a.sh' } },
      start: { script: 'c.py', files: { 'c.py': 'c.py', 'b.sh': 'b.sh' } },
    });
  });

  it('have inputs of types, with defaults, and may leave out those that are not required', async () => {
    const inputs =
      '{ A: { type: integer, default: 3 }, B: { type: map, value: { x: 1 } }, C: { type: string, required: false }, D: true, E: { type: string, value: "7" } }';
    const { operations } = await componentOf(
      typed(`{ create: { implementation: a.yml, inputs: ${inputs} } }`),
      'a',
    );
    expect(operations.create).toMatchObject({
      inputs: { A: '3', B: '{"x":1}', D: 'true', E: '7' },
      typed: ['A', 'B', 'D'],
    });
    const missing = typed('{ create: { implementation: a.sh, inputs: { A: { type: string } } } }');
    expect(await faultsOf(missing)).toEqual([
      'node_types.T.interfaces.Standard.create.inputs.A missing_field',
    ]);
  });

  it('have files that lie beside each other, so no two have one name', async () => {
    const two = '{ create: { implementation: { primary: a/x.sh, dependencies: [b/x.sh] } } }';
    expect(await faultsOf(typed(two))).toEqual([
      'node_types.T.interfaces.Standard.create.implementation.dependencies[0] duplicate',
    ]);
    const out =
      '{ create: ../x.sh, start: { implementation: { primary: /bin/x.sh, dependencies: ["../.."] } } }';
    expect(await faultsOf(typed(out))).toEqual([
      'node_types.T.interfaces.Standard.create bad_path',
      'node_types.T.interfaces.Standard.start.implementation.dependencies[0] bad_path',
    ]);
  });
});

describe('functions', () => {
  const value = (text: string, more = ''): string =>
    `node_types:\n  T: { derived_from: tosca.nodes.Root, properties: { p: { type: string, default: P }, m: { type: map, default: { k: [x, y] } }, u: { type: string, required: false } }, attributes: { a: { type: string, default: A }, w: { type: string } } }\n  R: { derived_from: T, interfaces: { Standard: { create: r.sh } } }\n${topology(
      {
        plain: '{ type: T }',
        run: '{ type: R }',
        me: `{ type: R, requirements: [{ dependency: run }], interfaces: { Standard: { create: { implementation: me.sh, inputs: { V: ${text} } } } } }`,
      },
      `  inputs: { i: { type: string, default: I }, j: { type: map, default: { k: 1 } } }\n${more}`,
    )}`;
  const V = 'topology_template.node_templates.me.interfaces.Standard.create.inputs.V';
  const cases: readonly (readonly [string, string])[] = [
    ['{ get_input: i }', '${inputs.i}'],
    ['{ get_input: [j, k] }', '${inputs.j.k}'],
    ['{ get_property: [SELF, p] }', 'P'],
    ['{ get_property: [plain, m, k, 1] }', 'y'],
    ['{ get_property: [SELF, dependency, p] }', 'P'],
    ['{ get_attribute: [SELF, w] }', '${me.w}'],
    ['{ get_attribute: [run, a] }', '${run.a}'],
    ['{ get_attribute: [run, a, deep, 0] }', '${run.a.deep.0}'],
    ['{ get_attribute: [plain, a] }', 'A'],
    ['{ get_attribute: [plain, p] }', 'P'],
    ['{ concat: [a, 1, { get_property: [SELF, p] }] }', 'a1P'],
    ['{ concat: [{ get_attribute: [run, w] }, "-", { get_input: i }] }', '${run.w}-${inputs.i}'],
    ['[1, { x: y }]', '[1,{"x":"y"}]'],
  ];
  it.each(cases)('%s', async (text, expected) => {
    const { operations } = await componentOf(value(text), 'me');
    expect(operations.create?.inputs.V).toBe(expected);
  });

  const refused: readonly (readonly [string, string])[] = [
    ['{ get_input: x }', '.get_input unknown_input'],
    ['{ get_input: { a: b } }', '.get_input wrong_type'],
    ['{ get_input: [j, z] }', '.get_input bad_reference'],
    ['{ get_property: [SELF] }', '.get_property wrong_type'],
    ['{ get_property: [nobody, p] }', '.get_property unknown_node'],
    ['{ get_property: [SELF, q] }', '.get_property bad_reference'],
    ['{ get_property: [SELF, u] }', '.get_property bad_reference'],
    ['{ get_property: [plain, m, z] }', '.get_property bad_reference'],
    ['{ get_property: [HOST, p] }', '.get_property bad_reference'],
    ['{ get_attribute: [plain, w] }', '.get_attribute bad_reference'],
    ['{ get_attribute: [run, z] }', '.get_attribute bad_reference'],
    ['{ get_attribute: [run, w, "a.b"] }', '.get_attribute unsupported'],
    ['{ concat: text }', '.concat wrong_type'],
    ['{ concat: [{ get_property: [plain, m] }] }', '.concat[0] wrong_type'],
    ['{ concat: ["$", "{inputs.i}"] }', '.concat unsupported'],
    ['"${inputs.i}"', ' unsupported'],
    ['[{ get_input: i }]', '[0] unsupported'],
    ['{ join: [[a, b], c] }', '.join unsupported'],
    ['{ token: [a, b, 0] }', '.token unsupported'],
    ['{ get_artifact: [SELF, x] }', '.get_artifact unsupported'],
    ['{ get_operation_output: [SELF, Standard, create, x] }', '.get_operation_output unsupported'],
    ['{ get_nodes_of_type: T }', '.get_nodes_of_type unsupported'],
  ];
  it.each(refused)('%s is refused', async (text, expected) => {
    expect(await faultsOf(value(text))).toEqual([V + expected]);
  });

  it('need the name of a node in an output', async () => {
    const output = (text: string): string => value('x', `  outputs: { o: { value: ${text} } }\n`);
    const at = 'topology_template.outputs.o';
    expect((await blueprintOf(output('{ get_attribute: [me, w] }'))).outputs).toEqual({ o: '${me.w}' });
    expect(await faultsOf(output('{ get_attribute: [SELF, w] }'))).toEqual([
      `${at}.value.get_attribute bad_reference`,
    ]);
    expect(await faultsOf(value('x', '  outputs: { o: { description: nothing } }\n'))).toEqual([
      `${at} missing_field`,
    ]);
  });

  it('may not name what comes later, nor themselves', async () => {
    const later = value('x').replace(
      'run: { type: R }',
      'run: { type: R, interfaces: { Standard: { create: { inputs: { V: { get_attribute: [me, w] } } } } } }',
    );
    expect(await faultsOf(later)).toEqual([
      'topology_template.node_templates.run.interfaces.Standard.create.inputs.V.get_attribute not_after',
    ]);
    const circle = value('x').replace(
      'plain: { type: T }',
      'plain: { type: T, properties: { p: { get_property: [SELF, u] }, u: { get_property: [SELF, p] } } }',
    );
    expect(await faultsOf(circle)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^topology_template\.node_templates\.plain\.properties\.[pu]\b.* cycle$/),
      ]),
    );
  });

  it('are not worked out to their end if they double with each line', async () => {
    const properties = Array.from(
      { length: 30 },
      (_, index) =>
        `p${index}: { type: string, default: { concat: [{ get_property: [SELF, p${index + 1}] }, { get_property: [SELF, p${index + 1}] }] } }`,
    );
    const yaml = `node_types: { T: { derived_from: tosca.nodes.Root, properties: { ${properties.join(', ')}, p30: { type: string, default: x } }, interfaces: { Standard: { create: a.sh } } } }\n${topology({ a: '{ type: T }' })}`;
    expect((await faultsOf(yaml)).some((fault) => fault.endsWith('too_large'))).toBe(true);
  });
});

describe('a Compute', () => {
  const at = (compute: string, inputs: Readonly<Record<string, unknown>> = {}) =>
    readTemplate(
      topology(
        {
          machine: `{ type: tosca.nodes.Compute, ${compute} }`,
          one: '{ type: tosca.nodes.SoftwareComponent, requirements: [{ host: machine }], interfaces: { Standard: { create: a.sh } } }',
          two: '{ type: tosca.nodes.SoftwareComponent, requirements: [{ host: one }], interfaces: { Standard: { create: a.sh } } }'
            .replace('tosca.nodes.SoftwareComponent', 'tosca.nodes.Root')
            .replace('host: one', 'dependency: one'),
          three:
            '{ type: tosca.nodes.SoftwareComponent, requirements: [{ host: machine }], interfaces: { Standard: { create: a.sh } } }',
        },
        '  inputs: { where: { type: string, default: localhost } }\n',
      ),
      { inputs, clusterAt: (host) => ({ edge: 'edge', localhost: 'local', '10.0.0.1': 'far' })[host] },
    );
  const placed = async (compute: string, inputs = {}): Promise<unknown[]> => {
    const read = await at(compute, inputs);
    if (!read.ok) return read.faults.map(({ path, code }) => `${path} ${code}`);
    return read.blueprint.components
      .filter(({ name }) => name !== 'machine')
      .map(({ name, require, together }) => [name, require.cluster ?? together]);
  };

  it('stands for a cluster, by name or by address', async () => {
    const on = (cluster: string) => [
      ['one', cluster],
      ['three', cluster],
      ['two', undefined],
    ];
    const sorted = async (...args: Parameters<typeof placed>) => (await placed(...args)).sort();
    expect(await sorted('attributes: { host: edge }')).toEqual(on('edge'));
    expect(await sorted('properties: { host: edge }')).toEqual(on('edge'));
    expect(await sorted('attributes: { private_address: 10.0.0.1, public_address: x }')).toEqual(on('far'));
    expect(await sorted('attributes: { public_address: { get_input: where } }')).toEqual(on('local'));
    expect(
      await sorted('attributes: { public_address: { get_input: where } }', { where: '10.0.0.1' }),
    ).toEqual(on('far'));
  });

  it('is placed by the ranking if it has no host, with all that it hosts on one cluster', async () => {
    expect((await placed('description: any')).sort()).toEqual([
      ['one', 'machine'],
      ['three', 'machine'],
      ['two', undefined],
    ]);
  });

  it('is refused if no cluster is at its address, or if its host is known only later', async () => {
    expect(await placed('attributes: { public_address: 10.0.0.9 }')).toEqual([
      'topology_template.node_templates.machine.attributes.public_address unknown_cluster',
    ]);
    expect(await placed('attributes: { host: { get_attribute: [three, x] } }')).toEqual([
      'topology_template.node_templates.machine.attributes.host.get_attribute bad_reference',
    ]);
  });
});

describe('imports', () => {
  const TYPES =
    'tosca_definitions_version: tosca_simple_yaml_1_3\nnode_types:\n  T:\n    derived_from: tosca.nodes.Root\n    interfaces: { Standard: { create: run.sh, start: /root.sh } }\n';

  it('bring types, whose files are beside them', async () => {
    const yaml = `imports: [lib/main.yaml, { file: ./lib/types.yaml }]\n${topology({ a: '{ type: T }' })}`;
    const main = 'tosca_definitions_version: tosca_simple_yaml_1_3\nimports: [types.yaml]\n';
    const read = await readTemplate(yaml, { files: { 'lib/main.yaml': main, 'lib/types.yaml': TYPES } });
    if (!read.ok) throw new Error(JSON.stringify(read.faults));
    expect(read.blueprint.components[0]?.operations).toMatchObject({
      create: { files: { 'run.sh': 'lib/run.sh' } },
      start: { files: { 'root.sh': 'root.sh' } },
    });
    expect([...read.files]).toEqual([
      ['lib/run.sh', 'lib/types.yaml#node_types.T.interfaces.Standard.create'],
      ['root.sh', 'lib/types.yaml#node_types.T.interfaces.Standard.start'],
      ['lib/main.yaml', 'imports[0]'],
      ['lib/types.yaml', 'imports[1]'],
    ]);
  });

  it('are refused if they are not files beside the template, or have faults themselves', async () => {
    const of = (imports: string, files = {}): Promise<string[]> =>
      faultsOf(`imports: ${imports}\n${topology({ a: RUN })}`, { files });
    expect(await of('[http://example.org/types.yaml]')).toEqual(['imports[0] unsupported']);
    expect(await of('[{ file: a.yaml, repository: r }]', { 'a.yaml': TYPES })).toEqual([
      'imports[0].repository unsupported',
    ]);
    expect(await of('[../types.yaml, none.yaml, 3]')).toEqual([
      'imports[0] bad_path',
      'imports[2] wrong_type',
      'imports[1] missing_file',
    ]);
    expect(await of('[a.yaml]', { 'a.yaml': 'a: b: c' })).toEqual(['a.yaml# bad_yaml']);
    expect(await of('[a.yaml]', { 'a.yaml': `${TYPES}topology_template: {}\n` })).toEqual([
      'a.yaml#topology_template unsupported',
    ]);
    expect(await of('[a.yaml, b.yaml]', { 'a.yaml': TYPES, 'b.yaml': TYPES })).toEqual([
      'b.yaml#node_types.T duplicate',
    ]);
    expect(await of('[a.yaml]', { 'a.yaml': 'node_types: {}' })).toEqual([
      'a.yaml#tosca_definitions_version unsupported',
    ]);
  });
});
