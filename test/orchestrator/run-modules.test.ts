/** Run modules: their executions are executions on agents, which are placed by cluster and outlive silence. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { ModuleSpec } from '../../src/model/graph.js';
import { AGENT_MODULE, type CommandNote, type Resources, type RunSpec } from '../../src/model/run.js';
import type { AssignOrder } from '../../src/orchestrator/core/journal.js';
import { queueOfTask, queuesOf } from '../../src/orchestrator/core/schedule/queue-view.js';
import type { NewCluster } from '../../src/orchestrator/port.js';
import type { Proposal } from '../../src/orchestrator/proposals/proposals.js';
import { encodeRow } from '../../src/orchestrator/tables/row.js';
import { typesFromDescriptors } from '../../src/wire/types.js';
import { Core, graphOf, moduleSpec, type Peer, type Turned } from './core.js';

const SHA = 'a'.repeat(64);

function runSpec(more: Partial<RunSpec> = {}): RunSpec {
  return {
    ...{ work: { kind: 'command', argv: ['true'] }, files: {}, env: {}, resources: { cpus: 1 } },
    ...{ result: 'file', keep: 'never', retryExitCodes: undefined },
    ...more,
  } as RunSpec;
}

function runModule(name: string, inputs: readonly string[], more: Partial<ModuleSpec> = {}): ModuleSpec {
  return moduleSpec(name, inputs, { timeoutMs: undefined, run: runSpec(), ...more });
}

const ONE = graphOf('one', runModule('a', ['source']));
const TWO = graphOf('two', runModule('x', ['source']), runModule('y', ['source']));
const LARGE = graphOf('large', runModule('l', ['source'], { run: runSpec({ resources: { cpus: 3 } }) }));
const GPU = graphOf('gpu', runModule('g', ['source'], { require: { gpu: 'true' } }));
const TIMED = graphOf('timed', runModule('t', ['source'], { timeoutMs: 60_000 }));
const LOCKED = graphOf(
  'locked',
  runModule('k', ['source'], { run: runSpec({ env: { LEVEL: '3', KEY: { secret: 'api-key' } } }) }),
);
const MIXED = graphOf('mixed', moduleSpec('m', ['source']), runModule('n', ['m']));

let core: Core;

beforeEach(async () => {
  core = await Core.open([ONE, TWO, LARGE, GPU, TIMED, LOCKED, MIXED]);
  core.isSabotaged = true;
});

async function cluster(name: string, more: Partial<NewCluster> = {}): Promise<void> {
  const cluster: NewCluster = {
    ...{ name, type: 'ssh', status: 'active', workdir: '/w', slots: 2, labels: {}, agent: 'remote' },
    ...more,
  };
  await core.ask({ kind: 'add_cluster', cluster });
}

async function agentOf(name: string, resources?: Resources): Promise<Peer> {
  const peer = core.peer(AGENT_MODULE, {
    instance: name,
    typesByAssignment: true,
    ...(resources && { resources }),
  });
  await peer.join();
  return peer;
}

function orders(turned: Turned, peer: Peer): AssignOrder[] {
  return turned.only(peer.route, 'assign order');
}

describe('the working folders that an agent keeps', () => {
  const forgotten = (turned: Turned, agent: Peer) =>
    turned.only(agent.route, 'forget').flatMap(({ executionIds }) => executionIds);

  it('are named after a welcome, and go where their tasks have gone', async () => {
    await cluster('hpc', { slots: 3 });
    const agent = await agentOf('hpc');
    const [ended, at] = [0, 1].map(() => core.submits('one'));
    const [first] = orders(await core.turn(ended!), agent);
    await agent.publish(first!, 1);
    const [running] = orders(await core.turn(at!), agent);
    await core.restart();
    await agent.hello();
    const asked = await agent.say({
      kind: 'kept',
      executions: [
        first!,
        running!,
        { executionId: 'gone', lease: `secret.1.${core.uuid()}` },
        { executionId: 'x', lease: 'x' },
      ],
    });
    expect(forgotten(asked, agent)).toEqual(['gone', 'x']);
  });

  it('go at once where their agent is here when the task is removed', async () => {
    await cluster('hpc');
    const agent = await agentOf('hpc');
    const [order] = orders(await core.turn(core.submits('one')), agent);
    await agent.publish(order!, 1);
    const { problemId } = order!.taskId;
    const { problem_seq } = await core.row(`${problemId}/1`);
    const proposal: Proposal = {
      ...{ kind: 'remove iteration', task: order!.taskId, problemSeq: problem_seq, isWhole: true, newest: 1 },
      ...{ fields: [], index: [] },
    };
    expect(await core.propose(proposal)).toMatchObject({ kind: 'done', count: 1 });
    expect(forgotten(core.proposed!, agent)).toEqual([order!.executionId]);
    expect(forgotten(await agent.say({ kind: 'kept', executions: [order!] }), agent)).toEqual([
      order!.executionId,
    ]);
  });
});

/** The reason that a module waits for. */
function reasonOf(key: string): string | undefined {
  const phase = core.state.tasks.get(key)!.runs[0]?.phase;
  return phase?.kind === 'waiting' ? phase.reason : undefined;
}

