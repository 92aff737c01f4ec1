import { beforeEach, describe, expect, it } from 'vitest';
import { parseTaskId } from '../../src/model/task-id.js';
import type { AssignOrder } from '../../src/orchestrator/core/journal.js';
import type { PreparedRequest } from '../../src/orchestrator/core/turn.js';
import type { Answer } from '../../src/orchestrator/port.js';
import { decodeRow } from '../../src/orchestrator/tables/row.js';
import type { Summary } from '../../src/orchestrator/tables/summary.js';
import { Core, graphOf, MAX_TASKS, moduleSpec, type Peer, type Turned } from './core.js';

const GRAPHS = [
  graphOf('chain', moduleSpec('a', ['source']), moduleSpec('b', ['a'], { previous: ['b', 'a'] })),
  graphOf('one', moduleSpec('a', ['source'])),
  graphOf('gpu', moduleSpec('g', ['source'], { require: { gpu: 'true' } })),
];

let core: Core;
let a: Peer;

beforeEach(async () => {
  core = await Core.open(GRAPHS);
  a = core.peer('a');
});

const orders = (turned: readonly Turned[], peer: Peer): AssignOrder[] =>
  turned.flatMap((one) => one.only(peer.route, 'assign order'));
const codeOf = (answer: Answer): string => (answer.ok ? 'ok' : answer.code);
const keyOf = ({ taskId }: AssignOrder): string => `${taskId.problemId}/${taskId.iterationId}`;
const iterate = (problemId: string, more: object = {}): PreparedRequest => ({
  ...{ kind: 'iterate', problemId, graphVersion: 1 },
  ...more,
});
const withInput = { prepared: { kind: 'inline', bytes: Buffer.from('1') } } as const;

describe('a submission', () => {
  it('is answered with its ids, and its facts stand in order', async () => {
    const turned = await core.turn(core.submits('one'));
    const [answer] = turned.answers;
    expect(answer).toMatchObject({ ok: true, kind: 'created', body: { iteration_id: 1 } });
    expect(turned.types).toEqual(['problem.created', 'iteration.submitted', 'module.waiting']);
    expect(turned.detail('module.waiting')).toEqual({
      reason: 'waiting for a node of a',
      waiting: { code: 'no_node' },
    });
  });

  it('waits for a node and is woken by its arrival at once, without any timer', async () => {
    const key = await core.submit('one');
    const turned = await a.join();
    expect(orders([turned], a).map(keyOf)).toEqual([key]);
  });

  it('waits for a node with the labels that its module requires, and says which', async () => {
    const plain = core.peer('g');
    await plain.join();
    const turned = await core.turn(core.submits('gpu'));
    expect(turned.detail('module.waiting')).toEqual({
      reason: 'waiting for a node of g with gpu=true',
      waiting: { code: 'no_node', labels: { gpu: 'true' } },
    });
    const equipped = core.peer('g', { instance: 'g-2', labels: { gpu: 'true' } });
    expect(orders([await equipped.join()], equipped)).toHaveLength(1);
  });

  it('waits its turn by priority, then by age, and a freed slot goes to the first in the same batch', async () => {
    await a.join();
    const [first] = orders([await core.turn(core.submits('one'))], a);
    const low = await core.submit('one', 10);
    const older = await core.submit('one');
    const younger = await core.submit('one');
    const urgent = await core.submit('one', 90);
    const served: string[] = [];
    for (let order = first; order; [order] = orders([await a.publish(order, 1)], a))
      served.push(keyOf(order));
    expect(served.slice(1)).toEqual([urgent, older, younger, low]);
  });

  it('fills the slots of a node and no more', async () => {
    const wide = core.peer('a', { capacity: 3 });
    await wide.join();
    const turned = await core.turn(...Array.from({ length: 5 }, () => core.submits('one')));
    expect(orders([turned], wide)).toHaveLength(3);
    expect(wide.node.taken).toBe(3);
  });

  it('goes to the node that runs fewest, then to the one that was used longest ago', async () => {
    const peers = [core.peer('a', { capacity: 2 }), core.peer('a', { instance: 'a-2', capacity: 2 })];
    for (const peer of peers) await peer.join();
    const served: number[] = [];
    for (let i = 0; i < 4; i += 1) {
      const turned = await core.turn(core.submits('one'));
      served.push(peers.findIndex((peer) => orders([turned], peer).length > 0));
    }
    expect(served).toEqual([0, 1, 0, 1]);
  });
});

describe('a waiting task that is stopped', () => {
  it('leaves the slot that is freed in the same batch to the next who waits', async () => {
    await a.join();
    const [first] = orders([await core.turn(core.submits('one'))], a);
    const stopped = await core.submit('one');
    const next = await core.submit('one');
    const stop = core.asks({ kind: 'task_command', taskId: parseTaskId(stopped)!, command: 'stop' });
    const turned = await core.turn(stop, a.publishes(first!, 1));
    expect(orders([turned], a).map(keyOf)).toEqual([next]);
    expect((await core.row(stopped)).state).toBe('cancelled');
  });
});

