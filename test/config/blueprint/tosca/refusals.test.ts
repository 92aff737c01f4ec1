/** What is not understood is refused, with its path: nothing of a template is skipped. */
import { describe, expect, it } from 'vitest';
import { faultsOf, readTemplate, topology } from './support.js';

const RUN = '{ type: tosca.nodes.Root, interfaces: { Standard: { create: a.sh } } }';
const PLAIN = topology({ a: RUN });
const A = 'topology_template.node_templates.a';

const template = (more: string): Promise<string[]> => faultsOf(`${more}\n${PLAIN}`);
const node = (fields: string, types = ''): Promise<string[]> =>
  faultsOf(types + topology({ a: `{ ${fields} }`, b: RUN }));
const type = (fields: string): Promise<string[]> =>
  faultsOf(`node_types: { T: { derived_from: tosca.nodes.SoftwareComponent, ${fields} } }\n${PLAIN}`);

describe('of a template', () => {
  it.each([
    'policy_types',
    'group_types',
    'interface_types',
    'artifact_types',
    'data_types',
    'repositories',
    'template_name',
  ])('%s', async (field) => {
    expect(await template(`${field}: {}`)).toEqual([`${field} unsupported`]);
  });

  it.each(['policies', 'groups', 'relationship_templates', 'substitution_mappings', 'workflows'])(
    'the %s of its topology',
    async (field) => {
      expect(await faultsOf(topology({ a: RUN }, `  ${field}: {}\n`))).toEqual([
        `topology_template.${field} unsupported`,
      ]);
    },
  );

  it.each(['tosca_simple_yaml_1_2', 'tosca_2_0', '1.3'])('the version %s', async (version) => {
    const yaml = `${PLAIN}tosca_definitions_version: ${version}\n`;
    expect(await faultsOf(yaml, { head: '' })).toEqual(['tosca_definitions_version unsupported']);
  });

  it('a topology without nodes, or of another form', async () => {
    expect(await faultsOf('topology_template: { node_templates: {} }')).toEqual([
      'topology_template.node_templates missing_field',
    ]);
    expect(await faultsOf('description: nothing')).toEqual([
      'topology_template.node_templates missing_field',
    ]);
    expect(await faultsOf('topology_template: [a]')).toEqual([
      'topology_template wrong_type',
      'topology_template.node_templates missing_field',
    ]);
  });
});

