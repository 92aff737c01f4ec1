/** Evaluations of both schedulers: whatever becomes of one, nothing that is to be done is lost, done twice or in the way of anything else. */
import { describe, expect, it } from 'vitest';
import { AGENT_MODULE } from '../../src/model/run.js';
import type { PreparedRequest } from '../../src/orchestrator/core/turn.js';
import { ANSWER_WITHIN_MS, type Evaluable, type EvaluationBroker } from '../../src/scheduling/broker.js';
import { typesFromDescriptors } from '../../src/wire/types.js';
import { Core, graphOf, moduleSpec, type Turned } from './core.js';

/** Deadlines are kept to it. */
const GRAIN_MS = 20;

/** Something to be evaluated, which waits for something that does not exist yet. */
interface Job {
  readonly core: Core;
  readonly broker: () => EvaluationBroker<Evaluable>;
  /** For its broker. */
  readonly item: () => Evaluable;
  /** What it waits for comes; it is placed. */
  readonly provide: () => Promise<Turned>;
  readonly cancel: () => Promise<void>;
  /** From now on, its scheduler throws. */
  readonly sabotage: () => { times: number; isMended: boolean };
}

/** Throws as long as it is not mended, when the scheduler reads this. */
function trap<T extends object, K extends keyof T>(target: T, field: K, scheduler: string) {
  const { [field]: value } = target;
  const trapped = { times: 0, isMended: false };
  Object.defineProperty(target, field, {
    configurable: true,
    enumerable: true,
    get: () => {
      if (trapped.isMended || !new Error().stack?.includes(scheduler)) return value;
      trapped.times += 1;
      throw new Error('out of order');
    },
  });
  return trapped;
}

async function task(): Promise<Job> {
  const core = await Core.open([graphOf('finding', moduleSpec('detect', ['source']))]);
  const key = await core.submit('finding');
  const now = () => core.state.tasks.get(key)!;
  return {
    core,
    broker: () => core.state.broker as unknown as EvaluationBroker<Evaluable>,
    item: now,
    provide: () => core.peer('detect').join(),
    cancel: async () => {
      const { id: taskId } = now();
      const answer = await core.ask({ kind: 'task_command', taskId, command: 'terminate', reason: 'enough' });
      expect(answer.ok).toBe(true);
    },
    sabotage: () => {
      const graph = { ...now().graph };
      Object.defineProperty(now(), 'graph', { value: graph });
      return trap(graph, 'modules', 'scheduleTask');
    },
  };
}

async function service(): Promise<Job> {
  const core = await Core.open([]);
  const types = typesFromDescriptors(new Uint8Array());
  const spec = {
    ...{ name: 'web', type: 'daemon', count: 1, require: {} },
    run: {
      ...{ work: { kind: 'command', argv: ['serve'] }, files: {}, env: {}, resources: { cpus: 1 } },
      ...{ result: 'none', keep: 'never', retryExitCodes: undefined },
    },
    restart: { backoffMs: 1000, maxBackoffMs: 8000 },
  };
  const applied = {
    kind: 'apply_service',
    project: 'default',
    spec,
    files: {},
    types,
    typesJson: types.toJson(['json']),
  };
  await core.ask(applied as unknown as PreparedRequest);
  let asked = 1_000_000;
  return {
    core,
    broker: () => core.state.serviceBroker,
    item: () => {
      asked += 1;
      return { key: 'web', priority: 50, queuedAt: asked, queueSeq: asked };
    },
    provide: async () => {
      const cluster = {
        name: 'hpc',
        type: 'ssh',
        status: 'active',
        workdir: '/w',
        slots: 8,
        labels: {},
        agent: 'remote',
      };
      await core.ask({ kind: 'add_cluster', cluster } as unknown as PreparedRequest);
      return await core.peer(AGENT_MODULE, { instance: 'hpc', typesByAssignment: true }).join();
    },
    cancel: async () => {
      expect((await core.ask({ kind: 'remove_service', name: 'web' })).ok).toBe(true);
    },
    sabotage: () => trap(core.state.services.get('web')!, 'desired', 'FleetPlanner'),
  };
}

/** Evaluated as soon as something is to be decided at all. */
async function evaluate({ core, broker, item }: Job): Promise<void> {
  broker().enqueue(item());
  core.state.undo.keep();
  await core.turn({ kind: 'wake' });
}

/** All that was decided, and why. */
const toldBy = (...turned: readonly Turned[]): string =>
  JSON.stringify(turned.map(({ journal }) => journal.facts));

const left = (job: Job): unknown => [job.broker().depth, job.broker().delayed];

