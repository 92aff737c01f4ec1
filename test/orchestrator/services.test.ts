/** Services: runs of their replicas are tasks on agents, and what becomes of these leads to what is asked for. */
import { beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_PROJECT } from '../../src/model/access.js';
import { AGENT_MODULE } from '../../src/model/run.js';
import type { Replica, ServiceSpec } from '../../src/model/service.js';
import type { AssignOrder } from '../../src/orchestrator/core/journal.js';
import { serviceGauges } from '../../src/orchestrator/core/services/service-gauges.js';
import type { NewCluster } from '../../src/orchestrator/port.js';
import { typesFromDescriptors } from '../../src/wire/types.js';
import { Core, GRACE_MS, graphOf, moduleSpec, type Peer, type Turned } from './core.js';

/** What falls due is decided up to so much later. */
const GRAIN_MS = 20;

let core: Core;

beforeEach(async () => {
  core = await Core.open([graphOf('finding', moduleSpec('detect', ['source']))]);
  core.isSabotaged = true;
});

async function cluster(name: string, more: Partial<NewCluster> = {}): Promise<Peer> {
  const cluster: NewCluster = {
    ...{ name, type: 'ssh', status: 'active', workdir: '/w', slots: 8, labels: {}, agent: 'remote' },
    ...more,
  };
  await core.ask({ kind: 'add_cluster', cluster });
  const peer = core.peer(AGENT_MODULE, { instance: name, typesByAssignment: true });
  await peer.join();
  return peer;
}

function applies(
  more: Partial<ServiceSpec> = {},
  argv: readonly string[] = ['serve'],
  project: string = DEFAULT_PROJECT,
) {
  const spec: ServiceSpec = {
    ...{ name: 'web', type: 'service', count: 2, require: {} },
    run: {
      ...{ work: { kind: 'command', argv }, files: {}, env: {}, resources: { cpus: 1 } },
      ...{ result: 'none', keep: 'never', retryExitCodes: undefined },
    },
    restart: { backoffMs: 1000, maxBackoffMs: 8000 },
    ...more,
  };
  const types = typesFromDescriptors(new Uint8Array());
  const typesJson = types.toJson(['json']);
  return core.asks({ kind: 'apply_service', project, spec, files: {}, types, typesJson });
}

const orders = (turned: Turned, peer: Peer): AssignOrder[] => turned.only(peer.route, 'assign order');
const command = (kind: 'scale' | 'restart' | 'stop' | 'start', count?: number) =>
  core.turn(
    core.asks({ kind: 'command_service', name: 'web', command: kind, ...(count !== undefined && { count }) }),
  );
const replicas = (): Replica[] => [...core.state.replicas.values()].sort((a, b) => a.number - b.number);
const observed = (): string[] => replicas().map((each) => `${each.number} ${each.observed}`);
const reasons = (): readonly string[] => core.state.services.get('web')!.reasons;

/** The agent starts what it is told to. */
async function run(peer: Peer, ...given: readonly AssignOrder[]): Promise<Turned> {
  for (const order of given) await peer.say(peer.reports(order, 'ACCEPTED'));
  return await peer.say(...given.map((order) => peer.reports(order, 'RUNNING')));
}

const heldBy = ({ executionId, lease }: AssignOrder) => ({ executionId, lease, state: 'RUNNING' as const });

/** Time passes, in which the agent is heard; what it is told to run. */
async function passed(peer: Peer, ms: number): Promise<AssignOrder[]> {
  const given: AssignOrder[] = [];
  for (let left = ms; left > 0; left -= 1000) {
    await peer.beat([...peer.node.executions].map(({ id }) => id));
    given.push(...(await core.pass(Math.min(1000, left))).flatMap((turned) => orders(turned, peer)));
  }
  return given;
}

const BROKEN = { code: 'exit_code', message: 'it ended with exit code 1', retryable: true };

/** A service of two, both of which run. */
async function running(peer: Peer, more: Partial<ServiceSpec> = {}): Promise<AssignOrder[]> {
  const given = orders(await core.turn(applies(more)), peer);
  await run(peer, ...given);
  return given;
}

const figures = (): unknown => {
  const { wanted, up, isDegraded, restarts } = serviceGauges(core.state).web!;
  return [wanted, up, isDegraded, restarts];
};