describe('of a node template', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['description: no type', '.type missing_field'],
    ['type: tosca.nodes.Compte', '.type unknown_type'],
    ['type: tosca.nodes.LoadBalancer', '.type unknown_type'],
    ['type: Root, capabilities: { feature: {} }', '.capabilities unsupported'],
    ['type: Root, directives: [select]', '.directives unsupported'],
    ['type: Root, node_filter: {}', '.node_filter unsupported'],
    ['type: Root, copy: b', '.copy unsupported'],
    ['type: Root, properties: { x: 1 }', '.properties.x unknown_field'],
    ['type: Root, attributes: { x: 1 }', '.attributes.x unknown_field'],
    ['type: tosca.nodes.DBMS, properties: { port: many }', '.properties.port wrong_type'],
    ['type: Root, requirements: { dependency: b }', '.requirements wrong_type'],
    ['type: Root, requirements: [{ dependency: c }]', '.requirements[0].dependency unknown_node'],
    ['type: Root, requirements: [{ host: b }]', '.requirements[0].host unknown_field'],
    [
      'type: Root, requirements: [{ dependency: { node: b, node_filter: {} } }]',
      '.requirements[0].dependency.node_filter unsupported',
    ],
    [
      'type: Root, requirements: [{ dependency: { node: b, occurrences: [1, 1] } }]',
      '.requirements[0].dependency.occurrences unsupported',
    ],
    [
      'type: Root, requirements: [{ dependency: { relationship: tosca.relationships.DependsOn } }]',
      '.requirements[0].dependency.node missing_field',
    ],
    [
      'type: Root, requirements: [{ dependency: { node: b, relationship: AttachesTo } }]',
      '.requirements[0].dependency.relationship unknown_type',
    ],
    [
      'type: Root, requirements: [{ dependency: { node: b, relationship: { type: DependsOn, interfaces: {} } } }]',
      '.requirements[0].dependency.relationship.interfaces unsupported',
    ],
    [
      'type: Root, requirements: [{ dependency: { node: b, capability: Endpoint } }]',
      '.requirements[0].dependency wrong_type',
    ],
    ['type: SoftwareComponent, requirements: [{ host: b }]', '.requirements[0].host wrong_type'],
    ['type: Root, interfaces: { Configure: {} }', '.interfaces.Configure unsupported'],
    [
      'type: Root, interfaces: { Standard: { operations: { restart: a.sh } } }',
      '.interfaces.Standard.operations.restart unsupported',
    ],
    ['type: Root, interfaces: { Standard: { restart: a.sh } }', '.interfaces.Standard.restart unsupported'],
    [
      'type: Root, interfaces: { Standard: { notifications: {} } }',
      '.interfaces.Standard.notifications unsupported',
    ],
    [
      'type: Root, interfaces: { Standard: { type: my.interface, create: a.sh } }',
      '.interfaces.Standard.type unsupported',
    ],
    [
      'type: Root, interfaces: { Standard: { create: { implementation: { primary: a.sh, timeout: 5 } } } }',
      '.interfaces.Standard.create.implementation.timeout unsupported',
    ],
    [
      'type: Root, interfaces: { Standard: { create: { implementation: { primary: a.sh, operation_host: HOST } } } }',
      '.interfaces.Standard.create.implementation.operation_host unsupported',
    ],
    [
      'type: Root, interfaces: { Standard: { create: { implementation: { dependencies: [a.sh] } } } }',
      '.interfaces.Standard.create.implementation.primary missing_field',
    ],
    [
      'type: Root, interfaces: { Standard: { create: { implementation: a.sh, outputs: { x: [SELF, y] } } } }',
      '.interfaces.Standard.create.outputs.x unsupported',
    ],
    [
      'type: Root, interfaces: { Standard: { create: { implementation: { file: a.qcow2, type: tosca.artifacts.Deployment.Image.VM.QCOW2 } } } }',
      '.interfaces.Standard.create.implementation.type unsupported',
    ],
    [
      'type: Root, artifacts: { image: { file: a.tar, type: tosca.artifacts.Deployment.Image.Container.Docker } }',
      '.artifacts.image.type unsupported',
    ],
    [
      'type: Root, artifacts: { script: { file: a.sh, repository: r } }',
      '.artifacts.script.repository unsupported',
    ],
  ];
  it.each(cases)('%s', async (fields, expected) => {
    expect(await node(fields)).toEqual([A + expected]);
  });

  it('a missing property, more than one host, and more or fewer requirements than its type has', async () => {
    const compute = '{ type: tosca.nodes.Compute }';
    const two = topology({
      a: '{ type: T, requirements: [{ host: c }, { over: d }] }',
      b: RUN,
      c: compute,
      d: compute,
    });
    const types =
      'node_types: { T: { derived_from: tosca.nodes.SoftwareComponent, requirements: [{ over: { capability: Compute, relationship: HostedOn } }] } }\n';
    const property = 'node_types: { T: { derived_from: Root, properties: { p: { type: string } } } }\n';
    expect(await node('type: T', property)).toEqual([`${A}.properties.p missing_field`]);
    expect(await faultsOf(types + two)).toEqual([`${A}.requirements unsupported`]);
    expect(await faultsOf(types + topology({ a: '{ type: T }', b: RUN }))).toEqual([
      `${A}.requirements out_of_range`,
    ]);
  });
});

