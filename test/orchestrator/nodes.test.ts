import { beforeEach, describe, expect, it } from 'vitest';
import type { HeldExecution } from '../../src/model/protocol.js';
import type { AssignOrder } from '../../src/orchestrator/core/journal.js';
import { Core, graphOf, moduleSpec, type Peer, type Turned } from './core.js';

const GRAPH = graphOf('one', moduleSpec('a', ['source']));

let core: Core;

beforeEach(async () => {
  core = await Core.open([GRAPH, graphOf('manual', moduleSpec('m', ['source'], { start: 'manual' }))]);
});

const held = ({ executionId, lease }: AssignOrder): HeldExecution[] => [
  { executionId, lease, state: 'RUNNING' },
];
const orders = (turned: readonly Turned[], peer: Peer): AssignOrder[] =>
  turned.flatMap((one) => one.only(peer.route, 'assign order'));
const types = (turned: readonly Turned[]): string[] => turned.flatMap((one) => one.types);

/** A node that works on a task. */
async function atWork(how: 'assigned' | 'accepted'): Promise<{ a: Peer; order: AssignOrder; task: string }> {
  const a = core.peer('a');
  await a.join();
  const turned = await core.turn(core.submits('one'));
  const [order] = turned.only(a.route, 'assign order');
  if (how === 'accepted') await a.report(order!, 'ACCEPTED');
  return { a, order: order!, task: `${order!.taskId.problemId}/1` };
}

describe('a hello', () => {
  it('is welcomed with everything that the node needs, and told to start in the same frame', async () => {
    const a = core.peer('a');
    const turned = await a.hello();
    expect(turned.to(a.route).map(({ kind }) => kind)).toEqual(['welcome', 'node_command']);
    expect(turned.only(a.route, 'welcome')[0]).toMatchObject({
      incarnation: 1,
      deadAfterMs: 10_000,
      outputWindow: 16,
      outputType: 'json',
      drop: [],
      storeId: core.store.storeId,
    });
    expect(turned.only(a.route, 'node_command')[0]?.cmd).toBe('START');
    expect(turned.types).toEqual(['node.joined']);
  });

  it('a repeated hello is welcomed again as the same node of the same incarnation', async () => {
    const a = core.peer('a');
    await a.hello();
    const first = a.nodeId;
    const again = await a.hello();
    expect([a.nodeId, a.incarnation, again.types]).toEqual([first, 1, []]);
  });

  it('a hello on another connection moves the node there', async () => {
    const { a } = await atWork('accepted');
    a.route = 'elsewhere';
    await a.hello({ status: 'RUNNING' });
    expect(core.state.nodesByRoute.size).toBe(1);
    expect(a.node.route).toBe('elsewhere');
  });

  it('a hello of a new boot wins, and the older process is told so now and always, also after restarts', async () => {
    const old = core.peer('a');
    await old.join();
    const fresh = core.peer('a');
    const turned = await fresh.hello();
    expect(turned.refusals(old.route)).toEqual(['replaced']);
    expect([fresh.nodeId, fresh.incarnation]).toEqual([old.nodeId, 2]);
    expect((await old.beat()).refusals(old.route)).toEqual(['stale_incarnation']);
    expect((await old.hello()).refusals(old.route)).toEqual(['replaced']);
    await core.restart();
    expect((await old.hello()).refusals(old.route)).toEqual(['replaced']);
    // Also where it does not say what it was told before: its boot is on record.
    old.nodeId = '';
    old.incarnation = 0;
    expect((await old.hello()).refusals(old.route)).toEqual(['replaced']);
    expect((await fresh.hello()).only(fresh.route, 'welcome')[0]).toMatchObject({ incarnation: 2 });
  });

  it('a hello for an unknown module is refused with the known ones', async () => {
    const x = core.peer('x');
    const [refused] = (await x.hello()).only(x.route, 'refused');
    expect(refused).toMatchObject({ code: 'unknown_module', hint: 'known modules: a, m' });
  });

  it('a hello with another output type than the graph declares is refused', async () => {
    const a = core.peer('a', { outputType: 'bytes' });
    expect((await a.hello()).refusals(a.route)).toEqual(['wrong_output_type']);
  });

  it('needs the token where there is one', async () => {
    core = await Core.open([GRAPH], 'open sesame');
    const a = core.peer('a');
    expect((await a.hello({ token: 'open' })).refusals(a.route)).toEqual(['unauthorized']);
    expect((await a.hello({ token: 'open sesame' })).only(a.route, 'welcome')).toHaveLength(1);
    // A peer that has not authenticated on its connection is not taken for the node, whatever it knows of it.
    const route = a.route;
    a.route = 'elsewhere';
    expect((await a.beat()).refusals('elsewhere')).toEqual(['say_hello']);
    expect(a.node.route).toBe(route);
    await a.hello({ token: 'open sesame' });
    expect([(await a.beat()).refusals('elsewhere'), a.node.route]).toEqual([[], 'elsewhere']);
  });

  it('an honest hello is read while another connection invents one after the other', async () => {
    const flood = Array.from({ length: 1000 }, (_, number) => {
      const made = core.peer('a', { instance: `made-${number}` });
      made.route = 'flood';
      return made.says(made.helloOf());
    });
    const honest = core.peer('a');
    const turned = await core.turn(...flood, honest.says(honest.helloOf()));
    expect(turned.only('flood', 'welcome')).toHaveLength(3);
    expect(turned.only(honest.route, 'welcome')).toHaveLength(1);
  });

  it('a hello of a new instance is not followed by a start if the graph says so', async () => {
    const m = core.peer('m');
    expect((await m.hello()).to(m.route).map(({ kind }) => kind)).toEqual(['welcome']);
    expect(m.node.desired).toBe('stopped');
  });

  it('a hello of a node that was told to stop while disconnected is followed by a stop, also after restarts', async () => {
    const a = core.peer('a');
    await a.join();
    await core.restart();
    await core.ask({ kind: 'node_command', nodeId: a.nodeId, command: 'stop' });
    const turned = await a.hello({ status: 'IDLE' });
    expect(turned.only(a.route, 'node_command').map(({ cmd }) => cmd)).toEqual(['STOP']);
    const inactive = await a.hello({ status: 'INACTIVE' });
    expect(inactive.only(a.route, 'node_command')).toEqual([]);
  });

  it('a hello of the successor of a stopping process does not end the successor as well', async () => {
    const a = core.peer('a');
    await a.join();
    await core.ask({ kind: 'node_command', nodeId: a.nodeId, command: 'terminate' });
    const successor = core.peer('a');
    await successor.hello();
    const later = await core.pass(5000);
    const commands = later.flatMap((turned) => turned.only(successor.route, 'node_command'));
    expect(commands.every(({ cmd }) => cmd === 'START')).toBe(true);
  });

  it('is what anybody who is not registered is asked for', async () => {
    const a = core.peer('a');
    expect((await a.beat()).refusals(a.route)).toEqual(['say_hello']);
    await a.join();
    await core.restart();
    expect((await a.beat()).refusals(a.route)).toEqual(['say_hello']);
    await a.hello();
    a.incarnation += 1;
    expect((await a.beat()).refusals(a.route)).toEqual(['say_hello']);
  });
});

