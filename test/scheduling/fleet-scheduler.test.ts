import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClusterStatus } from '../../src/model/cluster.js';
import type { Fact } from '../../src/model/facts.js';
import {
  type Replica,
  restartPauseMs,
  type Service,
  type ServiceSpec,
  type ServiceType,
} from '../../src/model/service.js';
import { FoldedState } from '../../src/orchestrator/check/folded/state.js';
import {
  type FleetPlan,
  type FleetStep,
  type FleetView,
  scheduleFleet,
} from '../../src/scheduling/fleet-scheduler.js';

function specOf(more: Partial<ServiceSpec> = {}): ServiceSpec {
  return {
    ...{ name: 'web', type: 'service', count: 2, require: {} },
    run: {
      ...{ work: { kind: 'command', argv: ['true'] }, files: {}, env: {}, resources: { cpus: 1 } },
      ...{ result: 'none', keep: 'never', retryExitCodes: undefined },
    },
    restart: { backoffMs: 1000, maxBackoffMs: 30_000 },
    ...more,
  };
}

function serviceOf(more: Partial<ServiceSpec> = {}, rest: Partial<Service> = {}): Service {
  const times = { createdAt: 0, updatedAt: 0 };
  return {
    ...{
      spec: specOf(more),
      project: 'default',
      desired: 'running',
      version: 1,
      generation: 1,
      reasons: [],
      ...times,
    },
    ...rest,
  };
}

function replica(number: number, more: Partial<Replica> = {}): Replica {
  return {
    ...{ id: `web-${number}`, service: 'web', number, desired: 'running', observed: 'running' },
    ...{ taskKey: `t${number}/1`, isOpen: true, generation: 1, cluster: 'a', restarts: 0, failures: 0 },
    ...{ sinceAt: 0, sinceMs: 0, startedMs: 0 },
    ...more,
  };
}

const gone = { isOpen: false } as const;

interface Seen {
  readonly service?: Service;
  readonly replicas?: readonly Replica[];
  readonly clusters?: Readonly<Record<string, ClusterStatus>>;
  /** Of clusters, since when they are out of reach. */
  readonly away?: Readonly<Record<string, number>>;
  /** Of replicas, their nodes. */
  readonly nodes?: Readonly<Record<string, string>>;
  /** Of replicas, why they wait. */
  readonly waits?: Readonly<Record<string, string>>;
  readonly now?: number;
}

function plan({ service = serviceOf(), replicas = [], now = 0, ...seen }: Seen): FleetPlan {
  const { clusters = { a: 'active' }, away = {}, nodes = {}, waits = {} } = seen;
  const view: FleetView = {
    service,
    replicas,
    clusters: Object.entries(clusters).map(([name, status]) => ({ name, status })),
    nodeOf: ({ id }) => nodes[id],
    awaySince: ({ cluster }) => away[cluster ?? ''],
    waitsFor: ({ id }) => waits[id],
    statusOf: ({ cluster }) => clusters[cluster ?? ''],
  };
  return scheduleFleet(view, now);
}

/** A step in a few words. */
function brief(step: FleetStep): string {
  switch (step.kind) {
    case 'place':
      return `place ${step.number}${step.pinned === undefined ? '' : ` on ${step.pinned}`}`;
    case 'stop':
      return `stop ${step.replica.number} as ${step.as}${step.again ? ', again' : ''}`;
    case 'ready':
      return `ready ${step.replica.number} by ${step.nodeId}`;
    case 'remove':
      return 'remove';
    default:
      return `${step.kind} ${step.replica.number}`;
  }
}

const steps = (seen: Seen): string[] => plan(seen).steps.map(brief);

