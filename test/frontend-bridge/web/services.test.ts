import { describe, expect, it } from 'vitest';
import {
  clustersOf,
  mayScale,
  standingOf,
  upOf,
} from '../../../frontend-bridge/web/src/services/standing.js';
import type { ReplicaJson, ServiceJson } from '../../../src/contract/service.js';

function replica(number: number, more: Partial<ReplicaJson> = {}): ReplicaJson {
  return {
    ...{ replica_id: `web-${number}`, cluster: 'lab', desired: 'running', observed: 'running' },
    ...{ node_id: null, restarts: 0, reason: null, task_id: `p${number}/1` },
    ...{ since: '2026-01-01T00:00:00Z', retry_at: null },
    ...more,
  };
}

function service(replicas: readonly ReplicaJson[], more: Partial<ServiceJson> = {}): ServiceJson {
  return {
    ...{ name: 'web', type: 'service', count: 3, module: null, desired: 'running', generation: 1 },
    ...{ deployment_id: null, health: 'ok', reasons: [], replicas },
    ...more,
  };
}

describe('how a service stands', () => {
  it('is scaled by people only where it has a number of replicas that nothing else decides about', () => {
    expect(mayScale(service([]))).toBe(true);
    expect(mayScale(service([], { count: null }))).toBe(false);
    expect(mayScale(service([], { desired: 'removed' }))).toBe(false);
    expect(mayScale(service([], { deployment_id: 'd' }))).toBe(false);
  });

  it('counts the replicas that do their work, of those that there are to be', () => {
    const leaving = replica(4, { desired: 'stopped' });
    const waiting = replica(3, { observed: 'pending', cluster: null });
    const replicas = [replica(1), replica(2, { observed: 'completed' }), waiting, leaving];
    expect(upOf(service(replicas))).toEqual({ up: 2, wanted: 3 });
    expect(upOf(service(replicas, { count: null }))).toEqual({ up: 2, wanted: 3 });
    // A node that runs is not up before it is registered.
    const nodes = [replica(1, { observed: 'ready' }), replica(2)];
    expect(upOf(service(nodes, { module: 'detect', count: 2 }))).toEqual({ up: 1, wanted: 2 });
  });

  it('is its health while it is to run, and otherwise whether anything of it is left', () => {
    const stopped = replica(1, { observed: 'stopped' });
    expect(standingOf(service([], { health: 'degraded' }))).toBe('degraded');
    expect(standingOf(service([replica(1), stopped], { desired: 'stopped' }))).toBe('stopping');
    expect(standingOf(service([stopped], { desired: 'stopped' }))).toBe('stopped');
    expect(standingOf(service([], { desired: 'removed' }))).toBe('being removed');
  });

  it('is on the clusters that have a replica of it now', () => {
    const replicas = [
      replica(1),
      replica(2, { cluster: 'hpc', observed: 'ready' }),
      replica(3),
      replica(4, { observed: 'failed' }),
      replica(5, { observed: 'pending', cluster: null }),
    ];
    expect(clustersOf(replicas)).toEqual([
      ['hpc', 1],
      ['lab', 2],
    ]);
  });
});
