import { describe, expect, it } from 'vitest';
import type { Step } from '../../../src/orchestrator/core/turn.js';
import { Doors } from '../../../src/orchestrator/incoming/doors.js';

const step = (id: number): Step => ({ kind: 'inspect nodes', id, nodeId: undefined, bound: '*' });

describe('what comes from the sockets', () => {
  it('waits with its senders until the doors are open, and is passed on in order', async () => {
    const posted: unknown[] = [];
    const doors = new Doors((each, cost) => {
      posted.push([each, cost]);
      return undefined;
    });
    let isReleased = false;
    const sender = doors.post(step(1), 10)?.then(() => {
      isReleased = true;
    });
    void doors.post(step(2), 20);
    await Promise.resolve();
    expect([posted, isReleased]).toEqual([[], false]);
    await doors.open();
    await sender;
    expect(doors.post(step(3), 30)).toBeUndefined();
    expect(posted).toEqual([
      [step(1), 10],
      [step(2), 20],
      [step(3), 30],
    ]);
    expect(isReleased).toBe(true);
  });

  it('waits as long as the mailbox is full once they are open', async () => {
    const room = Promise.resolve();
    const doors = new Doors(() => room);
    await doors.open();
    expect(doors.post(step(1), 10)).toBe(room);
  });
});
