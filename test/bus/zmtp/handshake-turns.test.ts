import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HandshakeTurns } from '../../../src/bus/zmtp/handshake-turns.js';

describe('handshakes', () => {
  let nowMs = 0;

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  it('are done at once while they take less than half of the time, and in turns by address beyond it', () => {
    const log: string[] = [];
    const turns = new HandshakeTurns();
    const run = (address: string, name: string): boolean =>
      turns.run(address, () => {
        log.push(name);
        nowMs += 6;
      });
    expect([run('a', 'a1'), run('a', 'a2')]).toEqual([true, true]);
    expect([run('a', 'a3'), run('a', 'a4'), run('a', 'a5'), run('b', 'b1')]).toEqual(Array(4).fill(false));
    expect(log).toEqual(['a1', 'a2']);
    vi.advanceTimersByTime(20);
    expect(log).toEqual(['a1', 'a2', 'a3', 'b1']);
    vi.advanceTimersByTime(20);
    expect(log).toEqual(['a1', 'a2', 'a3', 'b1', 'a4', 'a5']);
    vi.advanceTimersByTime(20);
    expect(run('c', 'c1')).toBe(true);
  });
});
