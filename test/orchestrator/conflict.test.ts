import { beforeEach, describe, expect, it } from 'vitest';
import type { AssignOrder } from '../../src/orchestrator/core/journal.js';
import { CONTESTED_MS } from '../../src/orchestrator/core/nodes/conflict.js';
import { nodeView } from '../../src/orchestrator/core/nodes/node-view.js';
import { Core, graphOf, moduleSpec, type Peer } from './core.js';

let core: Core;
beforeEach(async () => {
  const work = moduleSpec('a', ['source'], { timeoutMs: 3_600_000 });
  core = await Core.open([graphOf('one', work)]);
});

const welcomed = async (peer: Peer): Promise<boolean> =>
  (await peer.hello()).only(peer.route, 'welcome').length === 1;
const refused = async (peer: Peer): Promise<string[]> => (await peer.hello()).refusals(peer.route);
const warning = (peer: Peer): unknown => nodeView(peer.node, core, '*').warning;

/** So much time passes, and this process goes on sending heartbeats. */
async function alive(peer: Peer, ms: number, running: readonly string[] = []): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1000) {
    await core.pass(Math.min(1000, ms - passed));
    await peer.beat(running);
  }
}

describe('two supervised processes of one instance', () => {
  it('get a long task done: one works, the other waits and is started again and again without effect', async () => {
    const task = await core.submit('one');
    let works = core.peer('a');
    let order: AssignOrder | undefined;
    let waits = core.peer('a');
    await works.join();
    await alive(works, 2000);
    // The second one takes the first one's place, once.
    const turned = await waits.hello();
    expect(turned.refusals(works.route)).toEqual(['replaced']);
    [works, waits] = [waits, core.peer('a')];
    order = (await works.say({ kind: 'node_report', status: 'IDLE' })).only(works.route, 'assign order')[0];
    await works.report(order!, 'RUNNING');
    for (let restarts = 0; restarts < 30; restarts += 1) {
      expect(await refused(waits)).toEqual(['instance_in_use']);
      await alive(works, 60_000, [order!.executionId]);
      if (restarts % 3 === 0) waits = core.peer('a');
    }
    expect((await works.publish(order!, 1)).types).toContain('iteration.succeeded');
    const row = await core.row(task);
    expect(row.modules.a?.executions.map(({ state }) => state)).toEqual(['lost', 'succeeded']);
    expect(row.modules.a?.died_boots).toBeUndefined();
  });

  it('are warned of once in the history, and at the node for as long as they are there', async () => {
    const [first, second, third] = [core.peer('a'), core.peer('a'), core.peer('a')];
    await first.join();
    expect((await second.hello()).types).not.toContain('node.conflict');
    expect(warning(second)).toBeNull();
    const turned = await third.hello();
    expect(turned.event('node.conflict')).toMatchObject({
      node_id: second.nodeId,
      instance: 'a-1',
      code: 'instance_conflict',
    });
    expect(warning(second)).toMatchObject({ code: 'instance_conflict', hint: expect.any(String) });
    await alive(second, 2000);
    expect((await third.hello()).types).toEqual([]);
    await alive(second, CONTESTED_MS + 1000);
    expect(warning(second)).toBeNull();
  });

  it.each<[string, (incumbent: Peer) => Promise<unknown>]>([
    ['ends', (incumbent) => core.turn({ kind: 'unreachable', route: incumbent.route })],
    ['says goodbye', (incumbent) => incumbent.say({ kind: 'goodbye' })],
    ['falls silent', () => core.pass(3100)],
  ])('change places as soon as the one that works %s', async (_, end) => {
    const [first, second, third] = [core.peer('a'), core.peer('a'), core.peer('a')];
    await first.join();
    await second.join();
    expect(await refused(third)).toEqual(['instance_in_use']);
    await core.pass(1000);
    await end(second);
    expect(await welcomed(third)).toBe(true);
    // The one that comes back now is the one that waits.
    await core.pass(1000);
    await third.beat();
    expect(await refused(core.peer('a'))).toEqual(['instance_in_use']);
  });
});

describe('a process that is started again', () => {
  it('is welcome at once, however often, when the one before has ended', async () => {
    for (let boot = 0; boot < 20; boot += 1) {
      const peer = core.peer('a');
      expect(await welcomed(peer)).toBe(true);
      await core.turn({ kind: 'unreachable', route: peer.route });
      await core.pass(500);
    }
  });

  it('is slowed down where it is started more than twice in a second', async () => {
    const answers: string[] = [];
    for (let boot = 0; boot < 5; boot += 1) {
      const peer = core.peer('a');
      answers.push(...(await refused(peer)));
      await core.turn({ kind: 'unreachable', route: peer.route });
    }
    expect(answers).toEqual(['too_many', 'too_many', 'too_many']);
  });

  it('takes the place of one that is here, once; the time after which it may again is long', async () => {
    const [first, second, third] = [core.peer('a'), core.peer('a'), core.peer('a')];
    await first.join();
    expect(await welcomed(second)).toBe(true);
    await alive(second, CONTESTED_MS - 1000);
    expect(await refused(third)).toEqual(['instance_in_use']);
    await alive(second, CONTESTED_MS + 1000);
    expect(await welcomed(third)).toBe(true);
  });

  it('is not kept out over a restart of the orchestrator by one that has not come back', async () => {
    const [first, second, third] = [core.peer('a'), core.peer('a'), core.peer('a')];
    await first.join();
    await second.join();
    expect(await refused(third)).toEqual(['instance_in_use']);
    await core.restart();
    expect(await welcomed(third)).toBe(true);
  });
});

describe('a process that was replaced while it was here', () => {
  it('did not die: a module is not held to have killed it, whatever number of them there is', async () => {
    const task = await core.submit('one');
    for (let twin = 0; twin < 5; twin += 1) {
      const peer = core.peer('a');
      await peer.hello({ status: 'IDLE' });
      await alive(
        peer,
        CONTESTED_MS + 1000,
        [...peer.node.executions].map(({ id }) => id),
      );
    }
    const row = await core.row(task);
    expect(row.state).toBe('running');
    expect(row.modules.a?.executions.length).toBe(5);
    expect(row.modules.a?.died_boots).toBeUndefined();
  });
});

describe('what a process says of itself when it joins', () => {
  it('is in the row of its instance, where the next one replaces it, and not in an event each time', async () => {
    const labels = Object.fromEntries(
      Array.from({ length: 64 }, (_, index) => [`label-${index}`, 'x'.repeat(250)]),
    );
    const peer = core.peer('a', { labels, version: 'v'.repeat(250) });
    const { journal } = await peer.hello();
    const joined = journal.events.find(({ fact }) => fact.type === 'node.joined');
    expect(joined?.json.length).toBeLessThan(300);
    expect(nodeView(peer.node, core, '*')).toMatchObject({ labels });
  });

  it('fills no disk: a flood of made-up instances is let in a thousand at once, then fifty a second', async () => {
    let welcomes = 0;
    const flood = async (count: number): Promise<void> => {
      for (let index = 0; index < count; index += 1) {
        const peer = core.peer('a', { instance: core.uuid() });
        welcomes += (await peer.hello()).only(peer.route, 'welcome').length;
      }
    };
    await flood(1200);
    expect(welcomes).toBe(1000);
    await core.pass(1000);
    await flood(200);
    expect(welcomes).toBe(1050);
  });
});
