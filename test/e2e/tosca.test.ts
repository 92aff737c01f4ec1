/** TOSCA templates and archives with real scripts and playbooks. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { cli } from '../support/cli.js';
import { type Json, OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { zipOf } from '../support/zip.js';

const TEMPLATE = `tosca_definitions_version: tosca_simple_yaml_1_3
metadata: { template_name: site }
imports: [types/store.yaml]
node_types:
  Web:
    derived_from: tosca.nodes.SoftwareComponent
    properties: { port: { type: integer, constraints: [{ in_range: [1, 65535] }] } }
    requirements: [{ store: { capability: tosca.capabilities.Node, relationship: tosca.relationships.ConnectsTo } }]
    interfaces:
      Standard:
        operations:
          start:
            implementation: { primary: web/start.sh, dependencies: [web/lib] }
            inputs:
              PORT: { get_property: [SELF, port] }
              STORE: { get_attribute: [SELF, store, address] }
          stop: web/stop.sh
topology_template:
  inputs:
    where: { type: string, default: localhost }
    port: { type: integer, default: 80 }
    names: { type: list, entry_schema: string, default: [a, b] }
  node_templates:
    machine: { type: tosca.nodes.Compute, attributes: { public_address: { get_input: where } } }
    store: { type: Store, properties: { names: { get_input: names } }, requirements: [{ host: machine }] }
    web: { type: Web, properties: { port: { get_input: port } }, requirements: [{ host: machine }, { store: store }] }
  outputs:
    url: { value: { concat: ["http://", { get_attribute: [web, host] }, ":", { get_property: [web, port] }] } }
    names: { value: { get_attribute: [store, joined] } }
    state: { value: { get_attribute: [store, state] } }
`.replace(
  '    requirements: [{ store',
  '    attributes: { host: { type: string } }\n    requirements: [{ store',
);
const TYPES = `tosca_definitions_version: tosca_simple_yaml_1_3
node_types:
  Store:
    derived_from: tosca.nodes.SoftwareComponent
    properties: { names: { type: list } }
    attributes: { address: { type: string }, joined: { type: string }, state: { type: string, default: new } }
    interfaces:
      Standard:
        inputs: { names: { type: list, value: { get_property: [SELF, names] } } }
        operations:
          create: { implementation: { primary: ../store/create.yml, dependencies: [/store/note.txt] } }
          delete: ../store/delete.sh
`;
const FILES: Readonly<Record<string, string>> = {
  'site.yaml': TEMPLATE,
  'types/store.yaml': TYPES,
  'store/create.yml': `- hosts: all
  gather_facts: false
  tasks:
    - command: cat note.txt
      register: note
    - set_stats: { data: { address: "{{ note.stdout }}", joined: "{{ names | join('+') }}/{{ names | length }}" } }
`,
  'store/note.txt': '10.0.0.1',
  'store/delete.sh': '#!/bin/sh\necho "delete $names" >> "$FOLDER/journal"\n',
  'web/start.sh':
    '#!/bin/sh\n. ./lib/say.sh\nsay "start $PORT $STORE"\necho "{\\"host\\":\\"$STORE\\"}" > "$TUTTI_OUTPUT"\n',
  'web/stop.sh': '#!/bin/sh\necho stop >> "$FOLDER/journal"\n',
  'web/lib/say.sh': 'say() { echo "$1" >> "$FOLDER/journal"; }\n',
};
const META =
  'TOSCA-Meta-File-Version: 1.1\nCSAR-Version: 1.1\nCreated-By: us\nEntry-Definitions: site.yaml\n';

const scene = new Scene();
afterAll(() => scene.end());
let folder: string;
let orchestrator: OrchestratorProcess;

beforeAll(async () => {
  folder = await scene.directory();
  for (const [path, content] of Object.entries(FILES)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  const entries = Object.entries(FILES).map(([name, content]) => ({ name, content }));
  const meta = { name: 'TOSCA-Metadata/TOSCA.meta', content: META };
  await writeFile(join(folder, 'site.csar'), zipOf([...entries, meta]));
  orchestrator = await OrchestratorProcess.up(scene, { env: { FOLDER: folder } });
});

beforeEach(() => rm(join(folder, 'journal'), { force: true }));

const journal = async (): Promise<string[]> =>
  (await readFile(join(folder, 'journal'), 'utf8').catch(() => '')).split('\n').slice(0, -1);

async function tutti(
  ...args: string[]
): Promise<{ readonly exit: number; readonly out: string; readonly err: string }> {
  const command = cli(args, { url: orchestrator.ready.http });
  return { exit: await command.exit, out: command.stdout(), err: command.stderr() };
}

async function stored(content: string | Uint8Array): Promise<string> {
  const sha256 = createHash('sha256').update(content).digest('hex');
  const url = `${orchestrator.ready.http}/v1/blobs/${sha256}`;
  const { ok } = await fetch(url, { method: 'PUT', body: content as BodyInit });
  expect(ok).toBe(true);
  return sha256;
}

async function refused(body: object): Promise<readonly [number, string, string[]]> {
  const { status, body: answer } = await orchestrator.post('/v1/deployments', body);
  const { code, details = [] } = answer.error;
  return [status, code, details.map((one: Json) => `${one.path} ${one.code}`)];
}

describe('a template with its files', () => {
  it.each(['site.csar', 'site.yaml'])(
    'is deployed from %s, puts out attributes, and is taken down',
    async (file) => {
      const args = [
        'deploy',
        join(folder, file),
        '--input',
        'port=8080',
        '--input',
        'names=["x","y","z"]',
        '--wait',
      ];
      const { exit, err } = await tutti(...args);
      expect([exit, exit === 0 ? '' : err + (await tutti('deployment', 'site', 'log')).out]).toEqual([0, '']);
      expect((await orchestrator.get('/v1/deployments/site')).body).toMatchObject({
        outputs: { url: 'http://10.0.0.1:8080', names: 'x+y+z/3', state: 'new' },
        components: {
          machine: { state: 'deployed', attributes: { public_address: 'localhost' } },
          store: { cluster: 'local', attributes: { address: '10.0.0.1', joined: 'x+y+z/3', state: 'new' } },
          web: { cluster: 'local', after: ['machine', 'store'], attributes: { host: '10.0.0.1' } },
        },
      });
      expect(await journal()).toEqual(['start 8080 10.0.0.1']);
      expect((await tutti('deployment', 'site', 'undeploy', '--wait')).exit).toBe(0);
      expect((await journal()).slice(1)).toEqual(['stop', 'delete ["x","y","z"]']);
    },
  );

  it('is refused where it is wrong, with the place in its file', async () => {
    const path = join(folder, 'wrong.yaml');
    await writeFile(path, TEMPLATE.replace('stop: web/stop.sh', 'stop: web/none.sh'));
    const missing = await tutti('deploy', path, '--json');
    expect([missing.exit, missing.err]).toMatchObject([2, expect.stringContaining('web/none.sh')]);
    await writeFile(path, TEMPLATE.replace('types/store.yaml', 'types/wrong.yaml'));
    await writeFile(join(folder, 'types/wrong.yaml'), TYPES.replace('create:', 'restart:'));
    const { exit, err } = await tutti('deploy', path);
    expect([exit, err]).toMatchObject([
      2,
      expect.stringContaining('types/wrong.yaml#node_types.Store.interfaces'),
    ]);
    expect(err).toContain('line 11, column 11');
    await writeFile(
      join(folder, 'bad.csar'),
      zipOf([{ name: 'site.yaml', content: TEMPLATE }, { name: '../x' }]),
    );
    const csar = await tutti('deploy', join(folder, 'bad.csar'));
    expect([csar.exit, csar.err]).toMatchObject([2, expect.stringContaining('../x')]);
  });

  it('is refused by the orchestrator on an address that no cluster has, and with inputs that do not fit', async () => {
    const csar = await stored(await readFile(join(folder, 'site.csar')));
    const host = 'topology_template.node_templates.machine.attributes.public_address';
    expect(await refused({ csar, inputs: { where: '10.9.9.9' } })).toEqual([
      ...[422, 'bad_blueprint', [`${host} unknown_cluster`]],
    ]);
    expect(await refused({ csar, inputs: { names: ['x', 1], ports: 1 } })).toEqual([
      ...[422, 'bad_inputs', ['/inputs/ports unknown_input']],
    ]);
    expect(await refused({ csar, inputs: { port: 0 } })).toEqual([
      ...[422, 'bad_blueprint', ['topology_template.node_templates.web.properties.port wrong_type']],
    ]);
  });

  it('is given over HTTP as an archive, or as a text with exactly the files that it names', async () => {
    const csar = await stored(await readFile(join(folder, 'site.csar')));
    const { 'site.yaml': _, ...beside } = FILES;
    const files: Record<string, string> = {};
    for (const [path, content] of Object.entries(beside)) files[path] = await stored(content);
    expect(await refused({})).toEqual([422, 'bad_blueprint', ['/blueprint missing_field']]);
    expect(await refused({ csar, blueprint: TEMPLATE })).toEqual([422, 'bad_blueprint', ['/csar duplicate']]);
    expect(await refused({ csar, files })).toEqual([422, 'bad_blueprint', ['/files not_with_csar']]);
    expect(await refused({ csar: 'a'.repeat(64) })).toEqual([422, 'bad_blueprint', ['/csar unknown_blob']]);
    expect(await refused({ csar: 'x' })).toEqual([422, 'bad_blueprint', ['/csar bad_sha256']]);
    expect(await refused({ csar: files['web/stop.sh'] })).toEqual([422, 'bad_blueprint', [' bad_csar']]);
    expect(await refused({ blueprint: TEMPLATE })).toEqual([
      422,
      'bad_blueprint',
      ['imports[0] missing_file'],
    ]);
    const { 'web/stop.sh': __, ...fewer } = files;
    expect(await refused({ blueprint: TEMPLATE, files: { ...fewer, more: csar } })).toEqual([
      ...[422, 'bad_blueprint'],
      ['/files/more unknown_file', 'node_types.Web.interfaces.Standard.operations.stop missing_file'],
    ]);
    const { status } = await orchestrator.post('/v1/deployments', {
      name: 'text',
      blueprint: TEMPLATE,
      files,
    });
    expect(status).toBe(202);
    expect((await tutti('deployment', 'text', 'cancel')).exit).toBe(0);
  });
});
