/** Clusters as the core stores them, and what that means for their agents. */
import { beforeEach, describe, expect, it } from 'vitest';
import { AGENT_MODULE, type RunSpec } from '../../src/model/run.js';
import { clusterViews } from '../../src/orchestrator/core/clusters/clusters.js';
import type { Answer, NewCluster } from '../../src/orchestrator/port.js';
import { Core, graphOf, moduleSpec, type Peer } from './core.js';

const HPC: NewCluster = {
  ...{ name: 'hpc', type: 'slurm', status: 'active', host: 'login', hostKey: 'ssh-ed25519 AAAA' },
  ...{ workdir: '/scratch', slots: 4, labels: { gpu: 'true' }, agent: 'remote' },
  resources: { cpus: 64, memoryBytes: 1024 },
};

const RUN: RunSpec = {
  work: { kind: 'command', argv: ['true'] },
  ...{ files: {}, env: {}, resources: { cpus: 1 }, result: 'file', keep: 'never', retryExitCodes: undefined },
};

let core: Core;

beforeEach(async () => {
  core = await Core.open([graphOf('one', moduleSpec('a', ['source']))]);
});

const add = (cluster: NewCluster = HPC): Promise<Answer> => core.ask({ kind: 'add_cluster', cluster });
const codeOf = (answer: Answer): string => (answer.ok ? 'ok' : answer.code);
const agent = (instance = 'hpc'): Peer =>
  core.peer(AGENT_MODULE, { instance, capacity: 99, labels: { own: 'label' } });

describe('a cluster', () => {
  it('is answered as it is stored, and is there after a restart', async () => {
    expect(await add()).toEqual({
      ok: true,
      kind: 'created',
      body: {
        ...{ name: 'hpc', type: 'slurm', status: 'active', host: 'login', host_key: 'ssh-ed25519 AAAA' },
        ...{ workdir: '/scratch', slots: 4, labels: { gpu: 'true' }, agent: 'remote' },
        ...{ resources: { cpus: 64, memory: 1024 }, created_at: '2026-01-01T00:00:01.000Z' },
        ...{ agent_state: 'offline', agent_error: null, running: 0, messenger: 'tcp://*:0' },
      },
    });
    const before = core.state.clusters.get('hpc');
    await core.restart();
    expect(core.state.clusters.get('hpc')).toEqual(before);
    expect(await core.faults()).toEqual([]);
    expect((await core.check()).counts).toMatchObject({ clusters: 1, 'clusters folded': 1 });
  });

  it('has the resources that its agent has found where it states none', async () => {
    const { resources: _, ...cluster } = HPC;
    await add(cluster);
    await agent().hello({ resources: { cpus: 8, memoryBytes: 2048 } });
    const settings = { controlEndpoint: 'tcp://127.0.0.1:7400' };
    expect(clusterViews({ state: core.state, settings }, 'hpc')[0]).toMatchObject({
      resources: { cpus: 8, memory: 2048 },
      messenger: 'tcp://127.0.0.1:7400',
    });
  });

  it('is not needed, where it is this machine, until a graph has a command or its agent is there', async () => {
    const stateOf = async (name: string) => {
      const settings = { controlEndpoint: 'tcp://127.0.0.1:7400' };
      return clusterViews({ state: core.state, settings }, name)[0]!.agent_state;
    };
    await add();
    await add({ ...HPC, name: 'local', type: 'local', agent: 'managed' });
    expect([await stateOf('hpc'), await stateOf('local')]).toEqual(['offline', 'not_needed']);
    const peer = agent('local');
    await peer.hello();
    expect(await stateOf('local')).toBe('online');
    await core.restart();
    expect(await stateOf('local')).toBe('offline');

    core = await Core.open([graphOf('script', moduleSpec('a', ['source'], { run: RUN }))]);
    await add({ ...HPC, name: 'local', type: 'local', agent: 'managed' });
    expect(await stateOf('local')).toBe('offline');
  });

  it('has a name of its own', async () => {
    await add();
    expect(codeOf(await add())).toBe('name_taken');
  });

  it('is changed where it is to be another, and a change that changes nothing is not a fact', async () => {
    await add();
    const change = core.asks({ kind: 'change_cluster', name: 'hpc', status: 'draining', labels: {} });
    const turned = await core.turn(change);
    expect(turned.detail('cluster.changed')).toMatchObject({ status: 'draining', labels: {}, slots: 4 });
    const again = await core.turn(core.asks({ kind: 'change_cluster', name: 'hpc', status: 'draining' }));
    expect(again.types).toEqual([]);
    expect(await core.faults()).toEqual([]);
    expect(codeOf(await core.ask({ kind: 'change_cluster', name: 'other' }))).toBe('unknown_cluster');
  });

  it('is what the configuration declares, but for a status that somebody has given it', async () => {
    const { status: _, ...declared } = HPC;
    await core.ask({ kind: 'declare_cluster', cluster: declared });
    await core.ask({ kind: 'change_cluster', name: 'hpc', status: 'inactive', slots: 1 });
    await core.ask({ kind: 'declare_cluster', cluster: { ...declared, host: 'login2' } });
    expect(core.state.clusters.get('hpc')).toMatchObject({ status: 'inactive', slots: 4, host: 'login2' });
    const again = await core.turn(
      core.asks({ kind: 'declare_cluster', cluster: { ...declared, host: 'login2' } }),
    );
    expect(again.types).toEqual([]);
    await core.ask({ kind: 'declare_cluster', cluster: declared, status: 'active' });
    expect(core.state.clusters.get('hpc')?.status).toBe('active');
  });

  it('is removed with the node of its agent, which has to be added again before it comes back', async () => {
    await add();
    const peer = agent();
    await peer.join();
    const turned = await core.turn(core.asks({ kind: 'remove_cluster', name: 'hpc' }));
    expect(turned.types).toEqual(['cluster.removed']);
    expect(core.state.nodes.size).toBe(0);
    expect((await peer.beat()).refusals(peer.route)).toEqual(['say_hello']);
    expect((await peer.hello()).refusals(peer.route)).toEqual(['unknown_cluster']);
    expect(codeOf(await core.ask({ kind: 'remove_cluster', name: 'hpc' }))).toBe('unknown_cluster');
    expect(await core.faults()).toEqual([]);
    await add();
    expect((await peer.hello()).refusals(peer.route)).toEqual([]);
  });

  it('is not removed while its agent holds work, nor is the one of this machine', async () => {
    await add();
    const peer = agent();
    const held = { executionId: core.uuid(), lease: 'l', state: 'RUNNING' as const };
    await peer.hello({ held: [held] });
    expect(codeOf(await core.ask({ kind: 'remove_cluster', name: 'hpc' }))).toBe('cluster_in_use');
    await add({ ...HPC, name: 'local', type: 'local' });
    expect(codeOf(await core.ask({ kind: 'remove_cluster', name: 'local' }))).toBe('local_cluster');
  });
});