describe('a run module', () => {
  it('is executed by the agent of a cluster, which is told its work, its type and no timeout', async () => {
    await cluster('hpc');
    const agent = await agentOf('hpc');
    const [order] = orders(await core.turn(core.submits('one')), agent);
    expect(order).toMatchObject({
      ...{ module: 'a', attempt: 1, timeoutMs: 0, outputType: 'json' },
      run: { work: { kind: 'command', argv: ['true'] }, files: [], resources: { cpus: 1 }, result: 'file' },
    });
    await agent.report(order!, 'ACCEPTED');
    const ended = await agent.publish(order!, 1);
    expect(ended.types).toContain('iteration.succeeded');
    expect(await core.faults()).toEqual([]);
    expect(core.undoneSteps).toBeGreaterThan(10);
  });

  it('tells its command as its agent learns of it, each thing once', async () => {
    await cluster('hpc');
    const agent = await agentOf('hpc');
    const [order] = orders(await core.turn(core.submits('one')), agent);
    await agent.report(order!, 'RUNNING');
    const { executionId, lease } = order!;
    const tell = (command: CommandNote) =>
      agent.say({
        ...{ kind: 'log', level: 'info', message: '', fields: {} },
        executionId,
        lease,
        at: 7,
        command,
      });
    const argv = ['fit', '7'];
    const taken = await tell({ argv, engineId: '4711' });
    expect(taken.types).toEqual(['execution.command']);
    expect((await tell({ argv: ['other'], engineId: '4711' })).types).toEqual([]);
    await tell({ host: 'node7', startedAt: 1_000 });
    // The end of the command counts as a line that was sent before the output.
    expect((await agent.publish(order!, 1, { logLines: 3 })).types).not.toContain('execution.succeeded');
    expect(core.state.executions.get(executionId)?.command).toEqual({
      ...{ cluster: 'hpc', engine: 'ssh', argv, engine_id: '4711', host: 'node7' },
      started_at: '1970-01-01T00:00:01.000Z',
    });
    const ended = await tell({ endedAt: 2_000, exitCode: 0 });
    expect(ended.types.slice(0, 2)).toEqual(['execution.command', 'execution.succeeded']);
    expect(await core.faults()).toEqual([]);
  });

  it('begins when its command does, also where that is told late, and never before it was assigned', async () => {
    await cluster('hpc', { slots: 3 });
    const agent = await agentOf('hpc');
    const begins = async (msAfterAssignment: number) => {
      const [order] = orders(await core.turn(core.submits('one')), agent);
      const { executionId, lease } = order!;
      const { assignedAt } = core.state.executions.get(executionId)!;
      await core.pass(5_000);
      await agent.report(order!, 'RUNNING');
      await agent.say({
        ...{ kind: 'log', level: 'info', message: '', fields: {} },
        ...{ executionId, lease, at: 7 },
        command: { startedAt: assignedAt + msAfterAssignment },
      });
      return core.state.executions.get(executionId)!.startedAt! - assignedAt;
    };
    expect(await begins(400)).toBe(400);
    expect(await begins(-400)).toBe(0);
    expect(await begins(60_000)).toBe(5_000);
    expect(await core.faults()).toEqual([]);
  });

  it('is not played by nodes of its name, nor do they register where no graph has them', async () => {
    const node = core.peer('a');
    expect((await node.hello()).refusals(node.route)).toEqual(['unknown_module']);
    const key = await core.submit('one');
    expect(reasonOf(key)).toBe('waiting for a cluster: there is none');
  });

  it('follows a module that nodes play, and the other way round', async () => {
    await cluster('hpc');
    const agent = await agentOf('hpc');
    const node = core.peer('m');
    await node.join();
    const [first] = orders(await core.turn(core.submits('mixed')), node);
    await node.report(first!, 'ACCEPTED');
    const [second] = orders(await node.publish(first!, 1), agent);
    expect(second?.module).toBe('n');
    expect(second?.inputs.map(({ name }) => name)).toEqual(['m']);
  });

  it('runs twice on one cluster where one plan places two, and goes by what they take together', async () => {
    await cluster('hpc', { resources: { cpus: 1 } });
    await cluster('big', { resources: { cpus: 8 } });
    const [small, big] = [await agentOf('hpc'), await agentOf('big')];
    const turned = await core.turn(core.submits('two'));
    expect(orders(turned, small).length).toBe(1);
    expect(orders(turned, big).length).toBe(1);
    const more = await core.turn(core.submits('two'));
    expect(orders(more, small).length).toBe(0);
    // Both of its slots are taken then.
    expect(orders(more, big).length).toBe(1);
  });

  it('is counted by what the agent says that its cluster has, where nobody has stated it', async () => {
    await cluster('hpc');
    const agent = await agentOf('hpc', { cpus: 4 });
    const [order] = orders(await core.turn(core.submits('large')), agent);
    expect(order).toBeDefined();
    const key = await core.submit('large');
    expect(reasonOf(key)).toBe('waiting for a cluster: 1 of 1 has fewer than 3 free cpus');
    await agent.report(order!, 'ACCEPTED');
    expect(orders(await agent.publish(order!, 1), agent).length).toBe(1);
  });

  it('waits for its secrets, is given them as they are sealed, and keeps nobody else waiting', async () => {
    await cluster('hpc', { slots: 1 });
    const agent = await agentOf('hpc');
    const key = await core.submit('locked');
    const reason = 'waiting for the secret api-key: set it with `tutti secret set api-key`';
    expect(reasonOf(key)).toBe(reason);
    const [other] = orders(await core.turn(core.submits('one')), agent);
    expect(other?.module).toBe('a');
    const busy = await core.turn(core.asks({ kind: 'set_secret', name: 'api-key', sealed: 'sealed' }));
    expect(orders(busy, agent)).toEqual([]);
    expect(reasonOf(key)).toBe('waiting for a cluster: 1 of 1 has no free slot');
    await agent.report(other!, 'ACCEPTED');
    const [order] = orders(await agent.publish(other!, 1), agent);
    expect(order?.run).toMatchObject({ env: { LEVEL: '3' }, secrets: { KEY: { sealed: 'sealed' } } });
    await core.restart();
    expect(core.state.secrets.get('api-key')).toMatchObject({ sealed: 'sealed' });
    expect((await core.check()).counts).toMatchObject({ secrets: 1 });
    await core.ask({ kind: 'remove_secret', name: 'api-key' });
    const next = await core.submit('locked');
    expect(reasonOf(next)).toBe(reason);
    expect(await core.faults()).toEqual([]);
  });

  it('waits for what is in the way, is told when that changes, and is woken when nothing is', async () => {
    await cluster('hpc', { status: 'inactive', labels: { gpu: 'true' } });
    await cluster('other');
    const key = await core.submit('gpu');
    expect(reasonOf(key)).toBe('waiting for a cluster: 1 of 2 is inactive, 1 lacks gpu=true');
    await core.ask({ kind: 'change_cluster', name: 'hpc', status: 'active' });
    expect(reasonOf(key)).toBe('waiting for a cluster: 1 of 2 is offline, 1 lacks gpu=true');
    const agent = core.peer(AGENT_MODULE, { instance: 'hpc' });
    await agent.hello();
    const error = { code: 'engine_failed', message: 'no sbatch here', retryable: true };
    await agent.say({ kind: 'node_report', status: 'ERROR', error });
    expect(reasonOf(key)).toBe(
      'waiting for a cluster: 1 of 2 has an agent in error: no sbatch here, 1 lacks gpu=true',
    );
    const idle = await agent.say({ kind: 'node_report', status: 'IDLE' });
    expect(orders(idle, agent).length).toBe(1);
    const second = await core.submit('gpu');
    expect(reasonOf(second)).toBeUndefined();
    const third = await core.submit('gpu');
    expect(reasonOf(third)).toBe('waiting for a cluster: 1 of 2 has no free slot, 1 lacks gpu=true');
    const change = core.asks({ kind: 'change_cluster', name: 'other', labels: { gpu: 'true' } });
    await core.turn(change);
    expect(reasonOf(third)).toBe('waiting for a cluster: 1 of 2 has no free slot, 1 is offline');
    const slots = await core.turn(core.asks({ kind: 'change_cluster', name: 'hpc', slots: 3 }));
    expect(orders(slots, agent).length).toBe(1);
    expect(await core.faults()).toEqual([]);
  });

  it('goes to the cluster that has worked on its problem, among equally loaded ones', async () => {
    await cluster('first');
    await cluster('second');
    const agents = [await agentOf('first'), await agentOf('second')];
    const turned = await core.turn(core.submits('one'));
    const used = agents.findIndex((agent) => orders(turned, agent).length === 1);
    const [order] = orders(turned, agents[used]!);
    await agents[used]!.report(order!, 'ACCEPTED');
    await agents[used]!.publish(order!, 1);
    // The other one is the least recently used now.
    const problemId = order!.taskId.problemId;
    const again = await core.turn(core.asks({ kind: 'iterate', problemId, graphVersion: 1 }));
    expect(orders(again, agents[used]!).length).toBe(1);
  });

  it('is shown in the queues as work for agents', async () => {
    await cluster('hpc', { slots: 3 });
    await agentOf('hpc');
    for (let n = 0; n < 4; n += 1) await core.submit('one');
    const key = await core.submit('one');
    expect(queuesOf(core.state).map(({ module }) => module)).toEqual([AGENT_MODULE, 'm']);
    expect(queuesOf(core.state)[0]).toMatchObject({ nodes: 1, slots: 3, taken: 3, waiting: 2 });
    expect(queueOfTask(core.state, core.state.tasks.get(key)!)).toEqual([{ module: 'a', ahead: 1 }]);
  });
});