describe('an iteration', () => {
  /** A problem whose first iteration has succeeded. */
  async function solved(): Promise<{ problemId: string; b: Peer; first: AssignOrder[] }> {
    const b = core.peer('b', { capacity: 9 });
    await a.join();
    await b.join();
    const [top] = orders([await core.turn(core.submits('chain'))], a);
    const [bottom] = orders([await a.publish(top!, 1)], b);
    await b.publish(bottom!, 1);
    return { problemId: top!.taskId.problemId, b, first: [top!, bottom!] };
  }

  it('gets the outputs of its parent where the graph says so, and its parent’s input where it has none', async () => {
    const { problemId, b, first } = await solved();
    const [top] = orders([await core.turn(core.asks(iterate(problemId)))], a);
    expect(top?.inputs).toEqual(first[0]!.inputs);
    const [bottom] = orders([await a.publish(top!, 1)], b);
    expect(
      bottom?.inputs.map(({ name, previous, ref }) => [name, previous, ref.iterationId, ref.owner]),
    ).toEqual([
      ['a', false, 2, top!.executionId],
      ['b', true, 1, first[1]!.executionId],
      ['a', true, 1, first[0]!.executionId],
    ]);
  });

  it('may follow from any older one, and its parent is fixed from the beginning', async () => {
    const { problemId, b, first } = await solved();
    const [second] = orders([await core.turn(core.asks(iterate(problemId, withInput)))], a);
    const [below] = orders([await a.publish(second!, 1)], b);
    await b.publish(below!, 1);
    const [third] = orders([await core.turn(core.asks(iterate(problemId, { parentIterationId: 1 })))], a);
    const [last] = orders([await a.publish(third!, 1)], b);
    expect(last?.taskId.iterationId).toBe(3);
    expect(last?.inputs.find(({ name, previous }) => name === 'b' && previous)?.ref.owner).toBe(
      first[1]!.executionId,
    );
  });

  it('is what its problem is listed by, whichever of its iterations ends last', async () => {
    const wide = core.peer('a', { capacity: 2 });
    await wide.join();
    const [first] = orders([await core.turn(core.submits('one'))], wide);
    const { problemId } = first!.taskId;
    const [second] = orders([await core.turn(core.asks(iterate(problemId, withInput)))], wide);
    const listed = async () =>
      (await core.store.range('problems_by_state', { prefix: [] })).map(({ key, value }) => [
        key[0],
        decodeRow<Summary>(value).iteration_id,
      ]);
    await wide.publish(first!, 1);
    expect(await listed()).toEqual([]);
    const [third] = orders([await core.turn(core.asks(iterate(problemId, withInput)))], wide);
    await wide.publish(third!, 1);
    expect(await listed()).toEqual([['succeeded', 3]]);
    await wide.report(second!, 'ACCEPTED');
    await wide.publish(second!, 1);
    expect(await listed()).toEqual([['succeeded', 3]]);
    expect(await core.faults()).toEqual([]);
  });

  it('gets an id of its own, also when two are asked for at once', async () => {
    const { problemId } = await solved();
    const turned = await core.turn(core.asks(iterate(problemId)), core.asks(iterate(problemId)));
    expect(turned.answers.map((answer) => answer.ok && answer.body.iteration_id)).toEqual([2, 3]);
  });

  it('is refused without an input to begin with, of what is not there, and from what has not succeeded', async () => {
    const key = await core.submit('chain');
    const { problemId } = parseTaskId(key)!;
    expect(codeOf(await core.ask(iterate(problemId)))).toBe('no_input');
    expect(codeOf(await core.ask(iterate(core.uuid(), withInput)))).toBe('unknown_problem');
    expect(codeOf(await core.ask(iterate(problemId, { parentIterationId: 7 })))).toBe('unknown_iteration');
    expect(codeOf(await core.ask(iterate(problemId, { parentIterationId: 1 })))).toBe('parent_not_succeeded');
    expect(codeOf(await core.ask(iterate(problemId, withInput)))).toBe('ok');
  });
});