describe('of a node type', () => {
  const T = 'node_types.T';
  const cases: readonly (readonly [string, string])[] = [
    ['workflows: {}', '.workflows unsupported'],
    ['properties: { p: { type: tosca.datatypes.Credential } }', '.properties.p.type unsupported'],
    ['properties: { p: { type: scalar-unit.size } }', '.properties.p.type unsupported'],
    ['properties: { p: { type: string, status: experimental } }', '.properties.p.status unsupported'],
    ['properties: { p: { type: string, entry_schema: string } }', '.properties.p.entry_schema wrong_type'],
    [
      'properties: { p: { type: list, entry_schema: { type: json } } }',
      '.properties.p.entry_schema.type unsupported',
    ],
    ['properties: { p: { type: string, required: maybe } }', '.properties.p.required wrong_type'],
    [
      'properties: { p: { type: string, constraints: [{ schema: x }] } }',
      '.properties.p.constraints[0].schema unsupported',
    ],
    [
      'properties: { p: { type: string, constraints: [{ max_length: long }] } }',
      '.properties.p.constraints[0].max_length wrong_type',
    ],
    ['properties: { p: { type: string, constraints: [{}] } }', '.properties.p.constraints[0] wrong_type'],
    ['properties: { p: {} }', '.properties.p.type missing_field'],
    ['capabilities: { c: { type: Endpoint, properties: {} } }', '.capabilities.c.properties unsupported'],
    ['capabilities: { c: Unknown }', '.capabilities.c.type unknown_type'],
    ['requirements: [{ r: { relationship: DependsOn } }]', '.requirements[0].r.capability missing_field'],
    ['requirements: [{ r: { capability: Node, node: Nobody } }]', '.requirements[0].r.node unknown_type'],
    [
      'requirements: [{ r: { capability: Node, occurrences: many } }]',
      '.requirements[0].r.occurrences wrong_type',
    ],
    [
      'requirements: [{ r: { capability: Node, node_filter: {} } }]',
      '.requirements[0].r.node_filter unsupported',
    ],
    ['interfaces: { my.Interface: { create: a.sh } }', '.interfaces["my.Interface"] unsupported'],
  ];
  it.each(cases)('%s', async (fields, expected) => {
    expect(await type(fields)).toEqual([T + expected]);
  });

  it('one that derives from itself, from nothing or from what is not there, or that is called like one of the profile', async () => {
    const of = (types: string): Promise<string[]> => faultsOf(`node_types: { ${types} }\n${PLAIN}`);
    expect(await of('A: { derived_from: B }, B: { derived_from: A }')).toEqual([
      'node_types.B.derived_from cycle',
    ]);
    expect(await of('A: {}')).toEqual(['node_types.A.derived_from missing_field']);
    expect(await of('A: { derived_from: tosca.nodes.Storage.ObjectStorage }')).toEqual([
      'node_types.A.derived_from unknown_type',
    ]);
    expect(await of('tosca.nodes.Compute: { derived_from: tosca.nodes.Root }')).toEqual([
      'node_types["tosca.nodes.Compute"] name_taken',
    ]);
  });
});

describe('of other types', () => {
  it('what relationship and capability types add', async () => {
    for (const kind of ['relationship', 'capability']) {
      const [one, Parent] = [
        `${kind}_types`,
        `tosca.${kind === 'capability' ? 'capabilities' : 'relationships'}.`,
      ];
      const base = Parent + (kind === 'capability' ? 'Node' : 'DependsOn');
      const of = (fields: string): Promise<string[]> => template(`${one}: { T: { ${fields} } }`);
      expect(await of(`derived_from: ${base}, properties: {}`)).toEqual([`${one}.T.properties unsupported`]);
      expect(await of(`derived_from: ${base}, interfaces: {}`)).toEqual([`${one}.T.interfaces unsupported`]);
      expect(await of('derived_from: T')).toEqual([`${one}.T.derived_from cycle`]);
      expect(await of('derived_from: Nothing')).toEqual([`${one}.T.derived_from unknown_type`]);
      expect(await of('description: x')).toEqual([`${one}.T.derived_from missing_field`]);
      expect(await template(`${one}: { ${base}: { derived_from: ${base} } }`)).toEqual([
        `${one}["${base}"] name_taken`,
      ]);
    }
  });

  it('a target that a relationship, a requirement or a capability does not allow', async () => {
    const types = `
relationship_types: { ToEndpoint: { derived_from: ConnectsTo, valid_target_types: [tosca.capabilities.Endpoint] } }
capability_types: { Special: { derived_from: tosca.capabilities.Root } }
node_types:
  Source:
    derived_from: tosca.nodes.Root
    requirements:
      - endpoint: { capability: Node, relationship: ToEndpoint, occurrences: [0, 1] }
      - special: { capability: Special, occurrences: [0, 1] }
      - database: { capability: Node, node: tosca.nodes.DBMS, occurrences: [0, 1] }
  Target: { derived_from: tosca.nodes.Root, capabilities: { mine: { type: Special, valid_source_types: [Source] } } }
  Other: { derived_from: tosca.nodes.Root, capabilities: { mine: { type: Special, valid_source_types: [Target] } } }
`;
    const of = (requirement: string, target: string): Promise<string[]> =>
      faultsOf(
        types +
          topology({
            a: `{ type: Source, requirements: [{ ${requirement}: b }] }`,
            b: `{ type: ${target} }`,
            c: RUN,
          }),
      );
    expect(await of('special', 'Target')).toEqual([]);
    expect(await of('endpoint', 'tosca.nodes.WebServer')).toEqual([]);
    expect(await of('database', 'tosca.nodes.DBMS')).toEqual([]);
    for (const [requirement, target] of [
      ['special', 'Other'],
      ['special', 'Root'],
      ['endpoint', 'Target'],
      ['database', 'tosca.nodes.WebServer'],
    ] as const)
      expect(await of(requirement, target)).toEqual([`${A}.requirements[0].${requirement} wrong_type`]);
  });
});

