import { describe, expect, it } from 'vitest';
import type { ModuleState } from '../../src/model/execution.js';
import { standingOf, standsStill, type Waiting, type WaitingCode } from '../../src/model/waiting.js';

const waiting = (code: WaitingCode) => ({ state: 'waiting' as const, waiting: { code } as Waiting });
const running = { state: 'running' as const, waiting: null };

describe('a task', () => {
  it('stands still when some module of it waits for a person and nothing goes on by itself', () => {
    expect(standsStill([waiting('no_node'), waiting('inputs'), { state: 'succeeded' }])).toBe(true);
    expect(standsStill([waiting('no_cluster')])).toBe(true);
    expect(standsStill([waiting('no_secret')])).toBe(true);
  });

  it('goes on while something of it runs, is due, or gets its turn', () => {
    for (const other of [
      running,
      ...(['retry', 'requeued', 'no_free_slot', 'no_free_cluster'] as const).map(waiting),
    ])
      expect(standsStill([waiting('no_node'), other])).toBe(false);
    expect(standsStill([waiting('inputs')])).toBe(false);
    expect(standsStill([])).toBe(false);
  });

  it('is told by its modules that are at work, or wait for something from outside of it, and by no others', () => {
    const of = (module: { state: ModuleState; waiting?: Waiting | null }) =>
      standingOf({ execution_id: 'e', waiting: null, ...module });
    expect(of(waiting('no_node'))).toEqual({ execution_id: 'e', ...waiting('no_node') });
    expect(of(waiting('retry'))).toEqual({ execution_id: 'e', ...waiting('retry') });
    expect(of({ state: 'accepted', waiting: waiting('no_node').waiting })).toEqual({
      ...{ state: 'accepted', execution_id: 'e', waiting: null },
    });
    for (const other of [waiting('inputs'), { state: 'waiting' }, { state: 'succeeded' }] as const)
      expect(of(other)).toBeUndefined();
  });
});