describe('what a node says that it holds', () => {
  it('a held execution that belongs to the node continues, also after a restart, and counts as started if the node says so', async () => {
    const { a, order } = await atWork('assigned');
    await core.restart();
    const accepted = held(order).map((one) => ({ ...one, state: 'ACCEPTED' as const }));
    const turned = await a.hello({ status: 'RUNNING', held: accepted });
    expect(turned.only(a.route, 'welcome')[0]?.drop).toEqual([]);
    expect(orders(await core.pass(2900), a)).toEqual([]);
    const execution = core.state.executions.get(order.executionId);
    expect(execution).toMatchObject({ observed: 'accepted', acceptedByReport: true });
    // Its word that it has begun was lost with the connection.
    await a.hello({ status: 'RUNNING', held: held(order) });
    expect(execution?.observed).toBe('running');
  });

  it('a held execution that does not fit into the hello continues, and the heartbeats name it', async () => {
    const many = 600;
    const a = core.peer('a', { capacity: many });
    await a.join();
    const all = orders([await core.turn(...Array.from({ length: many }, () => core.submits('one')))], a);
    expect(all).toHaveLength(many);
    // The acceptance of the last one is lost.
    const [unconfirmed] = all.slice(-1);
    await a.say(...all.slice(0, -1).map((order) => a.reports(order, 'ACCEPTED')));
    await core.restart();
    const named = all.slice(0, 400).flatMap(held);
    const welcomed = await a.hello({ status: 'RUNNING', held: named, heldInAll: many });
    const begun = types([welcomed]).filter((type) => type.startsWith('execution.'));
    expect(begun).toEqual(named.map(() => 'execution.running'));
    expect(orders([welcomed], a)).toEqual([unconfirmed]);
    await a.say(a.reports(unconfirmed!, 'ACCEPTED'));
    const ids = all.map(({ executionId }) => executionId);
    for (let beats = 0; beats < 3; beats += 1)
      expect(types([await a.beat(ids, 'RUNNING')])).not.toContain('execution.lost');
    expect(core.state.executions.size).toBe(many);
    // One that it no longer has is noticed all the same.
    await a.beat(ids.slice(1), 'RUNNING');
    const turned = await a.beat(ids.slice(1), 'RUNNING');
    expect(turned.event('execution.lost')?.execution_id).toBe(ids[0]);
  });

  it('an execution that the node never accepted nor names is assigned again under the same id and lease', async () => {
    const { a, order } = await atWork('assigned');
    await core.restart();
    expect(orders([await a.hello()], a)).toEqual([order]);
  });

  it('an execution that the node accepted but does not name is lost and placed again, without using an attempt up', async () => {
    const { a, order } = await atWork('accepted');
    const turned = await a.hello({ status: 'IDLE' });
    expect(turned.event('execution.lost')?.execution_id).toBe(order.executionId);
    const [next] = orders([turned], a);
    expect(next).toMatchObject({ attempt: 2 });
    expect(next?.lease).not.toBe(order.lease);
    expect(core.state.executions.get(next!.executionId)?.task.runs[0]).toMatchObject({
      attempts: 0,
      diedBoots: [],
    });
  });

  it('a held execution that has ended is reported to the node as ended, also after the task has ended and after a restart', async () => {
    const { a, order, task } = await atWork('accepted');
    await a.publish(order, 1);
    expect((await core.row(task)).state).toBe('succeeded');
    await core.restart();
    const turned = await a.hello({ held: held(order) });
    expect(turned.acks(a.route)).toEqual([[1, true]]);
    expect(turned.only(a.route, 'welcome')[0]?.drop).toEqual([]);
  });

  it('a held execution that is lost, replaced or unknown is abandoned, and its slot stays taken until then', async () => {
    const { a, order } = await atWork('accepted');
    await core.ask({ kind: 'task_command', taskId: order.taskId, command: 'terminate' });
    const strange = { ...order, executionId: core.uuid(), lease: 'who.knows' };
    const turned = await a.hello({ status: 'RUNNING', held: [...held(order), ...held(strange)] });
    expect(turned.only(a.route, 'welcome')[0]?.drop).toEqual([order.executionId, strange.executionId]);
    expect(a.node.taken).toBe(2);
    await a.beat();
    expect(a.node.taken).toBe(0);
  });

  it('an execution of a replaced boot is lost even if it was never accepted: the old process may have it', async () => {
    const { a, order } = await atWork('assigned');
    const fresh = core.peer('a');
    const turned = await fresh.hello({ status: 'IDLE' });
    expect(turned.event('execution.lost')?.execution_id).toBe(order.executionId);
    const [next] = orders([turned], fresh);
    expect(next?.executionId).not.toBe(order.executionId);
    const late = await a.publish(order, 1);
    expect([late.types, late.to(fresh.route)]).toEqual([[], []]);
    expect((await fresh.publish(next!, 1)).types).toContain('iteration.succeeded');
  });

  it('an execution accepted by a heartbeat and not by a report is lost only when two in a row do not name it', async () => {
    const { a, order } = await atWork('accepted');
    expect((await a.beat()).types).toEqual([]);
    expect((await a.beat([order.executionId])).types).toEqual([]);
    expect((await a.beat()).types).toEqual([]);
    expect((await a.beat()).types).toContain('execution.lost');
  });

  it('is never judged by heartbeats before the node has accepted it on the same connection', async () => {
    const { a, order } = await atWork('assigned');
    await a.publish(order, 1, { last: false });
    for (let i = 0; i < 5; i += 1) expect(types([await a.beat()])).toEqual([]);
    expect(core.state.executions.get(order.executionId)?.observed).toBe('running');
    // Its acceptance is still asked for.
    expect(orders(await core.pass(1020), a)).toHaveLength(1);
  });

  it('an ended execution in a heartbeat is acknowledged again once the first ack must have been lost', async () => {
    const { a, order } = await atWork('accepted');
    await a.publish(order, 1);
    expect((await a.beat([order.executionId])).to(a.route)).toEqual([]);
    await core.pass(1000);
    expect((await a.beat([order.executionId])).acks(a.route)).toEqual([[1, true]]);
    await a.beat();
    expect(a.node.settled.size).toBe(0);
  });

  it('an unknown execution in a heartbeat is dropped by the node', async () => {
    const { a } = await atWork('accepted');
    expect((await a.beat([core.uuid()])).refusals(a.route)).toEqual(['unknown_execution']);
  });
});

