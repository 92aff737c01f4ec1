import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FirstNode } from '../../../frontend-bridge/sustainml/first-node.js';

const never = new AbortController().signal;

describe('the order of results', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** Whether the other node's result may go out by now. */
  function turnOf(first: FirstNode, task = 'p/1', signal: AbortSignal = never) {
    const turn = { isOver: false };
    first.turn(task, signal).then(
      () => {
        turn.isOver = true;
      },
      () => {},
    );
    return turn;
  }

  it('holds the others until APP_REQUIREMENTS has gone out, and a moment more', async () => {
    const first = new FirstNode();
    const over = first.asked('p/1');
    const turn = turnOf(first);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(turn.isOver).toBe(false);
    over(true);
    await vi.advanceTimersByTimeAsync(29);
    expect(turn.isOver).toBe(false);
    await vi.advanceTimersByTimeAsync(2);
    expect(turn.isOver).toBe(true);
  });

  it('holds nothing for a task for which it has gone out already', async () => {
    const first = new FirstNode();
    first.asked('p/1')(true);
    await vi.advanceTimersByTimeAsync(31);
    const turn = turnOf(first);
    await vi.advanceTimersByTimeAsync(0);
    expect(turn.isOver).toBe(true);
    expect(turnOf(first, 'p/2').isOver).toBe(false);
  });

  it('waits a quarter of a second where nobody asks for it', async () => {
    const turn = turnOf(new FirstNode());
    await vi.advanceTimersByTimeAsync(240);
    expect(turn.isOver).toBe(false);
    await vi.advanceTimersByTimeAsync(20);
    expect(turn.isOver).toBe(true);
  });

  it('waits for one who asks later than the others', async () => {
    const first = new FirstNode();
    const turn = turnOf(first);
    await vi.advanceTimersByTimeAsync(100);
    const over = first.asked('p/1');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(turn.isOver).toBe(false);
    over(true);
    await vi.advanceTimersByTimeAsync(31);
    expect(turn.isOver).toBe(true);
  });

  it('does not wait for one who has gone away', async () => {
    const first = new FirstNode();
    const over = first.asked('p/1');
    const turn = turnOf(first);
    await vi.advanceTimersByTimeAsync(1_000);
    over(false);
    await vi.advanceTimersByTimeAsync(0);
    expect(turn.isOver).toBe(true);
  });

  it('lets go of one who goes away while it is held', async () => {
    const gone = new AbortController();
    const first = new FirstNode();
    first.asked('p/1');
    const held = first.turn('p/1', gone.signal);
    const failure = expect(held).rejects.toThrow('gone');
    gone.abort(new Error('gone'));
    await failure;
  });
});