describe('the fleet scheduler', () => {
  it.each<[string, Seen, string[]]>([
    ['places as many as asked for', {}, ['place 1', 'place 2']],
    ['leaves alone what is as it is to be', { replicas: [replica(1), replica(2)] }, []],
    ['takes numbers that are free', { replicas: [replica(2)] }, ['place 1']],
    [
      'takes no number of one that is still being stopped',
      { replicas: [replica(1, { desired: 'stopped', ending: { as: 'stopped', reason: 'x' } }), replica(2)] },
      ['place 3'],
    ],
    [
      'stops those beyond the count, one that is not up before the highest number',
      {
        service: serviceOf({ count: 1 }),
        replicas: [replica(1, { observed: 'starting' }), replica(2), replica(3)],
      },
      ['stop 3 as stopped', 'stop 1 as stopped'],
    ],
    [
      'forgets what has stopped and is no longer wanted',
      {
        replicas: [replica(1), replica(2), replica(3, { ...gone, desired: 'stopped', observed: 'stopped' })],
      },
      ['forget 3'],
    ],
    [
      'starts one again that ended, once its pause is over',
      {
        replicas: [replica(1), replica(2, { ...gone, observed: 'failed', retry: { at: 0, dueMs: 500 } })],
        now: 500,
      },
      ['place 2'],
    ],
    [
      'waits for the pause of one that ended',
      {
        replicas: [replica(1), replica(2, { ...gone, observed: 'failed', retry: { at: 0, dueMs: 500 } })],
        now: 499,
      },
      [],
    ],
    [
      'renews one replica of an older generation at a time',
      { service: serviceOf({}, { generation: 2 }), replicas: [replica(1), replica(2)] },
      ['stop 1 as stopped, again'],
    ],
    [
      'renews no further one before the last is up',
      {
        service: serviceOf({}, { generation: 2 }),
        replicas: [replica(1, { generation: 2, observed: 'starting' }), replica(2)],
      },
      [],
    ],
    [
      'stops no other while the next run of one that it renews begins',
      {
        service: serviceOf({}, { generation: 2 }),
        replicas: [replica(1, { ...gone, observed: 'stopped' }), replica(2)],
      },
      ['place 1'],
    ],
    [
      'moves no other while the next run of one that it moves begins',
      {
        replicas: [replica(1, { ...gone, observed: 'stopped' }), replica(2)],
        clusters: { a: 'draining', b: 'active' },
      },
      ['place 1'],
    ],
    [
      'renews one that is not up first, whatever else is',
      {
        service: serviceOf({}, { generation: 2 }),
        replicas: [replica(1), replica(2, { observed: 'starting' })],
      },
      ['stop 2 as stopped, again'],
    ],
    [
      'starts the new generation of one that has failed without its pause',
      {
        service: serviceOf({}, { generation: 2 }),
        replicas: [
          replica(1, { generation: 2 }),
          replica(2, { ...gone, observed: 'failed', retry: { at: 0, dueMs: 9000 } }),
        ],
      },
      ['place 2'],
    ],
    [
      'moves one at a time off a cluster that is drained',
      { replicas: [replica(1), replica(2)], clusters: { a: 'draining', b: 'active' } },
      ['stop 1 as stopped, again'],
    ],
    [
      'moves the next one although there is no place for the last',
      {
        replicas: [replica(1, { observed: 'pending' }), replica(2)],
        clusters: { a: 'draining' },
        waits: { 'web-1': 'no place' },
      },
      ['stop 2 as stopped, again'],
    ],
    [
      'counts one as ready when its node is there',
      { service: serviceOf({ module: 'm' }), replicas: [replica(1), replica(2)], nodes: { 'web-1': 'n1' } },
      ['ready 1 by n1'],
    ],
    [
      'counts one as running again when its node has gone',
      { service: serviceOf({ module: 'm' }), replicas: [replica(1, { observed: 'ready' }), replica(2)] },
      ['running 1'],
    ],
    [
      'gives up one that is not up by its deadline',
      {
        service: serviceOf({ startupDeadlineMs: 100 }),
        replicas: [replica(1, { observed: 'starting' }), replica(2)],
        now: 100,
      },
      ['stop 1 as failed, again'],
    ],
    [
      'leaves replicas of a cluster that is out of reach where they are',
      { replicas: [replica(1), replica(2, { cluster: 'b' })], away: { a: 0 }, now: 1e9 },
      [],
    ],
    [
      'misses them after a while where the service says so',
      {
        service: serviceOf({ disconnect: { lostAfterMs: 1000, replace: true } }),
        replicas: [replica(1), replica(2, { cluster: 'b' })],
        ...{ away: { a: 0 }, now: 1000 },
      },
      ['lost 1'],
    ],
    [
      'replaces lost ones',
      {
        service: serviceOf({ disconnect: { lostAfterMs: 1000, replace: true } }),
        replicas: [replica(1, { observed: 'lost' }), replica(2, { cluster: 'b' })],
        ...{ away: { a: 0 }, now: 1000 },
      },
      ['stop 1 as lost', 'place 3'],
    ],
    [
      'waits for lost ones where it is not to replace them',
      {
        service: serviceOf({ disconnect: { lostAfterMs: 1000, replace: false } }),
        replicas: [replica(1, { observed: 'lost' }), replica(2, { cluster: 'b' })],
        ...{ away: { a: 0 }, now: 9000 },
      },
      [],
    ],
    [
      'finds them when their cluster is back',
      { replicas: [replica(1, { observed: 'lost' }), replica(2)] },
      ['running 1'],
    ],
    [
      'stops everything of a service that is stopped',
      { service: serviceOf({}, { desired: 'stopped' }), replicas: [replica(1), replica(2, gone)] },
      ['stop 1 as stopped'],
    ],
    [
      'removes a service once nothing of it runs',
      { service: serviceOf({}, { desired: 'removed' }), replicas: [replica(1, gone)] },
      ['forget 1', 'remove'],
    ],
    [
      'keeps a service that is to be removed while something of it runs',
      { service: serviceOf({}, { desired: 'removed' }), replicas: [replica(1)] },
      ['stop 1 as stopped'],
    ],
    [
      'runs a daemon on every active cluster that fits',
      { service: serviceOf({ type: 'daemon' }), clusters: { a: 'active', b: 'inactive', c: 'active' } },
      ['place 1 on a', 'place 2 on c'],
    ],
    [
      'adds a daemon where a cluster joins, and stops it where one is drained',
      {
        service: serviceOf({ type: 'daemon' }),
        replicas: [replica(1, { pinned: 'a' })],
        clusters: { a: 'draining', b: 'active' },
      },
      ['stop 1 as stopped', 'place 2 on b'],
    ],
    [
      'leaves a daemon on a cluster that is inactive',
      {
        service: serviceOf({ type: 'daemon' }),
        replicas: [replica(1, { pinned: 'a' })],
        clusters: { a: 'inactive' },
      },
      [],
    ],
    [
      'runs no more of a batch that has completed, and again what has failed',
      {
        service: serviceOf({ type: 'batch' }),
        replicas: [
          replica(1, { ...gone, observed: 'completed' }),
          replica(2, { ...gone, observed: 'failed' }),
        ],
      },
      ['place 2'],
    ],
    [
      'runs ops once on each cluster, whatever becomes of it, and on none that joins later',
      {
        service: serviceOf({ type: 'ops' }),
        replicas: [replica(1, { ...gone, pinned: 'a', observed: 'failed' })],
        clusters: { a: 'active', b: 'active' },
      },
      [],
    ],
  ])('%s', (_, seen, expected) => {
    expect(steps(seen)).toEqual(expected);
  });

  it('says with counts why a service is degraded', () => {
    const seen: Seen = {
      service: serviceOf({ count: 5 }),
      replicas: [
        replica(1),
        replica(2, { observed: 'pending' }),
        replica(3, { observed: 'pending' }),
        replica(4, { ...gone, observed: 'failed', reason: 'exit_code: 1', retry: { at: 0, dueMs: 9 } }),
        replica(5, { cluster: 'b' }),
      ],
      waits: { 'web-2': 'no place', 'web-3': 'no place' },
      away: { b: 0 },
    };
    expect(plan(seen).reasons).toEqual([
      '2 of 5 replicas: no place',
      '1 of 5 replicas: failed: exit_code: 1',
      '1 of 5 replicas: the cluster b is out of reach',
    ]);
    expect(plan({ service: serviceOf({ type: 'daemon' }), clusters: {} }).reasons).toEqual([
      'no cluster fits',
    ]);
    expect(plan({ replicas: [replica(1, { observed: 'starting' }), replica(2)] }).reasons).toEqual([]);
  });

  it('takes a replica that ends again and again for degraded until it has lasted', () => {
    const flapping = { replicas: [replica(1, { failures: 2 }), replica(2)] };
    expect(plan(flapping)).toMatchObject({
      reasons: ['1 of 2 replicas: has recently ended and restarted'],
      followUpMs: 30_000,
    });
    expect(steps({ ...flapping, now: 30_000 })).toEqual(['steady 1']);
  });

  it('comes to what is asked for, never has more of it, and then rests', () => {
    const event = fc.oneof(
      fc.record({ kind: fc.constant('end' as const), at: fc.nat(20) }),
      fc.record({ kind: fc.constant('scale' as const), at: fc.nat(5) }),
      fc.record({ kind: fc.constant('restart' as const), at: fc.nat() }),
      fc.record({ kind: fc.constant('pass' as const), at: fc.nat(20_000) }),
      fc.record({ kind: fc.constant('go on' as const), at: fc.nat(20) }),
      fc.record({ kind: fc.constant('turn cluster' as const), at: fc.nat(20) }),
      fc.record({ kind: fc.constant('cut off' as const), at: fc.nat(20) }),
      fc.record({ kind: fc.constant('stop' as const), at: fc.nat(1) }),
    );
    const types = fc.constantFrom<ServiceType>('service', 'daemon');
    fc.assert(
      fc.property(types, fc.boolean(), fc.array(event, { maxLength: 40 }), (type, replace, events) => {
        const world = new World(specOf({ type, disconnect: { lostAfterMs: 3000, replace } }));
        for (const { kind, at } of events) world.happen(kind, at);
        world.calm();
      }),
      { numRuns: 200 },
    );
  });
});