describe('a silent node', () => {
  it('becomes unresponsive and gets no new work, then dead, and is alive again with its next word', async () => {
    const a = core.peer('a');
    await a.join();
    expect(types(await core.pass(3100))).toEqual(['node.unresponsive']);
    await core.submit('one');
    expect(a.node.taken).toBe(0);
    expect(types(await core.pass(7000))).toEqual(['node.dead']);
    const turned = await a.beat();
    expect(turned.types).toEqual(['node.alive', 'iteration.started', 'execution.assigned']);
  });

  it('a dead node without a successor still finishes its work', async () => {
    const { a, order } = await atWork('accepted');
    expect(types(await core.pass(10_100))).toEqual(['node.unresponsive', 'node.dead', 'module.waiting']);
    expect((await a.publish(order, 1)).types).toContain('iteration.succeeded');
  });

  it('a dead node loses its work as soon as there is a successor, and its late result changes nothing', async () => {
    const { a, order } = await atWork('accepted');
    await core.pass(10_100);
    const other = core.peer('a', { instance: 'a-2' });
    const turned = await other.join();
    expect(turned.types).toEqual(['node.status', 'execution.lost', 'execution.assigned']);
    const late = await a.publish(order, 1);
    expect(late.refusals(a.route)).toEqual(['stale_execution']);
    const [next] = orders([turned], other);
    expect((await other.publish(next!, 1)).types).toContain('iteration.succeeded');
  });

  it('a node that is dead when the time of its attempt is over has lost it, not failed', async () => {
    const { order } = await atWork('accepted');
    const all = types(await core.pass(70_000));
    expect(all).toContain('execution.lost');
    expect(all).not.toContain('execution.failed');
    expect(core.state.executions.get(order.executionId)?.task.runs[0]?.attempts).toBe(0);
  });

  it('a node whose frame cannot be delivered is unresponsive at once', async () => {
    const a = core.peer('a');
    await a.join();
    expect((await core.turn({ kind: 'unreachable', route: a.route })).types).toEqual(['node.unresponsive']);
    expect((await a.beat()).types).toEqual(['node.alive']);
  });

  it('costs the others nothing when its connection ends, nor does one that was nobody’s', async () => {
    const [a, b] = [core.peer('a'), core.peer('a', { instance: 'other' })];
    await a.join();
    await b.join();
    const turned = await core.turn(
      { kind: 'unreachable', route: a.route },
      { kind: 'unreachable', route: 'nobody' },
    );
    expect(turned.types).toEqual(['node.unresponsive']);
    expect(turned.journal.sendings).toEqual([]);
  });

  it('is not judged before what it said has been read', async () => {
    const a = core.peer('a');
    await a.join();
    core.nowMs += 20_000;
    const turned = await core.turn(a.says({ kind: 'heartbeat', status: 'IDLE', running: [] }));
    expect(turned.types).toEqual([]);
    expect(a.node.liveness).toBe('alive');
  });

  it('gets the whole length of its limits after a restart', async () => {
    const { a } = await atWork('accepted');
    await core.restart(60_000);
    expect(types(await core.pass(2900))).toEqual([]);
    expect(types(await core.pass(200))).toEqual(['node.unresponsive']);
    expect(types(await core.pass(7000)).slice(0, 1)).toEqual(['node.dead']);
    expect(a.node.executions.size).toBe(1);
  });
});

