// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references in blueprints look like placeholders
/** Operations that are Ansible playbooks, run by `ansible-playbook` itself. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cli } from '../support/cli.js';
import { OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';

const BLUEPRINT = `
blueprint: play
inputs: { said: { type: string } }
components:
  store:
    cluster: local
    operations:
      create: { script: ./create.yml, inputs: { SAID: "\${inputs.said}" } }
      configure: ./set.yml
      start: { script: ./start.yaml, args: ["-e", "more=\${store.port}"] }
      delete: ./delete.yml
    env: { KEY: { secret: key } }
    files: [note.j2]
outputs: { said: "\${store.said}" }
`;
const play = (tasks: string): string => `- hosts: all\n  gather_facts: false\n  tasks:\n${tasks}`;
const CREATE = play(`    - copy:
        dest: "{{ lookup('env', 'TUTTI_OUTPUT') }}"
        content: "{{ { 'said': SAID, 'port': 8080, 'host': inventory_hostname, 'key': KEY | length } | to_json }}"
    - debug: { msg: "the key is {{ KEY }}" }
`);
const START = play(`    - template: { src: note.j2, dest: "{{ lookup('env', 'FOLDER') }}/note" }\n`);
/** Of two that say something, the file has the last word. */
const SET = play(`    - set_stats: { data: { port: 1, list: [1, { a: b }] } }
    - set_stats: { data: { own: mine }, per_host: true }
    - copy: { dest: "{{ lookup('env', 'TUTTI_OUTPUT') }}", content: '{"port":8080}' }
`);
const DELETE = play('    - fail: { msg: "cannot be deleted" }\n');
/** What a template engine and a shell would both trip over. */
const SAID = `it's "{{ 1 + 1 }}" and $HOME`;

const scene = new Scene();
afterAll(() => scene.end());
let folder: string;
let orchestrator: OrchestratorProcess;

beforeAll(async () => {
  folder = await scene.directory();
  for (const [name, text] of [
    ['play.yaml', BLUEPRINT],
    ['create.yml', CREATE],
    ['set.yml', SET],
    ['start.yaml', START],
    ['delete.yml', DELETE],
    ['note.j2', 'more: {{ more }}, key: {{ KEY }}\n'],
  ] as const)
    await writeFile(join(folder, name), text);
  orchestrator = await OrchestratorProcess.up(scene, { env: { FOLDER: folder } });
  await orchestrator.put('/v1/secrets/key', { value: 'swordfish' });
});

async function tutti(...args: string[]): Promise<{ readonly exit: number; readonly out: string }> {
  const command = cli(args, { url: orchestrator.ready.http });
  return { exit: await command.exit, out: command.stdout() };
}

it('get the variables of their operation as they are, put out attributes, and fail as a task fails', async () => {
  const { exit, out } = await tutti('deploy', join(folder, 'play.yaml'), '--input', `said=${SAID}`, '--wait');
  expect([exit, exit === 0 ? '' : out + (await tutti('deployment', 'play', 'log')).out]).toEqual([0, '']);
  const { body } = await orchestrator.get('/v1/deployments/play');
  expect(body.components.store.attributes).toEqual({
    ...{ said: SAID, port: 8080, host: 'local', key: 9, list: [1, { a: 'b' }], own: 'mine' },
  });
  expect(body.outputs).toEqual({ said: SAID });
  expect(await readFile(join(folder, 'note'), 'utf8')).toBe('more: 8080, key: swordfish\n');
  const log = (await tutti('deployment', 'play', 'log')).out;
  expect(log).toContain('the key is ***');
  expect(log).not.toContain('swordfish');
  expect((await tutti('deployment', 'play', 'undeploy', '--wait')).exit).toBe(1);
  expect((await orchestrator.get('/v1/deployments/play')).body).toMatchObject({
    ...{ state: 'failed', failed: { component: 'store', operation: 'delete', cluster: 'local' } },
  });
  expect((await tutti('deployment', 'play', 'log')).out).toContain('cannot be deleted');
});
