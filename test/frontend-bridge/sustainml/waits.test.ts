import { describe, expect, it } from 'vitest';
import { Waits } from '../../../frontend-bridge/sustainml/waits.js';
import type { Found, Refusal, StreamEvent, View, Workspace } from '../../../src/orchestrator/port.js';

const TASK = { problemId: 'p', iterationId: 1 };

/** An orchestrator of one iteration, which is read when `answer` is called. */
function waitsOn(start: View) {
  let iteration = start;
  let reads = 0;
  let tell: (events: readonly StreamEvent[]) => void = () => {};
  const coordinator = {
    queries: {
      iteration: async (): Promise<Found<View> | Refusal> => {
        reads += 1;
        return { cursor: reads, value: iteration };
      },
    },
    events: {
      onCommitted: (listener: typeof tell) => {
        tell = listener;
        return () => {
          tell = () => {};
        };
      },
    },
  } as unknown as Workspace;
  const waits = new Waits(coordinator);
  waits.start();
  return {
    waits,
    reads: () => reads,
    become(next: View, type = 'iteration.succeeded', iterationId = 1) {
      iteration = next;
      const json = JSON.stringify({ type, problem_id: 'p', iteration_id: iterationId });
      tell([{ seq: 1, problemId: 'p', project: 'default', json }]);
    },
  };
}

const ended = (view: View) => (view.state === 'succeeded' ? 'done' : undefined);

describe('waiting for an iteration', () => {
  it('is over at once where it has what is waited for', async () => {
    const { waits } = waitsOn({ state: 'succeeded' });
    expect(await waits.until(TASK, ended)).toBe('done');
  });

  it('is over with the change, which is read once for all who wait', async () => {
    const { waits, reads, become } = waitsOn({ state: 'running' });
    const all = Array.from({ length: 24 }, () => waits.until(TASK, ended));
    await new Promise((resolve) => setImmediate(resolve));
    const before = reads();
    become({ state: 'succeeded' });
    expect(await Promise.all(all)).toEqual(Array(24).fill('done'));
    expect(reads() - before).toBe(1);
  });

  it('misses no change while it reads', async () => {
    const { waits, become } = waitsOn({ state: 'running' });
    const wait = waits.until(TASK, ended);
    become({ state: 'succeeded' });
    expect(await wait).toBe('done');
  });

  it('is not disturbed by others, nor by what changes nothing', async () => {
    const { waits, reads, become } = waitsOn({ state: 'running' });
    const wait = waits.until(TASK, ended);
    await new Promise((resolve) => setImmediate(resolve));
    const before = reads();
    become({ state: 'running' }, 'execution.progress');
    become({ state: 'running' }, 'iteration.succeeded', 2);
    await new Promise((resolve) => setImmediate(resolve));
    expect(reads()).toBe(before);
    become({ state: 'succeeded' });
    await wait;
  });

  it('ends for one who goes away, and for all when the orchestrator ends', async () => {
    const { waits } = waitsOn({ state: 'running' });
    const gone = new AbortController();
    const left = expect(waits.until(TASK, ended, gone.signal)).rejects.toThrow('gone');
    const stayed = expect(waits.until(TASK, ended)).rejects.toMatchObject({ status: 503, code: 'stopping' });
    gone.abort(new Error('gone'));
    await left;
    waits.stop();
    await stayed;
    await expect(waits.until(TASK, ended)).rejects.toMatchObject({ code: 'stopping' });
  });
});
