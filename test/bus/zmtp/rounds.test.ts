import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Rounds } from '../../../src/bus/zmtp/rounds.js';

/** Rounds over numbers; each item takes so long. */
function roundsOver(items: Set<number>, workMs = 0) {
  const log: (number | string)[] = [];
  let ended: (() => void) | undefined;
  const rounds = new Rounds<number>({
    items: () => items.values(),
    work: (item) => {
      log.push(item);
      for (const end = performance.now() + workMs; performance.now() < end; );
    },
    onBegin: () => log.push('begin'),
    onEnd: () => {
      log.push('end');
      ended?.();
    },
  });
  const end = (): Promise<void> =>
    new Promise((resolve) => {
      ended = resolve;
    });
  return { rounds, log, end };
}

describe('rounds', () => {
  it('begin after the turn, once however often they are asked for, and do what is little at once', async () => {
    const { rounds, log } = roundsOver(new Set([1, 2, 3]));
    rounds.ask();
    rounds.ask();
    expect(log).toEqual([]);
    await nextTurn();
    expect(log).toEqual(['begin', 1, 2, 3, 'end']);
    await nextTurn();
    expect(log.length).toBe(5);
  });

  it('rest between the parts of much work, so that others have their turn', async () => {
    const { rounds, log, end } = roundsOver(new Set(Array.from({ length: 10 }, (_, n) => n)), 1);
    let turns = 0;
    const other = setInterval(() => {
      turns += 1;
    }, 1);
    const whole = end();
    rounds.ask();
    await whole;
    clearInterval(other);
    expect(log).toEqual(['begin', 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 'end']);
    expect(turns).toBeGreaterThan(10);
  });

  it('follow one that is under way, and take in what comes during it', async () => {
    const items = new Set([1, 2]);
    const { rounds, log, end } = roundsOver(items, 1);
    const first = end();
    rounds.ask();
    await nextTurn();
    expect(log).toEqual(['begin', 1]);
    items.add(3);
    items.delete(2);
    rounds.ask();
    await first;
    await end();
    expect(log).toEqual(['begin', 1, 3, 'end', 'begin', 1, 3, 'end']);
  });

  it('stop where they are', async () => {
    const { rounds, log } = roundsOver(new Set([1, 2]), 1);
    rounds.ask();
    rounds.stop();
    await nextTurn();
    rounds.ask();
    await nextTurn();
    rounds.stop();
    await nextTurn();
    expect(log).toEqual(['begin', 1]);
  });
});