describe('the figures of a service', () => {
  it('follow what is asked for, what is up, and what was started again', async () => {
    const agent = await cluster('hpc');
    const given = orders(await core.turn(applies()), agent);
    expect(figures()).toEqual([2, 0, false, 0]);
    await run(agent, ...given);
    expect(figures()).toEqual([2, 2, false, 0]);
    await agent.say(agent.reports(given[0]!, 'FAILED', { error: BROKEN }));
    expect(figures()).toEqual([2, 1, true, 0]);
    await run(agent, ...(await passed(agent, 1100)));
    expect(figures()).toEqual([2, 2, true, 1]);
    await command('scale', 5);
    expect(figures()).toEqual([5, 2, true, 1]);
    await command('stop');
    expect(figures()).toEqual([0, 2, false, 1]);
  });

  it('completed replicas of a batch service no longer count', async () => {
    const agent = await cluster('hpc');
    const given = await running(agent, { type: 'batch' });
    expect(figures()).toEqual([2, 2, false, 0]);
    await agent.publish(given[0]!, 1);
    expect(figures()).toEqual([1, 1, false, 0]);
  });

  it('the figures of a daemon are those of the matching clusters', async () => {
    const agent = await cluster('hpc');
    await cluster('lab');
    await run(agent, ...orders(await core.turn(applies({ type: 'daemon' })), agent));
    expect(figures()).toEqual([2, 1, false, 0]);
  });
});

