import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Ranked } from '../../src/scheduling/rank.js';
import { SlotQueue } from '../../src/scheduling/slot-queue.js';

interface Guest extends Ranked {
  readonly name: string;
  queueSeq: number;
  waits: boolean;
}

const guest = (name: string, queueSeq: number, priority = 50): Guest => ({
  ...{ name, queueSeq, priority, queuedAt: 0, waits: true },
});

function wake(room: SlotQueue<Guest>, module: string, slots: number): string[] {
  const woken: string[] = [];
  room.wake(module, {
    slots: () => slots,
    stillWaits: ({ task }) => task.waits,
    wake: ({ task }) => {
      task.waits = false;
      woken.push(task.name);
    },
  });
  return woken;
}

const roomOf = (...guests: Guest[]): SlotQueue<Guest> => {
  const room = new SlotQueue<Guest>();
  for (const task of guests) room.add('m', 'm', { task, position: 0 });
  return room;
};

describe('the waiting room', () => {
  it('wakes as many as there are slots, best rank first', () => {
    const room = roomOf(guest('young', 3), guest('old', 1), guest('urgent', 9, 90));
    expect(wake(room, 'm', 2)).toEqual(['urgent', 'old']);
    expect(room.depth('m')).toBe(1);
    expect(wake(room, 'm', 5)).toEqual(['young']);
    expect(room.depth('m')).toBe(0);
  });

  it('wakes nobody for no slot, and nobody of another module', () => {
    const room = roomOf(guest('a', 1));
    expect(wake(room, 'm', 0)).toEqual([]);
    expect(wake(room, 'other', 9)).toEqual([]);
    expect(room.depth('m')).toBe(1);
  });

  it('passes over waiters that have given up, without using a slot', () => {
    const gone = guest('gone', 1);
    const room = roomOf(gone, guest('here', 2));
    gone.waits = false;
    expect(wake(room, 'm', 1)).toEqual(['here']);
  });

  it('wakes one that stands in the queue twice only once, and the next one for the other slot', () => {
    const twice = guest('twice', 1);
    expect(wake(roomOf(twice, twice, guest('next', 2)), 'm', 2)).toEqual(['twice', 'next']);
  });

  it('keeps its order when a rank changes, and goes by the entry with the new rank', () => {
    const preempted = guest('preempted', 1);
    const room = roomOf(preempted, guest('equal', 2));
    preempted.queueSeq = 3;
    room.add('m', 'm', { task: preempted, position: 0 });
    expect(wake(room, 'm', 1)).toEqual(['equal']);
    expect(wake(room, 'm', 1)).toEqual(['preempted']);
  });

  it('counts slots for each slot class of a module', () => {
    const room = new SlotQueue<Guest>();
    room.add('m', 'm', { task: guest('any', 1), position: 0 });
    room.add('m', 'm gpu', { task: guest('gpu', 2), position: 0 });
    room.add('m', 'm gpu', { task: guest('gpu too', 3), position: 0 });
    expect(wake(room, 'm', 1).sort()).toEqual(['any', 'gpu']);
  });

  it('wakes everybody in the order of their ranks, however they came and went', () => {
    const guests = fc.array(fc.record({ priority: fc.integer({ min: 0, max: 100 }), leaves: fc.boolean() }), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(guests, fc.integer({ min: 1, max: 5 }), (list, slots) => {
        const all = list.map(({ priority }, index) => guest(String(index), index, priority));
        const room = roomOf(...all);
        for (const [index, { leaves }] of list.entries()) if (leaves) all[index]!.waits = false;
        const staying = all.filter(({ waits }) => waits);
        const woken: string[] = [];
        for (let turn = 0; turn <= staying.length; turn += 1) woken.push(...wake(room, 'm', slots));
        const expected = staying.sort((a, b) => b.priority - a.priority || a.queueSeq - b.queueSeq);
        expect(woken).toEqual(expected.map(({ name }) => name));
      }),
    );
  });

  it('counts those who come before one, and all who wait, each once and without those who have stopped', () => {
    const [me, gone, twice] = [guest('me', 4), guest('gone', 1), guest('twice', 2)];
    const room = roomOf(me, gone, twice, twice, guest('late', 5), guest('urgent', 9, 90));
    gone.waits = false;
    const waits = ({ task }: { task: Guest }): boolean => task.waits;
    expect(room.ahead('m', 'm', me, waits)).toBe(2);
    expect(room.ahead('m', 'another class', me, waits)).toBe(0);
    expect(room.waiting('m', waits)).toBe(4);
    expect(room.waiting('other', waits)).toBe(0);
    // A new rank counts, and the entry with the old one does not.
    twice.queueSeq = 8;
    room.add('m', 'm', { task: twice, position: 0 });
    expect(room.ahead('m', 'm', me, waits)).toBe(1);
    expect(room.waiting('m', waits)).toBe(4);
  });
});
