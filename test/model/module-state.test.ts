import { describe, expect, it } from 'vitest';
import { missingInputs, moduleState, waitingFor } from '../../src/model/module-state.js';

describe('the state of a module', () => {
  it('is that of its newest execution, unless it has begun anew or nothing runs for it', () => {
    expect(moduleState('placed', 'running', false)).toBe('running');
    expect(moduleState('succeeded', 'succeeded', false)).toBe('succeeded');
    expect(moduleState('waiting', 'succeeded', false)).toBe('waiting');
    expect(moduleState('reused', undefined, false)).toBe('reused');
    expect(moduleState('failed', 'lost', false)).toBe('failed');
  });

  it('a module that waited when its task ended has the state of its last execution, or is skipped', () => {
    expect(moduleState('waiting', 'preempted', true)).toBe('preempted');
    expect(moduleState(undefined, undefined, true)).toBe('skipped');
  });
});

describe('what a module waits for', () => {
  const states: Readonly<Record<string, string>> = {
    a: 'failed',
    b: 'running',
    c: 'succeeded',
    d: 'waiting',
  };
  const missing = (...overridden: string[]) =>
    missingInputs(['source', 'a', 'b', 'c', 'd'], overridden, (name) => states[name]);

  it('are the inputs that are still to come: not one whose error it ignores, nor the source, nor an override', () => {
    expect(missing()).toEqual(['b', 'd']);
    expect(missing('b')).toEqual(['d']);
    expect(waitingFor(missing())).toEqual({
      waiting: { code: 'inputs', inputs: ['b', 'd'] },
      reason: 'waiting for b, d',
    });
    expect(waitingFor([])).toBeUndefined();
  });
});
