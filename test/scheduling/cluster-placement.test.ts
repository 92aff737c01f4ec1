/** Which cluster gets an execution, and why none does. */
import { describe, expect, it } from 'vitest';
import {
  type Place,
  pickPlace,
  roomFor,
  shortageOfPlaces,
  standingOf,
  type Wanted,
} from '../../src/scheduling/cluster-placement.js';

const NOTHING_USED = { cpus: 0, memoryBytes: 0, gpus: 0 };

function place(nodeId: string, more: Partial<Place> = {}): Place {
  return {
    ...{ nodeId, labels: {}, status: 'active', obstacle: undefined, taken: 0, capacity: 4 },
    ...{ resources: {}, used: NOTHING_USED, lastUsed: 0, bytesThere: 0, knowsProblem: false },
    ...more,
  };
}

const ONE_CPU: Wanted = { require: {}, resources: { cpus: 1 } };
const picked = (places: readonly Place[], wanted: Wanted = ONE_CPU): string | undefined =>
  pickPlace(places, wanted)?.nodeId;

describe('the ranking of clusters', () => {
  it('begins with the least loaded for its slots', () => {
    const [small, large] = [
      place('small', { taken: 1, capacity: 2 }),
      place('large', { taken: 3, capacity: 8 }),
    ];
    expect(picked([small, large])).toBe('large');
  });

  it('goes on, among equally loaded ones, with the one that has the most of the data', () => {
    const full = place('full', { bytesThere: 2000, lastUsed: 9 });
    expect(picked([place('known', { knowsProblem: true, bytesThere: 1000 }), full])).toBe('full');
    expect(picked([place('idle', { taken: 0 }), place('busy', { taken: 1, bytesThere: 2000 })])).toBe('idle');
  });

  it('goes on, among those, with one that has worked on the same problem, then the least recently used', () => {
    const known = place('known', { knowsProblem: true, lastUsed: 9 });
    expect(picked([place('other', { lastUsed: 1 }), known])).toBe('known');
    expect(picked([place('newer', { lastUsed: 2 }), place('older', { lastUsed: 1 })])).toBe('older');
  });

  it('leaves out clusters without the labels, the status, a free slot or the resources', () => {
    const wanted = { require: { gpu: 'true' }, resources: { cpus: 2, memoryBytes: 100, gpus: 1 } };
    const fit = { labels: { gpu: 'true' }, resources: { cpus: 4, memoryBytes: 200, gpus: 1 } };
    expect(picked([place('fits', fit)], wanted)).toBe('fits');
    const unfit: Partial<Place>[] = [
      { labels: {} },
      { status: 'draining' },
      { obstacle: ['is offline', 'are offline'] },
      { taken: 4 },
      { used: { ...NOTHING_USED, cpus: 3 } },
      { used: { ...NOTHING_USED, memoryBytes: 101 } },
      { used: { ...NOTHING_USED, gpus: 1 } },
    ];
    for (const more of unfit)
      expect([more, picked([place('x', { ...fit, ...more })], wanted)]).toEqual([more, undefined]);
  });

  it('does not limit what a cluster does not state', () => {
    expect(picked([place('x')], { require: {}, resources: { cpus: 1000, memoryBytes: 1e15 } })).toBe('x');
  });

  it('counts how many executions could begin: by slots and by each resource', () => {
    const large = { require: {}, resources: { cpus: 2 } };
    expect(roomFor([place('x', { taken: 1 })], large)).toBe(3);
    expect(roomFor([place('x', { resources: { cpus: 5 } }), place('y', { status: 'inactive' })], large)).toBe(
      2,
    );
  });
});

describe('the reason why no cluster takes an execution', () => {
  const reason = (places: readonly Place[], wanted: Wanted = ONE_CPU) =>
    shortageOfPlaces(places, wanted).reason;

  it('counts each thing that is in the way', () => {
    const wanted = { require: { gpu: 'true' }, resources: { cpus: 1 } };
    const labels = { gpu: 'true' };
    expect(
      reason([place('a'), place('b', { labels, status: 'inactive' }), place('c'), place('d')], wanted),
    ).toBe('waiting for a cluster: 3 of 4 lack gpu=true, 1 is inactive');
    expect(reason([place('a')], wanted)).toBe('waiting for a cluster: 1 of 1 lacks gpu=true');
    expect(reason([])).toBe('waiting for a cluster: there is none');
  });

  it('says what is too little of', () => {
    const wanted = { require: {}, resources: { cpus: 2, memoryBytes: 4 * 1024 ** 3, gpus: 1 } };
    const places = [
      place('a', { resources: { cpus: 1 } }),
      place('b', { resources: { cpus: 4 }, used: { ...NOTHING_USED, cpus: 3 } }),
      place('c', { resources: { memoryBytes: 1024 ** 3 } }),
      place('d', { taken: 4 }),
      place('e', { resources: { gpus: 0 } }),
    ];
    expect(reason(places, wanted)).toBe(
      'waiting for a cluster: 1 of 5 has fewer than 2 cpus, 1 has fewer than 2 free cpus, 1 has less than 4GiB of memory, ' +
        '1 has no free slot, 1 has fewer than 1 gpu',
    );
  });

  it('tells those who can help from those who only have to wait', () => {
    const waiting = (...places: Place[]) => shortageOfPlaces(places, ONE_CPU).waiting;
    const [busy, inactive] = [place('a', { taken: 4 }), place('b', { status: 'inactive' })];
    expect(waiting(inactive)).toEqual({ code: 'no_cluster', clusters: 1 });
    expect(waiting()).toEqual({ code: 'no_cluster', clusters: 0 });
    expect(waiting(busy, inactive)).toEqual({ code: 'no_free_cluster', clusters: 1 });
  });

  it('is the same to those who are not to be woken as long as only the load changes', () => {
    const [full, free] = [place('a', { taken: 4 }), place('a')];
    expect(standingOf([full], ONE_CPU)).toBe(standingOf([free], ONE_CPU));
    expect(standingOf([full], ONE_CPU)).not.toBe(standingOf([place('a', { status: 'draining' })], ONE_CPU));
  });
});
