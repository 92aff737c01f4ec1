/** The same campaign on one machine, on nodes over a real ssh, and with its modules on two clusters. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { type Json, OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { hasSshd, startSshd } from '../support/sshd.js';

const STAGES = join(import.meta.dirname, 'nodes/stages.mjs');
const GRAPH = `
name: stages
source: { name: point, type: json }
modules:
  prepare: { inputs: [point], output: json }
  judge: { inputs: [prepare], output: json }
`;
const scene = Scene.ofFile();
let orchestrator: OrchestratorProcess;

beforeAll(async () => {
  const folder = await scene.directory();
  const file = join(folder, 'stages.yaml');
  await writeFile(file, GRAPH);
  // What is started first ends last: sshd waits for the sessions of agents.
  const sshd = hasSshd ? await startSshd(scene) : undefined;
  orchestrator = await OrchestratorProcess.up(scene, { graphs: [file] });
  const own = { type: 'local', slots: 8, resources: { cpus: 64 } };
  await orchestrator.post('/v1/clusters', { name: 'here', ...own, workdir: join(folder, 'here') });
  if (!sshd) return;
  const { host, port, user, hostKey: host_key, identity } = sshd;
  const { status, body } = await orchestrator.post('/v1/clusters', {
    ...{ name: 'there', type: 'ssh', host, port, user, identity, host_key, workdir: join(folder, 'there') },
    ...{ slots: 8, resources: { cpus: 64 } },
  });
  expect([status, body.error]).toEqual([201, undefined]);
});

/** The inputs and outputs of all iterations of the campaign, with each module's nodes on a cluster. */
async function ran(prepare: string, judge: string): Promise<Json[]> {
  const service = (module: string, cluster: string): string =>
    `  ${module}: { service: { cluster: ${cluster}, module: ${module}, count: 2, command: ${JSON.stringify([process.execPath, STAGES])} } }\n`;
  const { status, body } = await orchestrator.post('/v1/campaigns', {
    ...{ name: 'stages', graph: 'stages', input: {} },
    policy: {
      propose: { random: { '/x': { min: 0.001, max: 10, log: true } }, seed: 4 },
      ...{ max_iterations: 20, max_parallel: 3, objective: { field: 'judge.loss', goal: 'min' } },
    },
    deployment: `blueprint: nodes\ncomponents:\n${service('prepare', prepare)}${service('judge', judge)}`,
  });
  expect([status, body.error]).toEqual([202, undefined]);
  const path = `/v1/campaigns/${body.campaign_id}`;
  const phase = async (): Promise<unknown> => {
    const { phase: now, error } = (await orchestrator.get(path)).body;
    return error ?? now;
  };
  await expect.poll(phase, { timeout: 60_000 }).toBe('completed');
  const { best, deployment } = (await orchestrator.get(path)).body;
  const down = await orchestrator.get(`/v1/deployments/${deployment.deployment_id}`);
  expect(down.body.state).toBe('undeployed');
  const fields = 'input.x,prepare.y,prepare.text,judge.loss,judge.text';
  const { items } = (
    await orchestrator.get(`/v1/problems/${body.problem_id}/iterations?fields=${fields}&limit=100`)
  ).body;
  expect(items).toHaveLength(20);
  return [best, ...items.map((one: Json) => [one.iteration_id, one.state, one.fields])];
}

it.skipIf(!hasSshd)(
  'gives the same outputs wherever its nodes run',
  async () => {
    const here = await ran('here', 'here');
    expect(here).toContainEqual([
      1,
      'succeeded',
      expect.objectContaining({ 'judge.loss': expect.any(Number) }),
    ]);
    expect(await ran('there', 'there')).toEqual(here);
    expect(await ran('here', 'there')).toEqual(here);
  },
  200_000,
);