describe('a service', () => {
  it('has its replicas run as tasks of a graph that is its own', async () => {
    const agent = await cluster('hpc');
    const turned = await core.turn(applies());
    expect(turned.answers).toMatchObject([
      { ok: true, kind: 'created', body: { name: 'web', health: 'ok' } },
    ]);
    // They are left out of people's lists.
    expect(turned.event('problem.created')).toMatchObject({ title: 'web-1', archived: true });
    const given = orders(turned, agent);
    expect(given.map(({ run }) => run?.env)).toEqual([
      { TUTTI_SERVICE: 'web', TUTTI_REPLICA: 'web-1' },
      { TUTTI_SERVICE: 'web', TUTTI_REPLICA: 'web-2' },
    ]);
    expect(observed()).toEqual(['1 starting', '2 starting']);
    const ran = await run(agent, ...given);
    expect(ran.types.filter((type) => type.startsWith('replica'))).toEqual([
      'replica.running',
      'replica.running',
    ]);
    expect([observed(), reasons()]).toEqual([['1 running', '2 running'], []]);
    expect(await core.faults()).toEqual([]);
  });

  it('starts a replica again that has ended, after a pause that outlasts a restart, and leaves the other alone', async () => {
    const agent = await cluster('hpc');
    const [first, second] = await running(agent);
    const failed = await agent.say(agent.reports(first!, 'FAILED', { error: BROKEN }));
    expect(failed.event('replica.failed')).toMatchObject({
      replica_id: 'web-1',
      reason: 'exit_code: it ended with exit code 1',
      retry_at: new Date(core.wallMs + 1000).toISOString(),
    });
    expect(reasons()).toEqual(['1 of 2 replicas: failed: exit_code: it ended with exit code 1']);
    await core.restart(100);
    await agent.hello({ held: [heldBy(second!)] });
    expect(observed()).toEqual(['1 failed', '2 running']);
    const turned = await core.pass(2000);
    expect(turned.flatMap(({ types }) => types).filter((type) => type === 'replica.placed')).toHaveLength(1);
    expect(replicas().map(({ restarts, failures }) => [restarts, failures])).toEqual([
      [1, 1],
      [0, 0],
    ]);
    expect(await core.faults()).toEqual([]);
  });

  it('knows of a replica that it runs, and of its cluster that it is there, from what an agent says after a restart', async () => {
    const agent = await cluster('hpc');
    const [first, second] = orders(await core.turn(applies()), agent);
    await agent.say(agent.reports(first!, 'ACCEPTED'), agent.reports(second!, 'ACCEPTED'));
    // The first has begun, and its agent's word for it is lost with the orchestrator.
    await core.restart(100);
    await core.pass(100);
    expect(reasons()).toEqual(['2 of 2 replicas: the cluster hpc is out of reach']);
    await agent.hello({ held: [heldBy(first!), { ...heldBy(second!), state: 'ACCEPTED' }] });
    expect([observed(), reasons()]).toEqual([['1 running', '2 starting'], []]);
    expect(await core.faults()).toEqual([]);
  });

  it('is no longer degraded once its agent is there again after a restart, where nothing of it has changed', async () => {
    const agent = await cluster('hpc');
    const given = orders(await core.turn(applies()), agent);
    await run(agent, ...given);
    await core.restart(100);
    await core.pass(100);
    expect(reasons()).toEqual(['2 of 2 replicas: the cluster hpc is out of reach']);
    await agent.hello({ status: 'IDLE', held: given.map(heldBy) });
    expect([observed(), reasons()]).toEqual([['1 running', '2 running'], []]);
  });

  it('pauses longer with each end in a row, and is degraded until its replicas last', async () => {
    const agent = await cluster('hpc');
    const given = orders(await core.turn(applies({ count: 1 })), agent);
    await run(agent, ...given);
    let order = given[0]!;
    for (const pauseMs of [1000, 2000, 4000, 8000, 8000]) {
      await agent.say(agent.reports(order, 'FAILED', { error: BROKEN }));
      expect(await passed(agent, pauseMs - 1)).toEqual([]);
      [order] = (await passed(agent, 1 + GRAIN_MS)) as [AssignOrder];
      await run(agent, order);
      expect(reasons()).toEqual(['1 of 1 replica: has recently ended and restarted']);
    }
    await passed(agent, 8000 + GRAIN_MS);
    expect([reasons(), replicas()[0]!.failures]).toEqual([[], 0]);
  });

  it('renews its replicas one by one when what they do is another, and none when only their number is', async () => {
    const agent = await cluster('hpc');
    const [first, second] = await running(agent);
    expect((await core.turn(applies({ count: 2 }))).types).toEqual([]);
    const renewed = await core.turn(applies({}, ['serve', '--new']));
    expect(renewed.only(agent.route, 'task_command')).toMatchObject([{ executionId: first!.executionId }]);
    const next = orders(await agent.say(agent.reports(first!, 'CANCELLED')), agent);
    expect(next.map(({ run }) => run?.work)).toEqual([{ kind: 'command', argv: ['serve', '--new'] }]);
    expect(observed()).toEqual(['1 starting', '2 running']);
    const up = await run(agent, next[0]!);
    expect(up.only(agent.route, 'task_command')).toMatchObject([{ executionId: second!.executionId }]);
    expect(await core.faults()).toEqual([]);
  });

  it('is scaled, stopped, started and removed', async () => {
    const agent = await cluster('hpc');
    const [first, second] = await running(agent);
    const more = orders(await command('scale', 3), agent);
    expect(more).toHaveLength(1);
    await run(agent, more[0]!);
    const fewer = await command('scale', 1);
    expect(
      fewer
        .only(agent.route, 'task_command')
        .map(({ executionId }) => executionId)
        .sort(),
    ).toEqual([second!.executionId, more[0]!.executionId].sort());
    await agent.say(agent.reports(second!, 'CANCELLED'), agent.reports(more[0]!, 'CANCELLED'));
    expect(observed()).toEqual(['1 running']);
    await command('stop');
    await agent.say(agent.reports(first!, 'CANCELLED'));
    expect([observed(), replicas()[0]!.reason]).toEqual([['1 stopped'], 'stopped by a user']);
    const [again] = orders(await command('start'), agent);
    expect(observed()).toEqual(['1 starting']);
    await run(agent, again!);
    expect(await core.ask({ kind: 'remove_service', name: 'web' })).toMatchObject({ kind: 'accepted' });
    expect(await core.ask({ kind: 'remove_service', name: 'web' })).toMatchObject({ kind: 'accepted' });
    expect((await command('start')).answers).toMatchObject([{ kind: 'conflict', code: 'being_removed' }]);
    const ended = await agent.say(agent.reports(again!, 'CANCELLED'));
    expect(ended.types).toContain('service.removed');
    expect([core.state.services.size, core.state.replicas.size, core.state.runs.size]).toEqual([0, 0, 0]);
    expect(await core.faults()).toEqual([]);
  });

  it('is kept by an application that comes while it is being removed', async () => {
    const agent = await cluster('hpc');
    const [first, second] = await running(agent);
    await core.ask({ kind: 'remove_service', name: 'web' });
    const turned = await core.turn(applies());
    expect(turned.answers).toMatchObject([{ ok: true, kind: 'done', body: { desired: 'running' } }]);
    await run(agent, ...orders(turned, agent));
    await agent.say(agent.reports(first!, 'CANCELLED'), agent.reports(second!, 'CANCELLED'));
    expect(observed()).toEqual(['3 running', '4 running']);
    expect(await core.faults()).toEqual([]);
  });

  it('keeps its runs in the project that it was created in, even after a change by another user', async () => {
    const agent = await cluster('hpc');
    const [first, second] = orders(await core.turn(applies({}, ['serve'], 'alpha')), agent);
    await run(agent, first!, second!);
    const projects = () => [...core.state.tasks.values()].map(({ project }) => project);
    expect(projects()).toEqual(['alpha', 'alpha']);
    await core.turn(applies({}, ['serve', '--new'], 'beta'));
    await core.restart(100);
    await agent.hello({ held: [heldBy(first!), heldBy(second!)] });
    await agent.say(agent.reports(first!, 'CANCELLED'));
    expect(replicas()[0]!.generation).toBe(2);
    expect(projects()).toEqual(['alpha', 'alpha']);
    expect(await core.faults()).toEqual([]);
  });

  it('waits with the reason where no cluster takes its replicas, and has them run as soon as one does', async () => {
    await core.turn(applies({ require: { gpu: 'true' } }));
    expect(observed()).toEqual(['1 pending', '2 pending']);
    expect(reasons()).toEqual(['2 of 2 replicas: waiting for a cluster: there is none']);
    const agent = await cluster('hpc', { labels: { gpu: 'true' }, slots: 1 });
    expect(observed()).toEqual(['1 starting', '2 pending']);
    expect(reasons()).toEqual(['1 of 2 replicas: waiting for a cluster: 1 of 1 has no free slot']);
    expect(agent.node.executions.size).toBe(1);
  });

  it('has a replica wait again, with the reason, that its cluster did not take', async () => {
    const agent = await cluster('hpc');
    const [first, second] = orders(await core.turn(applies({ startupDeadlineMs: 5000 })), agent);
    await run(agent, second!);
    await core.turn(core.asks({ kind: 'change_cluster', name: 'hpc', status: 'inactive' }));
    const error = { code: 'rejected', message: 'not now', retryable: true };
    await agent.say(agent.reports(first!, 'REJECTED', { error }));
    expect([observed(), replicas()[0]!.cluster]).toEqual([['1 pending', '2 running'], undefined]);
    // No deadline counts for one that no cluster has.
    await passed(agent, 8000);
    expect([observed(), reasons()]).toEqual([
      ['1 pending', '2 running'],
      ['1 of 2 replicas: waiting for a cluster: 1 of 1 is inactive'],
    ]);
    await core.turn(core.asks({ kind: 'change_cluster', name: 'hpc', status: 'active' }));
    expect([observed(), reasons()]).toEqual([['1 starting', '2 running'], []]);
    expect(await core.faults()).toEqual([]);
  });

  it('is moved off a cluster that is drained, one replica at a time', async () => {
    const hpc = await cluster('hpc');
    const [first, second] = await running(hpc);
    const lab = await cluster('lab');
    const drained = await core.turn(core.asks({ kind: 'change_cluster', name: 'hpc', status: 'draining' }));
    expect(drained.only(hpc.route, 'task_command')).toMatchObject([{ executionId: first!.executionId }]);
    const [moved] = orders(await hpc.say(hpc.reports(first!, 'CANCELLED')), lab);
    const next = await run(lab, moved!);
    expect(next.only(hpc.route, 'task_command')).toMatchObject([{ executionId: second!.executionId }]);
    const [last] = orders(await hpc.say(hpc.reports(second!, 'CANCELLED')), lab);
    await run(lab, last!);
    expect(hpc.node.executions.size).toBe(0);
    expect(replicas().map((each) => [each.cluster, each.observed])).toEqual([
      ['lab', 'running'],
      ['lab', 'running'],
    ]);
  });

  it('replaces replicas of a cluster that is out of reach, and has the surplus stopped when it is back', async () => {
    const hpc = await cluster('hpc');
    const [first, second] = await running(hpc, { disconnect: { lostAfterMs: 20_000, replace: true } });
    const lab = await cluster('lab');
    await core.turn({ kind: 'unreachable', route: hpc.route });
    const kept: Turned[] = [];
    for (let ms = 0; ms < 22_000; ms += 1000) {
      await lab.beat([...lab.node.executions].map(({ id }) => id));
      kept.push(...(await core.pass(1000)));
    }
    const facts = kept.flatMap(({ types }) => types).filter((type) => type.startsWith('replica'));
    expect(facts.filter((type) => type === 'replica.lost')).toHaveLength(2);
    expect(lab.node.executions.size).toBe(2);
    await core.pass(GRACE_MS + 1000);
    expect(replicas().map((each) => [each.id, each.cluster])).toEqual([
      ['web-3', 'lab'],
      ['web-4', 'lab'],
    ]);
    const back = await hpc.hello({ held: [heldBy(first!), heldBy(second!)] });
    expect(
      back.only(hpc.route, 'task_command').length + back.only(hpc.route, 'welcome').length,
    ).toBeGreaterThan(0);
  });

  it('waits for replicas of a cluster that is out of reach where it is not to replace them', async () => {
    const hpc = await cluster('hpc');
    const [first, second] = await running(hpc, { disconnect: { lostAfterMs: 20_000, replace: false } });
    await core.turn({ kind: 'unreachable', route: hpc.route });
    await core.pass(22_000);
    expect([observed(), reasons()]).toEqual([
      ['1 lost', '2 lost'],
      ['2 of 2 replicas: lost: the cluster hpc is out of reach'],
    ]);
    await hpc.hello({ held: [heldBy(first!), heldBy(second!)] });
    await hpc.beat([first!.executionId, second!.executionId]);
    expect([observed(), reasons()]).toEqual([['1 running', '2 running'], []]);
  });

  it('has a replica that is a node ready when that is registered and started', async () => {
    const agent = await cluster('hpc');
    const [order] = orders(await core.turn(applies({ count: 1, module: 'detect' })), agent);
    expect([order!.module, order!.node]).toEqual(['detect', { module: 'detect', instance: 'web-1' }]);
    await run(agent, order!);
    expect(observed()).toEqual(['1 running']);
    const node = core.peer('detect', { instance: 'web-1' });
    await node.join();
    expect([observed(), replicas()[0]!.nodeId]).toEqual([['1 ready'], node.nodeId]);
    await core.turn({ kind: 'unreachable', route: node.route });
    await core.pass(1000);
    await node.say({ kind: 'goodbye' });
    expect(observed()).toEqual(['1 running']);
  });

  it('gives up a replica that is not up in time, and starts it again', async () => {
    const agent = await cluster('hpc');
    const spec = { count: 1, module: 'detect', startupDeadlineMs: 5000 };
    const [order] = orders(await core.turn(applies(spec)), agent);
    await run(agent, order!);
    await agent.beat([order!.executionId]);
    const late = await core.pass(5000 + GRAIN_MS);
    expect(late.flatMap((turned) => turned.only(agent.route, 'task_command'))).toHaveLength(1);
    const ended = await agent.say(agent.reports(order!, 'CANCELLED'));
    expect(ended.event('replica.failed')).toMatchObject({ reason: 'it was not ready within 5000 ms' });
    expect(ended.event('replica.failed')?.retry_at).toBeDefined();
  });

  it('runs a batch to completion, and again what fails', async () => {
    const agent = await cluster('hpc');
    const [first, second] = await running(agent, { type: 'batch' });
    await agent.publish(first!, 1);
    await agent.say(agent.reports(second!, 'FAILED', { error: BROKEN }));
    expect(observed()).toEqual(['1 completed', '2 failed']);
    const again = (await core.pass(1000 + GRAIN_MS)).flatMap((turned) => orders(turned, agent));
    expect(again).toHaveLength(1);
    await run(agent, again[0]!);
    await agent.publish(again[0]!, 1);
    expect([observed(), reasons()]).toEqual([['1 completed', '2 completed'], []]);
    await core.pass(60_000);
    expect(core.state.tasks.size).toBe(0);
  });

  it('runs a daemon on each cluster that fits, also on one that joins', async () => {
    const hpc = await cluster('hpc');
    const given = orders(await core.turn(applies({ type: 'daemon' })), hpc);
    await run(hpc, ...given);
    const lab = await cluster('lab');
    expect(replicas().map((each) => each.pinned)).toEqual(['hpc', 'lab']);
    expect(lab.node.executions.size).toBe(1);
    await core.turn(core.asks({ kind: 'change_cluster', name: 'lab', status: 'draining' }));
    expect(replicas().map(({ desired }) => desired)).toEqual(['running', 'stopped']);
  });

  it('refuses what cannot be', async () => {
    expect(await core.ask({ kind: 'remove_service', name: 'web' })).toMatchObject({
      code: 'unknown_service',
    });
    expect((await command('stop')).answers).toMatchObject([{ code: 'unknown_service' }]);
    await core.turn(applies({ type: 'daemon' }));
    expect((await core.turn(applies())).answers).toMatchObject([{ code: 'type_fixed' }]);
    expect((await command('scale', 3)).answers).toMatchObject([{ code: 'not_scalable' }]);
  });
});
