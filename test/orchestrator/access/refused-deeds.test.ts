import { describe, expect, it } from 'vitest';
import type { AuditNote, RefusedDeed } from '../../../src/model/audit.js';
import { RefusedDeeds } from '../../../src/orchestrator/access/refused-deeds.js';

type Written = Extract<AuditNote, { result: 'refused' }>;

const DAY_MS = 24 * 3_600_000;
const denied: RefusedDeed = {
  ...{ address: '10.0.0.9', action: 'read', operation: 'GET /v1/problems' },
  ...{ code: 'unauthorized', message: 'A token is needed.' },
};

/** An audit that can be full for a while. */
function setUp() {
  const entries = new Map<number, Written>();
  const audit = { nowMs: 0, isFull: false, commits: 0 };
  const deeds = new RefusedDeeds({
    nowMs: () => audit.nowMs,
    commit: async (note) => {
      audit.commits += 1;
      if (audit.isFull) return undefined;
      const refused = note as Written;
      const id = refused.entry?.id ?? entries.size + 1;
      entries.set(id, refused);
      return { id, at: refused.entry?.at ?? audit.nowMs };
    },
  });
  return { audit, deeds, entries };
}

describe('refusals in the audit', () => {
  it('share an entry where address, person, action and code are the same, which is written first at once and then when asked', async () => {
    const { audit, deeds, entries } = setUp();
    for (let n = 0; n < 1_000; n += 1) deeds.note(denied);
    deeds.note({ ...denied, operation: 'GET /v1/nodes' });
    await deeds.flush();
    expect([...entries.values()]).toEqual([
      { ...denied, result: 'refused', times: 1_001, entry: { id: 1, at: 0 } },
    ]);
    expect(audit.commits).toBe(2);
    await deeds.flush();
    expect(audit.commits).toBe(2);
    for (const other of [{ address: '::1' }, { by: 'ada' }, { action: 'submit' }, { code: 'author_needed' }])
      deeds.note({ ...denied, ...other }, 3);
    await deeds.flush();
    expect([...entries.values()].map(({ times }) => times)).toEqual([1_001, 3, 3, 3, 3]);
  });

  it('are at most a thousand entries a day and a few, however many addresses there are, and all are counted', async () => {
    const { audit, deeds, entries } = setUp();
    for (let n = 0; n < 5_000; n += 1) deeds.note({ ...denied, address: `2001:db8::${n}` });
    deeds.note({ ...denied, action: 'join', address: 'other' });
    await deeds.flush();
    const all = [...entries.values()];
    expect(all).toHaveLength(1_002);
    expect(all.reduce((sum, { times }) => sum + times, 0)).toBe(5_001);
    expect(
      all.filter(({ address }) => address === undefined).map(({ action, times }) => [action, times]),
    ).toEqual([
      ['read', 4_000],
      ['join', 1],
    ]);
    audit.nowMs = DAY_MS;
    deeds.note(denied);
    await deeds.flush();
    expect([...entries.values()].at(-1)).toMatchObject({ address: '10.0.0.9', times: 1 });
  });

  it('are written once there is room again, and no text of theirs is long', async () => {
    const { audit, deeds, entries } = setUp();
    audit.isFull = true;
    for (let n = 0; n < 3; n += 1)
      deeds.note({ ...denied, message: 'm'.repeat(9_999), operation: 'o'.repeat(9_999) });
    await deeds.flush();
    expect(entries.size).toBe(0);
    audit.isFull = false;
    await deeds.flush();
    const [{ message, operation, times } = denied as Written] = entries.values();
    expect([message.length, operation.length, times]).toEqual([300, 200, 3]);
  });
});
