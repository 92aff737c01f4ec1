import { expect, it } from 'vitest';
import { drawTop } from '../../src/cli/top/draw.js';
import type { Reading } from '../../src/cli/top/load.js';

function reading(atMs: number, cursor: number, succeeded: number): Reading {
  return {
    atMs,
    stats: {
      ...{ cursor, mailbox: 0, requests: 1, nodes: { alive: 2, unresponsive: 0, dead: 1 } },
      slots: { fit: { total: 4, used: 3 } },
      work: {
        unfinished: {
          g: { waiting: 1, running: 2, suspended: 0 },
          h: { waiting: 1, running: 0, suspended: 0 },
        },
        waiting_for_slot: { g: { plot: 2 }, h: { plot: 1, fit: 1 } },
        ended: { succeeded, failed: 1, cancelled: 0, aborted: 0 },
      },
    },
    nodes: [
      { module: 'fit', liveness: 'alive', load: { cpu: 0.5, memory_bytes: 2 ** 20 } },
      { module: 'fit', liveness: 'alive', load: null },
      { module: 'fit', liveness: 'dead', load: { cpu: 9, memory_bytes: 0 } },
    ],
    running: [{ problem_id: 'p', graph: 'g', title: 'evil\u001b[2J', created_at: new Date(0).toISOString() }],
  };
}

it('shows rates, modules that nobody plays first, and never more than the width', () => {
  const text = drawTop(reading(2_000, 30, 6), reading(0, 10, 2), 90, (ink, line) => `<${ink}>${line}`);
  expect(text).toContain('2 running, 2 waiting, 0 suspended; 6 succeeded, 1 failed since the start  2.0/s');
  expect(text).toContain('events  30  10.0/s');
  const rows = text.split('\n').filter((line) => /plot|fit/.test(line));
  expect(rows[0]).toMatch(/<red>plot +0 +0\/0 +░{12} +3 /);
  expect(rows[1]).toMatch(/<yellow>fit +2 +3\/4 +█{9}░{3} +1 +50 % +1 MiB/);
  expect(text).toContain('evil\\x1b[2J');
  const narrow = drawTop(reading(2_000, 30, 6), undefined, 20, (_ink, line) => line);
  expect(narrow.split('\n').every((line) => line.length <= 20)).toBe(true);
});
