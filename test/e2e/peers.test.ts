/** The rules of the node protocol, tried by peers that say exactly what they want over real sockets. */
import { describe, expect, it } from 'vitest';
import type { EventTape } from '../support/event-tape.js';
import { startNode } from '../support/nodes.js';
import { OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { RawPeer } from '../support/raw-peer.js';

interface Ground {
  readonly scene: Scene;
  readonly orchestrator: OrchestratorProcess;
  readonly tape: EventTape;
  /** How often something was counted, such as `outputs_dropped`. */
  counter(name: string): Promise<number>;
}

async function start(): Promise<Ground> {
  const scene = Scene.ofTest();
  const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
  const counter = async (name: string) => (await orchestrator.get('/v1/stats')).body.counters[name] ?? 0;
  return { scene, orchestrator, tape: orchestrator.tape(), counter };
}

const submit = async ({ orchestrator }: Ground) => (await orchestrator.submit('one', {})).task_id;
const typesOf = (tape: EventTape) => tape.events.map(({ type }) => type);

describe('hello', () => {
  it('said twice is answered twice with the same registration, and what the node holds stays its own', async () => {
    const ground = await start();
    const { scene, orchestrator, tape } = ground;
    const peer = new RawPeer(scene, orchestrator);
    const first = await peer.join();
    const task = await submit(ground);
    const assign = await peer.assignment();
    peer.sayHello({ status: 'RUNNING', held: [peer.held(assign, 'ACCEPTED')] });
    peer.sayHello({ status: 'RUNNING', held: [peer.held(assign, 'ACCEPTED')] });
    for (const { message, frame } of [await peer.next('welcome'), await peer.next('welcome')]) {
      expect(message).toMatchObject({
        nodeId: first.nodeId,
        incarnation: 1,
        drop: [],
        storeId: first.storeId,
      });
      expect(frame.incarnation).toBe(1);
    }
    peer.publish(assign, 1, { last: true });
    await peer.acked(assign.executionId, 1, true);
    expect(await tape.ended(task)).toEqual(['succeeded']);
    expect(peer.untaken('assign')).toEqual([]);
    expect(typesOf(tape).filter((type) => type === 'node.joined' || type === 'execution.lost')).toEqual([
      'node.joined',
    ]);
  });

  it('a hello that does not name an accepted execution gives it up, and a node that never accepted it gets it again', async () => {
    const ground = await start();
    const { scene, orchestrator, tape } = ground;
    const peer = new RawPeer(scene, orchestrator);
    await peer.join();
    const task = await submit(ground);
    const unheard = await peer.assignment({ accept: false });
    peer.sayHello();
    const again = await peer.assignment();
    expect(again).toEqual(unheard);
    await tape.first('the acceptance', ({ type }) => type === 'execution.accepted');
    peer.running.clear();
    peer.sayHello();
    const successor = await peer.assignment();
    expect(successor.executionId).not.toBe(again.executionId);
    expect(successor).toMatchObject({ attempt: 2, taskId: again.taskId });
    peer.publish(successor, 1, { last: true });
    expect(await tape.ended(task)).toEqual(['succeeded']);
    expect(await orchestrator.executions(task)).toMatchObject([{ state: 'lost' }, { state: 'succeeded' }]);
  });

  it('a hello that names executions of other nodes is told to drop them', async () => {
    const ground = await start();
    const peer = new RawPeer(ground.scene, ground.orchestrator);
    const executionId = '01890000-0000-7000-8000-000000000000';
    peer.sayHello({ held: [{ executionId, lease: 'made up', state: 'RUNNING' }] });
    expect((await peer.next('welcome')).message.drop).toEqual([executionId]);
  });
});

describe('two processes of one instance', () => {
  it('the newer one wins; the older one is told so, now and after a restart of the orchestrator', async () => {
    const ground = await start();
    const { scene, orchestrator, tape } = ground;
    const older = new RawPeer(scene, orchestrator);
    const { nodeId } = await older.join();
    const task = await submit(ground);
    const lost = await older.assignment();
    await tape.first('the acceptance', ({ type }) => type === 'execution.accepted');

    // A heartbeat on its way would be refused, too.
    older.fallSilent();
    const newer = new RawPeer(scene, orchestrator);
    expect(await newer.join()).toMatchObject({ nodeId, incarnation: 2 });
    expect((await older.next('refused')).message).toMatchObject({
      code: 'replaced',
      message: expect.stringContaining('raw'),
    });
    older.sayHello();
    expect((await older.next('refused')).message.code).toBe('replaced');

    // What the older one had is done by the newer one, and a late result of the older one changes nothing.
    const won = await newer.assignment();
    expect(won.executionId).not.toBe(lost.executionId);
    older.publish(lost, 1, { last: true, text: '"late"' });
    await expect.poll(() => ground.counter('outputs_dropped')).toBe(1);
    newer.publish(won, 1, { last: true, text: '"in time"' });
    expect(await tape.ended(task)).toEqual(['succeeded']);
    expect(await orchestrator.output(task, 'work')).toBe('in time');
    expect(await orchestrator.executions(task)).toMatchObject([{ state: 'lost' }, { state: 'succeeded' }]);

    await orchestrator.process.end('SIGKILL');
    await orchestrator.restart();
    older.sayHello();
    expect((await older.next('refused')).message.code).toBe('replaced');
    newer.sayHello();
    expect((await newer.next('welcome')).message).toMatchObject({ nodeId, incarnation: 2 });
  });

  it('the older of two SDK processes ends with an error, and the newer one works', async () => {
    const ground = await start();
    const { scene, orchestrator, tape } = ground;
    const older = startNode(scene, orchestrator, { module: 'work', instance: 'same' });
    await older.line('registered ');
    const newer = startNode(scene, orchestrator, { module: 'work', instance: 'same' });
    await newer.line('registered ');
    expect(await older.exited).toMatchObject({ code: 1 });
    expect(older.stderr).toContain('"code":"replaced"');
    expect(await tape.ended(await submit(ground))).toEqual(['succeeded']);
    expect(newer.isRunning).toBe(true);
  });
});

describe('outputs and ends', () => {
  it('an output published before the welcome is dropped, and recorded once when it is repeated after it', async () => {
    const ground = await start();
    const { scene, orchestrator, tape } = ground;
    const peer = new RawPeer(scene, orchestrator);
    const { outputsEndpoint } = await peer.join();
    const task = await submit(ground);
    const assign = await peer.assignment();
    await tape.first('the acceptance', ({ type }) => type === 'execution.accepted');
    peer.fallSilent();
    await orchestrator.process.end('SIGKILL');
    await orchestrator.restart();
    await peer.connectOutputs(outputsEndpoint.replace('*', '127.0.0.1'));
    peer.publish(assign, 1, { last: true });
    await expect.poll(() => ground.counter('outputs_dropped')).toBe(1);
    expect(typesOf(tape)).not.toContain('output.recorded');
    peer.beat();
    expect((await peer.next('refused')).message.code).toBe('say_hello');
    peer.sayHello({ status: 'RUNNING', held: [peer.held(assign, 'SUCCEEDED')] });
    expect((await peer.next('welcome')).message).toMatchObject({ incarnation: 1, drop: [] });
    peer.publish(assign, 1, { last: true });
    await peer.acked(assign.executionId, 1, true);
    expect(await tape.ended(task)).toEqual(['succeeded']);
    expect(typesOf(tape).filter((type) => type === 'output.recorded')).toHaveLength(1);
    expect(await orchestrator.executions(task)).toHaveLength(1);
  });

  it('a final report that overtakes its last output ends the execution when that output is committed', async () => {
    const ground = await start();
    const peer = new RawPeer(ground.scene, ground.orchestrator);
    await peer.join();
    const task = await submit(ground);
    const assign = await peer.assignment();
    peer.report(assign, 'FAILED', 2, 'burnt_out');
    peer.log(assign, 'after the report');
    await ground.tape.first('the line after the report', ({ type }) => type === 'execution.log');
    peer.publish(assign, 1);
    await peer.acked(assign.executionId, 1, false);
    expect(typesOf(ground.tape)).not.toContain('execution.failed');
    peer.publish(assign, 2);
    await peer.acked(assign.executionId, 2, true);
    expect(await ground.tape.ended(task)).toEqual(['failed']);
    const { modules } = await ground.orchestrator.task(task);
    expect(modules.work).toMatchObject({ state: 'failed', error: { code: 'burnt_out' } });
    expect(typesOf(ground.tape).filter((type) => type === 'output.recorded')).toHaveLength(2);
  });

  it('outputs that come in another order are recorded in theirs', async () => {
    const ground = await start();
    const peer = new RawPeer(ground.scene, ground.orchestrator);
    await peer.join();
    const task = await submit(ground);
    const assign = await peer.assignment();
    peer.publish(assign, 2, { last: true, text: '2' });
    await expect.poll(() => ground.counter('outputs_early')).toBe(1);
    peer.publish(assign, 1, { text: '1' });
    await peer.acked(assign.executionId, 1, false);
    peer.publish(assign, 1, { text: '1' });
    await peer.acked(assign.executionId, 1, false);
    peer.publish(assign, 2, { last: true, text: '2' });
    await peer.acked(assign.executionId, 2, true);
    expect(await ground.tape.ended(task)).toEqual(['succeeded']);
    const recorded = ground.tape.events.filter(({ type }) => type === 'output.recorded');
    expect(recorded.map(({ output }) => output)).toEqual([1, 2]);
  });

  it('a repeat of an end that is known already is answered again', async () => {
    const ground = await start();
    const peer = new RawPeer(ground.scene, ground.orchestrator);
    await peer.join();
    const task = await submit(ground);
    const assign = await peer.assignment();
    peer.publish(assign, 1, { last: true });
    await peer.acked(assign.executionId, 1, true);
    expect(await ground.tape.ended(task)).toEqual(['succeeded']);
    peer.publish(assign, 1, { last: true });
    await peer.acked(assign.executionId, 1, true);
    peer.sayHello({ held: [peer.held(assign, 'SUCCEEDED')] });
    await peer.acked(assign.executionId, 1, true);
    expect(typesOf(ground.tape).filter((type) => type === 'output.recorded')).toHaveLength(1);
  });

  it('an output with a wrong lease is dropped silently, a report is refused, and the honest node is not disturbed', async () => {
    const ground = await start();
    const { scene, orchestrator, tape } = ground;
    const peer = new RawPeer(scene, orchestrator);
    await peer.join();
    const task = await submit(ground);
    const assign = await peer.assignment();
    const forged = { ...assign, lease: `${assign.lease}x` };
    peer.publish(forged, 1, { last: true, text: '"forged"' });
    await expect.poll(() => ground.counter('outputs_dropped')).toBe(1);
    expect(peer.untaken('refused')).toEqual([]);
    peer.report(forged, 'FAILED', 0, 'forged');
    expect((await peer.next('refused')).message).toMatchObject({
      code: 'unknown_execution',
      executionId: assign.executionId,
    });
    peer.publish(assign, 1, { last: true, text: '"honest"' });
    expect(await tape.ended(task)).toEqual(['succeeded']);
    expect(await orchestrator.output(task, 'work')).toBe('honest');
    expect(JSON.stringify(tape.events)).not.toContain(assign.lease);
  });

  it('outputs that their type cannot decode are refused by name, and the task fails with the reason', async () => {
    const ground = await start();
    const { scene, orchestrator, tape } = ground;
    const peer = new RawPeer(scene, orchestrator);
    await peer.join();
    for (const [bad, reason] of [
      [{ text: 'not json' }, /these 8 bytes are not json/],
      [{ type: 'sustainml.v1.MLModel' }, /type sustainml\.v1\.MLModel, the graph declares json/],
    ] as const) {
      const task = await submit(ground);
      const assign = await peer.assignment();
      peer.publish(assign, 1, { last: true, ...bad });
      expect((await peer.next('refused')).message).toMatchObject({
        ...{ code: 'bad_payload', executionId: assign.executionId, seq: 1 },
        message: expect.stringMatching(reason),
      });
      peer.running.clear();
      expect(await tape.ended(task)).toEqual(['failed']);
      expect((await orchestrator.task(task)).modules.work.error).toMatchObject({ code: 'bad_payload' });
      expect(
        (await orchestrator.get(`/v1/problems/${task.replace('/', '/iterations/')}/outputs/work`)).status,
      ).toBe(404);
    }
  });
});
