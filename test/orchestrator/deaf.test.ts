import { beforeEach, describe, expect, it } from 'vitest';
import type { AssignOrder } from '../../src/orchestrator/core/journal.js';
import { nodeView } from '../../src/orchestrator/core/nodes/node-view.js';
import { Core, graphOf, moduleSpec, type Peer, type Turned } from './core.js';

let core: Core;

beforeEach(async () => {
  core = await Core.open([graphOf('one', moduleSpec('a', ['source']))]);
});

/** Time passes in which the node says that it is alive, and nothing else. */
async function beatFor(peer: Peer, ms: number): Promise<Turned[]> {
  const all: Turned[] = [];
  for (let passed = 0; passed < ms; passed += 1000) all.push(...(await core.pass(1000)), await peer.beat());
  return all;
}

const types = (turned: readonly Turned[]): string[] => turned.flatMap((one) => one.types);
const ordersTo = (turned: readonly Turned[], { route }: Peer): AssignOrder[] =>
  turned.flatMap((one) => one.only(route, 'assign order'));
const commandsTo = (turned: readonly Turned[], { route }: Peer) =>
  turned.flatMap((one) => one.only(route, 'node_command')).map(({ cmd }) => cmd);

async function deafNode(): Promise<{ deaf: Peer; found: Turned[] }> {
  const deaf = core.peer('a');
  await deaf.join();
  await core.submit('one');
  return { deaf, found: await beatFor(deaf, 12_000) };
}

describe('a node that heartbeats and leaves an assignment unanswered', () => {
  it('is found deaf after the time in which it would be dead: its work is lost without a verdict on it, and it is told to reset', async () => {
    const { deaf, found } = await deafNode();
    const event = found.map((turned) => turned.event('node.deaf')).find((one) => one !== undefined);
    expect(event).toMatchObject({ node_id: deaf.node.nodeId, left_out: false });
    expect(String(event?.reason)).toMatch(/^assignments unanswered for 10\d{3} ms$/);
    expect(types(found)).toContain('execution.lost');
    expect(commandsTo(found, deaf)).toContain('RESET');
    expect(nodeView(deaf.node, core, '*')).toMatchObject({ liveness: 'alive', deaf: true });
    const [task] = core.state.tasks.values();
    expect(task?.runs[0]).toMatchObject({ attempts: 0, diedBoots: [] });
  });

  it('gets no work while it is deaf, and another node does', async () => {
    const { deaf } = await deafNode();
    expect(ordersTo(await beatFor(deaf, 20_000), deaf)).toEqual([]);
    const other = core.peer('a', { instance: 'a-2' });
    expect(ordersTo([await other.join()], other)).toHaveLength(1);
  });

  it('gets work again once it has answered the reset, and is as good as any when it accepts that', async () => {
    const { deaf, found } = await deafNode();
    const reset = found
      .flatMap((one) => one.only(deaf.route, 'node_command'))
      .find(({ cmd }) => cmd === 'RESET');
    const [order] = ordersTo([await deaf.acks(reset!.commandId)], deaf);
    expect(nodeView(deaf.node, core, '*')).toMatchObject({ deaf: false });
    await deaf.report(order!, 'ACCEPTED');
    expect((await deaf.publish(order!, 1)).types).toContain('iteration.succeeded');
    expect(deaf.node.responsiveness).toBe('good');
  });

  it('is left out when it is deaf again right after the reset, until somebody vouches for it', async () => {
    const { deaf, found } = await deafNode();
    const reset = found
      .flatMap((one) => one.only(deaf.route, 'node_command'))
      .find(({ cmd }) => cmd === 'RESET');
    await deaf.acks(reset!.commandId);
    const again = await beatFor(deaf, 12_000);
    const events = again.flatMap((turned) => turned.event('node.deaf') ?? []);
    expect(events.map(({ left_out }) => left_out)).toEqual([true]);
    expect(ordersTo(await beatFor(deaf, 20_000), deaf)).toEqual([]);
    const asked = await core.turn(
      core.asks({ kind: 'node_command', nodeId: deaf.node.nodeId, command: 'start' }),
    );
    expect(ordersTo([asked], deaf)).toHaveLength(1);
  });

  it('is not blamed for the time in which it was silent itself', async () => {
    const silent = core.peer('a');
    await silent.join();
    await core.submit('one');
    await core.pass(9000);
    const turned = [await silent.beat(), ...(await beatFor(silent, 8000))];
    expect(types(turned)).not.toContain('node.deaf');
  });

  it('refuses what it says later about the work that it has given back', async () => {
    const deaf = core.peer('a');
    await deaf.join();
    const submitted = await core.turn(core.submits('one'));
    const [order] = ordersTo([submitted], deaf);
    await beatFor(deaf, 12_000);
    expect((await deaf.publish(order!, 1)).refusals(deaf.route)).toEqual(['stale_execution']);
  });
});

describe('an assignment that is still under way when its execution is stopped', () => {
  it('keeps the slot taken until the node has answered the stop, which comes after it', async () => {
    const slow = core.peer('a');
    await slow.join();
    const submitted = await core.turn(core.submits('one'));
    const [order] = ordersTo([submitted], slow);
    const stopped = await core.turn(
      core.asks({ kind: 'task_command', taskId: order!.taskId, command: 'terminate' }),
    );
    const [command] = stopped.only(slow.route, 'task_command');
    // It has not arrived, so this says nothing about it.
    expect(types([await slow.beat(), await slow.beat()])).not.toContain('command.stopped');
    expect(slow.node.taken).toBe(1);
    await slow.acks(command!.commandId, order!.executionId);
    expect((await slow.beat()).types).toContain('command.stopped');
    expect(slow.node.taken).toBe(0);
  });
});

describe('a flood of made-up nodes', () => {
  it('is slowed down to what the store can remember for ever; those that are known are not concerned', async () => {
    const known = core.peer('a');
    await known.join();
    const answers: string[] = [];
    for (let number = 0; number < 1300; number += 1) {
      const made = core.peer('a', { instance: `made-up-${number}` });
      const turned = await made.hello();
      answers.push(...turned.refusals(made.route));
    }
    expect(new Set(answers)).toEqual(new Set(['too_many']));
    expect(answers.length).toBeGreaterThan(50);
    expect(core.state.nodes.size).toBe(1301 - answers.length);
    expect((await known.hello()).only(known.route, 'welcome')).toHaveLength(1);
    await core.pass(1000);
    const late = core.peer('a', { instance: 'late' });
    expect((await late.hello()).only(late.route, 'welcome')).toHaveLength(1);
  });

  it('unknown executions in heartbeats are forgotten, apart from a bounded number', async () => {
    const peer = core.peer('a');
    await peer.join();
    await peer.beat(Array.from({ length: 5000 }, () => core.uuid()));
    expect(peer.node.stopping.size).toBeLessThanOrEqual(1001);
  });
});