describe('a goodbye', () => {
  it('loses what the node held at once, and does not count as a death', async () => {
    const { a, order } = await atWork('accepted');
    const turned = await a.say({ kind: 'goodbye' });
    expect(turned.types).toEqual(['node.left', 'execution.lost', 'module.waiting', 'module.waiting']);
    expect(core.state.executions.get(order.executionId)?.task.runs[0]?.diedBoots).toEqual([]);
    expect(types(await core.pass(20_000))).toEqual([]);
  });
});

describe('a module that kills its nodes', () => {
  it('fails as poisonous when three boots have died, unasked, while they ran it', async () => {
    await core.submit('one');
    const ends: string[] = [];
    for (let boot = 0; boot < 4; boot += 1) {
      const a = core.peer('a');
      ends.push(
        ...types([await a.hello({ status: 'IDLE' })]).filter((type) => type.startsWith('iteration.')),
      );
      await core.turn({ kind: 'unreachable', route: a.route });
      await core.pass(1000);
    }
    expect(ends).toEqual(['iteration.started', 'iteration.failed']);
  });

  it.each([
    ['that had failed', { error: { code: 'process_ended', message: 'it is gone', retryable: true } }, 3],
    ['that was ended', {}, 0],
  ])('counts a process %s for what it is when it gives its work back', async (_, more, counted) => {
    await core.submit('one');
    let died = 0;
    for (let boot = 0; boot < 3; boot += 1) {
      const a = core.peer('a');
      const [order] = (await a.hello({ status: 'IDLE' })).only(a.route, 'assign order');
      await a.report(order!, 'RUNNING');
      const task = core.state.executions.get(order!.executionId)!.task;
      await a.report(order!, 'PREEMPTED', more);
      await a.say({ kind: 'goodbye' });
      died = task.runs[0]!.diedBoots.length;
      await core.pass(1000);
    }
    expect(died).toBe(counted);
    expect(core.state.tasks.size).toBe(counted === 3 ? 0 : 1);
  });

  it('is not blamed for nodes that were told to stop', async () => {
    await core.submit('one');
    for (let boot = 0; boot < 5; boot += 1) {
      const a = core.peer('a');
      await a.hello({ status: 'IDLE' });
      await core.ask({ kind: 'node_command', nodeId: a.nodeId, command: 'terminate' });
      await core.turn({ kind: 'unreachable', route: a.route });
      await core.pass(1000);
    }
    expect(core.state.tasks.size).toBe(1);
  });
});