describe('what one task asks for', () => {
  const submit = (graph: string, more: object) => {
    const prepared = { kind: 'inline', bytes: Buffer.from('{}') } as const;
    return core.asks({
      kind: 'submit',
      graph,
      input: undefined,
      graphVersion: 1,
      project: 'default',
      prepared,
      ...more,
    });
  };

  it('is a label of its cluster, also of a node, and is there after a restart', async () => {
    await cluster('hpc');
    await cluster('other');
    const [hpc, other] = [await agentOf('hpc'), await agentOf('other')];
    const turned = await core.turn(submit('one', { require: { a: { cluster: 'other' } } }));
    expect(turned.detail('iteration.submitted')).toMatchObject({ require: { a: { cluster: 'other' } } });
    expect([orders(turned, hpc).length, orders(turned, other).length]).toEqual([0, 1]);
    const node = core.peer('m', { labels: { zone: 'a' } });
    await node.join();
    expect(orders(await core.turn(submit('mixed', { require: { m: { zone: 'b' } } })), node)).toEqual([]);
    expect(orders(await core.turn(submit('mixed', { require: { m: { zone: 'a' } } })), node).length).toBe(1);
    await core.restart();
    const [waiting] = [...core.state.tasks.values()].filter((task) => task.require?.m?.zone === 'b');
    expect(reasonOf(waiting!.key)).toBe('waiting for a node of m');
    expect(await core.faults()).toEqual([]);
  });

  it('is what an execution takes, instead of what the graph says', async () => {
    await cluster('hpc', { resources: { cpus: 4 } });
    const agent = await agentOf('hpc');
    const [order] = orders(await core.turn(submit('one', { resources: { a: { cpus: 4 } } })), agent);
    expect(order?.run?.resources).toEqual({ cpus: 4 });
    const key = await core.submit('one');
    expect(reasonOf(key)).toBe('waiting for a cluster: 1 of 1 has fewer than 1 free cpu');
    await core.restart();
    expect(core.state.tasks.size).toBe(2);
    expect(await core.faults()).toEqual([]);
  });
});

