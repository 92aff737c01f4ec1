import { describe, expect, it } from 'vitest';
import { standsStill, type Waiting, type WaitingCode } from '../../src/model/waiting.js';

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
});