describe('of inputs and values', () => {
  const input = (definition: string, inputs?: Readonly<Record<string, unknown>>) =>
    readTemplate(topology({ a: RUN }, `  inputs: { i: ${definition} }\n`), { ...(inputs && { inputs }) });

  it('a default or a value that breaks a constraint', async () => {
    const at = 'topology_template.inputs.i';
    const faults = async (...args: Parameters<typeof input>): Promise<string[]> => {
      const read = await input(...args);
      return read.ok ? [] : read.faults.map(({ path, code }) => `${read.of} ${path} ${code}`);
    };
    const port = '{ type: integer, constraints: [{ in_range: [1, 10] }] }';
    expect(await faults(port, { i: 5 })).toEqual([]);
    expect(await faults(port, { i: 11 })).toEqual(['inputs /inputs/i wrong_type']);
    expect(await faults(port, {})).toEqual(['inputs /inputs/i missing_input']);
    expect(await faults('{ type: integer, default: x }')).toEqual([`blueprint ${at}.default wrong_type`]);
    expect(await faults('{ type: list, default: [1], entry_schema: string }')).toEqual([
      `blueprint ${at}.default wrong_type`,
    ]);
    expect(await faults('{ type: map }', { i: [1] })).toEqual(['inputs /inputs/i wrong_type']);
    expect(await faults('{ type: string, required: false }')).toEqual([
      `blueprint ${at}.required unsupported`,
    ]);
  });

  it('an input that is not what the property asks for', async () => {
    const types =
      'node_types: { T: { derived_from: tosca.nodes.Root, properties: { p: { type: string, constraints: [{ valid_values: [x, y] }] } }, interfaces: { Standard: { create: a.sh } } } }\n';
    const yaml =
      types +
      topology(
        { a: '{ type: T, properties: { p: { get_input: i } } }' },
        '  inputs: { i: { type: string } }\n',
      );
    expect(await faultsOf(yaml, { inputs: { i: 'x' } })).toEqual([]);
    expect(await faultsOf(yaml, { inputs: { i: 'z' } })).toEqual([`${A}.properties.p wrong_type`]);
  });
});

it('reports every fault of a template at once, up to a hundred, and bounds what there can be of each kind', async () => {
  const many = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`n${index}`, '{ type: X }']));
  expect(await faultsOf(topology(many))).toHaveLength(100);
  const members = Array.from({ length: 301 }, (_, index) => `p${index}: { type: string, required: false }`);
  expect(await type(`properties: { ${members.join(', ')} }`)).toEqual(['node_types.T out_of_range']);
  const files = Array.from({ length: 101 }, (_, index) => `f${index}`);
  const implementation = `{ primary: a.sh, dependencies: [${files.join(', ')}] }`;
  expect(
    await node(`type: Root, interfaces: { Standard: { create: { implementation: ${implementation} } } }`),
  ).toEqual([`${A}.interfaces.Standard.create.implementation.primary out_of_range`]);
  const texts = Object.fromEntries(
    Array.from({ length: 6 }, (_, index) => [
      `${index}.yaml`,
      `# ${' '.repeat(200_000)}\ntosca_definitions_version: tosca_simple_yaml_1_3\n`,
    ]),
  );
  expect(await faultsOf(`imports: [${Object.keys(texts).join(', ')}]\n${PLAIN}`, { files: texts })).toEqual([
    'imports[5] too_large',
  ]);
  const tooMany = Object.fromEntries(Array.from({ length: 301 }, (_, index) => [`n${index}`, RUN]));
  expect(await faultsOf(topology(tooMany))).toEqual(['topology_template.node_templates out_of_range']);
});

it.each(['node_types', 'relationship_types', 'capability_types'])(
  'refuses more than 300 %s',
  async (kind) => {
    const types = Array.from({ length: 301 }, (_, index) => `t${index}: { derived_from: t${index + 1} }`);
    expect(await faultsOf(`${kind}: { ${types.join(', ')} }\n${PLAIN}`)).toEqual([`${kind} out_of_range`]);
  },
);
