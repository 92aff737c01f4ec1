/** Jobs in the core: tasks of the built-in graph, on agents. */
import { describe, expect, it } from 'vitest';
import type { Cluster } from '../../src/model/cluster.js';
import { JOB_GRAPH, JOB_GRAPH_NAME, jobStateOf } from '../../src/model/job.js';
import { AGENT_MODULE } from '../../src/model/run.js';
import type { NewCluster, Request } from '../../src/orchestrator/port.js';
import { jobAsSubmission } from '../../src/orchestrator/prepare/job.js';
import { Core, type Peer } from './core.js';

const cluster = (name: string): NewCluster => ({
  ...{ name, type: 'local', status: 'active', workdir: '/w', slots: 2, labels: {}, agent: 'remote' },
  resources: { cpus: 4 },
});

async function start(): Promise<{ core: Core; a: Peer; b: Peer }> {
  const core = await Core.open([JOB_GRAPH]);
  for (const name of ['a', 'b']) await core.ask({ kind: 'add_cluster', cluster: cluster(name) });
  const peers = ['a', 'b'].map((instance) => core.peer(AGENT_MODULE, { instance, typesByAssignment: true }));
  for (const peer of peers) await peer.join();
  return { core, a: peers[0]!, b: peers[1]! };
}

const submits = (core: Core, more: Partial<Extract<Request, { kind: 'submit' }>> = {}) =>
  core.asks({
    ...{ kind: 'submit', graph: JOB_GRAPH_NAME, input: undefined, project: 'default', graphVersion: 1 },
    prepared: { kind: 'inline', bytes: Buffer.from('{"script":"true"}') },
    ...more,
  });

describe('a job in the core', () => {
  it('goes to the cluster that it names, and takes the resources that it states', async () => {
    const { core, a, b } = await start();
    const asked = { require: { script: { cluster: 'b' } }, resources: { script: { cpus: 3 } } };
    const first = await core.turn(submits(core, asked));
    expect([first.only(a.route, 'assign order').length, first.only(b.route, 'assign order').length]).toEqual([
      0, 1,
    ]);
    const second = await core.turn(submits(core, asked));
    expect(second.only(b.route, 'assign order')).toEqual([]);
    expect(String(second.detail('module.waiting')?.reason)).toMatch(/^waiting for a cluster: /);
    expect(await core.faults()).toEqual([]);
  });

  it('a job that its agent has lost has failed, and is not run again', async () => {
    const { core, a } = await start();
    const placed = await core.turn(submits(core, { require: { script: { cluster: 'a' } } }));
    const [order] = placed.only(a.route, 'assign order');
    await a.report(order!, 'ACCEPTED');
    await a.beat([]);
    const lost = await a.beat([]);
    expect(lost.types).toContain('execution.lost');
    expect(lost.types).toContain('iteration.failed');
    expect(lost.event('iteration.failed')?.error?.code).toBe('node_lost');
    expect(lost.only(a.route, 'assign order')).toEqual([]);
    expect(await core.faults()).toEqual([]);
  });
});

describe('a cluster whose agent is dead', () => {
  it('is removed with what its agent had, which is lost', async () => {
    const { core, a } = await start();
    const placed = await core.turn(submits(core, { require: { script: { cluster: 'a' } } }));
    await a.report(placed.only(a.route, 'assign order')[0]!, 'ACCEPTED');
    const remove = core.asks({ kind: 'remove_cluster', name: 'a' });
    expect((await core.turn(remove)).answers).toMatchObject([{ ok: false, code: 'cluster_in_use' }]);
    const silent = await core.pass(60_000);
    expect(silent.flatMap(({ types }) => types)).not.toContain('execution.lost');
    const removed = await core.turn(core.asks({ kind: 'remove_cluster', name: 'a' }));
    expect(removed.answers).toMatchObject([{ ok: true }]);
    expect(removed.types).toEqual(
      expect.arrayContaining(['execution.lost', 'cluster.removed', 'iteration.failed']),
    );
    expect(await core.faults()).toEqual([]);
    expect((await a.hello()).refusals(a.route)).toEqual(['unknown_cluster']);
  });
});

describe('a job as a submission', () => {
  const clusters = new Map<string, Cluster>([['hpc', { ...cluster('hpc'), createdAt: 0 }]]);
  const job = { kind: 'submit_job', name: 'fit', script: 'true' } as const;

  it('carries what the agent reads in its input, and what the placement needs beside it', () => {
    const resources = { cpus: 2, memoryBytes: 1024, walltimeMs: 1000 };
    const asked = { ...job, cluster: 'hpc', require: { gpu: 'true' }, resources, jobType: 'fit' };
    expect(jobAsSubmission({ clusters }, asked)).toEqual({
      ...{ kind: 'submit', graph: 'job', title: 'fit' },
      input: {
        ...{ name: 'fit', script: 'true', job_type: 'fit', cluster: 'hpc', require: { gpu: 'true' } },
        resources: { cpus: 2, memory_bytes: 1024, walltime_ms: 1000 },
      },
      require: { script: { gpu: 'true', cluster: 'hpc' } },
      resources: { script: resources },
    });
    expect(jobAsSubmission({ clusters }, job)).toEqual({
      ...{ kind: 'submit', graph: 'job', title: 'fit', input: { name: 'fit', script: 'true' } },
    });
  });

  it('is refused at its place where the cluster is unknown, or is said twice and differently', () => {
    const faultOf = (more: object) => {
      const refused = jobAsSubmission({ clusters }, { ...job, ...more });
      return 'ok' in refused ? refused.details?.map(({ path, code }) => `${path} ${code}`) : undefined;
    };
    expect(faultOf({ cluster: 'x' })).toEqual(['/cluster unknown_cluster']);
    expect(faultOf({ require: { cluster: 'x' } })).toEqual(['/require/cluster unknown_cluster']);
    expect(faultOf({ cluster: 'hpc', require: { cluster: 'x' } })).toEqual(['/require/cluster conflict']);
  });
});

it('the state of a job follows from its task and its execution', () => {
  const states = [
    jobStateOf('waiting', undefined),
    jobStateOf('running', 'lost'),
    jobStateOf('running', 'assigned'),
    jobStateOf('running', 'accepted'),
    jobStateOf('running', 'running'),
    jobStateOf('succeeded', 'succeeded'),
    jobStateOf('failed', 'failed'),
    jobStateOf('cancelled', 'running'),
    jobStateOf('aborted', undefined),
  ];
  expect(states).toEqual([
    ...['PENDING', 'PENDING', 'SUBMITTED', 'SUBMITTED', 'RUNNING', 'COMPLETED', 'FAILED'],
    ...['CANCELLED', 'CANCELLED'],
  ]);
});
