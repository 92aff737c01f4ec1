/** The same graph on every kind of cluster: this machine, a real sshd, a real Slurm and its Torque commands. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EventTape } from '../support/event-tape.js';
import { type Json, OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { Slurm } from '../support/slurm.js';
import { type Sshd, startSshd } from '../support/sshd.js';

const SAMPLE = join(import.meta.dirname, '../../nodes/examples/pipeline/graph.yaml');
const MODULES = ['draw', 'summarize', 'report'];

const scene = new Scene();
afterAll(() => scene.end());
let orchestrator: OrchestratorProcess;
let tape: EventTape;
let sshd: Sshd;

beforeAll(async () => {
  const slurm = await Slurm.start(scene);
  sshd = await startSshd(scene, slurm.env);
  // The agents of Slurm and Torque inherit where Slurm is.
  orchestrator = await OrchestratorProcess.up(scene, { graphs: [SAMPLE], env: slurm.env });
  tape = orchestrator.tape();
  const { host, port, user, hostKey: host_key, identity } = sshd;
  const reach = { host, port, user, host_key, identity };
  await add({ name: 'lab', type: 'ssh', ...reach });
  await add({ name: 'hpc', type: 'slurm' });
  await add({ name: 'pbs', type: 'torque' });
  await add({ name: 'far', type: 'slurm', ...reach });
});

async function add(cluster: Readonly<Record<string, unknown>> & { readonly name: string }): Promise<void> {
  const workdir = join(await scene.directory(), cluster.name);
  const { status, body } = await orchestrator.post('/v1/clusters', { ...cluster, workdir, slots: 4 });
  expect([status, body]).toEqual([201, expect.objectContaining({ name: cluster.name })]);
}

/** All modules of the sample on one cluster. */
const submit = (cluster: string) =>
  orchestrator.submit(
    'pipeline',
    { count: 4, seed: 11 },
    { require: Object.fromEntries(MODULES.map((module) => [module, { cluster }])) },
  );

describe('a graph of scripts', () => {
  it('gives the same outputs on this machine, over ssh, in Slurm and in Torque', async () => {
    const clusters = ['local', 'lab', 'hpc', 'pbs', 'far'];
    const tasks: string[] = [];
    for (const cluster of clusters) tasks.push((await submit(cluster)).task_id);
    expect(await tape.ended(...tasks)).toEqual(clusters.map(() => 'succeeded'));
    const outputs: Json[] = [];
    for (const task of tasks)
      outputs.push(await Promise.all(MODULES.map((module) => orchestrator.output(task, module))));
    for (const each of outputs) expect(each).toEqual(outputs[0]);
    for (const [index, task] of tasks.entries())
      for (const execution of await orchestrator.executions(task)) {
        const node = (await orchestrator.nodes()).find(({ node_id }) => node_id === execution.node_id);
        expect([node?.module, node?.instance, execution.attempt]).toEqual([
          'tutti.agent',
          clusters[index],
          1,
        ]);
      }
  });

  it('waits for a cluster whose host has another key than the stored one, and runs nothing there', async () => {
    const { host, port, user, identity, stranger } = sshd;
    await add({ name: 'fake', type: 'ssh', host, port, user, identity, host_key: stranger.hostKey });
    const { task_id } = await submit('fake');
    await tape.first(
      'the trouble of the agent',
      ({ type, error }) => type === 'node.status' && (error as Json)?.code === 'cluster_host_key',
    );
    expect(await orchestrator.executions(task_id)).toEqual([]);
    const { body } = await orchestrator.get('/v1/clusters/fake');
    expect(body).toMatchObject({ agent_state: 'online', agent_error: { code: 'cluster_host_key' } });
  });
});