describe.each([
  ['a task', task],
  ['a service', service],
])('the evaluation of %s', (_what, begin) => {
  it('waits for nothing but what it needs: what comes is acted upon in the same batch', async () => {
    const job = await begin();
    expect(left(job)).toEqual([0, 0]);
    expect((await job.provide()).types).toContain('execution.assigned');
    expect(job.broker().depth).toBe(0);
  });

  it('comes again where its scheduler throws, after a pause that grows; at the third time the job fails with the reason', async () => {
    const job = await begin();
    const trapped = job.sabotage();
    await evaluate(job);
    expect([trapped.times, left(job)]).toEqual([1, [1, 1]]);
    await job.core.pass(99);
    expect(trapped.times).toBe(1);
    await job.core.pass(1 + GRAIN_MS);
    expect(trapped.times).toBe(2);
    const early = await job.core.pass(200 - 2 * GRAIN_MS);
    expect([trapped.times, early.flatMap(({ types }) => types)]).toEqual([2, []]);
    const late = await job.core.pass(3 * GRAIN_MS);
    expect([trapped.times, left(job)]).toEqual([3, [0, 0]]);
    expect(toldBy(...late)).toMatch(/the scheduler could not work on this (task|service): out of order/);
    await job.core.pass(1000);
    expect([trapped.times, left(job)]).toEqual([3, [0, 0]]);
  });

  it('goes on as if nothing had been where the last try succeeds', async () => {
    const job = await begin();
    const trapped = job.sabotage();
    await evaluate(job);
    await job.core.pass(150);
    trapped.isMended = true;
    const turned = await job.core.pass(1000);
    expect([trapped.times, left(job), turned.flatMap(({ types }) => types)]).toEqual([2, [0, 0], []]);
    expect((await job.provide()).types).toContain('execution.assigned');
  });

  it('is not begun twice at a time, and what changes meanwhile leads to one more', async () => {
    const job = await begin();
    const broker = job.broker();
    broker.enqueue(job.item());
    const delivery = broker.dequeue(job.core.nowMs)!;
    for (let time = 0; time < 100; time += 1) broker.enqueue(job.item());
    job.core.state.undo.keep();
    const trapped = job.sabotage();
    await job.core.turn({ kind: 'wake' });
    expect([trapped.times, broker.depth]).toEqual([0, 1]);
    trapped.isMended = true;
    expect(broker.ack(delivery)).toBe(true);
    expect(broker.depth).toBe(1);
    await job.core.turn({ kind: 'wake' });
    expect(left(job)).toEqual([0, 0]);
  });

  it('comes again where nobody answers for it, later where it is extended, and then a late answer changes nothing', async () => {
    const job = await begin();
    const broker = job.broker();
    broker.enqueue(job.item());
    const delivery = broker.dequeue(job.core.nowMs)!;
    job.core.state.undo.keep();
    await job.core.pass(ANSWER_WITHIN_MS - 1000);
    expect(broker.extend(delivery, job.core.nowMs)).toBe(true);
    await job.core.pass(ANSWER_WITHIN_MS - 1000);
    expect(broker.depth).toBe(1);
    await job.core.pass(1000);
    expect(broker.depth).toBe(0);
    expect([broker.ack(delivery), broker.nack(delivery, 0)]).toEqual([false, 'wrong receipt']);
    expect((await job.provide()).types).toContain('execution.assigned');
  });

  it('an evaluation that nobody answers fails the job with the reason, and holds no slot', async () => {
    const job = await begin();
    const broker = job.broker();
    broker.enqueue(job.item());
    for (let time = 0; time < 3; time += 1) {
      expect(broker.dequeue(job.core.nowMs)).toBeDefined();
      job.core.state.undo.keep();
      job.core.nowMs += ANSWER_WITHIN_MS;
    }
    const turned = await job.core.turn({ kind: 'wake' });
    expect(toldBy(turned)).toContain('its evaluation was started 3 times and never finished');
    expect(left(job)).toEqual([0, 0]);
  });

  it('leaves nothing behind where the job is cancelled while it waits for its next try', async () => {
    const job = await begin();
    const trapped = job.sabotage();
    await evaluate(job);
    expect(left(job)).toEqual([1, 1]);
    trapped.isMended = true;
    await job.cancel();
    await job.core.pass(1000);
    const { broker, serviceBroker, tasks, services } = job.core.state;
    expect([broker.depth, broker.delayed, serviceBroker.depth, serviceBroker.delayed]).toEqual([0, 0, 0, 0]);
    expect([tasks.size, services.size]).toEqual([0, 0]);
  });

  it('is not lost by a restart, whatever became of it before', async () => {
    const job = await begin();
    job.sabotage();
    await evaluate(job);
    expect(left(job)).toEqual([1, 1]);
    await job.core.restart();
    expect((await job.provide()).types).toContain('execution.assigned');
    expect(await job.core.faults()).toEqual([]);
  });

  it('no longer happens once evaluations are disabled', async () => {
    const job = await begin();
    const trapped = job.sabotage();
    await evaluate(job);
    job.broker().enqueue(job.item());
    job.broker().disable();
    await job.core.pass(10_000);
    expect([trapped.times, left(job)]).toEqual([1, [0, 0]]);
  });
});

it('both kinds are evaluated in one batch, however many there are of either', async () => {
  const job = await service();
  const { core } = job;
  const modules = [moduleSpec('detect', ['source'])];
  const types = typesFromDescriptors(new Uint8Array());
  const graph = graphOf('finding', ...modules);
  const put = {
    kind: 'put_graph',
    name: 'finding',
    yaml: 'finding',
    graph,
    types,
    typesJson: types.toJson([]),
  };
  await core.ask(put as PreparedRequest);
  await core.turn(...Array.from({ length: 200 }, () => core.submits('finding')));
  for (const key of core.state.tasks.keys()) core.state.broker.enqueue(core.state.tasks.get(key)!);
  core.state.serviceBroker.enqueue(job.item());
  core.state.undo.keep();
  await core.turn({ kind: 'wake' });
  expect([core.state.broker.depth, core.state.serviceBroker.depth]).toEqual([0, 0]);
});

it('the most urgent of many evaluations that arrive together gets the only slot', async () => {
  const core = await Core.open([graphOf('finding', moduleSpec('detect', ['source']))]);
  const peer = core.peer('detect');
  await peer.join();
  const turned = await core.turn(...[10, 30, 20].map((priority) => core.submits('finding', priority)));
  const assigned = turned.journal.events.flatMap(({ fact }) =>
    fact.type === 'execution.assigned' ? [`${fact.problem_id}/1`] : [],
  );
  expect(assigned.map((key) => core.state.tasks.get(key)?.priority)).toEqual([30]);
});