describe('silence', () => {
  let agent: Peer;
  let order: AssignOrder;

  async function begin(graph: string): Promise<void> {
    await cluster('hpc');
    agent = await agentOf('hpc');
    order = orders(await core.turn(core.submits(graph)), agent)[0]!;
    await agent.report(order, 'RUNNING');
    core.isSabotaged = false;
  }

  const observed = () => core.state.executions.get(order.executionId)?.observed;

  it('does not end what an agent has accepted, for however long it lasts, and whatever else is free', async () => {
    await begin('one');
    await cluster('other');
    const other = await agentOf('other');
    for (let n = 0; n < 400; n += 1) {
      await core.pass(10_000);
      await other.beat();
    }
    expect(agent.node.liveness).toBe('dead');
    expect(observed()).toBe('running');
    await agent.hello({ held: [{ ...order, state: 'RUNNING' }] });
    const ended = await agent.publish(order, 1);
    expect(ended.types).toContain('iteration.succeeded');
    expect(await core.faults()).toEqual([]);
  });

  it('does not end it across restarts of the orchestrator either', async () => {
    await begin('one');
    await core.restart();
    await core.pass(4_000_000);
    expect(observed()).toBe('running');
    await core.restart(8_000_000);
    await core.pass(4_000_000);
    expect(observed()).toBe('running');
    const ended = await agent.hello({ held: [{ ...order, state: 'RUNNING' }] });
    expect(ended.only(agent.route, 'welcome')[0]!.drop).toEqual([]);
  });

  it('takes back what was never accepted, as soon as there is another cluster', async () => {
    await cluster('hpc');
    agent = await agentOf('hpc');
    [order] = orders(await core.turn(core.submits('one')), agent) as [AssignOrder];
    await core.pass(11_000);
    await cluster('other');
    await agentOf('other');
    expect(observed()).toBe('lost');
  });

  it('ends it where the module states a timeout', async () => {
    await begin('timed');
    await core.pass(59_000);
    expect(observed()).toBe('running');
    await core.pass(2_000);
    expect(observed()).toBe('failed');
  });

  it('leaves it to a goodbye as well, but not to a hello that does not name it', async () => {
    await begin('one');
    await agent.say({ kind: 'goodbye' });
    expect(observed()).toBe('running');
    await agent.hello({ held: [{ ...order, state: 'RUNNING' }] });
    expect(observed()).toBe('running');
    const task = core.state.executions.get(order.executionId)!.task;
    const turned = await agent.hello();
    expect(turned.types).toContain('execution.lost');
    // A lost attempt does not count.
    expect(task.runs[0]).toMatchObject({ attempts: 0, diedBoots: [] });
  });

  it('does not keep a user from stopping it', async () => {
    await begin('one');
    await core.pass(11_000);
    const taskId = order.taskId;
    await core.ask({ kind: 'task_command', taskId, command: 'stop' });
    await core.pass(6_000);
    expect([...core.state.tasks.keys()]).toEqual([]);
    // Its command may be at work until the agent is heard again: then it is told to drop it.
    const hello = await agent.hello({ held: [{ ...order, state: 'RUNNING' }] });
    expect(hello.only(agent.route, 'welcome')[0]!.drop).toEqual([order.executionId]);
  });
});