type Happening = 'end' | 'scale' | 'restart' | 'pass' | 'go on' | 'turn cluster' | 'cut off' | 'stop';

const STATUSES: readonly ClusterStatus[] = ['active', 'inactive', 'draining'];

/** Clusters with replicas on them that do what they are told after a while, and a good deal unasked. */
class World {
  readonly #state = new FoldedState();
  readonly #clusters = new Map<string, ClusterStatus>(['a', 'b', 'c'].map((name) => [name, 'active']));
  readonly #away = new Map<string, number>();
  #now = 0;
  #seq = 0;

  constructor(spec: ServiceSpec) {
    this.#apply({ spec, desired: 'running', generation: 1 });
    this.#settle();
  }

  happen(kind: Happening, at: number): void {
    const service = this.#service;
    const open = this.#replicas.filter(({ isOpen }) => isOpen);
    const chosen = open[at % Math.max(1, open.length)];
    const cluster = ['a', 'b', 'c'][at % 3]!;
    if (kind === 'end' && chosen) this.#end(chosen);
    else if (kind === 'scale') this.#apply({ ...service, spec: { ...service.spec, count: at } });
    else if (kind === 'restart') this.#apply({ ...service, generation: service.generation + 1 });
    else if (kind === 'stop') this.#apply({ ...service, desired: at === 0 ? 'stopped' : 'running' });
    else if (kind === 'pass') this.#now += at;
    else if (kind === 'go on' && chosen) this.#goOn(chosen);
    else if (kind === 'turn cluster') this.#clusters.set(cluster, STATUSES[Math.floor(at / 3) % 3]!);
    else if (kind === 'cut off' && !this.#away.delete(cluster)) this.#away.set(cluster, this.#now);
    this.#settle();
  }

  /** Nothing happens without a request. */
  calm(): void {
    for (const name of this.#clusters.keys()) this.#clusters.set(name, 'active');
    this.#away.clear();
    this.#apply({ ...this.#service, desired: 'running' });
    for (let round = 0; round < 200; round += 1) {
      this.#settle();
      for (const each of this.#replicas) if (each.isOpen) this.#goOn(each);
      this.#now += 1000;
    }
    this.#settle();
    const { spec, generation, reasons } = this.#service;
    const all = this.#replicas;
    expect(reasons).toEqual([]);
    expect(all.map((each) => [each.desired, each.observed, each.generation])).toEqual(
      Array.from({ length: spec.type === 'daemon' ? 3 : spec.count }, () => [
        'running',
        'running',
        generation,
      ]),
    );
    for (let round = 0; round < 5; round += 1) {
      this.#now += 60_000;
      expect(this.#plan().steps).toEqual([]);
    }
  }

  get #service(): Service {
    return this.#state.services.get('web')!;
  }

  get #replicas(): Replica[] {
    return [...this.#state.replicas.values()].sort((a, b) => a.number - b.number);
  }

  #tell(fact: Fact): void {
    this.#seq += 1;
    this.#state.apply(fact, this.#seq, this.#now);
  }

  #apply({ spec, desired, generation }: Pick<Service, 'spec' | 'desired' | 'generation'>): void {
    this.#tell({
      ...{ type: 'service.applied', service: 'web', service_type: spec.type, count: spec.count },
      ...{ desired, generation, spec, graph_version: 1 },
    });
  }

  #plan(): FleetPlan {
    const view: FleetView = {
      service: this.#service,
      replicas: this.#replicas,
      clusters: [...this.#clusters].map(([name, status]) => ({ name, status })),
      nodeOf: () => undefined,
      awaySince: ({ cluster }) => this.#away.get(cluster ?? ''),
      waitsFor: () => undefined,
      statusOf: ({ cluster }) => this.#clusters.get(cluster ?? ''),
    };
    return scheduleFleet(view, this.#now);
  }

  #settle(): void {
    for (let round = 0; ; round += 1) {
      expect(round, 'plans without end').toBeLessThan(50);
      const { steps: taken, reasons } = this.#plan();
      for (const step of taken) this.#carryOut(step);
      const { desired, spec } = this.#service;
      const { type, count } = spec;
      const wanted = this.#replicas.filter((each) => each.desired === 'running').length;
      if (taken.length > 0) continue;
      if (desired === 'running') expect(wanted).toBeLessThanOrEqual(type === 'daemon' ? 3 : count);
      if (reasons.length > 0) this.#tell({ type: 'service.degraded', service: 'web', reasons });
      else this.#tell({ type: 'service.restored', service: 'web' });
      return;
    }
  }

  #carryOut(step: FleetStep): void {
    switch (step.kind) {
      case 'place': {
        const id = `web-${step.number}`;
        const restarts = (this.#state.replicas.get(id)?.restarts ?? -1) + 1;
        this.#tell({
          ...{ type: 'replica.placed', service: 'web', replica_id: id, number: step.number, restarts },
          ...{ task_id: `t${this.#seq}/1`, generation: this.#service.generation },
          ...(step.pinned !== undefined && { cluster: step.pinned }),
        });
        return;
      }
      case 'stop': {
        const { replica: each, as, reason, again } = step;
        this.#tell({ type: 'replica.stopping', replica_id: each.id, as, reason, again });
        return;
      }
      case 'forget':
        this.#tell({ type: 'replica.forgotten', replica_id: step.replica.id });
        return;
      case 'running':
        this.#tell({ type: 'replica.running', ...about(step.replica) });
        return;
      case 'lost':
        this.#tell({ type: 'replica.lost', ...about(step.replica), reason: step.reason, ended: false });
        return;
      case 'steady':
        this.#tell({ type: 'replica.steady', replica_id: step.replica.id });
        return;
      default:
        throw new Error(`${step.kind} is not to come`);
    }
  }

  #goOn(each: Replica): void {
    if (each.ending) this.#end(each);
    else if (each.observed === 'pending') {
      const free = [...this.#clusters].filter(
        ([name, status]) => status === 'active' && !this.#away.has(name),
      );
      const cluster = each.pinned ?? free[each.number % Math.max(1, free.length)]?.[0];
      if (cluster !== undefined) this.#tell({ type: 'replica.starting', ...about(each), cluster });
    } else if (each.observed === 'starting') this.#tell({ type: 'replica.running', ...about(each) });
  }

  #end(each: Replica): void {
    const reason = each.ending?.reason ?? 'killed';
    if (each.ending && each.ending.as !== 'failed')
      this.#tell({ type: 'replica.stopped', ...about(each), reason });
    else {
      const at = this.#now + restartPauseMs(this.#service.spec, each.failures);
      this.#tell({ type: 'replica.failed', ...about(each), reason, retry_at: new Date(at).toISOString() });
    }
  }
}

function about({ id, taskKey }: Replica): { service: string; replica_id: string; task_id: string } {
  return { service: 'web', replica_id: id, task_id: taskKey };
}