describe('an idempotency key', () => {
  const dedupe = { key: 'k', hash: 'h' };
  const made = { project: 'default', graphVersion: 1 } as const;
  const submit = { ...withInput, kind: 'submit', graph: 'one', input: 1, ...made } as const;

  it('gives the same answer to the same request, in one batch, later, and after a restart', async () => {
    const turned = await core.turn(core.asks(submit, dedupe), core.asks(submit, dedupe));
    const answers = [...turned.answers, await core.ask(submit, dedupe)];
    await core.restart();
    answers.push(await core.ask(submit, dedupe));
    expect(answers).toEqual(Array.from({ length: 4 }, () => answers[0]));
    expect(core.state.tasks.size).toBe(1);
  });

  it('is refused with another request', async () => {
    await core.ask(submit, dedupe);
    expect(codeOf(await core.ask(submit, { key: 'k', hash: 'other' }))).toBe('idempotency_mismatch');
  });

  it('remembers nothing that was refused, and nothing for longer than a day', async () => {
    const bad = iterate(core.uuid());
    expect(codeOf(await core.ask(bad, dedupe))).toBe('unknown_problem');
    expect(codeOf(await core.ask(submit, dedupe))).toBe('ok');
    core.wallMs += 24 * 3600_000;
    expect(codeOf(await core.ask(submit, { key: 'k', hash: 'other' }))).toBe('ok');
  });
});

describe('a configuration request', () => {
  const ask = (dedupe?: { key: string; hash: string }) =>
    core.asks({ kind: 'configure', nodeId: a.nodeId, configuration: 'c', timeoutMs: 2000 }, dedupe);

  beforeEach(async () => {
    await a.join();
  });

  it('is answered when the node answers, with what it said', async () => {
    const turned = await core.turn(ask());
    expect(turned.answers).toEqual([]);
    const [request] = turned.only(a.route, 'config_request');
    const { transactionId } = request!;
    const error = { code: 'bad', message: 'no', retryable: false };
    const replied = await a.say({
      kind: 'config_reply',
      transactionId,
      success: false,
      configuration: 'c',
      error,
    });
    expect(replied.answers).toEqual([
      { ok: true, kind: 'done', body: { success: false, configuration: 'c', error } },
    ]);
  });

  it('is answered that there is no answer when the time is over', async () => {
    await core.turn(ask());
    const answers = (await core.pass(2020)).flatMap((turned) => turned.answers);
    expect(answers.map(codeOf)).toEqual(['no_answer']);
    expect(core.state.configurations.size).toBe(0);
  });

  it('is refused for a node that is not there, not alive, or not connected', async () => {
    const unknown = await core.ask({ kind: 'configure', nodeId: 'x', configuration: '' });
    expect(codeOf(unknown)).toBe('unknown_node');
    await a.say({ kind: 'goodbye' });
    expect((await core.turn(ask())).answers.map(codeOf)).toEqual(['node_not_alive']);
  });

  it('a request repeated under its key while the first is under way goes to the node once, and both are answered', async () => {
    const dedupe = { key: 'k', hash: 'h' };
    const turned = await core.turn(ask(dedupe));
    const again = await core.turn(ask(dedupe));
    const other = await core.turn(ask({ key: 'k', hash: 'other' }));
    expect([again.to(a.route), other.answers.map(codeOf)]).toEqual([[], ['idempotency_mismatch']]);
    const { transactionId } = turned.only(a.route, 'config_request')[0]!;
    const replied = await a.say({ kind: 'config_reply', transactionId, success: true, configuration: 'c' });
    expect(replied.journal.replies).toHaveLength(2);
    expect((await core.turn(ask(dedupe))).answers).toEqual([replied.answers[0]]);
  });
});

describe('a graph', () => {
  it('a graph that equals its newest version is not a new version', async () => {
    const [graph] = GRAPHS;
    const loaded = core.state.graph('chain')!;
    const put = (yaml: string) =>
      core.ask({
        kind: 'put_graph',
        name: 'chain',
        yaml,
        graph: graph!,
        types: loaded.types,
        typesJson: loaded.typesJson,
      });
    expect(await put('chain')).toMatchObject({ body: { version: 1, changed: false } });
    expect(await put('chain # changed')).toMatchObject({ body: { version: 2, changed: true } });
  });
});

describe('as many unfinished tasks as may be', () => {
  it('a request beyond the limit is told to try again later, and the existing requests are not affected', async () => {
    await a.join();
    const submits = Array.from({ length: MAX_TASKS }, () => core.submits('one'));
    const turned = await core.turn(...submits);
    expect(turned.answers.filter(({ ok }) => ok)).toHaveLength(MAX_TASKS);
    const refused = { ok: false, kind: 'too_many', code: 'too_many_tasks', retryAfter: 5 };
    expect((await core.turn(core.submits('one'))).answers).toMatchObject([refused]);
    const [order] = orders([turned], a);
    await a.report(order!, 'ACCEPTED');
    await a.publish(order!, 1);
    expect(await core.ask(iterate(order!.taskId.problemId, withInput))).toMatchObject({ ok: true });
    expect(await core.ask(iterate(order!.taskId.problemId, withInput))).toMatchObject(refused);
  });
});