describe('refusals', () => {
  it('are limited for each peer, and counted all the same', async () => {
    const stranger = core.peer('x');
    let said = 0;
    for (let i = 0; i < 60; i += 1) said += (await stranger.hello()).refusals(stranger.route).length;
    expect(said).toBe(50);
    expect(Object.fromEntries(core.state.counters.entries()).refused_unknown_module).toBe(60);
  });

  it('name what they answer, and one bad message never fails the rest of its frame', async () => {
    const { a, order } = await atWork('assigned');
    const turned = await core.turn({
      ...(a.says(a.reports(order, 'ACCEPTED')) as Extract<ReturnType<Peer['says']>, { kind: 'control' }>),
      faults: [{ index: 0, code: 'bad_frame', message: 'progress is NaN', executionId: order.executionId }],
    });
    expect(turned.only(a.route, 'refused')[0]).toMatchObject({
      code: 'bad_frame',
      message: 'progress is NaN',
      executionId: order.executionId,
      incarnation: 1,
    });
    expect(turned.types).toEqual(['execution.accepted']);
  });
});

describe('a dead node', () => {
  /** Dead, as the judge found it. */
  async function dead(instance: string): Promise<Peer> {
    const peer = core.peer('a', { instance });
    await peer.join();
    await core.pass(3_100);
    await core.pass(7_000);
    return peer;
  }

  const forget = async (): Promise<unknown> => {
    const seenBefore = core.wallMs - 30 * 86_400_000;
    const weighed = await core.propose({ kind: 'remove nodes', seenBefore, kept: 5000 });
    return weighed.kind === 'done' && weighed.count;
  };

  it('is forgotten after an hour where its name was made up, and kept where somebody gave it one', async () => {
    await dead('a@host:4711-0a1b2c');
    await dead('a@host:4711');
    expect(await forget()).toBe(0);
    core.wallMs += 3_600_001;
    expect(await forget()).toBe(1);
    expect([...core.state.nodes.values()].map(({ instance }) => instance)).toEqual(['a@host:4711']);
  });

  it('can be removed, and one that is alive cannot', async () => {
    const gone = await dead('named');
    const alive = core.peer('a', { instance: 'other' });
    await alive.join();
    expect(await core.ask({ kind: 'remove_node', nodeId: alive.nodeId })).toMatchObject({
      ...{ ok: false, kind: 'conflict', code: 'node_not_gone' },
    });
    expect(await core.ask({ kind: 'remove_node', nodeId: gone.nodeId })).toMatchObject({ ok: true });
    expect(await core.ask({ kind: 'remove_node', nodeId: gone.nodeId })).toMatchObject({
      code: 'unknown_node',
    });
    expect(await core.store.keys('nodes', { prefix: [] })).toEqual([[alive.nodeId]]);
  });
});