describe('the files of a graph', () => {
  const graph = graphOf(
    'one',
    runModule('a', ['source'], { run: runSpec({ files: { 'w/run.sh': 'run.sh' } }) }),
  );
  const types = typesFromDescriptors(new Uint8Array());
  const put = (files: Record<string, string>) =>
    core.asks({
      kind: 'put_graph',
      name: 'one',
      yaml: 'one',
      graph,
      types,
      typesJson: types.toJson([]),
      files,
    });
  const stores = (sha256: string, size = 3) => core.turn({ kind: 'blob', id: 99, sha256, size });

  it('have to be here, are stored with its version, and go with every assignment of it', async () => {
    const [refused] = (await core.turn(put({ 'run.sh': SHA }))).answers;
    expect(refused).toMatchObject({
      ...{ ok: false, code: 'bad_graph' },
      details: [{ path: 'files["run.sh"]', code: 'unknown_blob' }],
    });
    await stores(SHA);
    const [stored] = (await core.turn(put({ 'run.sh': SHA }))).answers;
    expect(stored).toMatchObject({ ok: true, body: { version: 2, changed: true } });
    expect((await core.turn(put({ 'run.sh': SHA }))).answers).toMatchObject([{ body: { changed: false } }]);
    await cluster('hpc');
    const agent = await agentOf('hpc');
    const submit = core.asks({
      ...{ kind: 'submit', graph: 'one', input: undefined, project: 'default', graphVersion: 2 },
      prepared: { kind: 'inline', bytes: Buffer.from('{}') },
    });
    const [order] = orders(await core.turn(submit), agent);
    expect(order?.run?.files).toEqual([{ path: 'w/run.sh', blob: { sha256: SHA, size: 3 } }]);
    expect(await core.faults()).toEqual([]);
  });

  it('are missed by a check where their blobs are gone, or are others', async () => {
    await stores(SHA);
    await core.turn(put({ 'run.sh': SHA }));
    expect(await core.faults()).toEqual([]);
    const row = (size: number) =>
      ({ op: 'put', table: 'blobs', key: [SHA], value: encodeRow({ size, lease_until: 0 }) }) as const;
    await core.store.commit(core.epoch, [row(4)]);
    expect(await core.faults()).toEqual([
      { where: 'graphs one version 2', what: `run.sh is blob ${SHA} of 3 bytes, which has 4` },
    ]);
    await core.store.commit(core.epoch, [{ op: 'delete', table: 'blobs', key: [SHA] }]);
    expect(await core.faults()).toEqual([
      { where: 'graphs one version 2', what: `run.sh is blob ${SHA}, which does not exist` },
    ]);
  });

  it('make a new version where one of them has changed', async () => {
    const other = 'b'.repeat(64);
    await stores(SHA);
    await stores(other);
    await core.turn(put({ 'run.sh': SHA }));
    const changed = await core.turn(put({ 'run.sh': other }));
    expect(changed.answers).toMatchObject([{ body: { version: 3, changed: true } }]);
    await core.restart();
    expect(core.state.graph('one', 2)?.files).toEqual({ 'run.sh': { sha256: SHA, size: 3 } });
    expect(core.state.graph('one', 3)?.files).toEqual({ 'run.sh': { sha256: other, size: 3 } });
  });

  it('stay for as long as the version does, and go where no graph names them', async () => {
    const other = 'b'.repeat(64);
    await stores(SHA);
    await stores(other);
    await core.turn(put({ 'run.sh': SHA }));
    core.wallMs += 2 * 24 * 3_600_000;
    expect(await core.propose({ kind: 'remove blob', sha256: SHA })).toEqual({ kind: 'declined' });
    expect(await core.propose({ kind: 'remove blob', sha256: other })).toMatchObject({ count: 1 });
  });
});