describe('an agent', () => {
  it('is refused for as long as its cluster is not stored', async () => {
    const peer = agent();
    expect((await peer.hello()).refusals(peer.route)).toEqual(['unknown_cluster']);
    expect(core.state.nodes.size).toBe(0);
  });

  it('is told how its cluster is reached, and has its slots and labels, not those that it says', async () => {
    await add();
    const peer = agent();
    const turned = await peer.hello();
    expect(turned.only(peer.route, 'welcome').map(({ cluster }) => cluster)).toEqual([
      {
        ...{ name: 'hpc', type: 'slurm', host: 'login', hostKey: 'ssh-ed25519 AAAA' },
        ...{ workdir: '/scratch', slots: 4 },
      },
    ]);
    expect(peer.node).toMatchObject({
      capacity: 4,
      labels: { gpu: 'true', cluster: 'hpc', engine: 'slurm' },
    });
  });

  it('has others as soon as its cluster has', async () => {
    await add();
    const peer = agent();
    await peer.join();
    await core.ask({ kind: 'change_cluster', name: 'hpc', slots: 2, labels: { fast: 'yes' } });
    expect(peer.node).toMatchObject({
      capacity: 2,
      labels: { fast: 'yes', cluster: 'hpc', engine: 'slurm' },
    });
    await core.restart();
    expect(core.state.nodes.get(peer.nodeId)).toMatchObject({ capacity: 2 });
  });

  it('makes its cluster online while it is heard, and shows its problem there', async () => {
    const view = async (): Promise<Readonly<Record<string, unknown>> | undefined> => {
      const { journal } = await core.turn({ kind: 'inspect clusters', id: 1, name: 'hpc' });
      const [reply] = journal.replies;
      return reply?.kind === 'view' ? reply.value[0] : undefined;
    };
    await add();
    const peer = agent();
    const turned = await peer.hello();
    expect(turned.detail('cluster.online')).toEqual({ cluster: 'hpc', reason: 'it has registered' });
    const error = { code: 'host_key', message: 'the host key is another one', retryable: true };
    await peer.say({ kind: 'node_report', status: 'ERROR', error });
    expect(await view()).toMatchObject({ agent_state: 'online', agent_error: error });
    const silent = await core.pass(4000);
    expect(silent.flatMap(({ types }) => types)).toContain('cluster.offline');
    expect(await view()).toMatchObject({ agent_state: 'offline', running: 0 });
    expect((await peer.beat([], 'INITIALIZING')).types).toContain('cluster.online');
    expect(await view()).toMatchObject({ agent_state: 'online', agent_error: null });
    expect((await peer.say({ kind: 'goodbye' })).types).toContain('cluster.offline');
    expect(await core.faults()).toEqual([]);
  });
});
